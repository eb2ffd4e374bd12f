import numpy as np
import pytest

from lss_cli.evaluation.metrics import log_loss, score
from lss_cli.model.session import apply_temperature
from lss_cli.training.calibration import fit_temperature


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_is_the_one_that_was_used(temperature):
    random = np.random.default_rng(1)
    logits = random.normal(size=(20000, 3)) * 2
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (honest.cumsum(axis=1) < random.random((len(honest), 1))).sum(axis=1)
    labels = np.minimum(labels, 2)
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
