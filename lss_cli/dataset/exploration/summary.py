"""What became of the rows: counts for people, and the run report."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from lss_cli.dataset import prepared
from lss_cli.dataset.exploration.counts import Exploration
from lss_cli.dataset.options import Options
from lss_cli.dataset.sources.base import Source
from lss_cli.dataset.sources.master_table import usable
from lss_cli.dataset.split import PARTS
from lss_cli.versions import versions

FORMAT_VERSION = 2


@dataclass(frozen=True)
class Summary:
    """What became of the rows of the source.

    Attributes:
        joined: Rows of the joined table, of the conditions asked for.
        used: Those in the master table.
        rejected: The others, by reason.
        other_conditions: Joined rows of conditions that were not asked for.
        parts: Studies and rows by severity, of each part.
        exploration: What is in the data, in more detail.
    """

    joined: int
    used: int
    rejected: Mapping[str, int]
    other_conditions: int
    parts: Mapping[str, Mapping[str, int]]
    exploration: Exploration


def summary(table: pd.DataFrame, other_conditions: int, found: Exploration) -> Summary:
    """Count the rows of the joined table, which has its parts."""
    used = table[usable(table)]
    parts = {
        part: {
            "studies": int(rows["study_id"].nunique()),
            "rows": len(rows),
            **{str(name): int(count) for name, count in rows["severity"].value_counts().items()},
        }
        for part in PARTS
        for rows in [used[used["split"] == part]]
    }
    return Summary(len(table), len(used), rejected(table), other_conditions, parts, found)


def rejected(table: pd.DataFrame) -> dict[str, int]:
    """Rows that are not used, by reason, the most frequent first."""
    counts = table.loc[~usable(table), "reason"].value_counts()
    return {str(reason): int(count) for reason, count in counts.items()}


def report(source: Source, out: Path, options: Options, counts: Summary) -> dict[str, Any]:
    """The run report: it has no times and no places, so that equal runs have equal ones."""
    files = [] if options.tables_only else [prepared.IMAGES, prepared.COORDS, prepared.INDEX]
    return {
        "format_version": FORMAT_VERSION,
        "source": {path.name: prepared.fingerprint(path) for path in source.tables},
        "tables_only": options.tables_only,
        "conditions": [str(one) for one in options.conditions],
        "mirrored": [str(one) for one in options.mirrored],
        "balance": options.balance,
        "balance_scope": options.balance_scope,
        "split": list(options.proportions),
        "strategy": options.strategy,
        "folds": options.folds,
        "seed": options.seed,
        "input": options.spec.to_json(),
        "counts": {
            "joined": counts.joined,
            "used": counts.used,
            "rejected": dict(counts.rejected),
            "other_conditions": counts.other_conditions,
            "parts": {part: dict(rows) for part, rows in counts.parts.items()},
        },
        "fingerprint": prepared.fingerprint(*(out / name for name in files)),
        "versions": versions(["numpy", "pandas", "pillow", "pydicom"]),
    }
