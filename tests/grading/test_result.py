import pytest
from hypothesis import given
from hypothesis import strategies as st

from lss_cli.anatomy import Condition, Level, Severity
from lss_cli.grading.result import CERTAIN, UNCERTAIN, LevelGrade

JUST_ENOUGH = (1 - CERTAIN, CERTAIN, 0.0)


def graded(*probabilities):
    return LevelGrade(Condition.LEFT_SUBARTICULAR, Level.L4_L5, probabilities=probabilities or None)


@pytest.mark.parametrize(
    ("probabilities", "grade", "shown"),
    [
        ((0.9, 0.1, 0.0), "Normal/Mild", "Normal/Mild"),
        (JUST_ENOUGH, "Moderate", "Moderate"),
        ((0.5, 0.4, 0.1), "Normal/Mild", "Normal/Mild/Moderate"),
        ((0.3, 0.4, 0.3), "Moderate", "Moderate/Severe"),
        ((0.4, 0.45, 0.15), "Moderate", "Normal/Mild/Moderate"),
        ((0.1, 0.45, 0.45), "Severe", "Moderate/Severe"),
        # Not its neighbour, so not shown with it, however likely.
        ((0.46, 0.08, 0.46), "Severe", "Moderate/Severe"),
        ((), None, "not graded"),
    ],
)
def test_an_uncertain_grade_is_shown_with_its_likelier_neighbour(probabilities, grade, shown):
    level = graded(*probabilities)
    assert (level.grade, level.shown) == (grade, shown)


@given(st.tuples(*3 * [st.floats(0, 1)]).filter(lambda weights: sum(weights) > 0.01))
def test_one_grade_or_two_neighbours_always(weights):
    level = graded(*(weight / sum(weights) for weight in weights))
    places = [severity.ordinal for severity in level.possible]
    assert level.grade in level.possible
    assert places in ([0], [1], [2], [0, 1], [1, 2])
    assert (len(places) == 2) == level.uncertain == (max(level.probabilities) < CERTAIN)
    if level.grade is Severity.MODERATE and level.uncertain:
        mild, _, severe = level.probabilities
        assert level.possible[0 if mild > severe else 1] != Severity.MODERATE


def test_the_explanation_names_the_limit():
    assert f" {100 * CERTAIN:g}%" in UNCERTAIN
