"""Every figure against scikit-learn and Keras, on one hand-made file."""

from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as reference

from lss_cli.evaluation.catalogue import catalogue
from lss_cli.evaluation.predictions import read_predictions
from lss_cli.evaluation.sample import Sample
from tests.evaluation.handmade import rows, write

TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    path = write(tmp_path_factory.mktemp("hand") / "predictions.csv", rows())
    part = read_predictions(path).part("test")
    return part.labels, part.probabilities


@pytest.fixture(scope="module")
def found(case):
    return {one.key: one.value(Sample.once(*case))[0] for one in catalogue()}


def test_scikit_learn_agrees(case, found):
    labels, prob = case
    likely = prob.argmax(axis=1)
    true, above = np.eye(3)[labels].ravel(), prob.ravel() > 0.5
    weights = np.array([1, 2, 4])
    tilted = prob * weights / (prob * weights).sum(axis=1, keepdims=True)
    clipped, clipped_tilt = (np.clip(one, 1e-7, 1) for one in (prob, tilted))
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
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, abs=TOLERANCE), key
    # The rest is Keras's way, and one that nobody else computes.
    assert set(found) - set(expected) == {"auc", "pr_auc", "calibration_error"}
    # Near what exact areas give.
    assert found["auc"] == pytest.approx(reference.roc_auc_score(true, prob.ravel()), abs=0.01)
    assert normal.sum(axis=1) == pytest.approx(1)


def test_keras_agrees(case, found):
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
        metric.update_state(true, prob)
        assert found[key] == pytest.approx(float(metric.result()), abs=TOLERANCE), key


def test_the_calibration_error_by_hand():
    prob = np.array([[0.95, 0.05, 0], [0.91, 0.09, 0], [0.55, 0.45, 0], [0.1, 0.6, 0.3]])
    labels = np.array([0, 1, 1, 1])
    by_key = {one.key: one for one in catalogue()}
    # Bins of 0.9–1.0, of 0.5–0.6 (0.6 belongs to it) and nothing else.
    expected = (abs(0.95 + 0.91 - 1) + abs(0.55 + 0.6 - 1)) / 4
    (value,) = by_key["calibration_error"].value(Sample.once(labels, prob))
    assert value == pytest.approx(expected)


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_beta_is_free(case, beta):
    labels, prob = case
    (metric,) = [one for one in catalogue(beta) if one.key == "f_beta"]
    expected = reference.fbeta_score(labels, prob.argmax(axis=1), beta=beta, average="macro")
    assert metric.value(Sample.once(labels, prob))[0] == pytest.approx(expected)
    assert metric.name == f"F-beta (β = {beta:g})"


def test_a_row_that_counts_twice_is_a_row_that_is_there_twice(case):
    labels, prob = case
    times = np.random.default_rng(2).integers(0, 4, (5, len(labels)))
    for one in catalogue():
        weighted = one.value(Sample(labels, prob, times.astype(float)))
        repeated = [
            one.value(Sample.once(np.repeat(labels, row), np.repeat(prob, row, axis=0)))[0]
            for row in times
        ]
        np.testing.assert_allclose(weighted, repeated, atol=1e-9, err_msg=one.key)


def test_what_is_undefined_is_not_a_number():
    found = {
        one.key: one.value(Sample.once(np.zeros(4, dtype=int), np.full((4, 3), 1 / 3)))[0]
        for one in catalogue()
    }
    undefined = {key for key, value in found.items() if np.isnan(value)}
    assert undefined == {
        "precision",  # nothing above 0.5
        "f1",
        "macro_auc",
        "auc_at_least_moderate",
        "auc_severe",
        "quadratic_kappa",
        "sensitivity_moderate",
        "sensitivity_severe",
        "specificity_normal_mild",
    }
    assert found["accuracy"] == found["balanced_accuracy"] == 1


def test_every_figure_has_a_name_and_a_definition_of_its_own():
    assert len({one.key for one in catalogue()}) == len(catalogue())
    assert len({one.name for one in catalogue()}) == len(catalogue())
    assert all(one.definition.endswith(".") for one in catalogue())


def test_the_documentation_has_the_same_definitions():
    page = Path(__file__).parents[2] / "docs" / "evaluate.md"
    text = page.read_text(encoding="utf-8")
    for one in catalogue():
        assert f"| {one.name} | {'↑' if one.better > 0 else '↓'} | {one.definition} |" in text
