import numpy as np
import pytest
from sklearn import metrics as reference

from lss_cli.evaluation import metrics


@pytest.fixture
def case():
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 300)
    probabilities = random.dirichlet([1, 1, 1], 300)
    # Ties, which ranks must share.
    probabilities[:50] = probabilities[50:100]
    return labels, probabilities


def test_figures_agree_with_scikit_learn(case):
    labels, probabilities = case
    found = metrics.figures(labels, probabilities)
    likely = probabilities.argmax(axis=1)
    assert found["rows"] == 300
    assert found["log_loss"] == pytest.approx(reference.log_loss(labels, probabilities))
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(labels, likely))
    assert found["auc_at_least_moderate"] == pytest.approx(
        reference.roc_auc_score(labels >= 1, probabilities[:, 1:].sum(axis=1))
    )
    assert found["auc_severe"] == pytest.approx(
        reference.roc_auc_score(labels == 2, probabilities[:, 2])
    )
    assert found["confusion"] == reference.confusion_matrix(labels, likely).tolist()


def test_the_weighted_loss_is_that_of_tilted_probabilities(case):
    labels, probabilities = case
    weights = np.array([1, 2, 4])
    tilted = probabilities * weights / (probabilities * weights).sum(axis=1, keepdims=True)
    expected = reference.log_loss(labels, tilted, sample_weight=weights[labels])
    assert metrics.weighted_log_loss(labels, probabilities) == pytest.approx(expected)


def test_a_constant_prior_has_its_known_weighted_loss():
    """The frequencies of the left labels of the RSNA 2024 data."""
    counts = np.array([6857, 1834, 912])
    labels = np.repeat(np.arange(3), counts)
    prior = np.tile(counts / counts.sum(), (len(labels), 1))
    assert metrics.weighted_log_loss(labels, prior) == pytest.approx(1.050, abs=1e-3)


def test_certainty_that_is_wrong_costs_much_and_not_infinitely_much():
    assert metrics.log_loss(np.array([2]), np.array([[1.0, 0.0, 0.0]])) == pytest.approx(
        16.118, 1e-4
    )


def test_one_class_has_no_auc():
    labels = np.zeros(4, dtype=int)
    assert metrics.figures(labels, np.full((4, 3), 1 / 3))["auc_severe"] is None


def test_the_prior_counts_per_level_and_leaves_nothing_impossible():
    prior = metrics.prior_by_level(np.array([0, 0, 2]), np.array([0, 0, 4]))
    assert prior[0] == pytest.approx([3 / 5, 1 / 5, 1 / 5])
    assert prior[1] == pytest.approx([1 / 3] * 3)
    assert prior[4] == pytest.approx([1 / 4, 1 / 4, 2 / 4])
