"""Baselines: predictors that see no image, which any network has to beat."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lss_cli.anatomy import Level, Severity
from lss_cli.dataset.dataframes import to_ordinals
from lss_cli.evaluation.predictions import Predictions
from lss_cli.evaluation.sample import GRADES, Float64Array, Labels

# Shares are (count + 1) / (rows + 3).
DEFINITIONS = {
    "majority": "Always the most frequent grade, with certainty.",
    "prior": "The share of each grade, the same for every row.",
    "prior by level": "The share of each grade at the row's level.",
}


@dataclass(frozen=True)
class Baselines:
    """Three predictors that see no image.

    Attributes:
        by_name: The probabilities of each, N × 3, by the names of `DEFINITIONS`.
        fitted_on_training: Whether they learnt from the training part. Otherwise it was not to be
            had, and they learnt from the very rows they are judged on, which flatters them.
    """

    by_name: dict[str, Float64Array]
    fitted_on_training: bool

    @classmethod
    def fit(cls, part: Predictions) -> "Baselines":
        """Fit them for the rows of `part`."""
        known: pd.DataFrame = part.table if part.training is None else part.training
        labels = to_ordinals(known["severity"], Severity)
        counts = np.bincount(labels, minlength=GRADES)
        rows = len(part.labels)
        by_level = prior_by_level(labels, to_ordinals(known["level"], Level))
        return cls(
            {
                "majority": np.tile(np.eye(GRADES)[counts.argmax()], (rows, 1)),
                "prior": np.tile((counts + 1) / (counts.sum() + GRADES), (rows, 1)),
                "prior by level": by_level[part.levels],
            },
            part.training is not None,
        )


def prior_by_level(labels: Labels, levels: Labels) -> Float64Array:
    """What is known without an image: the share of each grade at each level.

    Shares are (count + 1) / (rows + 3), Laplace's rule of succession, so that a grade unseen at
    a level stays possible.

    Args:
        labels: Of the training part, 0 to 2.
        levels: Of the training part, 0 to 4.

    Returns:
        5 × 3 probabilities.

    >>> prior_by_level(np.array([0, 0, 2]), np.array([0, 0, 4]))[0]
    array([0.6, 0.2, 0.2])
    """
    counts = np.ones((len(Level), GRADES))
    np.add.at(counts, (levels, labels), 1)
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))
