"""Areas under ROC and precision–recall curves: exact ones, and those that Keras computes."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from lss_cli.evaluation.sample import BoolArray, Float64Array, Sample, one_hot, ratio

# Keras counts at 200 thresholds, evenly spaced from 0 to 1.
BUCKETS = 199


def roc_area(sample: Sample, positive: BoolArray, scores: npt.NDArray[Any]) -> Float64Array:
    """Area under the ROC curve: how often a positive scores above a negative; ties count half.

    The Mann–Whitney statistic (Hanley and McNeil, Radiology 1982), rows counting by weight.

    Args:
        sample: Whose weights count.
        positive: N truth values.
        scores: N numbers, higher for positives.

    Returns:
        R areas, NaN where there is one class only.

    >>> sample = Sample.once(np.array([0, 2, 0, 2]), np.full((4, 3), 1 / 3))
    >>> roc_area(sample, sample.labels == 2, np.array([0.1, 0.9, 0.5, 0.5]))
    array([0.875])
    """
    order = np.argsort(scores, kind="stable")
    weights = sample.weights[:, order]
    ranked = scores[order]
    ties = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    positives = np.add.reduceat(weights * positive[order], ties, axis=1)
    negatives = np.add.reduceat(weights * ~positive[order], ties, axis=1)
    below = negatives.cumsum(axis=1) - negatives / 2
    pairs = positives.sum(axis=1) * negatives.sum(axis=1)
    return ratio((positives * below).sum(axis=1), pairs)


@dataclass(frozen=True)
class Pooled:
    """The 3 × N one-hot labels and their probabilities as one binary problem, as Keras counts it.

    Attributes:
        true_positives: R × 200, entries of the true class that score above each threshold.
        false_positives: R × 200, entries of other classes that do.
    """

    true_positives: Float64Array
    false_positives: Float64Array

    @classmethod
    @lru_cache(maxsize=1)  # two metrics ask for the same sample in turn
    def of(cls, sample: Sample) -> "Pooled":
        """Count. As Keras does, in single precision: bucket i holds i/199 < p ≤ (i+1)/199."""
        scaled = sample.probabilities.astype(np.float32) * np.float32(BUCKETS)
        bucket = np.maximum(np.ceil(scaled) - 1, 0).astype(np.int64)
        rows = np.arange(len(bucket))
        counts = np.zeros((2, len(bucket), BUCKETS + 1))
        for grade, truth in enumerate(one_hot(sample.labels).T):
            np.add.at(counts, (truth.astype(int), rows, bucket[:, grade]), 1)
        above = [sample.total(table)[:, ::-1].cumsum(axis=1)[:, ::-1] for table in counts]
        return cls(true_positives=above[1], false_positives=above[0])

    def roc_area(self) -> Float64Array:
        """Trapezoids between neighbouring thresholds, as ``keras.metrics.AUC()``."""
        recall = ratio(self.true_positives, self.true_positives[:, :1])
        fall_out = ratio(self.false_positives, self.false_positives[:, :1])
        heights = (recall[:, :-1] + recall[:, 1:]) / 2
        return np.asarray(((fall_out[:, :-1] - fall_out[:, 1:]) * heights).sum(axis=1))

    def pr_area(self) -> Float64Array:
        """As ``keras.metrics.AUC(curve="PR")``.

        Between two thresholds the counts, not the precision, are taken to run linearly (Davis and
        Goadrich, "The relationship between precision-recall and ROC curves", ICML 2006). With
        TP = s·P + c, P being all entries above the threshold, the area of the step is
        s·(ΔTP + c·ln(P_before / P_after)) / positives.
        """
        after, step = self.true_positives[:, 1:], -np.diff(self.true_positives, axis=1)
        every = self.true_positives + self.false_positives
        slope = np.nan_to_num(ratio(step, -np.diff(every, axis=1)))
        intercept = after - slope * every[:, 1:]
        both = (every[:, :-1] > 0) & (every[:, 1:] > 0)
        shrinkage = np.divide(every[:, :-1], every[:, 1:], out=np.ones_like(after), where=both)
        areas = slope * (step + intercept * np.log(shrinkage))
        return ratio(areas.sum(axis=1), self.true_positives[:, 0])


def roc_points(positive: BoolArray, scores: npt.NDArray[Any]) -> tuple[Float64Array, Float64Array]:
    """False and true positive rates at every distinct score, from (0, 0) to (1, 1).

    >>> roc_points(np.array([True, False]), np.array([0.9, 0.1]))
    (array([0., 0., 1.]), array([0., 1., 1.]))
    """
    hits, misses = _above(positive, scores)
    return (
        np.concatenate([[0.0], misses / misses[-1]]),
        np.concatenate([[0.0], hits / hits[-1]]),
    )


def pr_points(positive: BoolArray, scores: npt.NDArray[Any]) -> tuple[Float64Array, Float64Array]:
    """Recall and precision at every distinct score, from the highest to the lowest.

    >>> pr_points(np.array([True, False]), np.array([0.9, 0.1]))
    (array([1., 1.]), array([1. , 0.5]))
    """
    hits, misses = _above(positive, scores)
    return hits / hits[-1], hits / (hits + misses)


def _above(positive: BoolArray, scores: npt.NDArray[Any]) -> tuple[Float64Array, Float64Array]:
    """Positives and negatives that score at least each distinct score, from the highest."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.flatnonzero(np.concatenate([ranked[1:] != ranked[:-1], [True]]))
    hits = positive[order].cumsum()[last].astype(np.float64)
    return hits, last + 1 - hits
