"""The formulas of the figures: each gives R values of a sample, NaN where it is undefined."""

import numpy as np

from lss_cli.anatomy import Severity
from lss_cli.evaluation.curves import area
from lss_cli.evaluation.losses import COMPETITION_WEIGHTS, losses, reweight_for_competition
from lss_cli.evaluation.sample import GRADES, Float64Array, Sample, ratio

THRESHOLD = 0.5
BINS = 10
"""Of the calibration error, evenly wide."""


def accuracy(sample: Sample) -> Float64Array:
    """Share of rows whose most likely class is the true one."""
    return sample.mean(sample.likely == sample.labels)


def precision(sample: Sample) -> Float64Array:
    """Of the one-hot entries above the threshold, the share that is true."""
    above = sample.probabilities > THRESHOLD
    return ratio(sample.total((above & sample.true).sum(axis=1)), sample.total(above.sum(axis=1)))


def recall(sample: Sample) -> Float64Array:
    """Of the true one-hot entries, the share above the threshold."""
    above = sample.probabilities > THRESHOLD
    return sample.mean((above & sample.true).sum(axis=1))


def f1(sample: Sample) -> Float64Array:
    """Harmonic mean of precision and recall."""
    one, other = precision(sample), recall(sample)
    return ratio(2 * one * other, one + other)


def f_beta(sample: Sample, beta: float) -> Float64Array:
    """Mean over classes of (1 + β²)·P·R / (β²·P + R), on the most likely class.

    In counts: (1 + β²)·TP / ((1 + β²)·TP + β²·FN + FP). A class that is neither there nor
    predicted does not count, as in scikit-learn.
    """
    hits = np.diagonal(sample.confusion, axis1=1, axis2=2)
    missed = sample.confusion.sum(axis=2) - hits
    wrong = sample.confusion.sum(axis=1) - hits
    scale = 1 + beta**2
    return _mean_of_defined(ratio(scale * hits, scale * hits + beta**2 * missed + wrong))


def brier(sample: Sample) -> Float64Array:
    """Mean over rows of Σ (p − y)² over the classes (Brier, Monthly Weather Review 1950)."""
    return sample.mean(((sample.probabilities - sample.true) ** 2).sum(axis=1))


def balanced_accuracy(sample: Sample) -> Float64Array:
    """Mean of the sensitivities of the classes that are there."""
    hits = np.diagonal(sample.confusion, axis1=1, axis2=2)
    return _mean_of_defined(ratio(hits, sample.confusion.sum(axis=2)))


def quadratic_kappa(sample: Sample) -> Float64Array:
    """1 − Σ w·O / Σ w·E, w = (i − j)² (Cohen, Psychological Bulletin 1968).

    O counts the pairs of true and most likely class, E those that their margins would give by
    chance.
    """
    distance = np.subtract.outer(np.arange(GRADES), np.arange(GRADES)) ** 2
    chance = np.einsum("ri,rj->rij", sample.confusion.sum(axis=2), sample.confusion.sum(axis=1))
    seen = (sample.confusion * distance).sum(axis=(1, 2)) * sample.count
    return 1 - ratio(seen, (chance * distance).sum(axis=(1, 2)))


def sensitivity(sample: Sample, grade: Severity) -> Float64Array:
    """Of the rows of a grade, the share graded so."""
    of_grade = sample.confusion[:, grade.ordinal]
    return ratio(of_grade[:, grade.ordinal], of_grade.sum(axis=1))


def specificity(sample: Sample, grade: Severity) -> Float64Array:
    """Of the rows of other grades, the share not graded so."""
    others = np.delete(sample.confusion, grade.ordinal, axis=1)
    every = others.sum(axis=(1, 2))
    return ratio(every - others[:, :, grade.ordinal].sum(axis=1), every)


def calibration_error(sample: Sample) -> Float64Array:
    """Expected calibration error (Guo et al., "On calibration of modern neural networks", 2017)."""
    confidence = sample.probabilities.max(axis=1)
    bins = np.maximum(np.ceil(confidence * BINS) - 1, 0).astype(int)
    gap = confidence - (sample.likely == sample.labels)
    by_bin = sample.total(np.eye(BINS)[np.minimum(bins, BINS - 1)] * gap[:, None])
    return ratio(np.abs(by_bin).sum(axis=1), sample.count)


def at_least_moderate(sample: Sample) -> Float64Array:
    """Area under the ROC curve of p(Moderate) + p(Severe)."""
    return area(sample, sample.labels >= 1, sample.probabilities[:, 1] + sample.probabilities[:, 2])


def severe(sample: Sample) -> Float64Array:
    """Area under the ROC curve of p(Severe)."""
    return area(sample, sample.labels == 2, sample.probabilities[:, 2])


def weighted_log_loss(sample: Sample) -> Float64Array:
    """The competition's metric of the tilted probabilities."""
    weights = COMPETITION_WEIGHTS[sample.labels]
    costs = losses(sample.labels, reweight_for_competition(sample.probabilities))
    return ratio(sample.total(weights * costs), sample.total(weights))


def _mean_of_defined(by_class: Float64Array) -> Float64Array:
    defined = ~np.isnan(by_class)
    return ratio(np.where(defined, by_class, 0).sum(axis=1), defined.sum(axis=1).astype(float))
