import csv
import io

import numpy as np
import pytest
from rich.console import Console

from lss_cli.errors import DataError
from lss_cli.evaluation.comparison import cells, compare
from lss_cli.evaluation.evaluation import EvaluationSettings
from lss_cli.evaluation.metrics import METRICS
from lss_cli.evaluation.predictions import read_predictions
from lss_cli.evaluation.presentation.comparison import to_csv, to_html, to_markdown, to_table
from tests.evaluation.handmade import rows, write

ACCURACY, LOSS = METRICS["accuracy"], METRICS["log_loss"]
SETTINGS = EvaluationSettings(resamples=200)


@pytest.fixture
def networks(tmp_path):
    return [read_predictions(write(tmp_path / f"{seed}.csv", one)) for seed, one in tables()]


def tables(seeds=(0, 5)):
    """Two networks on the same rows."""
    made = [rows(seed=seed) for seed in seeds]
    shared = set.intersection(*({(r["study_id"], r["level"]) for r in one} for one in made))
    return [
        (seed, [r for r in one if (r["study_id"], r["level"]) in shared])
        for seed, one in zip(seeds, made, strict=True)
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
    assert [one.best for one in cells(values, draws, LOSS)] == [False, True]
    assert [one.best for one in cells(values, draws, ACCURACY)] == [True, False]


def test_equal_values_are_both_best_and_what_is_undefined_is_not():
    both = cells(np.array([0.5, 0.5]), np.zeros((2, 10)), ACCURACY)
    assert [one.best for one in both] == [True, True]
    one, other = cells(np.array([np.nan, 0.5]), np.zeros((2, 10)), ACCURACY)
    assert (one.best, one.value.value, one.difference) == (False, None, None)
    assert other.best
    assert not any(one.best for one in cells(np.full(2, np.nan), np.zeros((2, 10)), ACCURACY))


def test_the_order_of_rows_does_not_matter(networks, tmp_path):
    _, (seed, second) = tables()
    turned = read_predictions(write(tmp_path / f"{seed}.csv", second[::-1]))
    assert compare([networks[0], turned], SETTINGS).cells == compare(networks, SETTINGS).cells


def test_other_rows_are_not_compared(networks, tmp_path):
    (_, table), _ = tables()
    fewer = read_predictions(write(tmp_path / "fewer.csv", table[:-2]))
    with pytest.raises(DataError, match=r"2 only in 0.csv, such as s\d+_.*, 0 only in fewer.csv"):
        compare([networks[0], fewer], SETTINGS)


def test_other_labels_are_not_compared(networks, tmp_path):
    (_, table), _ = tables()
    table[-1]["severity"] = "Severe" if table[-1]["severity"] != "Severe" else "Moderate"
    other = read_predictions(write(tmp_path / "other.csv", table))
    with pytest.raises(DataError, match="differ in severity in 1 rows, such as s0"):
        compare([networks[0], other], SETTINGS)


def test_the_table_begins_with_the_training_accuracy(networks):
    comparison = compare(networks, SETTINGS)
    table = list(csv.DictReader(to_csv(comparison).splitlines()))
    assert [row["figure"] for row in table[:3]] == ["train_accuracy", "accuracy", "precision"]
    train = networks[0].part("train")
    expected = (train.probabilities.argmax(axis=1) == train.labels).mean()
    assert float(table[0]["0.csv"]) == pytest.approx(expected)
    assert table[0]["best"] == ""
    accuracy = table[1]
    best = max(("0.csv", "5.csv"), key=lambda name: float(accuracy[name]))
    other = ({"0.csv", "5.csv"} - {best}).pop()
    assert accuracy["best"] == best
    assert accuracy[f"{best} difference"] == ""
    gap = float(accuracy[other]) - float(accuracy[best])
    assert float(accuracy[f"{other} difference"]) == pytest.approx(gap)


def test_pages_stand_alone_and_believe_no_name(tmp_path):
    (_, table), _ = tables()
    odd = read_predictions(write(tmp_path / "p.csv", table), "<script>|x")
    comparison = compare([odd, read_predictions(tmp_path / "p.csv")], SETTINGS)
    page = to_html(comparison)
    assert "&lt;script&gt;|x" in page
    assert "<script" not in page
    assert "http" not in page
    assert "▸" in page
    assert to_markdown(comparison).splitlines()[0] == "|  | <script>\\|x | p.csv |"


def test_a_name_that_looks_like_markup_is_text(tmp_path):
    (_, table), _ = tables()
    odd = read_predictions(write(tmp_path / "p.csv", table), "[red]x[/red]")
    console = Console(file=io.StringIO(), width=100)
    console.print(to_table(compare([odd], SETTINGS)))
    assert "[red]x[/red]" in console.file.getvalue()


def test_one_network_is_a_table_without_a_best(networks):
    comparison = compare(networks[:1], SETTINGS)
    assert not any(cell.best for (cell,) in comparison.cells.values())
