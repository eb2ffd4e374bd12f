"""From probabilities to a grade, and to the grades that are named."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lss_cli.anatomy import Severity
from lss_cli.rule import ALSO, CERTAIN, LIKELIEST, SEVERE_SHOWN, UNCERTAIN_BY_WEIGHT, GradeRule

BY_COST = GradeRule((1, 2, 4))
PROBABILITIES = st.tuples(*3 * [st.floats(0, 1)]).filter(lambda p: sum(p) > 0.01)
WEIGHTS = st.tuples(*3 * [st.floats(0.01, 100)])


@pytest.mark.parametrize(
    ("prob", "likeliest", "by_cost", "named"),
    [
        ((0.50, 0.20, 0.30), "Normal/Mild", "Severe", "Normal/Mild Moderate Severe"),
        ((0.55, 0.35, 0.10), "Normal/Mild", "Moderate", "Normal/Mild Moderate"),
        ((0.90, 0.06, 0.04), "Normal/Mild", "Normal/Mild", "Normal/Mild"),
        # The likeliest is named, however likely it is.
        ((0.78, 0.02, 0.20), "Normal/Mild", "Severe", "Normal/Mild Severe"),
        ((0.64, 0.33, 0.03), "Normal/Mild", "Moderate", "Normal/Mild Moderate"),
        # So is what is as likely as the grade, with less than ALSO beside more than CERTAIN.
        ((0.64, 0.19, 0.17), "Normal/Mild", "Severe", "Normal/Mild Moderate Severe"),
        ((0.10, 0.30, 0.60), "Severe", "Severe", "Severe"),
        # Of equal products the more severe.
        ((0.80, 0.00, 0.20), "Normal/Mild", "Severe", "Normal/Mild Severe"),
        ((0.50, 0.50, 0.00), "Moderate", "Moderate", "Normal/Mild Moderate"),
    ],
)
def test_the_grade_by_cost_and_what_is_named_beside_it(prob, likeliest, by_cost, named):
    assert LIKELIEST.grade(prob) == likeliest
    assert BY_COST.grade(prob) == by_cost
    assert [str(grade) for grade in BY_COST.possible(prob)] == named.split()
    assert BY_COST.choose([prob, prob]).tolist() == 2 * [Severity(by_cost).ordinal]


@given(PROBABILITIES, WEIGHTS)
def test_no_grade_that_is_likelier_than_the_one_shown_is_ever_hidden(products, weights):
    prob = [product / sum(products) for product in products]
    rule = GradeRule(weights)
    grade, named = rule.grade(prob), rule.possible(prob)
    hidden = [prob[severity.ordinal] for severity in Severity if severity not in named]
    assert grade in named
    assert all(share < prob[grade.ordinal] for share in hidden)
    assert max(prob) not in hidden
    assert prob[2] < SEVERE_SHOWN or Severity.SEVERE in named
    if max(prob) < CERTAIN:
        assert len(named) > 1
        assert all(share < ALSO for share in hidden)
    # What the likeliest grade would be shown with is shown as well.
    assert set(LIKELIEST.possible(prob)) <= set(named)


@given(PROBABILITIES, st.floats(0.1, 10))
def test_weights_that_are_equal_choose_the_likeliest(products, weight):
    prob = np.array([products]) / sum(products)
    rule = GradeRule((weight, weight, weight))
    assert not rule.by_weight
    assert prob[0, rule.choose(prob)[0]] == pytest.approx(prob.max())


def test_the_rule_says_what_it_is():
    assert LIKELIEST.text == "the likeliest"
    assert GradeRule.parse("1, 2.5,4").text == (
        "greatest probability times weight (Normal/Mild 1, Moderate 2.5, Severe 4)"
    )
    for limit in (CERTAIN, ALSO, SEVERE_SHOWN):
        assert f" {100 * limit:g}%" in UNCERTAIN_BY_WEIGHT


@pytest.mark.parametrize(
    "text", ["1,2", "1,2,3,4", "", "a,b,c", "1,2,0", "1,-2,4", "1,2,nan", "1,2,inf"]
)
def test_other_weights_are_refused(text):
    with pytest.raises(ValueError, match="weights"):
        GradeRule.parse(text)
