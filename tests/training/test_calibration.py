import numpy as np
import pytest

from lss_cli.errors import DataError
from lss_cli.evaluation.metrics import log_loss, score
from lss_cli.model.session import apply_temperature
from lss_cli.training.calibration import Dirichlet, fit_calibration, fit_dirichlet, fit_temperature


def labelled(count):
    """Honest probabilities, and labels drawn by them."""
    random = np.random.default_rng(1)
    logits = random.normal(size=(count, 3)) * 2
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (honest.cumsum(axis=1) < random.random((len(honest), 1))).sum(axis=1)
    return honest, np.minimum(labels, 2)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_is_the_one_that_was_used(temperature):
    honest, labels = labelled(20000)
    shown = apply_temperature(honest.astype(np.float32), 1 / temperature)
    fitted = fit_temperature(labels, shown)
    assert fitted == pytest.approx(temperature, rel=0.05)
    best = score(log_loss, labels, apply_temperature(shown, fitted))
    for other in (fitted * 0.9, fitted * 1.1):
        assert best <= score(log_loss, labels, apply_temperature(shown, other))


def test_the_temperature_has_bounds():
    sure = np.array([[0.4, 0.3, 0.3]] * 5)
    assert fit_temperature(np.zeros(5, int), sure) == pytest.approx(0.25, abs=1e-3)
    assert fit_temperature(np.ones(5, int), sure) == pytest.approx(4, abs=1e-2)


def test_the_matrix_undoes_what_no_temperature_can():
    """A third grade that is shown half as likely as it is, and mixed with the second."""
    honest, labels = labelled(20000)
    mixing = np.array([[1, 0, 0], [0.1, 0.8, 0.1], [0, 0.3, 0.6]])
    shown = np.exp(np.log(honest) @ mixing.T - [0, 0, 0.7])
    shown /= shown.sum(axis=1, keepdims=True)
    fitted = fit_dirichlet(labels, shown)
    assert fitted(shown).sum(axis=1) == pytest.approx(1)
    assert fitted(shown) == pytest.approx(honest, abs=0.05)
    cooled = fit_calibration("temperature", labels, shown)
    assert score(log_loss, labels, fitted(shown)) < score(log_loss, labels, cooled(shown)) - 0.01


def test_the_matrix_that_changes_nothing_leaves_impossible_grades_so():
    same = Dirichlet(np.eye(3), np.zeros(3))
    assert same(np.array([[1.0, 0, 0]]))[0] == pytest.approx([1, 0, 0], abs=1e-5)


def test_the_matrix_wants_labels_of_every_grade():
    with pytest.raises(DataError, match=r"no label of Severe.*--calibration temperature"):
        fit_dirichlet(np.array([0, 1]), np.full((2, 3), 1 / 3))
