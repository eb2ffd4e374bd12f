"""The public face."""

import sys

import pytest

import lss_cli
from lss_cli.anatomy import Level
from lss_cli.errors import PointsError, StudyError
from lss_cli.points.point import Point
from tests.locate.studies import write_locators
from tests.processes import imported_modules


def rows(result):
    return [(row.condition, row.level, row.probabilities, row.reason) for row in result.levels]


def test_importing_the_package_imports_nothing_heavy():
    modules = imported_modules("import lss_cli")
    assert not {m for m in modules - set(sys.stdlib_module_names) if not m.startswith("_")} - {
        "lss_cli"
    }


def test_every_name_of_the_face_is_there_and_no_other():
    for name in lss_cli.__all__:
        assert callable(getattr(lss_cli, name))
    with pytest.raises(AttributeError, match="no attribute 'grades'"):
        lss_cli.grades  # noqa: B018


def test_files_and_what_was_read_from_them_are_graded_alike(study, coords, tiny_model):
    read = lss_cli.read_study(study)
    points, bad_points = lss_cli.read_points(coords, read)
    model = lss_cli.load_model(tiny_model)
    step_by_step = lss_cli.grade(read, [*points, *bad_points], model)
    assert rows(lss_cli.grade(str(study), str(coords), tiny_model)) == rows(step_by_step)
    assert step_by_step.complete


def test_points_are_held_against_what_the_networks_find(
    coded_study, coded_phantom, tiny_model, tmp_path, monkeypatch
):
    monkeypatch.setattr("lss_cli.api.models_folder", lambda: write_locators(tmp_path / "models"))
    click = next(
        click
        for click in coded_phantom.points
        if click.level is Level.L3_L4 and click.condition.side
    )
    called = click.condition, Level.L4_L5
    point = Point("", str(click.series_id), click.instance_number, *called, click.x, click.y)
    (row,) = lss_cli.grade(coded_study, [point], tiny_model).levels
    assert any("is L3/L4 as counted" in text for text in row.warnings)


def test_a_row_that_cannot_be_used_is_listed(study, coords, tiny_model):
    lines = coords.read_text().splitlines()
    coords.write_text("\n".join([*lines[:-1], lines[-1].rpartition(",")[0] + ",far"]))
    result = lss_cli.grade(study, coords, tiny_model)
    assert [row.status for row in result.levels].count("not graded") == 1


def test_what_cannot_be_used_as_a_whole_is_an_error(study, coords, tiny_model, tmp_path):
    with pytest.raises(StudyError, match="no such folder"):
        lss_cli.grade(tmp_path / "absent", coords, tiny_model)
    with pytest.raises(PointsError, match="no row of study"):
        coords.write_text(coords.read_text().replace(study.name, "1"))
        lss_cli.read_points(coords, lss_cli.read_study(study))
