from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lss_cli.anatomy import Condition, Level, Severity
from lss_cli.grading.result import LevelGrade
from lss_cli.rule import ALSO, CERTAIN, SEVERE_SHOWN, UNCERTAIN, GradeRule

JUST_ENOUGH = (1 - CERTAIN, CERTAIN, 0.0)


def graded(*probabilities):
    return LevelGrade(Condition.LEFT_SUBARTICULAR, Level.L4_L5, probabilities=probabilities or None)


@pytest.mark.parametrize(
    ("probabilities", "grade", "shown"),
    [
        ((0.9, 0.1, 0.0), "Normal/Mild", "Normal/Mild"),
        (JUST_ENOUGH, "Moderate", "Moderate"),
        ((0.5, 0.4, 0.1), "Normal/Mild", "Normal/Mild or Moderate"),
        ((0.4, 0.45, 0.15), "Moderate", "Normal/Mild or Moderate"),
        ((0.1, 0.45, 0.45), "Severe", "Moderate or Severe"),
        # All three are about as likely, or the other two.
        ((0.35, 0.347, 0.302), "Normal/Mild", "Normal/Mild, Moderate or Severe"),
        ((0.3, 0.4, 0.3), "Moderate", "Normal/Mild, Moderate or Severe"),
        ((0.21, 0.57, 0.22), "Moderate", "Normal/Mild, Moderate or Severe"),
        # The next likely is not the neighbour.
        ((0.46, 0.08, 0.46), "Severe", "Normal/Mild or Severe"),
        # A chance of three in ten of Severe is named beside a likely grade.
        ((0.68, 0.02, 0.3), "Normal/Mild", "Normal/Mild or Severe"),
        ((0.05, 0.65, 0.3), "Moderate", "Moderate or Severe"),
        ((0.05, 0.66, 0.29), "Moderate", "Moderate"),
        ((), None, "not graded"),
    ],
)
def test_an_uncertain_grade_is_shown_with_all_that_may_be_true(probabilities, grade, shown):
    level = graded(*probabilities)
    assert (level.grade, level.shown) == (grade, shown)


def test_where_the_grade_is_not_the_likeliest_words_say_why():
    plain = graded(0.5, 0.2, 0.3)
    by_cost = replace(plain, rule=GradeRule((1, 2, 4)))
    assert (plain.grade, plain.explained) == ("Normal/Mild", "Normal/Mild, Moderate or Severe")
    assert plain.caution == f"uncertain: {plain.shown}"
    assert by_cost.grade == "Severe"
    assert by_cost.explained == f"{by_cost.shown}; Severe by its weight, Normal/Mild is likelier"
    assert by_cost.caution == f"uncertain: {by_cost.explained}"
    for sure in (replace(by_cost, probabilities=(0.9, 0.06, 0.04)), graded()):
        assert (sure.explained, sure.caution) == (sure.shown, "")


@given(st.tuples(*3 * [st.floats(0, 1)]).filter(lambda weights: sum(weights) > 0.01))
def test_nothing_that_is_left_out_is_likelier_than_what_is_named(weights):
    level = graded(*(weight / sum(weights) for weight in weights))
    prob = dict(zip(Severity, level.probabilities, strict=True))
    hidden = [prob[severity] for severity in Severity if severity not in level.possible]
    assert level.grade in level.possible
    assert list(level.possible) == sorted(level.possible, key=list(Severity).index)
    assert level.uncertain or max(prob.values()) >= CERTAIN
    if max(prob.values()) < CERTAIN:
        assert all(share < ALSO for share in hidden)
        assert all(share <= prob[severity] for share in hidden for severity in level.possible)
    assert prob[Severity.SEVERE] < SEVERE_SHOWN or Severity.SEVERE in level.possible


def test_the_explanation_names_the_limits():
    for limit in (CERTAIN, ALSO, SEVERE_SHOWN):
        assert f" {100 * limit:g}%" in UNCERTAIN
