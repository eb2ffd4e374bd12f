import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lss_cli.dataset.options import PrepareOptions
from lss_cli.dataset.prepare import prepare
from lss_cli.model.spec import InputSpec
from tests.dataset.handmade import LEFT, RIGHT, image_table

SPEC = InputSpec(size=(16, 16), field_mm=(24, 24))
ALWAYS = ["conditions", "levels", "severities", "severity-by-level", "axial-series", "places"]
SHEETS = [
    f"examples-left-subarticular-stenosis-{grade}"
    for grade in ("normal-mild", "moderate", "severe")
]


def drawn(folder: Path, suffix: str) -> set[str]:
    return {path.stem for path in (folder / "figures").glob(f"*{suffix}")}


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("figures")
    source = image_table(folder / "in", studies=9, sides=(LEFT, RIGHT))
    options = PrepareOptions(spec=SPEC, mirror=True, balance="equal", proportions=(70, 15, 15))
    prepare(source, folder / "out", options, figures=True)
    return folder / "out"


def test_every_figure_is_there_as_png_and_svg(out):
    assert drawn(out, ".png") == drawn(out, ".svg") == {*ALWAYS, *SHEETS}
    for path in (out / "figures").glob("*.png"):
        with Image.open(path) as image:
            assert min(image.size) > 300
            assert np.asarray(image.convert("L")).std() > 5


def test_the_page_shows_them_with_their_counts(out):
    page = (out / "figures" / "index.html").read_text()
    for target in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert (out / "figures" / target).is_file()
    assert set(re.findall(r'src="([^"]+)\.png"', page)) == {*ALWAYS, *SHEETS}
    assert '<th scope="row">left_subarticular_stenosis</th><td>45</td><td>50.0 %</td>' in page
    assert "<script" not in page
    assert "http" not in page


def test_equal_data_give_equal_figures(out, tmp_path):
    options = PrepareOptions(spec=SPEC, mirror=True, balance="equal", proportions=(70, 15, 15))
    prepare(out.parent / "in" / "table.csv", tmp_path / "again", options, figures=True)
    for path in (out / "figures").iterdir():
        assert (tmp_path / "again" / "figures" / path.name).read_bytes() == path.read_bytes()


def test_tables_alone_have_figures_without_examples(out, tmp_path):
    source = out.parent / "in" / "table.csv"
    prepare(source, tmp_path, PrepareOptions(tables_only=True), figures=True)
    assert drawn(tmp_path, ".svg") == set(ALWAYS)
    prepare(source, tmp_path, PrepareOptions(tables_only=True))
    assert not drawn(tmp_path, "")


def test_few_rows_can_be_drawn(tmp_path):
    source = image_table(tmp_path / "in", studies=1)
    options = PrepareOptions(spec=SPEC, proportions=(1, 0, 0))
    prepare(source, tmp_path / "out", options, figures=True)
    assert drawn(tmp_path / "out", ".svg") == {*ALWAYS, *SHEETS}


def test_without_matplotlib_the_rest_is_prepared(out, tmp_path, lss):
    source = out.parent / "in" / "table.csv"
    bare = {"is_installed": lambda package: False}
    code, _, err = lss("prepare", source, "--out", tmp_path / "a", "--tables-only", **bare)
    assert code == 0
    assert "matplotlib" in err
    command = ("prepare", source, "--out", tmp_path / "b", "--tables-only", "--figures")
    code, _, err = lss(*command, **bare)
    assert code == 3
    assert "[train]" in err
    assert not (tmp_path / "b").exists()
