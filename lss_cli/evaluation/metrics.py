"""The figures that a training writes down, and what is known without an image.

Throughout, `labels` are N ordinals (0, 1, 2) and `probabilities` N × 3, rows summing to 1.
"""

from typing import Any

import numpy as np

from lss_cli.anatomy import Level, Severity
from lss_cli.evaluation import formulas
from lss_cli.evaluation.catalogue import catalogue
from lss_cli.evaluation.losses import log_loss, weighted_log_loss
from lss_cli.evaluation.sample import Labels, Probabilities, Sample

__all__ = [
    "Labels",
    "Probabilities",
    "accuracy",
    "figures",
    "log_loss",
    "prior_by_level",
    "weighted_log_loss",
]

KEY_FIGURES = (
    "log_loss",
    "weighted_log_loss",
    "accuracy",
    "auc_at_least_moderate",
    "auc_severe",
)


def figures(labels: Labels, probabilities: Probabilities) -> dict[str, Any]:
    """The most telling figures by name, ``None`` where undefined, and the confusion matrix."""
    sample = Sample.once(labels, probabilities)
    values = {one.key: one.value(sample) for one in catalogue() if one.key in KEY_FIGURES}
    return {
        "rows": len(labels),
        **{key: number(values[key][0]) for key in KEY_FIGURES},
        "confusion": sample.confusion[0].astype(int).tolist(),
    }


def accuracy(labels: Labels, probabilities: Probabilities) -> float:
    """Share of rows whose most likely class is the true one."""
    return float(formulas.accuracy(Sample.once(labels, probabilities))[0])


def number(value: float) -> float | None:
    """A plain number; ``None`` for NaN, which JSON does not know."""
    return None if np.isnan(value) else float(value)


def prior_by_level(labels: Labels, levels: Labels) -> Probabilities:
    """What is known without an image: the share of each grade at each level.

    Shares are (count + 1) / (rows + 3), Laplace's rule of succession, so that a grade unseen at
    a level stays possible.

    Args:
        labels: Of the training part.
        levels: Of the training part, 0 to 4.

    Returns:
        5 × 3 probabilities.
    """
    counts = np.ones((len(Level), len(Severity)))
    np.add.at(counts, (levels, labels), 1)
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))
