"""The canal on the page: graded at points that nobody sets."""

import pytest

from lss_cli.annotate.actions import StudyActions
from lss_cli.annotate.annotations import Annotations
from lss_cli.annotate.browser import serve_page
from lss_cli.annotate.session import AnnotationSession
from lss_cli.annotate.view import StudyView
from lss_cli.grading.grade import study_names
from lss_cli.model.find import find_models
from lss_cli.model.models import Models
from lss_cli.points.table import read_points
from lss_cli.study.study import read_study
from tests.annotate.browsing import come_in
from tests.annotate.conftest import SIDES


@pytest.fixture
def both_set(phantoms, canal_folder):
    """A session in which all points of both sides are set."""
    study = read_study(next((phantoms / "train_images").iterdir()))
    points, _ = read_points(phantoms / "train_label_coordinates.csv", study_names(study))
    actions = StudyActions(study, Models.load(find_models("default", canal_folder)), ())
    return AnnotationSession(
        StudyView.of(study),
        SIDES,
        actions.grade,
        actions.draw_evidence,
        given=Annotations.of_table(points, []),
        render=actions.render,
    )


def test_the_canal_stands_beside_either_side(page, both_set):
    with serve_page(both_set) as (link, _):
        come_in(page, link)
        assert page.locator("#sides label").count() == 2
        page.click("#grade")
        page.wait_for_selector(".verdict .place")
        for side in (0, 1):
            page.locator("#sides label").nth(side).click()
            assert page.locator(".verdict .place").all_text_contents() == 5 * ["Canal"]
            assert page.locator("#levels .verdict").count() == 10
        with page.expect_response("**/evidence/**") as answer:
            page.get_by_label("Evidence for L4/L5 canal").click()
        assert answer.value.headers["content-type"] == "image/png"
        assert page.locator("#evidence h2").text_content().startswith("L4/L5 canal")
        page.keyboard.press("Escape")
        page.click("#finish")
        page.wait_for_selector(".done")
        result = page.frame_locator("iframe").locator("h2").all_text_contents()
        assert "Spinal Canal Stenosis" in result
