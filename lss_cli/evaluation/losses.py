"""What one row costs."""

import numpy as np

from lss_cli.evaluation.sample import Float64Array, Labels, Probabilities

COMPETITION_WEIGHTS = np.array([1.0, 2.0, 4.0])
"""Weights of Normal/Mild, Moderate and Severe in the RSNA 2024 competition's metric."""

SMALLEST = 1e-7
"""Probabilities are clipped here before the logarithm, as Keras clips them."""


def losses(labels: Labels, probabilities: Probabilities) -> Float64Array:
    """−ln p(true class) of each row."""
    true = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return -np.log(np.clip(true, SMALLEST, 1))


def reweight_for_competition(probabilities: Probabilities) -> Float64Array:
    """Make probabilities the best ones for the competition's metric.

    Its weights pull the best prediction away from the probabilities: it is p multiplied by 1, 2, 4
    and renormalised. Honest probabilities shall not be punished for being honest.
    """
    products = probabilities * COMPETITION_WEIGHTS
    return np.asarray(products / products.sum(axis=1, keepdims=True))


def log_loss(labels: Labels, probabilities: Probabilities) -> float:
    """Mean over rows of −ln p(true class)."""
    return float(losses(labels, probabilities).mean())


def weighted_log_loss(labels: Labels, probabilities: Probabilities) -> float:
    """The competition's metric of the tilted probabilities q: Σ wᵢ·(−ln qᵢ) / Σ wᵢ over rows."""
    return float(
        np.average(
            losses(labels, reweight_for_competition(probabilities)),
            weights=COMPETITION_WEIGHTS[labels],
        )
    )
