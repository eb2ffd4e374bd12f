"""Results as rows, one per study and level, and the rows as CSV."""

from collections.abc import Iterable, Mapping
from typing import Any

from lss_cli import tables
from lss_cli.anatomy import Severity
from lss_cli.grading.result import LevelGrade, StudyGrade
from lss_cli.text import encodable

COLUMNS = (
    "study_id",
    "series_id",
    "instance_number",
    "condition",
    "level",
    "x",
    "y",
    "points",
    *(severity.column for severity in Severity),
    "grade",
    "possible",
    "status",
    "reason",
    "warnings",
    "remark",
    "model",
)
NUMBERS = ("instance_number", "x", "y", *(severity.column for severity in Severity))
LISTS = ("possible", "warnings")
# Between the texts of a list in one cell; a warning may hold commas and semicolons.
BETWEEN = " | "
# What stands in a row.
KINDS: Mapping[str, Any] = {
    **dict.fromkeys(COLUMNS, str),
    **dict.fromkeys(NUMBERS, float | int | None),
    **dict.fromkeys(("condition", "grade"), str | None),
    **dict.fromkeys(LISTS, list),
}


def rows(result: StudyGrade) -> list[Mapping[str, Any]]:
    """One row per level, keyed by `COLUMNS`; ``None`` where there is no value."""
    return [
        {key: _encodable(value) for key, value in _row(result, level).items()}
        for level in result.levels
    ]


def _encodable(value: Any) -> Any:
    if isinstance(value, list):
        return [_encodable(text) for text in value]
    return encodable(value) if isinstance(value, str) else value


def _row(result: StudyGrade, level: LevelGrade) -> Mapping[str, Any]:
    point = level.point
    prob = level.probabilities or (None, None, None)
    return {
        "study_id": result.study_id,
        "series_id": level.series_id,
        "instance_number": point.instance_number if point else None,
        "condition": str(level.condition) if level.condition else None,
        "level": str(level.level),
        "x": point.x if point else None,
        "y": point.y if point else None,
        "points": str(point.source) if point else "",
        **{severity.column: prob[severity.ordinal] for severity in Severity},
        "grade": str(level.grade) if level.grade else None,
        "possible": [str(severity) for severity in level.possible],
        "status": level.status,
        "reason": level.reason or level.caution,
        "warnings": list(result.warnings_of(level)),
        "remark": result.remark,
        "model": BETWEEN.join(card.label for card in result.models_of(level.condition)),
    }


def is_row(row: Mapping[str, Any]) -> bool:
    """Whether this is a row as `rows` gives it; one that was read back may be anything."""
    return (
        row.keys() == KINDS.keys()
        and all(isinstance(row[key], kind) for key, kind in KINDS.items())
        and all(isinstance(text, str) for key in LISTS for text in row[key])
    )


def to_csv(results: Iterable[StudyGrade]) -> str:
    """The rows of all results under one header. Probabilities have six decimals."""
    return tables.to_csv(COLUMNS, (cells(row) for result in results for row in rows(result)))


def cells(row: Mapping[str, Any]) -> list[str]:
    """The cells of one row, in the order of `COLUMNS`."""
    return [_cell(column, row[column]) for column in COLUMNS]


def _cell(column: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return BETWEEN.join(value)
    if isinstance(value, float):
        return f"{value:.10g}" if column in {"x", "y"} else f"{value:.6f}"
    return str(value)
