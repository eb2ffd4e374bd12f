from collections.abc import Sequence
from dataclasses import replace

import pytest

from lss_cli.anatomy import Condition, Level
from lss_cli.errors import PointsError
from lss_cli.grading.derived import NOT_BESIDE
from lss_cli.grading.grade import grade_study, study_names
from lss_cli.grading.result import PROPOSED, LevelGrade
from lss_cli.model.find import find_models
from lss_cli.model.models import Models
from lss_cli.points.point import BadPoint, Point, PointSource
from lss_cli.points.table import read_points
from lss_cli.study.geometry import HEAD
from lss_cli.study.study import read_study
from tests.models import write_tiny_model

LEFT, RIGHT = Condition.LEFT_SUBARTICULAR, Condition.RIGHT_SUBARTICULAR
CANAL = Condition.SPINAL_CANAL


class Counted:
    """Discs as counted, and no recess that is sure."""

    def __init__(self, discs):
        self.discs = discs

    def recesses(self, views):
        return [None] * len(views)


@pytest.fixture(scope="module")
def models(canal_folder):
    return Models.load(find_models("default", canal_folder))


@pytest.fixture(scope="module")
def opened(phantoms):
    return read_study(next((phantoms / "train_images").iterdir()))


@pytest.fixture(scope="module")
def given(phantoms, opened):
    table = phantoms / "train_label_coordinates.csv"
    return read_points(table, study_names(opened))[0]


def at(points: Sequence[Point], condition: Condition, level: Level = Level.L4_L5) -> Point:
    return next(point for point in points if (point.condition, point.level) == (condition, level))


def change(points: Sequence[Point], old: Point, **changes) -> list[Point]:
    return [replace(point, **changes) if point == old else point for point in points]


def canal_rows(result) -> dict[Level | str, LevelGrade]:
    return {row.level: row for row in result.levels if row.condition is CANAL}


def canal_row(result) -> LevelGrade:
    return canal_rows(result)[Level.L4_L5]


def test_all_three_are_graded_each_by_its_own_model(opened, given, models, canal_folder):
    result = grade_study(opened, given, [], models)
    assert [row.condition for row in result.levels] == 5 * [LEFT] + 5 * [RIGHT] + 5 * [CANAL]
    assert result.complete
    sides = grade_study(opened, given, [], Models.load([canal_folder / "default.onnx"]))
    canal = grade_study(opened, given, [], Models.load([canal_folder / "canal.onnx"]))
    assert result.levels == (*sides.levels, *canal.levels)
    names = [[card.name for card in result.models_of(row.condition)] for row in result.levels]
    assert names == 10 * [["tiny"]] + 5 * [["tiny canal"]]


def test_the_canals_point_is_the_middle_in_the_lefts_slice(opened, given, models):
    result = grade_study(opened, given, [], models)
    left, right = at(given, LEFT), at(given, RIGHT)
    point = canal_row(result).point
    assert point.source is PointSource.DERIVED
    assert (point.x, point.y) == pytest.approx(
        ((left.x + right.x) / 2, (left.y + right.y) / 2), abs=0.01
    )
    assert (point.series_id, point.instance_number) == (left.series_id, left.instance_number)
    (note,) = [text for text in result.notes if "spinal canal" in text]
    assert "different slices" not in note


def test_it_is_said_where_left_and_right_lie_in_different_slices(opened, given, models):
    right = at(given, RIGHT)
    moved = change(given, right, instance_number=right.instance_number + 1)
    result = grade_study(opened, moved, [], models)
    point, left = canal_row(result).point, at(given, LEFT)
    assert point.instance_number == left.instance_number
    # The slices are parallel: what is across and behind is the same in both.
    assert point.x == pytest.approx((left.x + right.x) / 2, abs=0.01)
    assert any("at L4/L5 these lie in different slices" in note for note in result.notes)
    assert canal_row(result).probabilities


def test_a_point_in_an_axial_slice_is_used_as_it_is(opened, given, models):
    own = replace(at(given, LEFT), condition=CANAL, x=80.0, y=81.0)
    result = grade_study(opened, [*given, own], [], models)
    assert canal_row(result).point == own
    assert canal_row(result).point.source is PointSource.GIVEN
    assert len(canal_rows(result)) == 5


def test_a_point_that_cannot_be_read_is_not_replaced(opened, given, models):
    bad = BadPoint("", CANAL, Level.L4_L5, "column x: 'l' is not a number.")
    result = grade_study(opened, given, [bad], models)
    assert canal_row(result).reason == bad.reason


def test_one_side_alone_asks_for_no_canal(opened, given, models):
    lefts = [point for point in given if point.condition is LEFT]
    result = grade_study(opened, lefts, [], models)
    assert not canal_rows(result)
    assert result.complete
    with pytest.raises(PointsError, match="no point to grade"):
        grade_study(opened, [], [BadPoint("", LEFT, Level.L1_L2, "?")], models, [CANAL])
    asked = canal_rows(grade_study(opened, lefts, [], models, [CANAL]))
    assert {row.reason for row in asked.values()} == {
        "the right side has no point, so the middle is not known."
    }


def test_a_level_with_one_side_says_so_among_others(opened, given, models):
    short = [point for point in given if point != at(given, RIGHT)]
    result = grade_study(opened, short, [], models)
    rows = canal_rows(result)
    assert [row.status for row in rows.values()].count("graded") == 4
    assert canal_row(result).reason.startswith("the right side has no point")


@pytest.mark.parametrize("conditions", [(), (CANAL,)])
def test_what_speaks_against_a_side_speaks_against_the_canal(opened, given, models, conditions):
    left = at(given, LEFT)
    slice_ = opened.locate(left.series_id, left.instance_number).slice
    place = slice_.geometry.to_patient((left.x, left.y))
    landmarks = Counted({Level.L4_L5: place + 40 * HEAD, Level.L5_S1: place})
    result = grade_study(opened, given, [], models, conditions, landmarks=landmarks)
    canal = canal_rows(result)
    (text,) = canal[Level.L4_L5].warnings
    assert text.startswith("the point of L4/L5 lies in what is L5/S1 as counted")
    assert canal[Level.L2_L3].warnings == ()


@pytest.mark.parametrize("conditions", [(), (CANAL,)])
def test_a_side_that_is_refused_gives_no_canal(opened, given, models, conditions):
    """Outside of the body on the left, with all else as it should be."""
    left, right = at(given, LEFT), at(given, RIGHT)
    lefts = change(given, left, x=left.x + 3, y=2.0)
    far = change(lefts, right, x=right.x - 3, y=2.0)
    result = grade_study(opened, far, [], models, conditions)
    assert canal_row(result).reason.startswith("the left side cannot be used: the point is in no")
    assert not canal_row(result).probabilities


def test_a_model_of_the_canal_alone_looks_at_the_sides_as_well(opened, given, canal_folder):
    alone = Models.load([canal_folder / "canal.onnx"])
    left, right = at(given, LEFT), at(given, RIGHT)
    assert canal_row(grade_study(opened, given, [], alone)).warnings == ()
    swapped = change(change(given, left, x=right.x, y=right.y), right, x=left.x, y=left.y)
    (text,) = canal_row(grade_study(opened, swapped, [], alone)).warnings
    assert text.startswith("left and right of L4/L5 are exchanged")


def test_points_of_two_levels_have_no_middle(opened, given, models):
    right, other = at(given, RIGHT), at(given, RIGHT, Level.L2_L3)
    wrong = change(given, right, instance_number=other.instance_number, series_id=other.series_id)
    assert canal_row(grade_study(opened, wrong, [], models)).reason == NOT_BESIDE


def test_of_proposed_sides_nobody_has_looked_at_the_middle(opened, given, models):
    proposed = [replace(point, source=PointSource.PROPOSED) for point in given]
    result = grade_study(opened, proposed, [], models, [CANAL])
    assert canal_row(result).point.source is PointSource.PROPOSED
    assert PROPOSED in result.cautions


def test_a_model_of_the_canal_on_sagittal_slices_derives_nothing(opened, given, tmp_path):
    sides = write_tiny_model(tmp_path / "sides.onnx")
    canal = write_tiny_model(tmp_path / "canal.onnx", conditions={CANAL: "as is"})
    assert not canal_rows(grade_study(opened, given, [], Models.load([sides, canal])))


def test_the_first_model_that_may_grades(tmp_path, canal_folder):
    every = write_tiny_model(
        tmp_path / "every.onnx", conditions=dict.fromkeys((LEFT, RIGHT, CANAL), "as is")
    )
    models = Models.load([canal_folder / "canal.onnx", every])
    assert models.by_condition[CANAL].path.name == "canal.onnx"
    assert [card.conditions for card in models.cards] == [(CANAL,), (LEFT, RIGHT)]
