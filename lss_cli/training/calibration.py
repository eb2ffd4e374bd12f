"""Calibration of probabilities: by one temperature, or by a matrix on their logarithms."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lss_cli.anatomy import Severity
from lss_cli.errors import DataError
from lss_cli.evaluation.metrics import log_loss, score
from lss_cli.evaluation.sample import Float64Array, Labels, Probabilities
from lss_cli.model.session import apply_temperature
from lss_cli.text import join_words

Method = Literal["temperature", "dirichlet"]

# Below it a probability's logarithm says nothing any more.
SMALLEST_PROBABILITY = 1e-6

# A few dozen rows can ask for more; they do not know it well enough.
SMALLEST, LARGEST = 0.25, 4.0

_STEPS = 40


@dataclass(frozen=True)
class Temperature:
    """Logits are divided by one number.

    Attributes:
        temperature: The number.
    """

    temperature: float

    def __call__(self, prob: Probabilities) -> Probabilities:
        """Calibrate N × 3 probabilities."""
        return apply_temperature(prob.astype(np.float32), self.temperature).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Dirichlet:
    """Grades are weighed by a linear map of all three logarithms.

    Attributes:
        weights: 3 × 3, from logarithms (columns) to logits (rows).
        biases: 3.
    """

    weights: Float64Array
    biases: Float64Array

    def __call__(self, prob: Probabilities) -> Probabilities:
        """Calibrate N × 3 probabilities."""
        logits = logarithms(prob) @ self.weights.T + self.biases
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))


Calibration = Temperature | Dirichlet


def fit_calibration(method: Method, labels: Labels, prob: Probabilities) -> Calibration:
    """Fit a calibration to labelled probabilities.

    Args:
        method: Which.
        labels: N ordinals.
        prob: N × 3, before calibration.

    Raises:
        DataError: As `fit_dirichlet`.
    """
    return _FITS[method](labels, prob)


def fit_dirichlet(labels: Labels, prob: Probabilities) -> Dirichlet:
    """Multinomial logistic regression on the logarithms, a little held back.

    Source: Kull et al., "Beyond temperature scaling: Obtaining well-calibrated multiclass
    probabilities with Dirichlet calibration", NeurIPS 2019. It has twelve numbers to learn, which
    takes hundreds of labels.

    Args:
        labels: N ordinals.
        prob: N × 3, before calibration.

    Raises:
        DataError: A grade is missing among the labels.
    """
    from sklearn.linear_model import LogisticRegression

    there = set(np.unique(labels).tolist())
    if missing := [str(grade) for number, grade in enumerate(Severity) if number not in there]:
        raise DataError(
            f"there is no label of {join_words(missing)} to calibrate by.",
            todo="Use --calibration temperature.",
        )
    fitted = LogisticRegression(max_iter=1000).fit(logarithms(prob), labels)
    return Dirichlet(np.asarray(fitted.coef_), np.asarray(fitted.intercept_))


def logarithms(prob: Probabilities) -> Probabilities:
    """Of probabilities, none below that of `SMALLEST_PROBABILITY`."""
    return np.asarray(np.log(np.maximum(prob, SMALLEST_PROBABILITY)))


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


_FITS: dict[Method, Callable[[Labels, Probabilities], Calibration]] = {
    "temperature": lambda labels, prob: Temperature(fit_temperature(labels, prob)),
    "dirichlet": fit_dirichlet,
}
