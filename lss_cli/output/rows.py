"""One study's result as plain rows: what CSV and JSON have in common."""

from collections.abc import Mapping
from typing import Any

from lss_cli.anatomy import Severity
from lss_cli.result import LevelGrade, StudyGrade

COLUMNS = (
    "study_id",
    "series_id",
    "instance_number",
    "condition",
    "level",
    "x",
    "y",
    *(one.column for one in Severity),
    "grade",
    "status",
    "reason",
    "model",
)


def rows(result: StudyGrade) -> list[Mapping[str, Any]]:
    """One row per level, keyed by `COLUMNS` and ``possible``; ``None`` where there is no value."""
    return [_row(result, one) for one in result.levels]


def _row(result: StudyGrade, one: LevelGrade) -> Mapping[str, Any]:
    point = one.point
    prob = one.probabilities or (None, None, None)
    return {
        "study_id": result.study_id,
        "series_id": one.series_id,
        "instance_number": point.instance_number if point else None,
        "condition": str(one.condition) if one.condition else None,
        "level": str(one.level),
        "x": point.x if point else None,
        "y": point.y if point else None,
        **{severity.column: prob[severity.ordinal] for severity in Severity},
        "grade": str(one.grade) if one.grade else None,
        "status": one.status,
        "reason": one.reason or one.caution,
        "model": f"{result.model.metadata.name} {result.model.sha256[:12]}",
        "possible": [str(severity) for severity in one.possible],
    }
