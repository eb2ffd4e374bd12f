"""Networks side by side on the same rows, with paired intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lss_cli.dataset.split import TRAIN
from lss_cli.errors import DataError
from lss_cli.evaluation.bootstrap import Estimate, Resamples
from lss_cli.evaluation.evaluation import EvaluationSettings, estimate
from lss_cli.evaluation.metrics import METRICS, Metric, metrics_with
from lss_cli.evaluation.predictions import Predictions
from lss_cli.evaluation.sample import Float64Array, Sample
from lss_cli.rule import LIKELIEST, GradeRule
from lss_cli.text import printable

START = "start"
START_DEFINITION = (
    "The weights that the network's training started from: ImageNet's, random ones, or those of a "
    "file; – where the network does not say."
)
TRAIN_ACCURACY = "train_accuracy"
TRAIN_ACCURACY_DEFINITION = (
    "Accuracy on the training part; – where the predictions do not hold it. It is no merit: far "
    "above the accuracy, it shows that a network has learnt its examples by heart."
)


@dataclass(frozen=True)
class Cell:
    """One metric of one network.

    Attributes:
        value: With its interval.
        best: Whether no other network has a better one.
        difference: To the best one (own minus best), on the same resamples; ``None`` for the best.
    """

    value: Estimate
    best: bool
    difference: Estimate | None


@dataclass(frozen=True)
class Comparison:
    """The metrics of several networks.

    Attributes:
        names: Of the networks.
        settings: How they were evaluated.
        rows: How many labels they are compared on.
        studies: Of how many studies.
        starts: Of each network, the weights that its training started from; empty if unknown.
        train_accuracy: Of each network.
        metrics: In the order in which they are shown.
        cells: For each metric, by key, one cell per network.
        drawn: Resamples behind the intervals.
        rule: By which the grades of all of them were chosen.
        own_rules: By which each of them grades itself.
    """

    names: tuple[str, ...]
    settings: EvaluationSettings
    rows: int
    studies: int
    starts: tuple[str, ...]
    train_accuracy: tuple[Estimate, ...]
    metrics: tuple[Metric, ...]
    cells: Mapping[str, tuple[Cell, ...]]
    drawn: int
    rule: GradeRule = LIKELIEST
    own_rules: tuple[GradeRule, ...] = ()


def compare(
    networks: Sequence[Predictions], settings: EvaluationSettings, rule: GradeRule | None = None
) -> Comparison:
    """Evaluate several networks on the same rows and the same resamples of studies.

    Grades of all are chosen by one rule, so that networks are compared and not rules.

    Args:
        networks: Whose names are distinct.
        settings: Part, bootstrap, β.
        rule: Which; by default that which all have in common, or the likeliest.

    Raises:
        DataError: A network lacks the part, or their rows or labels differ; says in what.
    """
    own_rules = tuple(network.rule for network in networks)
    rule = rule or (own_rules[0] if len(set(own_rules)) == 1 else LIKELIEST)
    networks = [replace(network, rule=rule) for network in networks]
    parts = align([network.part(settings.split) for network in networks])
    first = parts[0]
    resamples = Resamples.draw(first.table["study_id"], settings.resamples, settings.seed)
    metrics = metrics_with(settings.beta)
    rows = np.arange(len(first.labels))
    samples = [Sample.once(part.labels, part.probabilities, rule) for part in parts]
    values = np.array([[metric.value(sample)[0] for metric in metrics] for sample in samples])
    resampled = np.array(
        [resamples.values(metrics, part.labels, part.probabilities, rows, rule) for part in parts]
    )
    return Comparison(
        tuple(network.name for network in networks),
        settings,
        len(first.labels),
        first.studies,
        tuple(network.start for network in networks),
        tuple(train_accuracy(network, settings) for network in networks),
        metrics,
        {
            metric.key: cells(values[:, column], resampled[:, column], metric)
            for column, metric in enumerate(metrics)
        },
        len(resamples.counts),
        rule,
        own_rules,
    )


def align(parts: Sequence[Predictions]) -> list[Predictions]:
    """Bring networks to one order of rows.

    Raises:
        DataError: They do not hold the same rows with the same labels.
    """
    ordered = [
        replace(part, table=part.table.sort_values("row_id", ignore_index=True)) for part in parts
    ]
    first, *others = ordered
    for other in others:
        mine, its = set(first.table["row_id"]), set(other.table["row_id"])
        if mine != its:
            raise DataError(
                f"the networks were evaluated on different rows: {_only(first.name, mine - its)}, "
                f"{_only(other.name, its - mine)}.",
                todo="Compare runs on the same prepared data and the same --split.",
            )
        for column in ("severity", "study_id", "level"):
            differs = (first.table[column] != other.table[column]).to_numpy()
            if differs.any():
                name = printable(first.table["row_id"][differs].iloc[0])
                raise DataError(
                    f"{first.name} and {other.name} differ in {column} in {differs.sum()} rows, "
                    f"such as {name}.",
                    todo="Compare runs on the same prepared data.",
                )
    return ordered


def cells(values: Float64Array, resampled: Float64Array, metric: Metric) -> tuple[Cell, ...]:
    """One metric of all networks.

    Args:
        values: K values.
        resampled: K × R, of the same resamples.
        metric: Which it is.
    """
    estimates = [
        Estimate.of(float(value), draws, biased=metric.biased)
        for value, draws in zip(values, resampled, strict=True)
    ]
    if np.isnan(values).all() or len(values) == 1:
        return tuple(Cell(estimate, best=False, difference=None) for estimate in estimates)
    best = int(np.nanargmax(metric.better * values))
    return tuple(
        Cell(
            estimate,
            best=bool(np.isclose(value, values[best], rtol=0, atol=1e-12)),
            difference=None
            if network == best or estimate.value is None
            else Estimate.of(float(value - values[best]), resampled[network] - resampled[best]),
        )
        for network, (estimate, value) in enumerate(zip(estimates, values, strict=True))
    )


def train_accuracy(network: Predictions, settings: EvaluationSettings) -> Estimate:
    """Accuracy on the training part, where the predictions hold it."""
    table = network.table[network.table["split"] == TRAIN]
    if table.empty:
        return Estimate(None)
    part = replace(network, table=table.reset_index(drop=True))
    resamples = Resamples.draw(part.table["study_id"], settings.resamples, settings.seed)
    metrics, rows = (METRICS["accuracy"],), np.arange(len(part.labels))
    return estimate(part, part.probabilities, metrics, resamples, rows)["accuracy"]


def _only(name: str, rows: set[str]) -> str:
    example = f", such as {printable(min(rows))}" if rows else ""
    return f"{len(rows)} only in {name}{example}"
