"""What became of the rows: counts for people, and the run report."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from lss_cli.anatomy import Condition
from lss_cli.dataset import prepared
from lss_cli.dataset.divide import BALANCED_AWAY
from lss_cli.dataset.exploration.counts import Exploration
from lss_cli.dataset.options import PrepareOptions
from lss_cli.dataset.sources.base import Source
from lss_cli.dataset.sources.master_table import usable
from lss_cli.versions import versions

FORMAT_VERSION = 2


@dataclass(frozen=True)
class PrepareSummary:
    """What became of the rows of the source.

    Attributes:
        joined: Rows of the master table, of the conditions asked for.
        used: Those that nothing speaks against, in ``Master_data.csv``.
        rejected: The others, by reason.
        other_conditions: Rows of conditions that were not asked for.
        splits: Studies and rows by severity, of each split.
        exploration: What is in the data, in more detail.
        population: Rows by severity, of the training part as it was before it was balanced.
        series: The kind of series that a condition comes from, where it is not RSNA's.
    """

    joined: int
    used: int
    rejected: Mapping[str, int]
    other_conditions: int
    splits: Mapping[str, Mapping[str, int]]
    exploration: Exploration
    population: Mapping[str, int]
    series: Mapping[str, str]


def summarize(
    table: pd.DataFrame, other_conditions: int, exploration: Exploration
) -> PrepareSummary:
    """Count the rows of the master table, which is divided."""
    used = table[usable(table)]
    # What balancing left out was never looked at; of the rest, what has no image does not count.
    before = table["population"] & (usable(table) | table["reason"].isin(BALANCED_AWAY))
    return PrepareSummary(
        joined=len(table),
        used=len(used),
        rejected=count_rejected(table),
        other_conditions=other_conditions,
        splits=prepared.count_by_split(used),
        exploration=exploration,
        population=prepared.count_grades(table[before]),
        series=_unusual_series(used),
    )


def _unusual_series(used: pd.DataFrame) -> dict[str, str]:
    # However a table spells them.
    spelling = {kind.lower(): kind for kind in (name.series_description for name in Condition)}
    kinds = (
        used.groupby("condition")["series_description"].first().str.lower().map(spelling).dropna()
    )
    return {
        str(condition): str(kind)
        for condition, kind in kinds.items()
        if kind != Condition(str(condition)).series_description
    }


def count_rejected(table: pd.DataFrame) -> dict[str, int]:
    """Rows that are not used, by reason, the most frequent first."""
    counts = table.loc[~usable(table), "reason"].value_counts()
    return {str(reason): int(count) for reason, count in counts.items()}


def run_report(
    source: Source, out: Path, options: PrepareOptions, counts: PrepareSummary
) -> dict[str, Any]:
    """The run report: it has no times and no places, so that equal runs have equal ones."""
    files = () if options.tables_only else prepared.FILES
    return {
        "format_version": FORMAT_VERSION,
        "source": {path.name: prepared.fingerprint(path) for path in source.tables},
        "tables_only": options.tables_only,
        "conditions": list(map(str, options.conditions)),
        "mirrored": list(map(str, options.mirrored)),
        "balance": options.balance,
        "balance_scope": options.balance_scope,
        "split": list(options.proportions),
        "strategy": options.strategy,
        "folds": options.folds,
        "seed": options.seed,
        "input": options.spec.to_json(),
        "series": dict(counts.series),
        "counts": {
            "joined": counts.joined,
            "used": counts.used,
            "rejected": dict(counts.rejected),
            "other_conditions": counts.other_conditions,
            "parts": {split: dict(rows) for split, rows in counts.splits.items()},
        },
        "population": dict(counts.population),
        "fingerprint": prepared.fingerprint(*(out / name for name in files)),
        "versions": versions(["numpy", "pandas", "pillow", "pydicom"]),
    }
