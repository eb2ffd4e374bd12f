import json
from dataclasses import replace

import numpy as np
import pytest
from markupsafe import escape
from sklearn import metrics as reference

from lss_cli.anatomy import Severity
from lss_cli.evaluation.evaluation import EvaluationSettings, evaluate
from lss_cli.evaluation.predictions import read_predictions
from lss_cli.evaluation.rules import RULE_METRICS
from lss_cli.rule import LIKELIEST, GradeRule
from tests.evaluation.handmade import rows, write

BY_COST = GradeRule((1, 2, 4))
FEW = ("--resamples", "30", "--no-figures")


@pytest.fixture
def table(tmp_path):
    return write(tmp_path / "predictions.csv", rows())


def test_both_rules_are_measured_on_the_same_rows_and_resamples(table):
    settings = EvaluationSettings(resamples=100)
    predictions = read_predictions(table)
    likeliest = evaluate(predictions, settings)
    weighted = evaluate(replace(predictions, rule=BY_COST), settings)
    assert likeliest.by_rule == {}
    overall = weighted.by_rule["all"]
    assert list(overall) == [metric.key for metric in RULE_METRICS]
    for key, by_rule in overall.items():
        if key in likeliest.estimates["model"]["all"]:
            assert by_rule.likeliest == likeliest.estimates["model"]["all"][key]
            assert by_rule.by_weight == weighted.estimates["model"]["all"][key]
        change = by_rule.by_weight.value - by_rule.likeliest.value
        assert by_rule.difference.value == pytest.approx(change)
    # Paired: what makes a resample easy or hard for both falls out.
    found = overall["sensitivity_severe"]
    assert found.difference.low > found.by_weight.low - found.likeliest.high
    part = weighted.part
    # Of equal products the more severe.
    grades = 2 - (part.probabilities * [1, 2, 4])[:, ::-1].argmax(axis=1)
    assert overall["quadratic_kappa"].by_weight.value == pytest.approx(
        reference.cohen_kappa_score(part.labels, grades, weights="quadratic")
    )
    for rule, name in ((LIKELIEST, "likeliest"), (BY_COST, "by_weight")):
        named = [rule.possible(prob) for prob in part.probabilities]
        pairs = list(zip(named, part.labels, strict=True))
        hidden = [Severity.SEVERE not in some for some, label in pairs if label == 2]
        expected = {
            "several_named": np.mean([len(some) > 1 for some in named]),
            "true_named": np.mean([list(Severity)[label] in some for some, label in pairs]),
            "severe_not_named": np.mean(hidden),
        }
        for key, value in expected.items():
            assert getattr(overall[key], name).value == pytest.approx(value)


def test_table_page_and_file_show_both_rules(tmp_path, lss):
    out = tmp_path / "out"
    made = [row | {"distance": str(number % 2)} for number, row in enumerate(rows())]
    table = write(tmp_path / "distances.csv", made, [*made[0]])
    command = ("evaluate", "--predictions", table, "--out", out, *FEW)
    title = "Grades by weight beside the likeliest ones"
    code, shown, err = lss(*command)
    assert code == 0, err
    assert title not in shown + (out / "index.html").read_text()
    assert json.loads((out / "metrics.json").read_text())["by_rule"] == {}
    code, shown, err = lss(*command, "--grade-weights", "1,2,4")
    assert code == 0, err
    assert max(map(len, shown.splitlines())) <= 100
    section = shown.partition(title)[2]
    page = (out / "index.html").read_text().partition(f"<h2>{title}</h2>")[2]
    scopes = json.loads((out / "metrics.json").read_text())["by_rule"]
    assert list(scopes) == ["all", "annotated slice", "one slice off"]
    for scope in list(scopes)[1:]:
        assert f"<h2>{title}, {scope}</h2>" in page
    by_rule = scopes["all"]
    for metric in RULE_METRICS:
        (line,) = [line for line in section.splitlines() if line.startswith(f"{metric.name} ")][:1]
        for column in ("likeliest", "by_weight", "difference"):
            text = f"{by_rule[metric.key][column]['value']:.3f}"
            assert text in line
            assert text in page
        assert escape(metric.definition) in page
