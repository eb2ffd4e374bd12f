"""The one table of figures: name, definition, which way is better, and how it is computed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lss_cli.anatomy import Severity
from lss_cli.evaluation import formulas
from lss_cli.evaluation.curves import Pooled, macro_area
from lss_cli.evaluation.losses import losses
from lss_cli.evaluation.sample import GRADES, Float64Array, Sample

DEFAULT_BETA = 2.0

Group = Literal["study", "readers"]
GROUPS: dict[Group, str] = {"study": "The study's figures", "readers": "The readers' figures"}


@dataclass(frozen=True)
class Metric:
    """One figure.

    Attributes:
        key: Its name in files.
        name: Its name for people.
        group: Whether it stands in the study's results table or is one that readers need.
        better: Which way is better: 1 for higher, -1 for lower.
        definition: What it is, in one sentence.
        value: Computes it: R values of a sample.
        biased: Whether few rows make it too high, and resamples again higher.
    """

    key: str
    name: str
    group: Group
    better: Literal[1, -1]
    definition: str
    value: Callable[[Sample], Float64Array]
    biased: bool = False


def catalogue(beta: float = DEFAULT_BETA) -> tuple[Metric, ...]:
    """All figures, the study's first, in the order of its table."""
    return (
        Metric(
            "accuracy",
            "accuracy",
            "study",
            1,
            "Share of rows whose most likely class is the true one.",
            formulas.accuracy,
        ),
        Metric(
            "precision",
            "precision",
            "study",
            1,
            "Labels one-hot and pooled: of the entries with p > 0.5, the share that is true.",
            formulas.precision,
        ),
        Metric(
            "recall",
            "recall",
            "study",
            1,
            "Labels one-hot and pooled: of the true entries, the share with p > 0.5.",
            formulas.recall,
        ),
        Metric(
            "auc",
            "AUC",
            "study",
            1,
            "Area under the ROC curve of the pooled one-hot labels, as keras.metrics.AUC computes "
            "it: trapezoids between 200 thresholds.",
            lambda sample: Pooled.of(sample).roc_area(),
        ),
        Metric(
            "pr_auc",
            "PR-AUC",
            "study",
            1,
            "Area under the precision-recall curve of the pooled one-hot labels, as keras.metrics."
            "AUC(curve='PR') computes it: 200 thresholds, interpolated after Davis and Goadrich.",
            lambda sample: Pooled.of(sample).pr_area(),
        ),
        Metric(
            "rmse",
            "RMSE",
            "study",
            -1,
            "Root of the mean of (p − y)² over rows and classes, y the one-hot label.",
            lambda sample: np.sqrt(formulas.brier(sample) / GRADES),
        ),
        Metric("f1", "F1", "study", 1, "Harmonic mean of precision and recall above.", formulas.f1),
        Metric(
            "f_beta",
            f"F-beta (β = {beta:g})",
            "study",
            1,
            "Mean over classes of (1 + β²)·P·R / (β²·P + R), precision P and recall R of the most "
            "likely class; classes neither there nor predicted left out.",
            lambda sample: formulas.f_beta(sample, beta),
        ),
        Metric(
            "log_loss",
            "log loss",
            "readers",
            -1,
            "Mean over rows of −ln p(true class), p at least 1e-7.",
            lambda sample: sample.mean(losses(sample.labels, sample.probabilities)),
        ),
        Metric(
            "weighted_log_loss",
            "weighted log loss",
            "readers",
            -1,
            "The RSNA 2024 competition's: mean of −ln q(true class) weighted 1, 2, 4 by the true "
            "class, where q is p multiplied by 1, 2, 4 and renormalised, the best answer to it.",
            formulas.weighted_log_loss,
        ),
        Metric(
            "macro_auc",
            "macro AUC",
            "readers",
            1,
            "Mean of the exact areas under the ROC curves of each class against the others.",
            macro_area,
        ),
        Metric(
            "auc_at_least_moderate",
            "AUC ≥ Moderate",
            "readers",
            1,
            "Exact area under the ROC curve of p(Moderate) + p(Severe), against Normal/Mild: how "
            "often a positive scores above a negative, ties counting half.",
            formulas.at_least_moderate,
        ),
        Metric(
            "auc_severe",
            "AUC Severe",
            "readers",
            1,
            "Exact area under the ROC curve of p(Severe), against the other two.",
            formulas.severe,
        ),
        Metric(
            "balanced_accuracy",
            "balanced accuracy",
            "readers",
            1,
            "Mean of the sensitivities of the classes that are there.",
            formulas.balanced_accuracy,
        ),
        Metric(
            "quadratic_kappa",
            "quadratic κ",
            "readers",
            1,
            "Cohen's κ of the true and the most likely class, disagreement weighted by the square "
            "of its steps; 0 is chance, 1 agreement.",
            formulas.quadratic_kappa,
        ),
        *(_class_metric(grade, formulas.sensitivity) for grade in Severity),
        *(_class_metric(grade, formulas.specificity) for grade in Severity),
        Metric(
            "brier",
            "Brier score",
            "readers",
            -1,
            "Mean over rows of Σ (p − y)² over the three classes; 0 to 2.",
            formulas.brier,
        ),
        Metric(
            "calibration_error",
            "calibration error",
            "readers",
            -1,
            f"Expected calibration error: in {formulas.BINS} even bins of the highest p, the gap "
            "between its mean and the accuracy, averaged over rows. Few rows make it too high; its "
            "interval makes up for that.",
            formulas.calibration_error,
            biased=True,
        ),
    )


def _class_metric(grade: Severity, value: Callable[[Sample, Severity], Float64Array]) -> Metric:
    name = value.__name__
    what = {
        "sensitivity": f"Of the rows that are {grade}, the share whose most likely class it is.",
        "specificity": f"Of the rows that are not {grade}, the share whose most likely class is "
        "another.",
    }[name]
    return Metric(
        f"{name}_{grade.column}",
        f"{name} {grade}",
        "readers",
        1,
        what,
        lambda sample: value(sample, grade),
    )
