"""A neighbouring slice that is missing or tells nothing, as every output shows it."""

import csv
import json
from functools import partial

import numpy as np
import pydicom
import pytest

from lss_cli.grading.grade import grade_study, make_input
from lss_cli.grading.result import MISSING_NEIGHBOUR
from lss_cli.model.session import load_model
from lss_cli.points.table import read_points
from lss_cli.study.study import read_study
from tests.output.conftest import items


def remove(path):
    path.unlink()


def truncate(path):
    path.write_bytes(path.read_bytes()[:-5000])


def blacken(path):
    ds = pydicom.dcmread(path)
    ds.PixelData = bytes(len(ds.PixelData))
    ds.save_as(path)


def double(path):
    ds = pydicom.dcmread(path)
    ds.PixelData = ds.PixelData[::-1]
    ds.save_as(path.with_name("again.dcm"))


DAMAGES = {
    remove: "the stack ends here, or a slice of it is missing",
    truncate: "truncated or damaged",
    blacken: "shows nothing of its own",
    double: "2 slices with other pixels",
}


def neighbour_file(slices, index, step):
    return slices[index + step].path


@pytest.fixture
def first(study, coords):
    """The first point that has both neighbours, and the file of a slice some steps beside it."""
    points, _ = read_points(coords, (study.name,))
    opened = read_study(study)
    for point in points:
        located = opened.around(point, 1)
        if not located.slices.missing:
            own = located.slice_in_stack
            return point, partial(neighbour_file, own.stack.slices, own.index)
    raise AssertionError("no point has two neighbours")


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("step", [-1, 1])
def test_the_own_slice_stands_in_and_the_grade_is_marked(
    study, coords, tiny_model, first, damage, step
):
    point, neighbour = first
    model = load_model(tiny_model)
    whole = make_input(read_study(study).around(point, 1), model).image
    damage(neighbour(step))
    opened = read_study(study)
    image = make_input(opened.around(point, 1), model).image
    np.testing.assert_array_equal(image[..., 1], whole[..., 1])
    np.testing.assert_array_equal(image[..., 1 - step], whole[..., 1 - step])
    np.testing.assert_array_equal(image[..., 1 + step], whole[..., 1])
    (level,) = grade_study(opened, [point], [], model, check=False).levels
    (warning,) = level.warnings
    assert warning.startswith(MISSING_NEIGHBOUR) and DAMAGES[damage] in warning
    assert ("head" if step < 0 else "feet") in warning
    assert MISSING_NEIGHBOUR in level.caution


def test_every_output_says_it(lss, study, coords, tiny_model, first, tmp_path):
    _, neighbour = first
    blacken(neighbour(1))
    names = {name: tmp_path / f"out.{name}" for name in ("csv", "json", "html", "dcm")}
    options = [
        *("--csv", names["csv"], "--json", names["json"]),
        *("--html", names["html"], "--dicom-sr", names["dcm"]),
    ]
    code, printed, _ = lss("predict", study, "--coords", coords, "--model", tiny_model, *options)
    assert code == 0
    assert MISSING_NEIGHBOUR in " ".join(printed.split())
    for name in ("csv", "json", "html"):
        assert MISSING_NEIGHBOUR in names[name].read_text()
    levels = json.loads(names["json"].read_text())["levels"]
    marked = [MISSING_NEIGHBOUR in str(level["warnings"]) for level in levels]
    groups = list(items(pydicom.dcmread(names["dcm"]), "Measurement Group"))
    comments = [[item.TextValue for item in items(group, "Comment")] for group in groups]
    assert [MISSING_NEIGHBOUR in str(texts) for texts in comments] == marked
    code, _, _ = lss(
        *("report", study, "--coords", coords, "--model", tiny_model),
        *("--out", tmp_path / "report.csv", "--workers", 1),
    )
    assert code == 0
    with (tmp_path / "report.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [MISSING_NEIGHBOUR in row["reason"] for row in rows] == marked
    assert any(marked)


def test_a_damaged_slice_of_the_point_itself_is_not_graded(study, tiny_model, first):
    point, neighbour = first
    truncate(neighbour(0))
    (level,) = grade_study(read_study(study), [point], [], load_model(tiny_model)).levels
    assert level.status == "not graded"
    assert "truncated or damaged" in level.reason


def test_the_ends_of_a_stack_are_pointed_out(study, coords, tiny_model):
    opened, model = read_study(study), load_model(tiny_model)
    points, _ = read_points(coords, (study.name,))
    for level in grade_study(opened, points, [], model, check=False).levels:
        place = opened.locate(level.point.series_id, level.point.instance_number)
        ends = (place.index == 0) + (place.index == len(place.stack.slices) - 1)
        assert len(level.warnings) == ends
