"""All metrics of one set of predictions, with intervals, by groups of rows, beside baselines."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lss_cli.evaluation.baselines import Baselines
from lss_cli.evaluation.bootstrap import DEFAULT_RESAMPLES, Estimate, Resamples
from lss_cli.evaluation.metrics import DEFAULT_BETA, Metric, metrics_with
from lss_cli.evaluation.predictions import Predictions
from lss_cli.evaluation.rules import ByRule, compare_with_likeliest
from lss_cli.evaluation.sample import Float64Array, Sample
from lss_cli.evaluation.scopes import Grouping, Scope, scopes_of

MODEL = "model"
# What is said of the baselines as well.
BASELINE_GROUPS = ("all", "level")
# What is graded by the likeliest grade as well.
RULE_GROUPS = ("all", "side", "distance")

# By the key of the metric.
Estimates = Mapping[str, Estimate]


@dataclass(frozen=True)
class EvaluationSettings:
    """How to evaluate.

    Attributes:
        split: The part.
        beta: Of F-beta.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.
    """

    split: str = "test"
    beta: float = DEFAULT_BETA
    resamples: int = DEFAULT_RESAMPLES
    seed: int = 0


@dataclass(frozen=True)
class Evaluation:
    """The metrics of one set of predictions.

    Attributes:
        part: The rows that were evaluated.
        settings: How.
        metrics: In the order in which they are shown.
        baselines: The predictors that stand beside the model.
        scopes: The rows that there are figures of, by name.
        estimates: For the model, of each scope; for each baseline, of all rows and each level.
        confusion: Rows are true classes, columns the grades.
        resamples: The draws of studies behind the intervals.
        by_rule: Of all rows and those of each side and distance, the figures of grades by weight
            beside the likeliest ones; none where the grade is the likeliest.
    """

    part: Predictions
    settings: EvaluationSettings
    metrics: tuple[Metric, ...]
    baselines: Baselines
    scopes: Mapping[str, Scope]
    estimates: Mapping[str, Mapping[str, Estimates]]
    confusion: list[list[int]]
    resamples: Resamples
    by_rule: Mapping[str, Mapping[str, ByRule]]

    def rows(self, scope: str) -> int:
        """How many rows a scope has."""
        return len(self.scopes[scope].rows)

    def members(self, group: Grouping) -> list[str]:
        """The names of the scopes of a group."""
        return [name for name, scope in self.scopes.items() if scope.group == group]


def evaluate(predictions: Predictions, settings: EvaluationSettings) -> Evaluation:
    """Compute all metrics of one part of predictions.

    Raises:
        DataError: The part has no row.
    """
    part = predictions.part(settings.split)
    resamples = Resamples.draw(part.table["study_id"], settings.resamples, settings.seed)
    metrics = metrics_with(settings.beta)
    baselines = Baselines.fit(part)
    predictors = {MODEL: part.probabilities, **baselines.by_name}
    scopes = scopes_of(part)
    return Evaluation(
        part,
        settings,
        metrics,
        baselines,
        scopes,
        {
            name: {
                scope: estimate(part, probabilities, metrics, resamples, rows.rows)
                for scope, rows in scopes.items()
                if name == MODEL or rows.group in BASELINE_GROUPS
            }
            for name, probabilities in predictors.items()
        },
        Sample.once(part.labels, part.probabilities, part.rule).confusion[0].astype(int).tolist(),
        resamples,
        {
            scope: compare_with_likeliest(part, resamples, rows.rows)
            for scope, rows in scopes.items()
            if part.rule.by_weight and rows.group in RULE_GROUPS
        },
    )


def estimate(
    part: Predictions,
    probabilities: Float64Array,
    metrics: tuple[Metric, ...],
    resamples: Resamples,
    rows: npt.NDArray[np.intp],
) -> Estimates:
    """The metrics of some rows, with intervals; grades are chosen by the rule of `part`."""
    sample = Sample.once(part.labels[rows], probabilities[rows], part.rule)
    resampled = resamples.values(metrics, part.labels, probabilities, rows, part.rule)
    return {
        metric.key: Estimate.of(float(metric.value(sample)[0]), values, biased=metric.biased)
        for metric, values in zip(metrics, resampled, strict=True)
    }
