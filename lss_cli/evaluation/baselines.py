"""Baselines: predictors that see no image, which any network has to beat."""

from dataclasses import dataclass

import numpy as np

from lss_cli.anatomy import Level
from lss_cli.evaluation.grade_counts import EVALUATED_ROWS, GradeCounts
from lss_cli.evaluation.predictions import Predictions
from lss_cli.evaluation.sample import GRADES, Float64Array, Labels

BY_LEVEL = "prior by level"
# Shares are (count + 1) / (rows + 3).
DEFINITIONS = {
    "majority": "Always the most frequent grade, with certainty.",
    "prior": "The share of each grade, the same for every row.",
    BY_LEVEL: "The share of each grade at the row's level.",
}


@dataclass(frozen=True)
class Baselines:
    """Three predictors that see no image, or fewer where they cannot be had.

    Attributes:
        by_name: The probabilities of each, N × 3, by the names of `DEFINITIONS`.
        fitted_on: The ``source`` of the counts that they learnt from. Where nothing else is to be
            had these are the very rows they are judged on, which flatters them.
    """

    by_name: dict[str, Float64Array]
    fitted_on: str

    @classmethod
    def fit(cls, part: Predictions) -> "Baselines":
        """Fit them for the rows of `part`."""
        known = part.training or GradeCounts.of_rows(part.table, EVALUATED_ROWS)
        counts, rows = known.by_grade, len(part.labels)
        by_name = {}
        if counts.any():
            by_name["majority"] = np.tile(np.eye(GRADES)[counts.argmax()], (rows, 1))
            by_name["prior"] = np.tile(shares(counts), (rows, 1))
        if known.by_level is not None:
            by_name[BY_LEVEL] = shares(known.by_level)[part.levels]
        return cls(by_name, known.source)


def shares(counts: Labels) -> Float64Array:
    """(count + 1) / (rows + 3), Laplace's rule of succession: a grade unseen stays possible.

    Args:
        counts: Of the grades, along the last axis.

    >>> shares(np.array([2, 0, 0]))
    array([0.6, 0.2, 0.2])
    """
    above = counts + 1
    return np.asarray(above / above.sum(axis=-1, keepdims=True))


def prior_by_level(labels: Labels, levels: Labels) -> Float64Array:
    """What is known without an image: the share of each grade at each level.

    Args:
        labels: Of the training part, 0 to 2.
        levels: Of the training part, 0 to 4.

    Returns:
        5 × 3 probabilities.

    >>> prior_by_level(np.array([0, 0, 2]), np.array([0, 0, 4]))[0]
    array([0.6, 0.2, 0.2])
    """
    counts = np.zeros((len(Level), GRADES), np.int64)
    np.add.at(counts, (levels, labels), 1)
    return shares(counts)
