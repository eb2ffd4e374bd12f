"""Probabilities made for the RSNA 2024 competition's metric, and back."""

import numpy as np

from lss_cli.evaluation.sample import Float64Array, Probabilities
from lss_cli.rule import GradeRule

# Weights of Normal/Mild, Moderate and Severe in the RSNA 2024 competition's metric.
COMPETITION = GradeRule((1.0, 2.0, 4.0))
COMPETITION_WEIGHTS = np.array(COMPETITION.weights)


def tilt(probabilities: Probabilities) -> Float64Array:
    """Make probabilities the best ones for the competition's metric.

    Its weights pull the best prediction away from the probabilities: it is p multiplied by 1, 2, 4
    and renormalised. Honest probabilities shall not be punished for being honest.

    >>> tilt(np.array([[0.5, 0.25, 0.25]]))
    array([[0.25, 0.25, 0.5 ]])
    """
    return COMPETITION.weigh(probabilities)


def untilt(probabilities: Probabilities) -> Float64Array:
    """Take the competition's weights out of probabilities that were made for its metric.

    >>> untilt(np.array([[0.25, 0.25, 0.5]]))
    array([[0.5 , 0.25, 0.25]])
    """
    quotients = probabilities / COMPETITION_WEIGHTS
    return np.asarray(quotients / quotients.sum(axis=1, keepdims=True))
