"""A study's result as a table for the terminal."""

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lss_cli.anatomy import Condition, Severity
from lss_cli.grading.result import LevelGrade, StudyGrade
from lss_cli.output.document import DISCLAIMER
from lss_cli.text import printable

COLOURS = {Severity.NORMAL_MILD: "green", Severity.MODERATE: "yellow", Severity.SEVERE: "red"}

WIDTH = 80

# The most likely class is marked by this sign, not by colour alone.
MARK = "▸"


def to_table(result: StudyGrade, width: int = 80) -> RenderableType:
    """One table per condition, then remarks, and what the figures come from.

    The series stands in the heading; where levels lie in several, it takes the points' place. On a
    terminal of less than `WIDTH` columns both are left out, so that the grades are not cut.
    """
    conditions = list(dict.fromkeys(one.condition for one in result.levels))
    parts: list[RenderableType] = []
    for condition in conditions:
        levels = [one for one in result.levels if one.condition == condition]
        parts += [_heading(result, condition, levels), _table(levels, width)]
        parts += [*_remarks(levels), Text("")]
    parts += [Text(f"Note: {note}") for note in result.notes]
    if result.remark:
        parts.append(Text(f"Remark: {printable(result.remark, 400)}"))
    parts.append(_foot(result))
    return Group(*parts)


def _series(levels: list[LevelGrade]) -> list[str]:
    """The series that the levels lie in, by the last component of their UIDs."""
    names = (one.series_id.rpartition(".")[2] for one in levels)
    return list(dict.fromkeys(printable(name) for name in names if name))


def _heading(result: StudyGrade, condition: Condition | None, levels: list[LevelGrade]) -> Text:
    name = condition.rsna_name if condition else "Unreadable rows"
    parts = [name, f"study {printable(result.study_id)}"]
    series = _series(levels)
    parts += [f"series {series[0]}"] if len(series) == 1 else []
    return Text(" · ".join(parts), style="bold")


def _table(levels: list[LevelGrade], width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("Level", no_wrap=True)
    several, wide = len(_series(levels)) > 1, width >= WIDTH
    if wide and several:
        table.add_column("Series", overflow="ellipsis", no_wrap=True, max_width=10)
    table.add_column("Slice", justify="right", no_wrap=True)
    if wide and not several:
        table.add_column("Point", justify="right", no_wrap=True)
    for severity in Severity:
        table.add_column(severity.value, justify="right", no_wrap=True)
    table.add_column("Grade", overflow="fold")
    for one in levels:
        level, series, number, point, *rest = _cells(one)
        place = [number] if not wide else [series, number] if several else [number, point]
        table.add_row(level, *place, *rest)
    return table


def _cells(one: LevelGrade) -> list[Text]:
    point = one.point
    cells = [
        Text(str(one.level)),
        Text(printable(one.series_id.rpartition(".")[2]) or "–"),
        Text(str(point.instance_number) if point else "–"),
        Text(f"{point.x:.0f}, {point.y:.0f}" if point else "–"),
    ]
    if one.probabilities is None or one.grade is None:
        return [*cells, *(Text("–") for _ in Severity), Text("not graded", style="italic")]
    for severity, value in zip(Severity, one.probabilities, strict=True):
        likely = severity is one.grade
        text = f"{MARK} {value:.1%}" if likely else f"{value:.1%}"
        cells.append(Text(text, style=f"bold {COLOURS[severity]}" if likely else ""))
    sign = "*" if one.warnings else ""
    return [*cells, Text(f"{one.shown}{sign}", style=f"bold {COLOURS[one.grade]}")]


def _remarks(levels: list[LevelGrade]) -> list[Text]:
    reasons = [Text(f"{one.level} not graded: {one.reason}") for one in levels if one.reason]
    warnings = [Text(f"{one.level} * {text}") for one in levels for text in one.warnings]
    return reasons + warnings


def _foot(result: StudyGrade) -> Text:
    metadata = result.model.metadata
    trained = metadata.training.get("summary", "data that its card does not name")
    return Text(
        f"Model {printable(metadata.name)}, trained on {printable(trained, 160)}. "
        f"Licence: {printable(metadata.licence, 160)}. {DISCLAIMER}",
        style="dim",
    )
