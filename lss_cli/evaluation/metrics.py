"""Figures for probabilities of the three grades, each with its definition.

Throughout, `labels` are N ordinals (0, 1, 2) and `probabilities` N × 3, rows summing to 1.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from lss_cli.anatomy import Level, Severity

Labels = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.floating[Any]]

COMPETITION_WEIGHTS = np.array([1.0, 2.0, 4.0])
"""Weights of Normal/Mild, Moderate and Severe in the RSNA 2024 competition's metric."""

SMALLEST = 1e-7
"""Probabilities are clipped here before the logarithm, as Keras clips them."""


def log_loss(labels: Labels, probabilities: Probabilities) -> float:
    """Mean over rows of −ln p(true class)."""
    return float(_losses(labels, probabilities).mean())


def weighted_log_loss(labels: Labels, probabilities: Probabilities) -> float:
    """The competition's metric, after making the probabilities the best for it.

    Σ wᵢ·(−ln qᵢ) / Σ wᵢ over rows, w being 1, 2 or 4 by the true class. The weights pull the best
    prediction away from the probabilities, so q is p multiplied by 1, 2, 4 and renormalised:
    honest probabilities are not punished for being honest.
    """
    tilted = probabilities * COMPETITION_WEIGHTS
    tilted = tilted / tilted.sum(axis=1, keepdims=True)
    return float(np.average(_losses(labels, tilted), weights=COMPETITION_WEIGHTS[labels]))


def accuracy(labels: Labels, probabilities: Probabilities) -> float:
    """Share of rows whose most likely class is the true one."""
    return float((probabilities.argmax(axis=1) == labels).mean())


def auc(positive: npt.NDArray[np.bool_], scores: npt.NDArray[Any]) -> float | None:
    """Area under the ROC curve: how often a positive scores above a negative; ties count half.

    The Mann–Whitney statistic (Hanley and McNeil, Radiology 1982). ``None`` with one class only.
    """
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if not positives or not negatives:
        return None
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(counts) - (counts - 1) / 2
    rank_sum = mean_rank[inverse][positive].sum()
    return float((rank_sum - positives * (positives + 1) / 2) / (positives * negatives))


def confusion(labels: Labels, probabilities: Probabilities) -> list[list[int]]:
    """Rows are true classes, columns the most likely ones."""
    counts = np.zeros((len(Severity), len(Severity)), dtype=int)
    np.add.at(counts, (labels, probabilities.argmax(axis=1)), 1)
    return counts.tolist()


def figures(labels: Labels, probabilities: Probabilities) -> dict[str, Any]:
    """All of them, by name."""
    return {
        "rows": len(labels),
        "log_loss": log_loss(labels, probabilities),
        "weighted_log_loss": weighted_log_loss(labels, probabilities),
        "accuracy": accuracy(labels, probabilities),
        "auc_at_least_moderate": auc(labels >= 1, probabilities[:, 1] + probabilities[:, 2]),
        "auc_severe": auc(labels == 2, probabilities[:, 2]),
        "confusion": confusion(labels, probabilities),
    }


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


def _losses(labels: Labels, probabilities: Probabilities) -> npt.NDArray[np.float64]:
    true = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return -np.log(np.clip(true, SMALLEST, 1))
