"""Networks side by side on the same rows: the study's results table, with paired intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lss_cli.dataset.split import TRAIN
from lss_cli.errors import DataError
from lss_cli.evaluation.bootstrap import Estimate, Resamples
from lss_cli.evaluation.catalogue import Metric, catalogue
from lss_cli.evaluation.evaluation import OVERALL, Settings
from lss_cli.evaluation.predictions import Predictions
from lss_cli.evaluation.sample import Float64Array, Sample
from lss_cli.text import printable

TRAIN_ACCURACY = "train_accuracy"
TRAIN_ACCURACY_DEFINITION = (
    "Accuracy on the training part; – where the predictions do not hold it. It is no merit: far "
    "above the accuracy, it shows that a network has learnt its examples by heart."
)


@dataclass(frozen=True)
class Cell:
    """One figure of one network.

    Attributes:
        value: The figure.
        best: Whether no other network has a better one.
        difference: To the best one (own minus best), on the same resamples; ``None`` for the best.
    """

    value: Estimate
    best: bool
    difference: Estimate | None


@dataclass(frozen=True)
class Comparison:
    """What came out.

    Attributes:
        names: Of the networks.
        settings: How they were evaluated.
        rows: How many labels they are compared on.
        studies: Of how many studies.
        train_accuracy: Of each network.
        metrics: The figures, in the order in which they are shown.
        cells: For each figure, by key, one cell per network.
        drawn: Resamples behind the intervals.
    """

    names: tuple[str, ...]
    settings: Settings
    rows: int
    studies: int
    train_accuracy: tuple[Estimate, ...]
    metrics: tuple[Metric, ...]
    cells: Mapping[str, tuple[Cell, ...]]
    drawn: int


def compare(networks: Sequence[Predictions], settings: Settings) -> Comparison:
    """Evaluate several networks on the same rows and the same resamples of studies.

    Args:
        networks: Whose names are distinct.
        settings: Part, bootstrap, β.

    Raises:
        DataError: A network lacks the part, or their rows or labels differ; says in what.
    """
    parts = aligned([one.part(settings.split) for one in networks])
    first = parts[0]
    resamples = Resamples.draw(first.table["study_id"], settings.resamples, settings.seed)
    metrics = catalogue(settings.beta)
    rows = np.arange(len(first.labels))
    values = np.array([_values(metrics, one) for one in parts])
    resampled = np.array(
        [resamples.values(metrics, one.labels, one.probabilities, rows) for one in parts]
    )
    return Comparison(
        tuple(one.name for one in networks),
        settings,
        len(first.labels),
        first.studies,
        tuple(train_accuracy(one, settings) for one in networks),
        metrics,
        {
            one.key: cells(values[:, place], resampled[:, place], one)
            for place, one in enumerate(metrics)
        },
        len(resamples.counts),
    )


def aligned(parts: Sequence[Predictions]) -> list[Predictions]:
    """Bring networks to one order of rows.

    Raises:
        DataError: They do not hold the same rows with the same labels.
    """
    ordered = [
        replace(one, table=one.table.sort_values("row_id", ignore_index=True)) for one in parts
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
    """One figure of all networks.

    Args:
        values: K figures.
        resampled: K × R, of the same resamples.
        metric: Which figure it is.
    """
    estimates = [
        Estimate.of(float(one), draws, biased=metric.biased)
        for one, draws in zip(values, resampled, strict=True)
    ]
    if np.isnan(values).all() or len(values) == 1:
        return tuple(Cell(one, best=False, difference=None) for one in estimates)
    best = int(np.nanargmax(metric.better * values))
    return tuple(
        Cell(
            one,
            best=bool(np.isclose(values[place], values[best], rtol=0, atol=1e-12)),
            difference=None
            if place == best or one.value is None
            else Estimate.of(
                float(values[place] - values[best]), resampled[place] - resampled[best]
            ),
        )
        for place, one in enumerate(estimates)
    )


def train_accuracy(network: Predictions, settings: Settings) -> Estimate:
    """Accuracy on the training part, where the predictions hold it."""
    table = network.table[network.table["split"] == TRAIN]
    if table.empty:
        return Estimate(None)
    part = replace(network, table=table.reset_index(drop=True))
    resamples = Resamples.draw(part.table["study_id"], settings.resamples, settings.seed)
    metrics = [one for one in catalogue() if one.key == "accuracy"]
    rows = np.arange(len(part.labels))
    (draws,) = resamples.values(metrics, part.labels, part.probabilities, rows)
    return Estimate.of(float(_values(metrics, part)[0]), draws)


def heading(found: Comparison) -> str:
    """What is compared, in one line."""
    split = "all parts" if found.settings.split == OVERALL else found.settings.split
    return f"{len(found.names)} networks on {split}: {found.rows} rows of {found.studies} studies"


def _values(metrics: Sequence[Metric], part: Predictions) -> list[float]:
    sample = Sample.once(part.labels, part.probabilities)
    return [float(one.value(sample)[0]) for one in metrics]


def _only(name: str, rows: set[str]) -> str:
    example = f", such as {printable(min(rows))}" if rows else ""
    return f"{len(rows)} only in {name}{example}"
