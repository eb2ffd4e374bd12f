"""What a rule makes of grades, beside the likeliest ones of the same probabilities."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from lss_cli.anatomy import Severity
from lss_cli.evaluation.bootstrap import Estimate, Resamples
from lss_cli.evaluation.metrics import METRICS, Formula, Metric, definition_of
from lss_cli.evaluation.predictions import Predictions
from lss_cli.evaluation.sample import Float64Array, Sample, ratio
from lss_cli.rule import LIKELIEST


@dataclass(frozen=True)
class ByRule:
    """One metric by two rules.

    Attributes:
        likeliest: Where the grade is the likeliest one.
        by_weight: Where it is chosen by the rule.
        difference: The second minus the first, on the same resamples.
    """

    likeliest: Estimate
    by_weight: Estimate
    difference: Estimate

    @property
    def estimates(self) -> tuple[Estimate, Estimate, Estimate]:
        """As they stand in a table."""
        return self.likeliest, self.by_weight, self.difference


def several_named(sample: Sample) -> Float64Array:
    """Share of rows that are shown with several grades."""
    return sample.mean(sample.rule.name(sample.probabilities).sum(axis=1) > 1)


def true_named(sample: Sample) -> Float64Array:
    """Share of rows whose true class is among the grades that are shown."""
    named = sample.rule.name(sample.probabilities)
    return sample.mean(named[np.arange(len(sample.labels)), sample.labels])


def severe_not_named(sample: Sample) -> Float64Array:
    """Of the rows that are Severe, the share that is shown without Severe among its grades."""
    severe = Severity.SEVERE.ordinal
    hidden = ~sample.rule.name(sample.probabilities)[:, severe] & (sample.labels == severe)
    return ratio(sample.total(hidden), sample.total(sample.labels == severe))


def _shown(formula: Formula, name: str, better: Literal[1, -1]) -> Metric:
    """A metric of what a reader sees; it depends on the limits of `lss_cli.rule` as well."""
    return Metric(formula.__name__, name, "readers", better, definition_of(formula), formula)


SHOWN_METRICS = (
    _shown(several_named, "several grades named", -1),
    _shown(true_named, "true grade named", 1),
    _shown(severe_not_named, "Severe not named", -1),
)
# Of all metrics of grades those that tell what a rule gains and what it costs.
RULE_METRICS: tuple[Metric, ...] = (
    METRICS["accuracy"],
    METRICS["balanced_accuracy"],
    METRICS["quadratic_kappa"],
    *(METRICS[f"sensitivity_{severity.column}"] for severity in Severity),
    *(METRICS[f"specificity_{severity.column}"] for severity in Severity),
    METRICS["severe_called_normal_mild"],
    *SHOWN_METRICS,
)


def compare_with_likeliest(
    part: Predictions, resamples: Resamples, rows: npt.NDArray[np.intp]
) -> Mapping[str, ByRule]:
    """The figures of some rows, by key, by the predictions' rule and by the likeliest grade."""
    rules = LIKELIEST, part.rule
    samples = [Sample.once(part.labels[rows], part.probabilities[rows], rule) for rule in rules]
    before, after = (
        resamples.values(RULE_METRICS, part.labels, part.probabilities, rows, rule)
        for rule in rules
    )
    by_rule = {}
    for metric, draws, weighted in zip(RULE_METRICS, before, after, strict=True):
        likeliest, by_weight = (float(metric.value(sample)[0]) for sample in samples)
        by_rule[metric.key] = ByRule(
            Estimate.of(likeliest, draws),
            Estimate.of(by_weight, weighted),
            Estimate.of(by_weight - likeliest, weighted - draws),
        )
    return by_rule
