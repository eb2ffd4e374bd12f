"""The metrics: each defined once, by its function.

`metric` registers a function of a `Sample` under its own name. The first paragraph of its docstring
is the definition that people read, in ``lss evaluate --definitions``, on the pages and in the
documentation; what stands below is for whoever reads the code.
"""
# ruff: noqa: D205 - a definition may be longer than one line

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, TypeVar

import numpy as np

from lss_cli.anatomy import Severity
from lss_cli.evaluation.curves import Pooled, roc_area
from lss_cli.evaluation.sample import (
    GRADES,
    Float64Array,
    Labels,
    Probabilities,
    Sample,
    mean_of_defined,
    ratio,
)
from lss_cli.evaluation.tilt import COMPETITION_WEIGHTS, tilt
from lss_cli.rule import LIKELIEST, GradeRule

Group = Literal["study", "readers"]
GROUPS: dict[Group, str] = {"study": "The study's figures", "readers": "The readers' figures"}

DEFAULT_BETA = 2.0
THRESHOLD = 0.5
# Of the calibration error, evenly wide.
BINS = 10

# What a training writes down.
KEY_METRICS = ["log_loss", "weighted_log_loss", "accuracy", "auc_at_least_moderate", "auc_severe"]

Formula = Callable[[Sample], Float64Array]
AnyFormula = TypeVar("AnyFormula", bound=Formula)
GradeFormula = Callable[[Sample, Severity], Float64Array]


@dataclass(frozen=True)
class Metric:
    """A metric.

    Attributes:
        key: Its name in files.
        name: Its name for people.
        group: Whether it stands in the study's results table or is one that readers need.
        better: Which way is better: 1 for higher, -1 for lower.
        definition: What it is, in one sentence.
        value: Computes it: R values of a sample, NaN where it is undefined.
        biased: Whether few rows make it too high, and resamples again higher.
    """

    key: str
    name: str
    group: Group
    better: Literal[1, -1]
    definition: str
    value: Formula
    biased: bool = False


# All metrics by their keys, in the order in which they are shown: that of their definitions below.
METRICS: dict[str, Metric] = {}


def metric(
    name: str, *, group: Group = "readers", better: Literal[1, -1] = 1, biased: bool = False
) -> Callable[[AnyFormula], AnyFormula]:
    """Register a function as a metric: its name is the key, its docstring the definition.

    Args:
        name: For people.
        group: See `Metric`.
        better: See `Metric`.
        biased: See `Metric`.
    """

    def register(function: AnyFormula) -> AnyFormula:
        key, definition = function.__name__, definition_of(function)
        METRICS[key] = Metric(key, name, group, better, definition, function, biased)
        return function

    return register


def metric_of_each_grade(function: GradeFormula) -> GradeFormula:
    """Register a function as one metric for each grade, which `{grade}` names in its docstring."""
    for grade in Severity:
        key, name = f"{function.__name__}_{grade.column}", f"{function.__name__} {grade}"
        definition = definition_of(function).format(grade=grade)
        METRICS[key] = Metric(key, name, "readers", 1, definition, _of_grade(function, grade))
    return function


def _of_grade(function: GradeFormula, grade: Severity) -> Formula:
    return lambda sample: function(sample, grade)


def definition_of(function: Callable[..., Any]) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join((inspect.getdoc(function) or "").partition("\n\n")[0].split())


def metrics_with(beta: float) -> tuple[Metric, ...]:
    """All metrics, in their order, with this β of F-beta."""
    changed = replace(
        METRICS["f_beta"], name=f"F-beta (β = {beta:g})", value=partial(f_beta, beta=beta)
    )
    return tuple((METRICS | {changed.key: changed}).values())


def score(formula: Formula, labels: Labels, probabilities: Probabilities) -> float:
    """The metric of rows that count once each; NaN where it is undefined.

    Args:
        formula: A function of this module.
        labels: N ordinals (0, 1, 2).
        probabilities: N × 3, rows summing to 1.

    >>> score(accuracy, np.array([0, 2]), np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]]))
    0.5
    """
    return float(formula(Sample.once(labels, probabilities))[0])


def key_metrics(
    labels: Labels, probabilities: Probabilities, rule: GradeRule = LIKELIEST
) -> dict[str, Any]:
    """The most telling metrics by key, ``None`` where undefined, and the confusion matrix.

    Args:
        labels: N ordinals (0, 1, 2).
        probabilities: N × 3, rows summing to 1.
        rule: By which they become grades.
    """
    sample = Sample.once(labels, probabilities, rule)
    values = {key: float(METRICS[key].value(sample)[0]) for key in KEY_METRICS}
    return {
        "rows": len(labels),
        **{key: None if np.isnan(value) else value for key, value in values.items()},
        "confusion": sample.confusion[0].astype(int).tolist(),
    }


@metric("accuracy", group="study")
def accuracy(sample: Sample) -> Float64Array:
    """Share of rows whose grade is the true class."""
    return sample.mean(sample.grades == sample.labels)


@metric("precision", group="study")
def precision(sample: Sample) -> Float64Array:
    """Labels one-hot and pooled: of the entries with p > 0.5, the share that is true.

    >>> probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.4, 0.3, 0.3]])
    >>> precision(Sample.once(np.array([0, 2, 0]), probabilities))
    array([0.5])
    """
    above = sample.probabilities > THRESHOLD
    return ratio(sample.total((above & sample.true).sum(axis=1)), sample.total(above.sum(axis=1)))


@metric("recall", group="study")
def recall(sample: Sample) -> Float64Array:
    """Labels one-hot and pooled: of the true entries, the share with p > 0.5."""
    above = sample.probabilities > THRESHOLD
    return sample.mean((above & sample.true).sum(axis=1))


@metric("AUC", group="study")
def auc(sample: Sample) -> Float64Array:
    """Area under the ROC curve of the pooled one-hot labels, as keras.metrics.AUC computes it:
    trapezoids between 200 thresholds.
    """
    return Pooled.of(sample).roc_area()


@metric("PR-AUC", group="study")
def pr_auc(sample: Sample) -> Float64Array:
    """Area under the precision-recall curve of the pooled one-hot labels, as
    keras.metrics.AUC(curve='PR') computes it: 200 thresholds, interpolated after Davis and
    Goadrich.
    """
    return Pooled.of(sample).pr_area()


@metric("RMSE", group="study", better=-1)
def rmse(sample: Sample) -> Float64Array:
    """Root of the mean of (p − y)² over rows and classes, y the one-hot label."""
    return np.asarray(np.sqrt(brier(sample) / GRADES))


@metric("F1", group="study")
def f1(sample: Sample) -> Float64Array:
    """Harmonic mean of precision and recall above."""
    p, r = precision(sample), recall(sample)
    return ratio(2 * p * r, p + r)


@metric(f"F-beta (β = {DEFAULT_BETA:g})", group="study")
def f_beta(sample: Sample, beta: float = DEFAULT_BETA) -> Float64Array:
    """Mean over classes of (1 + β²)·P·R / (β²·P + R), precision P and recall R of the grade;
    classes neither there nor predicted left out.

    In counts: (1 + β²)·TP / ((1 + β²)·TP + β²·FN + FP), as in scikit-learn.
    """
    hits = np.diagonal(sample.confusion, axis1=1, axis2=2)
    missed = sample.confusion.sum(axis=2) - hits
    wrong = sample.confusion.sum(axis=1) - hits
    scale = 1 + beta**2
    return mean_of_defined(ratio(scale * hits, scale * hits + beta**2 * missed + wrong))


@metric("log loss", better=-1)
def log_loss(sample: Sample) -> Float64Array:
    """Mean over rows of −ln p(true class), p at least 1e-7.

    >>> log_loss(Sample.once(np.array([0, 2]), np.array([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]])))
    array([0.69314718])
    """
    return sample.mean(sample.losses)


@metric("RSNA log loss", better=-1)
def rsna_log_loss(sample: Sample) -> Float64Array:
    """The RSNA 2024 competition's: mean of −ln p(true class) weighted 1, 2, 4 by the true class, of
    the probabilities as they are.

    >>> rsna_log_loss(Sample.once(np.array([0, 2]), np.array([[1.0, 0, 0], [0.25, 0.25, 0.5]])))
    array([0.55451774])
    """
    weights = COMPETITION_WEIGHTS[sample.labels]
    return ratio(sample.total(weights * sample.losses), sample.total(weights))


@metric("tilted log loss", better=-1)
def weighted_log_loss(sample: Sample) -> Float64Array:
    """The RSNA log loss of p multiplied by 1, 2, 4 and renormalised, the best answer to its
    weights; it says nothing of probabilities that are tilted already.
    """
    return rsna_log_loss(replace(sample, probabilities=tilt(sample.probabilities)))


@metric("macro AUC")
def macro_auc(sample: Sample) -> Float64Array:
    """Mean of the exact areas under the ROC curves of each class against the others."""
    by_class = [
        roc_area(sample, sample.true[:, grade], sample.probabilities[:, grade])
        for grade in range(GRADES)
    ]
    return np.asarray(np.mean(by_class, axis=0))


@metric("AUC ≥ Moderate")
def auc_at_least_moderate(sample: Sample) -> Float64Array:
    """Exact area under the ROC curve of p(Moderate) + p(Severe), against Normal/Mild: how often a
    positive scores above a negative, ties counting half.
    """
    scores = sample.probabilities[:, 1] + sample.probabilities[:, 2]
    return roc_area(sample, sample.labels >= 1, scores)


@metric("AUC Severe")
def auc_severe(sample: Sample) -> Float64Array:
    """Exact area under the ROC curve of p(Severe), against the other two."""
    return roc_area(sample, sample.labels == 2, sample.probabilities[:, 2])


@metric("balanced accuracy")
def balanced_accuracy(sample: Sample) -> Float64Array:
    """Mean of the sensitivities of the classes that are there."""
    hits = np.diagonal(sample.confusion, axis1=1, axis2=2)
    return mean_of_defined(ratio(hits, sample.confusion.sum(axis=2)))


@metric("quadratic κ")
def quadratic_kappa(sample: Sample) -> Float64Array:
    """Cohen's κ of the true class and the grade, disagreement weighted by the square of its steps;
    0 is chance, 1 agreement.

    1 − Σ w·O / Σ w·E, w = (i − j)² (Cohen, Psychological Bulletin 1968): O counts the pairs of true
    class and grade, E those that their margins would give by chance.
    """
    distance = np.subtract.outer(np.arange(GRADES), np.arange(GRADES)) ** 2
    chance = np.einsum("ri,rj->rij", sample.confusion.sum(axis=2), sample.confusion.sum(axis=1))
    seen = (sample.confusion * distance).sum(axis=(1, 2)) * sample.count
    return 1 - ratio(seen, (chance * distance).sum(axis=(1, 2)))


@metric_of_each_grade
def sensitivity(sample: Sample, grade: Severity) -> Float64Array:
    """Of the rows that are {grade}, the share whose grade it is.

    >>> probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]])
    >>> sensitivity(Sample.once(np.array([0, 0]), probabilities), Severity.NORMAL_MILD)
    array([0.5])
    """
    of_grade = sample.confusion[:, grade.ordinal]
    return ratio(of_grade[:, grade.ordinal], of_grade.sum(axis=1))


@metric_of_each_grade
def specificity(sample: Sample, grade: Severity) -> Float64Array:
    """Of the rows that are not {grade}, the share whose grade is another."""
    others = np.delete(sample.confusion, grade.ordinal, axis=1)
    rows = others.sum(axis=(1, 2))
    return ratio(rows - others[:, :, grade.ordinal].sum(axis=1), rows)


@metric("Severe called Normal/Mild", better=-1)
def severe_called_normal_mild(sample: Sample) -> Float64Array:
    """Of the rows that are Severe, the share whose grade is Normal/Mild."""
    severe = sample.confusion[:, Severity.SEVERE.ordinal]
    return ratio(severe[:, Severity.NORMAL_MILD.ordinal], severe.sum(axis=1))


@metric("Brier score", better=-1)
def brier(sample: Sample) -> Float64Array:
    """Mean over rows of Σ (p − y)² over the three classes; 0 to 2.

    Brier, Monthly Weather Review 1950.

    >>> brier(Sample.once(np.array([0]), np.array([[0.5, 0.5, 0.0]])))
    array([0.5])
    """
    return sample.mean(((sample.probabilities - sample.true) ** 2).sum(axis=1))


@metric("calibration error", better=-1, biased=True)
def calibration_error(sample: Sample) -> Float64Array:
    """Expected calibration error: in 10 even bins of the highest p, the gap between its mean and
    the share of rows whose likeliest class is true, averaged over rows. Few rows make it too high;
    its interval makes up for that.

    Guo et al., "On calibration of modern neural networks", 2017.
    """
    confidence = sample.probabilities.max(axis=1)
    bins = np.maximum(np.ceil(confidence * BINS) - 1, 0).astype(int)
    gap = confidence - (LIKELIEST.choose(sample.probabilities) == sample.labels)
    by_bin = sample.total(np.eye(BINS)[np.minimum(bins, BINS - 1)] * gap[:, None])
    return ratio(np.abs(by_bin).sum(axis=1), sample.count)
