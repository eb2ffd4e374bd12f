"""Results as CSV: one row per study and level."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from lss_cli.output.rows import COLUMNS, rows
from lss_cli.result import StudyGrade
from lss_cli.text import defused


def to_csv(results: Iterable[StudyGrade]) -> str:
    """The rows of all results under one header. Probabilities have six decimals."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for result in results:
        for row in rows(result):
            writer.writerow(cells(row))
    return text.getvalue()


def cells(row: Mapping[str, Any]) -> list[str]:
    """The cells of one row, in the order of `COLUMNS`."""
    return [_cell(column, row[column]) for column in COLUMNS]


def _cell(column: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.10g}" if column in {"x", "y"} else f"{value:.6f}"
    return defused(value) if isinstance(value, str) else str(value)
