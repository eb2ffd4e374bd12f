"""A study's result as a table for the terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lss_cli.anatomy import Condition, Severity
from lss_cli.grading.result import DISCLAIMER, LevelGrade, StudyGrade
from lss_cli.points.point import PointSource
from lss_cli.render.table import plain_table
from lss_cli.text import printable

COLOURS = {Severity.NORMAL_MILD: "green", Severity.MODERATE: "yellow", Severity.SEVERE: "red"}

WIDTH = 80

# The probability of the grade is marked by this sign, not by colour alone.
MARK = "▸"


def to_table(result: StudyGrade, width: int = 80) -> RenderableType:
    """One table per condition, then remarks, and what the figures come from.

    The series stands in the heading; where levels lie in several, it takes the points' place. On a
    terminal of less than `WIDTH` columns both are left out, so that the grades are not cut.
    """
    conditions = list(dict.fromkeys(level.condition for level in result.levels))
    parts: list[RenderableType] = []
    for condition in conditions:
        levels = [level for level in result.levels if level.condition == condition]
        parts += [_heading(result, condition, levels), _table(levels, width)]
        parts += [*_remarks(levels), Text("")]
    parts += [Text(f"Warning: {doubt}") for doubt in result.cautions]
    parts += [Text(f"Note: {note}") for note in result.notes]
    if result.remark:
        parts.append(Text(f"Remark: {printable(result.remark, 400)}"))
    parts.append(_foot(result))
    return Group(*parts)


def _series(levels: list[LevelGrade]) -> list[str]:
    """The series that the levels lie in, by the last component of their UIDs."""
    names = (level.series_id.rpartition(".")[2] for level in levels)
    return list(dict.fromkeys(printable(name) for name in names if name))


def _heading(result: StudyGrade, condition: Condition | None, levels: list[LevelGrade]) -> Text:
    name = condition.rsna_name if condition else "Unreadable rows"
    parts = [name, f"study {printable(result.study_id)}"]
    series = _series(levels)
    parts += [f"series {series[0]}"] if len(series) == 1 else []
    sources = {level.point.source for level in levels if level.point and level.probabilities}
    parts += ["proposed points"] if PointSource.PROPOSED in sources else []
    return Text(" · ".join(parts), style="bold")


def _table(levels: list[LevelGrade], width: int) -> Table:
    several, wide = len(_series(levels)) > 1, width >= WIDTH
    place = ["Slice"] if not wide else ["Series", "Slice"] if several else ["Slice", "Point"]
    names = ["Level", *place, *Severity, "Grade"]
    numbers = [names.index(name) for name in names if name not in {"Level", "Series", "Grade"}]
    table = plain_table(*names, numbers=numbers, wrapped=["Grade"])
    if "Series" in names:
        table.columns[1].max_width = 10
    for row in levels:
        level, series, instance, point, *rest = _cells(row)
        where = [instance] if not wide else [series, instance] if several else [instance, point]
        table.add_row(level, *where, *rest)
    return table


def _cells(row: LevelGrade) -> list[Text]:
    point = row.point
    cells = [
        Text(str(row.level)),
        Text(printable(row.series_id.rpartition(".")[2]) or "–"),
        Text(str(point.instance_number) if point else "–"),
        Text(f"{point.x:.0f}, {point.y:.0f}" if point else "–"),
    ]
    if row.probabilities is None or row.grade is None:
        return [*cells, *(Text("–") for _ in Severity), Text(row.status, style="italic")]
    for severity, value in zip(Severity, row.probabilities, strict=True):
        graded = severity is row.grade
        text = f"{MARK} {value:.1%}" if graded else f"{value:.1%}"
        cells.append(Text(text, style=f"bold {COLOURS[severity]}" if graded else ""))
    sign = "*" if row.warnings else ""
    return [*cells, Text(f"{row.shown}{sign}", style=f"bold {COLOURS[row.grade]}")]


def _remarks(levels: list[LevelGrade]) -> list[Text]:
    reasons = [Text(f"{row.level} {row.status}: {row.reason}") for row in levels if row.reason]
    # One cause stands once, whatever the number of levels that it concerns.
    texts = dict.fromkeys(text for row in levels for text in row.warnings)
    return reasons + [
        Text(f"{', '.join(str(row.level) for row in levels if text in row.warnings)} * {text}")
        for text in texts
    ]


def _foot(result: StudyGrade) -> Text:
    return Text(" ".join((*result.credits, DISCLAIMER)))
