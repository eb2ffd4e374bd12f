import csv
import io

import pytest
from rich.console import Console

from lss_cli.evaluation.comparison import compare
from lss_cli.evaluation.evaluation import EvaluationSettings
from lss_cli.evaluation.predictions import read_predictions
from lss_cli.evaluation.presentation.comparison import to_csv, to_html, to_markdown, to_table
from lss_cli.rule import LIKELIEST
from tests.evaluation.handmade import tables_of_networks, write

SETTINGS = EvaluationSettings(resamples=200)


@pytest.fixture
def networks(tmp_path):
    return [
        read_predictions(write(tmp_path / f"{seed}.csv", table))
        for seed, table in tables_of_networks()
    ]


def test_the_table_begins_with_the_training_accuracy(networks):
    comparison = compare(networks, SETTINGS)
    table = list(csv.DictReader(to_csv(comparison).splitlines()))
    assert [row["figure"] for row in table[:3]] == ["train_accuracy", "accuracy", "precision"]
    train = networks[0].part("train")
    expected = (LIKELIEST.choose(train.probabilities) == train.labels).mean()
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
    (_, table), _ = tables_of_networks()
    odd = read_predictions(write(tmp_path / "p.csv", table), "<script>|x")
    comparison = compare([odd, read_predictions(tmp_path / "p.csv")], SETTINGS)
    page = to_html(comparison)
    assert "&lt;script&gt;|x" in page
    assert "<script" not in page
    assert "http" not in page
    assert "▸" in page
    assert to_markdown(comparison).splitlines()[0] == "|  | <script>\\|x | p.csv |"


def test_a_name_that_looks_like_markup_is_text(tmp_path):
    (_, table), _ = tables_of_networks()
    odd = read_predictions(write(tmp_path / "p.csv", table), "[red]x[/red]")
    console = Console(file=io.StringIO(), width=100)
    console.print(to_table(compare([odd], SETTINGS)))
    assert "[red]x[/red]" in console.file.getvalue()
