"""All metrics of one set of predictions, with intervals, by level, and beside baselines."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lss_cli.anatomy import Level
from lss_cli.evaluation.baselines import Baselines
from lss_cli.evaluation.bootstrap import DEFAULT_RESAMPLES, Estimate, Resamples
from lss_cli.evaluation.metrics import DEFAULT_BETA, Metric, metrics_with
from lss_cli.evaluation.predictions import ALL, Predictions
from lss_cli.evaluation.sample import Float64Array, Sample

MODEL = "model"

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
        estimates: For the model and each baseline, for ``all`` and each level that there is.
        confusion: Rows are true classes, columns the most likely ones.
        resamples: The draws of studies behind the intervals.
    """

    part: Predictions
    settings: EvaluationSettings
    metrics: tuple[Metric, ...]
    baselines: Baselines
    estimates: Mapping[str, Mapping[str, Estimates]]
    confusion: list[list[int]]
    resamples: Resamples

    def rows(self, scope: str) -> int:
        """How many rows there are at a level, or at all."""
        table = self.part.table
        return len(table) if scope == ALL else int((table["level"] == scope).sum())


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
    return Evaluation(
        part,
        settings,
        metrics,
        baselines,
        {
            name: {
                scope: estimate(part, probabilities, metrics, resamples, rows)
                for scope, rows in scopes(part).items()
            }
            for name, probabilities in predictors.items()
        },
        Sample.once(part.labels, part.probabilities).confusion[0].astype(int).tolist(),
        resamples,
    )


def scopes(part: Predictions) -> dict[str, npt.NDArray[np.intp]]:
    """All rows, and those of each level that there is."""
    by_level = {str(level): np.flatnonzero(part.levels == level.ordinal) for level in Level}
    return {
        ALL: np.arange(len(part.labels)),
        **{level: rows for level, rows in by_level.items() if len(rows)},
    }


def estimate(
    part: Predictions,
    probabilities: Float64Array,
    metrics: tuple[Metric, ...],
    resamples: Resamples,
    rows: npt.NDArray[np.intp],
) -> Estimates:
    """The metrics of some rows, with intervals."""
    sample = Sample.once(part.labels[rows], probabilities[rows])
    resampled = resamples.values(metrics, part.labels, probabilities, rows)
    return {
        metric.key: Estimate.of(float(metric.value(sample)[0]), values, biased=metric.biased)
        for metric, values in zip(metrics, resampled, strict=True)
    }
