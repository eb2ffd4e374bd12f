"""A study's result as one page, for the screen and for A4, and the overview of a report."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lss_cli.anatomy import Condition, Level, Severity
from lss_cli.grading.result import DISCLAIMER, LevelGrade, StudyGrade, shown
from lss_cli.output.overview import StudyLine
from lss_cli.render.page import data_uri, render_page
from lss_cli.text import join_words

Pictures = Mapping[tuple[Condition, Level], bytes]


def to_html(result: StudyGrade, pictures: Pictures) -> str:
    """Fill the page.

    Args:
        result: Of one study.
        pictures: The evidence, PNG files by condition and level, of those that have any.
    """
    conditions = dict.fromkeys(level.condition for level in result.levels)
    return render_page(
        "study.html",
        study_id=result.study_id,
        places=join_words(dict.fromkeys(name.place for name in conditions if name) or [""]),
        graded_on=result.graded_on.isoformat(),
        remark=result.remark,
        notes=result.notes,
        doubts=result.cautions,
        conditions=[
            {
                "name": condition.rsna_name if condition else "Unreadable rows",
                "levels": [
                    _level(level, result.warnings_of(level), pictures)
                    for level in result.levels
                    if level.condition is condition
                ],
            }
            for condition in conditions
        ],
        models=[
            {
                "name": card.name,
                "conditions": join_words(condition.rsna_name for condition in card.conditions)
                if len(result.graders) > 1
                else "",
                "hash": card.sha256[:12],
                "trained_on": card.trained_on,
                "licence": card.licence,
                "grade": card.rule.text,
            }
            for card in result.graders
        ],
        grades=list(map(str, Severity)),
        disclaimer=DISCLAIMER,
    )


def report_to_html(
    studies: Iterable[StudyLine],
    rows: Iterable[Mapping[str, Any]],
    summary: Mapping[str, Any],
    pages: Mapping[str, str],
) -> str:
    """The overview of a report.

    Args:
        studies: A line for each, in order.
        rows: All rows, in order.
        summary: Counts, and how the report was made.
        pages: Links to the studies' own pages, by study.
    """
    return render_page(
        "report.html",
        summary=summary,
        studies=studies,
        rows=rows,
        pages=pages,
        shown=shown,
        grades=list(map(str, Severity)),
        disclaimer=DISCLAIMER,
    )


def _level(level: LevelGrade, warnings: Sequence[str], pictures: Pictures) -> Mapping[str, Any]:
    point = level.point
    picture = (
        pictures.get((level.condition, level.level))
        if level.condition and isinstance(level.level, Level)
        else None
    )
    return {
        "name": str(level.level),
        "series": level.series_id,
        "slice": point.instance_number if point else "–",
        "point": f"{point.x:.0f}, {point.y:.0f}" if point else "–",
        "grade": level.shown,
        "reason": level.reason,
        "warnings": warnings,
        "bars": [
            {
                "name": str(severity),
                "percent": f"{100 * value:.1f}",
                "text": f"{value:.1%}",
                "likely": severity is level.grade,
            }
            for severity, value in zip(Severity, level.probabilities or (), strict=False)
        ],
        "picture": data_uri("png", picture) if picture else "",
    }
