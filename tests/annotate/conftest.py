from pathlib import Path

import pytest

from lss_cli.anatomy import Condition
from lss_cli.annotate.browser import serve_page
from lss_cli.annotate.session import AnnotationSession
from lss_cli.annotate.view import StudyView
from lss_cli.phantom.dataset import write_phantoms
from lss_cli.study.study import read_study
from tests.dicom import SAGITTAL, axial_stack, image, save

# When the first slice stood on the canvas, in ms since the page was asked for.
FIRST = """
new MutationObserver((_, watch) => {
  if (!document.querySelector("#axial[data-slice]")) return;
  window.firstSlice = performance.now();
  watch.disconnect();
}).observe(document, { attributes: true, childList: true, subtree: true });
"""

SIDES = (Condition.LEFT_SUBARTICULAR, Condition.RIGHT_SUBARTICULAR)


@pytest.fixture(scope="session")
def scanned(tmp_path_factory) -> Path:
    """An RSNA folder of one phantom with tilted stacks and a sagittal series; read only."""
    folder = tmp_path_factory.mktemp("scanned") / "rsna"
    write_phantoms(folder, 1, seed=3, matrix=160, slices=3)
    return folder


@pytest.fixture
def two_series(tmp_path):
    """An axial series of six slices and a sagittal one of three."""
    side = [
        image((x, 0, 0), SAGITTAL, series="1.2.3.5", number=number, description="SAG T2")
        for number, x in enumerate((-4, 0, 4), start=1)
    ]
    folder = save(axial_stack((10, 6, 2, -2, -6, -10)), tmp_path / "study" / "4")
    save(side, tmp_path / "study" / "5")
    return read_study(folder.parent)


@pytest.fixture
def session(two_series) -> AnnotationSession:
    """A session whose grading fails, for those that do not get there."""
    return AnnotationSession(StudyView.of(two_series), SIDES, grade=lambda annotations: 1 / 0)


@pytest.fixture
def served(session):
    """The session's link and port, as long as the test runs."""
    with serve_page(session) as where:
        yield where


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1400, "height": 800})
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text))
    page.add_init_script(FIRST)
    yield page
    context.close()
    assert errors == []
