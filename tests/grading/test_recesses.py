"""Points held against the recesses that a network finds in their slices."""

from dataclasses import replace

import pytest

from lss_cli.anatomy import Condition, Level
from lss_cli.grading.grade import grade_study
from lss_cli.grading.recesses import check_recesses
from lss_cli.locate.landmarks import Landmarks
from lss_cli.locate.locate import Locators
from lss_cli.model.session import load_model
from lss_cli.points.point import Point
from lss_cli.study.geometry import LEFT as TO_THE_LEFT
from tests.locate.studies import write_locators

LEFT, RIGHT = Condition.LEFT_SUBARTICULAR, Condition.RIGHT_SUBARTICULAR


@pytest.fixture(scope="module")
def points(coded_phantom):
    """The phantom's own points, by condition and level."""
    return {
        (click.condition, click.level): Point(
            "",
            str(click.series_id),
            click.instance_number,
            click.condition,
            click.level,
            click.x,
            click.y,
        )
        for click in coded_phantom.points
        if click.condition.side
    }


@pytest.fixture
def grade(coded_study, landmarks, tiny_model):
    """The rows, and those of their warnings that say where a recess was located."""

    def run(points, landmarks=landmarks):
        model = load_model(tiny_model)
        result = grade_study(coded_study, list(points), (), model, landmarks=landmarks)
        rows = {(row.condition, row.level): row for row in result.levels}
        texts = {
            key: [text for text in result.warnings_of(row) if "as located" in text]
            for key, row in rows.items()
        }
        return rows, {key: found for key, found in texts.items() if found}

    return run


def move(study, point, millimetres):
    """A point so much further to the patient's left."""
    geometry = study.locate(point.series_id, point.instance_number).slice.geometry
    there = geometry.to_patient((point.x, point.y)) + millimetres * TO_THE_LEFT
    x, y = geometry.to_pixel(there)
    return replace(point, x=x, y=y)


def test_points_in_their_recesses_are_not_accused(grade, points):
    assert grade(points.values())[1] == {}


@pytest.mark.parametrize("alone", [False, True])
def test_a_point_far_from_its_recess_is_noticed_and_graded_all_the_same(
    grade, coded_study, points, alone
):
    key = LEFT, Level.L3_L4
    own = {key: points[key]} if alone else points
    moved = own | {key: move(coded_study, points[key], 10)}
    rows, found = grade(moved.values())
    ((place, (text,)),) = found.items()
    assert place == key
    assert text.startswith(("the point lies 10 mm", "the point lies 9 mm", "the point lies 11 mm"))
    assert text.endswith("from the left recess as located in the image; is it in the recess?")
    unheld, none = grade(moved.values(), landmarks=None)
    assert none == {}
    assert rows[key].probabilities == unheld[key].probabilities


def test_a_point_on_the_other_side_is_noticed_beside_the_other_point(grade, coded_study, points):
    """As far from it as left and right may lie apart, and beyond the midline all the same."""
    key = LEFT, Level.L2_L3
    crossed = replace(move(coded_study, points[RIGHT, Level.L2_L3], 6), condition=LEFT)
    ((place, (text,)),) = grade((points | {key: crossed}).values())[1].items()
    assert place == key
    assert text == (
        "the point lies on the other side of the midline than left, as located in the image; in "
        "the usual view the patient's left is on the right of the picture."
    )


def test_a_whole_side_in_the_recesses_of_the_other_is_said_once(coded_study, landmarks, points):
    crossed = [replace(point, condition=LEFT) for key, point in points.items() if key[0] is RIGHT]
    located = [coded_study.around(point, 0) for point in crossed]
    (finding,) = check_recesses(located, landmarks)
    assert finding.text.startswith("all points of the left lie on the other side")
    assert len(finding.points) == len(Level)
    known = {id(place) for place in located[1:]}
    (finding,) = check_recesses(located, landmarks, known)
    assert finding.points == (located[0],)


def test_a_network_that_is_not_sure_accuses_nobody(grade, coded_study, points, tmp_path):
    doubtful = Landmarks(coded_study, Locators.load(write_locators(tmp_path / "models", sure=1)))
    key = LEFT, Level.L3_L4
    assert grade([move(coded_study, points[key], 10)], doubtful)[1] == {}
