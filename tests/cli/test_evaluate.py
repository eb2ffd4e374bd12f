import csv
import json
import re
import subprocess
import sys

import pytest

from tests.evaluation.handmade import rows, write
from tests.tables import read_rows

FIGURES = ["by_level", "confusion", "pr", "reliability", "roc"]
CONTRACT = ["row_id", "study_id", "condition", "level", "split", "severity"]
CONTRACT += ["normal_mild", "moderate", "severe"]
WEIGHTS = {"normal_mild": 1, "moderate": 2, "severe": 4}
INPUT = ("--size", "32,24", "--field-mm", "40,30", "--shift-mm", "5")


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def table(tmp_path):
    return write(tmp_path / "predictions.csv", rows())


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "first"
    folder.mkdir()
    write(folder / "predictions.csv", rows())
    return folder


def test_a_table_is_evaluated_into_a_folder(table, tmp_path, lss):
    out = tmp_path / "evaluation"
    code, shown, err = lss("evaluate", "--predictions", table, "--out", out, "--resamples", "50")
    assert code == 0
    assert "index.html" in err
    assert "prior by level" in shown
    assert "fitted on the training part" in shown
    assert max(map(len, shown.splitlines())) <= 100
    assert "\x1b" not in shown
    names = {f"{name}{suffix}" for name in FIGURES for suffix in (".png", ".svg")}
    assert {path.name for path in out.iterdir()} == {
        *names,
        "predictions.csv",
        "metrics.json",
        "metrics.csv",
        "index.html",
    }
    document = json.loads((out / "metrics.json").read_text())
    accuracy = document["figures"]["model"]["all"]["accuracy"]
    assert accuracy["low"] < accuracy["value"] < accuracy["high"]
    assert set(document["figures"]) == {"model", "majority", "prior", "prior by level"}
    assert "L4/L5" in document["figures"]["prior"]
    assert document["definitions"].keys() >= {"accuracy", "f_beta", "majority"}
    lines = list(csv.DictReader((out / "metrics.csv").read_text().splitlines()))
    assert float(lines[0]["value"]) == accuracy["value"]
    page = (out / "index.html").read_text()
    assert page.count('<img src="data:image/svg+xml;base64,') == len(FIGURES)
    assert not re.search(r"(src|href)=\"(?!data:)", page)


def test_a_run_is_evaluated_from_its_predictions(run, lss):
    few = ("--resamples", "10", "--no-figures")
    code, out, _ = lss("evaluate", "--model", run, "--split", "train", "--definitions", *few)
    assert code == 0
    assert out.startswith("first: train, ")
    assert "The training part is among these rows" in out
    assert "RSNA 2024 competition" in out


def test_baselines_without_a_training_part_say_so(tmp_path, lss):
    only_test = [row for row in rows() if row["split"] == "test"]
    few = ("--resamples", "10", "--no-figures")
    code, out, _ = lss("evaluate", "--predictions", write(tmp_path / "p.csv", only_test), *few)
    assert code == 0
    assert "fitted on the evaluated rows" in out


def test_the_predictions_that_were_measured_are_always_written(table, lss, tmp_path):
    few = ("--resamples", "0", "--no-figures")
    code, first, err = lss("evaluate", "--predictions", table, *few)
    assert code == 0, err
    assert "Wrote evaluation" in err
    written = read_rows(tmp_path / "evaluation" / "predictions.csv")
    assert list(written[0]) == CONTRACT
    test_part = [row for row in read_rows(table) if row["split"] == "test"]
    assert len(written) == len(test_part)
    assert [float(row["severe"]) for row in written] == [float(r["severe"]) for r in test_part]
    # They are predictions again; over what it reads nothing is written.
    again = ("evaluate", "--predictions", tmp_path / "evaluation" / "predictions.csv")
    assert lss(*again, *few)[0] == 2
    code, second, _ = lss(*again, *few, "--out", tmp_path / "second")
    assert code == 0
    assert figure(second, "accuracy") == figure(first, "accuracy")


def test_a_submission_is_compared_on_equal_terms(table, tmp_path, lss):
    """Tilted and told so, it has the very figures of the honest probabilities."""
    tilted = []
    for row in rows():
        products = {name: row[name] * weight for name, weight in WEIGHTS.items()}
        tilted.append(row | {name: p / sum(products.values()) for name, p in products.items()})
    submission = write(tmp_path / "submission.csv", tilted)
    csv_file = tmp_path / "table.csv"
    few = ("--resamples", "5", "--csv", csv_file)
    code, _, err = lss("compare", table, submission, "--tilted", submission, *few)
    assert code == 0, err
    for line in csv.DictReader(csv_file.read_text().splitlines()):
        # Probabilities of two decimals sum to .99 here and there.
        assert float(line["submission.csv"]) == pytest.approx(
            float(line["predictions.csv"]), abs=0.01
        ), line["figure"]
    evaluate = ("evaluate", "--predictions", submission, "--resamples", "0", "--no-figures")
    _, as_given, _ = lss(*evaluate)
    _, told, _ = lss(*evaluate, "--tilted")
    assert figure(told, "tilted log loss") == figure(as_given, "RSNA log loss")
    code, _, err = lss("compare", table, "--tilted", "submission.csv")
    assert code == 2
    assert "is none of the networks" in err


def test_a_submission_is_graded_as_it_stands_by_the_weights_of_its_tilt(table, tmp_path, lss):
    """Honest probabilities by the weights and the tilted ones as given have the same grades."""
    tilted = []
    for row in rows():
        products = {name: row[name] * weight for name, weight in WEIGHTS.items()}
        tilted.append(row | {name: p / sum(products.values()) for name, p in products.items()})
    submission = write(tmp_path / "submission.csv", tilted)
    few = ("--resamples", "0", "--no-figures")
    shown = {}
    for name, path, options in (
        ("likeliest", table, ()),
        ("by cost", table, ("--grade-weights", "1,2,4")),
        ("submission", submission, ()),
        ("submission by cost", submission, ("--tilted", "--grade-weights", "1,2,4")),
    ):
        code, shown[name], err = lss("evaluate", "--predictions", path, *options, *few)
        assert code == 0, err
    for key in ("accuracy", "quadratic κ", "sensitivity Severe", "Severe called Normal/Mild"):
        values = {name: figure(text, key) for name, text in shown.items()}
        assert values["by cost"] == values["submission by cost"] == values["submission"]
        assert values["by cost"] != values["likeliest"]
    assert figure(shown["by cost"], "log loss") == figure(shown["likeliest"], "log loss")
    code, _, err = lss("evaluate", "--predictions", table, "--grade-weights", "1,2", *few)
    assert (code, "--grade-weights: '1,2'" in err) == (2, True)


def test_networks_are_compared_by_one_rule(table, tmp_path, lss):
    other, few = write(tmp_path / "other.csv", rows()), ("--resamples", "0", "--no-figures")
    likeliest = lss("compare", table, other, "--resamples", "0")[1]
    code, by_cost, err = lss(
        "compare", table, other, "--grade-weights", "1,2,4", "--resamples", "0"
    )
    assert code == 0, err
    assert "Grade of all networks: the likeliest." in likeliest
    assert "Grade of all networks: greatest probability times weight (" in by_cost
    alone = lss("evaluate", "--predictions", table, "--grade-weights", "1,2,4", *few)[1]
    for name in ("accuracy  ", "sensitivity Severe  "):
        (value,) = [line for line in by_cost.splitlines() if line.startswith(name)][:1]
        assert value not in likeliest
        assert value.count(figure(alone, name)) == 2


def figure(shown, name):
    line, *_ = [line for line in shown.splitlines() if line.startswith(name)]
    return line.removeprefix(name).split()[1]


def test_figures_stand_by_side_level_severity_and_distance(tmp_path, lss):
    made = []
    for number, row in enumerate(rows()):
        side = ("left", "right")[number % 2]
        made.append(
            row
            | {"condition": f"{side}_subarticular_stenosis", "distance": ["0", "1", ""][number % 3]}
        )
    path = write(tmp_path / "p.csv", made, [*made[0]])
    few = ("--resamples", "20", "--no-figures", "--out", tmp_path / "out")
    code, shown, err = lss("evaluate", "--predictions", path, "--split", "all", *few)
    assert code == 0, err
    assert max(map(len, shown.splitlines())) <= 100
    for title in ("By side", "By level", "By severity", "By distance from the annotated slice"):
        assert title in shown.splitlines()
        assert f"<h2>{title}</h2>" in (tmp_path / "out" / "index.html").read_text()
    lines = read_rows(tmp_path / "out" / "metrics.csv")
    hits = {(row["by"], row["of"]): row for row in lines if row["metric"] == "accuracy"}
    for by, key in (("side", "condition"), ("severity", "severity"), ("distance", "distance")):
        names = {name for group, name in hits if group == by}
        values = {row[key] for row in made}
        assert len(names) == len(values)
        assert sum(int(hits[by, name]["rows"]) for name in names) == len(made)
    right = [row for row in made if row["condition"].startswith("right")]
    likely = [max(WEIGHTS, key=lambda name: row[name]) for row in right]
    share = [
        name == row["severity"].lower().replace("/", "_")
        for name, row in zip(likely, right, strict=True)
    ]
    accuracy = hits["side", "right"]
    assert float(accuracy["value"]) == pytest.approx(sum(share) / len(share))
    assert float(accuracy["low"]) < float(accuracy["value"]) < float(accuracy["high"])


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "give one of --model and --predictions"),
        (("--model", "m", "--predictions", "p.csv"), 2, "give one of"),
        (("--predictions", "none.csv"), 3, "no such file"),
        (("--model", "."), 3, "no finished run here"),
        (("--model", "defualt"), 3, "Did you mean 'default'"),
    ],
)
def test_messages(arguments, code, said, lss, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exit_code, out, err = lss("evaluate", *arguments)
    assert exit_code == code
    assert said in err
    assert not out


def test_missing_matplotlib_costs_the_figures_alone_and_is_named_where_they_are_asked_for(
    table, tmp_path, lss
):
    command = ("evaluate", "--predictions", table, "--out", tmp_path / "out", "--resamples", "0")
    code, out, err = lss(*command, "--figures", is_installed=lambda package: False)
    assert code == 3
    assert "[train]" in err
    assert not out
    assert not (tmp_path / "out").exists()
    code, out, err = lss(*command, is_installed=lambda package: False)
    assert code == 0
    assert "Without figures" in err
    assert "[train]" in err
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".json", ".csv", ".html"}
    assert "<img" not in (tmp_path / "out" / "index.html").read_text()


def test_neither_tensorflow_nor_matplotlib_is_imported(table):
    program = (
        "import sys; from lss_cli.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'tensorflow', 'keras', 'scipy', 'sklearn', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    arguments = ["evaluate", "--predictions", str(table), "--resamples", "10", "--no-figures"]
    subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True)
