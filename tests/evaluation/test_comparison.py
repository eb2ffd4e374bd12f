from dataclasses import replace

import numpy as np
import pytest

from lss_cli.errors import DataError
from lss_cli.evaluation.comparison import cells, compare
from lss_cli.evaluation.evaluation import EvaluationSettings
from lss_cli.evaluation.metrics import METRICS
from lss_cli.evaluation.predictions import read_predictions
from lss_cli.evaluation.presentation.comparison import remarks
from lss_cli.rule import LIKELIEST, GradeRule
from tests.evaluation.handmade import tables_of_networks, write

ACCURACY, LOSS = METRICS["accuracy"], METRICS["log_loss"]
SETTINGS = EvaluationSettings(resamples=200)


@pytest.fixture
def networks(tmp_path):
    return [
        read_predictions(write(tmp_path / f"{seed}.csv", table))
        for seed, table in tables_of_networks()
    ]


def test_intervals_of_differences_are_paired():
    """Two networks that differ by the same in each study differ surely, however they vary."""
    random = np.random.default_rng(0)
    draws = random.normal(0.5, 0.2, 1000)
    first, second = cells(np.array([0.5, 0.45]), np.array([draws, draws - 0.05]), ACCURACY)
    assert first.best
    assert first.difference is None
    assert not second.best
    difference = second.difference
    assert (difference.value, difference.low, difference.high) == pytest.approx(
        (-0.05, -0.05, -0.05)
    )
    assert second.value.high - second.value.low > 0.5


def test_the_smaller_loss_is_the_better_one():
    values, draws = np.array([0.5, 0.4]), np.zeros((2, 10))
    assert [cell.best for cell in cells(values, draws, LOSS)] == [False, True]
    assert [cell.best for cell in cells(values, draws, ACCURACY)] == [True, False]


def test_equal_values_are_both_best_and_what_is_undefined_is_not():
    both = cells(np.array([0.5, 0.5]), np.zeros((2, 10)), ACCURACY)
    assert [cell.best for cell in both] == [True, True]
    undefined, other = cells(np.array([np.nan, 0.5]), np.zeros((2, 10)), ACCURACY)
    assert (undefined.best, undefined.value.value, undefined.difference) == (False, None, None)
    assert other.best
    assert not any(cell.best for cell in cells(np.full(2, np.nan), np.zeros((2, 10)), ACCURACY))


def test_networks_keep_the_rule_that_all_share_and_lose_one_that_differs(networks):
    by_cost = GradeRule((1, 2, 4))
    share = [replace(network, rule=by_cost) for network in networks]
    assert compare(share, SETTINGS).rule == by_cost
    mixed = compare([share[0], networks[1]], SETTINGS)
    assert (mixed.rule, mixed.own_rules) == (LIKELIEST, (by_cost, LIKELIEST))
    assert mixed.cells == compare(networks, SETTINGS).cells
    assert f"{share[0].name} by itself: {by_cost.text}; see --grade-weights." in remarks(mixed)
    asked = compare(networks, SETTINGS, by_cost)
    assert asked.cells == compare(share, SETTINGS).cells != mixed.cells


def test_the_order_of_rows_does_not_matter(networks, tmp_path):
    _, (seed, second) = tables_of_networks()
    turned = read_predictions(write(tmp_path / f"{seed}.csv", second[::-1]))
    assert compare([networks[0], turned], SETTINGS).cells == compare(networks, SETTINGS).cells


def test_other_rows_are_not_compared(networks, tmp_path):
    (_, table), _ = tables_of_networks()
    fewer = read_predictions(write(tmp_path / "fewer.csv", table[:-2]))
    with pytest.raises(DataError, match=r"2 only in 0.csv, such as s\d+_.*, 0 only in fewer.csv"):
        compare([networks[0], fewer], SETTINGS)


def test_other_labels_are_not_compared(networks, tmp_path):
    (_, table), _ = tables_of_networks()
    table[-1]["severity"] = "Severe" if table[-1]["severity"] != "Severe" else "Moderate"
    other = read_predictions(write(tmp_path / "other.csv", table))
    with pytest.raises(DataError, match="differ in severity in 1 rows, such as s0"):
        compare([networks[0], other], SETTINGS)


def test_one_network_is_a_table_without_a_best(networks):
    comparison = compare(networks[:1], SETTINGS)
    assert not any(cell.best for (cell,) in comparison.cells.values())
