"""Every metric against scikit-learn and Keras, on one hand-made file."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as reference

from lss_cli.evaluation.metrics import (
    METRICS,
    key_metrics,
    log_loss,
    metrics_with,
    rsna_log_loss,
    score,
    weighted_log_loss,
)
from lss_cli.evaluation.predictions import read_predictions
from lss_cli.evaluation.sample import Sample
from lss_cli.evaluation.tilt import tilt, untilt
from lss_cli.rule import GradeRule
from tests.evaluation.handmade import rows, write

TOLERANCE = 1e-6


def likeliest(prob):
    """Of equal ones the more severe."""
    return 2 - prob[:, ::-1].argmax(axis=1)


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    path = write(tmp_path_factory.mktemp("hand") / "predictions.csv", rows())
    part = read_predictions(path).part("test")
    return part.labels, part.probabilities


@pytest.fixture(scope="module")
def values(case):
    return {metric.key: metric.value(Sample.once(*case))[0] for metric in METRICS.values()}


def test_scikit_learn_agrees(case, values):
    labels, prob = case
    likely = likeliest(prob)
    true, above = np.eye(3)[labels].ravel(), prob.ravel() > 0.5
    weights = np.array([1, 2, 4])
    tilted = prob * weights / (prob * weights).sum(axis=1, keepdims=True)
    clipped, clipped_tilt = (np.clip(p, 1e-7, 1) for p in (prob, tilted))
    normal = prob / prob.sum(axis=1, keepdims=True)
    recalls = reference.recall_score(labels, likely, average=None)
    expected = {
        "accuracy": reference.accuracy_score(labels, likely),
        "precision": reference.precision_score(true, above),
        "recall": reference.recall_score(true, above),
        "f1": reference.f1_score(true, above),
        "f_beta": reference.fbeta_score(labels, likely, beta=2, average="macro"),
        "rmse": reference.root_mean_squared_error(true, prob.ravel()),
        "log_loss": -np.log(clipped[np.arange(len(labels)), labels]).mean(),
        "rsna_log_loss": np.average(
            -np.log(clipped[np.arange(len(labels)), labels]), weights=weights[labels]
        ),
        "weighted_log_loss": np.average(
            -np.log(clipped_tilt[np.arange(len(labels)), labels]), weights=weights[labels]
        ),
        "macro_auc": np.mean(
            [reference.roc_auc_score(labels == grade, prob[:, grade]) for grade in range(3)]
        ),
        "auc_at_least_moderate": reference.roc_auc_score(labels >= 1, prob[:, 1] + prob[:, 2]),
        "auc_severe": reference.roc_auc_score(labels == 2, prob[:, 2]),
        "balanced_accuracy": reference.balanced_accuracy_score(labels, likely),
        "quadratic_kappa": reference.cohen_kappa_score(labels, likely, weights="quadratic"),
        "brier": ((prob - np.eye(3)[labels]) ** 2).sum(axis=1).mean(),
    }
    for grade, name in enumerate(("normal_mild", "moderate", "severe")):
        expected[f"sensitivity_{name}"] = recalls[grade]
        expected[f"specificity_{name}"] = reference.recall_score(labels != grade, likely != grade)
    expected["severe_called_normal_mild"] = (likely[labels == 2] == 0).mean()
    for key, value in expected.items():
        assert values[key] == pytest.approx(value, abs=TOLERANCE), key
    # The rest is Keras's way, and one that nobody else computes.
    assert set(values) - set(expected) == {"auc", "pr_auc", "calibration_error"}
    # Near what exact areas give.
    assert values["auc"] == pytest.approx(reference.roc_auc_score(true, prob.ravel()), abs=0.01)
    assert normal.sum(axis=1) == pytest.approx(1)


def test_keras_agrees(case, values):
    from lss_cli.training.backend import load_backend

    load_backend()
    import keras

    labels, prob = case
    true, prob = np.eye(3, dtype=np.float32)[labels], prob.astype(np.float32)
    expected = {
        "accuracy": keras.metrics.CategoricalAccuracy(),
        "precision": keras.metrics.Precision(),
        "recall": keras.metrics.Recall(),
        "auc": keras.metrics.AUC(),
        "pr_auc": keras.metrics.AUC(curve="PR"),
        "rmse": keras.metrics.RootMeanSquaredError(),
    }
    for key, metric in expected.items():
        # The other way round, since Keras takes the first of equal ones.
        metric.update_state(true[:, ::-1], prob[:, ::-1])
        assert values[key] == pytest.approx(float(metric.result()), abs=TOLERANCE), key


def test_the_calibration_error_by_hand():
    prob = np.array([[0.95, 0.05, 0], [0.91, 0.09, 0], [0.55, 0.45, 0], [0.1, 0.6, 0.3]])
    labels = np.array([0, 1, 1, 1])
    # Bins of 0.9–1.0, of 0.5–0.6 (0.6 belongs to it) and nothing else.
    expected = (abs(0.95 + 0.91 - 1) + abs(0.55 + 0.6 - 1)) / 4
    (value,) = METRICS["calibration_error"].value(Sample.once(labels, prob))
    assert value == pytest.approx(expected)


def test_the_rule_changes_what_is_counted_and_nothing_else(case):
    """Of grades by weight against scikit-learn; losses, areas and calibration are of p alone."""
    labels, prob = case
    plain, rule = Sample.once(labels, prob), GradeRule((1, 2, 4))
    weighted = Sample.once(labels, prob, rule)
    grades = likeliest(prob * [1, 2, 4])
    assert (grades != likeliest(prob)).sum() > 5
    recalls = reference.recall_score(labels, grades, average=None)
    expected = {
        "accuracy": reference.accuracy_score(labels, grades),
        "f_beta": reference.fbeta_score(labels, grades, beta=2, average="macro"),
        "balanced_accuracy": recalls.mean(),
        "quadratic_kappa": reference.cohen_kappa_score(labels, grades, weights="quadratic"),
        "severe_called_normal_mild": (grades[labels == 2] == 0).mean(),
    }
    for grade, name in enumerate(("normal_mild", "moderate", "severe")):
        expected[f"sensitivity_{name}"] = recalls[grade]
        expected[f"specificity_{name}"] = reference.recall_score(labels != grade, grades != grade)
    for key, metric in METRICS.items():
        value = metric.value(weighted)[0]
        assert value == pytest.approx(expected.get(key, metric.value(plain)[0])), key
    assert key_metrics(labels, prob, rule)["confusion"] == (
        reference.confusion_matrix(labels, grades).tolist()
    )


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_beta_is_free(case, beta):
    labels, prob = case
    (metric,) = [metric for metric in metrics_with(beta) if metric.key == "f_beta"]
    expected = reference.fbeta_score(labels, likeliest(prob), beta=beta, average="macro")
    assert metric.value(Sample.once(labels, prob))[0] == pytest.approx(expected)
    assert metric.name == f"F-beta (β = {beta:g})"


def test_a_row_that_counts_twice_is_a_row_that_is_there_twice(case):
    labels, prob = case
    times = np.random.default_rng(2).integers(0, 4, (5, len(labels)))
    for key, metric in METRICS.items():
        weighted = metric.value(Sample(labels, prob, times.astype(float)))
        repeated = [
            metric.value(Sample.once(np.repeat(labels, row), np.repeat(prob, row, axis=0)))[0]
            for row in times
        ]
        np.testing.assert_allclose(weighted, repeated, atol=1e-9, err_msg=key)


def test_what_is_undefined_is_not_a_number():
    values = {
        key: metric.value(Sample.once(np.zeros(4, dtype=int), np.tile([0.4, 0.3, 0.3], (4, 1))))[0]
        for key, metric in METRICS.items()
    }
    undefined = {key for key, value in values.items() if np.isnan(value)}
    assert undefined == {
        "precision",  # nothing above 0.5
        "f1",
        "macro_auc",
        "auc_at_least_moderate",
        "auc_severe",
        "quadratic_kappa",
        "sensitivity_moderate",
        "sensitivity_severe",
        "severe_called_normal_mild",
        "specificity_normal_mild",
    }
    assert values["accuracy"] == values["balanced_accuracy"] == 1


def test_every_metric_has_a_name_and_a_definition_of_its_own():
    for attribute in ("name", "definition"):
        assert len({getattr(metric, attribute) for metric in METRICS.values()}) == len(METRICS)
    assert all(metric.definition.endswith(".") for metric in METRICS.values())
    assert all(key == metric.key for key, metric in METRICS.items())


def test_the_table_in_the_documentation_is_the_one_that_its_script_makes():
    script = Path(__file__).parents[2] / "docs" / "scripts" / "metrics_table.py"
    done = subprocess.run(
        [sys.executable, script, "--check"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def random_case():
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 300)
    probabilities = random.dirichlet([1, 1, 1], 300)
    # Ties, which ranks must share.
    probabilities[:50] = probabilities[50:100]
    return labels, probabilities


def test_key_metrics_agree_with_scikit_learn(random_case):
    labels, probabilities = random_case
    values = key_metrics(labels, probabilities)
    likely = likeliest(probabilities)
    assert values["rows"] == 300
    assert values["log_loss"] == pytest.approx(reference.log_loss(labels, probabilities))
    assert values["accuracy"] == pytest.approx(reference.accuracy_score(labels, likely))
    assert values["auc_at_least_moderate"] == pytest.approx(
        reference.roc_auc_score(labels >= 1, probabilities[:, 1:].sum(axis=1))
    )
    assert values["auc_severe"] == pytest.approx(
        reference.roc_auc_score(labels == 2, probabilities[:, 2])
    )
    assert values["confusion"] == reference.confusion_matrix(labels, likely).tolist()


def test_there_are_two_weighted_losses_of_given_and_of_tilted_probabilities(random_case):
    labels, probabilities = random_case
    weights = np.array([1, 2, 4])
    tilted = probabilities * weights / (probabilities * weights).sum(axis=1, keepdims=True)
    for metric, p in ((rsna_log_loss, probabilities), (weighted_log_loss, tilted)):
        expected = reference.log_loss(labels, p, sample_weight=weights[labels])
        assert score(metric, labels, probabilities) == pytest.approx(expected)
    assert METRICS["rsna_log_loss"].name == "RSNA log loss"
    assert METRICS["weighted_log_loss"].name == "tilted log loss"


def test_a_submission_is_not_weighted_twice(random_case):
    labels, probabilities = random_case
    submission = tilt(probabilities)
    assert untilt(submission) == pytest.approx(probabilities)
    given = score(rsna_log_loss, labels, submission)
    assert given == pytest.approx(score(weighted_log_loss, labels, probabilities))


def test_a_constant_prior_has_its_known_weighted_loss():
    """The frequencies of the left labels of the RSNA 2024 data."""
    counts = np.array([6857, 1834, 912])
    labels = np.repeat(np.arange(3), counts)
    prior = np.tile(counts / counts.sum(), (len(labels), 1))
    assert score(weighted_log_loss, labels, prior) == pytest.approx(1.050, abs=1e-3)


def test_certainty_that_is_wrong_costs_much_and_not_infinitely_much():
    assert score(log_loss, np.array([2]), np.array([[1.0, 0.0, 0.0]])) == pytest.approx(
        16.118, 1e-4
    )


def test_one_class_has_no_auc():
    labels = np.zeros(4, dtype=int)
    assert key_metrics(labels, np.full((4, 3), 1 / 3))["auc_severe"] is None
