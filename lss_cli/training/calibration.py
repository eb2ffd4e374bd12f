"""Temperature scaling of probabilities."""

import numpy as np

from lss_cli.evaluation.metrics import log_loss, score
from lss_cli.evaluation.sample import Labels, Probabilities
from lss_cli.model.session import apply_temperature

# A few dozen rows can ask for more; they do not know it well enough.
SMALLEST, LARGEST = 0.25, 4.0

_STEPS = 40


def fit_temperature(labels: Labels, prob: Probabilities) -> float:
    """The temperature with the smallest log loss: golden-section search over its logarithm.

    The log loss has one minimum in 1 / temperature, along which it is convex. Source of the
    method: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

    Args:
        labels: Of the validation part, N ordinals.
        prob: N × 3, before calibration.
    """
    ratio = (np.sqrt(5) - 1) / 2
    low, high = np.log(SMALLEST), np.log(LARGEST)
    for _ in range(_STEPS):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if _loss(labels, prob, left) <= _loss(labels, prob, right):
            high = right
        else:
            low = left
    return round(float(np.exp((low + high) / 2)), 4)


def _loss(labels: Labels, prob: Probabilities, logarithm: float) -> float:
    temperature = float(np.exp(logarithm))
    return score(log_loss, labels, apply_temperature(prob.astype(np.float32), temperature))
