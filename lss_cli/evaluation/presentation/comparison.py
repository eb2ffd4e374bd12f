"""A comparison as tables for the terminal, as CSV, HTML and Markdown."""

from collections.abc import Callable, Iterator
from itertools import groupby
from operator import attrgetter

from rich.console import Group, RenderableType
from rich.text import Text

from lss_cli import tables
from lss_cli.evaluation.bootstrap import Estimate
from lss_cli.evaluation.comparison import (
    START,
    START_DEFINITION,
    TRAIN_ACCURACY,
    TRAIN_ACCURACY_DEFINITION,
    Cell,
    Comparison,
)
from lss_cli.evaluation.metrics import GROUPS
from lss_cli.evaluation.predictions import ALL
from lss_cli.evaluation.presentation.table import arrow, text
from lss_cli.render.page import render_page
from lss_cli.render.table import plain_table
from lss_cli.text import printable

# The best value carries this sign, so that colour is not needed to see it.
MARK = "▸"

DELTA = "Δ: difference to the best."

# Networks whose values fit into 100 columns.
SIDE_BY_SIDE = 3


def to_table(comparison: Comparison) -> RenderableType:
    """Values, then differences to the best, a few networks at a time."""
    parts: list[RenderableType] = [Text(heading(comparison), style="bold")]
    for title, show in (("value", _value), ("difference to the best", _difference)):
        if show is _difference and len(comparison.names) == 1:
            continue
        for start in range(0, len(comparison.names), SIDE_BY_SIDE):
            columns = slice(start, start + SIDE_BY_SIDE)
            parts += [Text(""), _table(comparison, title, columns, show)]
    parts += [Text(""), *(Text(line, style="dim") for line in remarks(comparison))]
    return Group(*parts)


def heading(comparison: Comparison) -> str:
    """What is compared, in one line."""
    split = "all parts" if comparison.settings.split == ALL else comparison.settings.split
    rows = f"{comparison.rows} rows of {comparison.studies} studies"
    return f"{len(comparison.names)} networks on {split}: {rows}"


def remarks(comparison: Comparison) -> list[str]:
    """What has to be said beside the values."""
    lines = [f"{MARK} best of the networks. ↑ higher is better, ↓ lower is better. – undefined."]
    lines.append(f"Grade of all networks: {comparison.rule.text}.")
    lines += [
        f"{printable(name)} by itself: {own.text}; see --grade-weights."
        for name, own in zip(comparison.names, comparison.own_rules, strict=True)
        if own.by_weight and own != comparison.rule
    ]
    if comparison.drawn:
        lines += [
            f"[ ]: 95 % interval from {comparison.drawn} resamples of studies.",
            "Those of differences are paired: all networks are taken on the same resample.",
        ]
    return lines


def to_csv(comparison: Comparison) -> str:
    """One row per metric; for each network its value and its difference to the best one."""
    table = []
    pairs = zip(comparison.names, comparison.starts, strict=True)
    # In columns, since those of the networks are numbers throughout.
    starts = {f"{name} {START}": start for name, start in pairs}
    for key, _, better, cells in _rows(comparison):
        row: dict[str, object] = {"figure": key, "better": better}
        for name, cell in zip(comparison.names, cells, strict=True):
            row |= _columns(name, cell.value)
            row |= _columns(f"{name} difference", cell.difference or Estimate(None))
        best = [name for name, cell in zip(comparison.names, cells, strict=True) if cell.best]
        table.append(row | {"best": " = ".join(best)} | starts)
    return tables.to_csv(table[0], (row.values() for row in table))


def _columns(name: str, estimate: Estimate) -> dict[str, object]:
    return {name: estimate.value, f"{name} low": estimate.low, f"{name} high": estimate.high}


def to_html(comparison: Comparison) -> str:
    """One page that needs no other file."""
    rows = _starts(comparison)
    rows += [
        (label, *(_both(cell, "\n") for cell in cells)) for _, label, _, cells in _rows(comparison)
    ]
    definitions = [(START, START_DEFINITION), (TRAIN_ACCURACY, TRAIN_ACCURACY_DEFINITION)]
    definitions += [(metric.name, metric.definition) for metric in comparison.metrics]
    return render_page(
        "comparison.html",
        heading=heading(comparison),
        remarks=[*remarks(comparison), DELTA],
        values=(("figure", *comparison.names), rows),
        definitions=definitions,
    )


def to_markdown(comparison: Comparison) -> str:
    """A table for a page of documentation."""
    lines = [("", *(printable(name).replace("|", "\\|") for name in comparison.names))]
    lines.append(("---",) * len(lines[0]))
    lines += [tuple(cell.replace("|", "\\|") for cell in row) for row in _starts(comparison)]
    lines += [
        (label, *(_both(cell, "<br>") for cell in cells))
        for _, label, _, cells in _rows(comparison)
    ]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _rows(comparison: Comparison) -> Iterator[tuple[str, str, str, tuple[Cell, ...]]]:
    """Key, name, which way is better, and cells of each metric; the training accuracy first."""
    train = tuple(
        Cell(estimate, best=False, difference=None) for estimate in comparison.train_accuracy
    )
    yield TRAIN_ACCURACY, TRAIN_ACCURACY, "", train
    for metric in comparison.metrics:
        name, better = f"{metric.name} {arrow(metric)}", "higher" if metric.better > 0 else "lower"
        yield metric.key, name, better, comparison.cells[metric.key]


def _starts(comparison: Comparison) -> list[tuple[str, ...]]:
    """The row of what they started from, unless not one of them says so."""
    starts = (start or "–" for start in comparison.starts)
    return [(START, *starts)] if any(comparison.starts) else []


def _value(cell: Cell) -> str:
    return f"{MARK} {text(cell.value)}" if cell.best else text(cell.value)


def _difference(cell: Cell) -> str:
    if cell.difference:
        return text(cell.difference)
    return "best" if cell.best else "–"


def _both(cell: Cell, line_break: str) -> str:
    gap = f"{line_break}Δ {text(cell.difference)}" if cell.difference else ""
    return _value(cell) + gap


def _table(
    comparison: Comparison, title: str, columns: slice, show: Callable[[Cell], str]
) -> RenderableType:
    names = [printable(name, 24) for name in comparison.names[columns]]
    table = plain_table(title, "", *names, numbers=range(2, 2 + len(names)))
    if show is _value:
        for name, *starts in _starts(comparison):
            table.add_row(name, "", *starts[columns])
        table.add_row(TRAIN_ACCURACY, "", *map(text, comparison.train_accuracy[columns]))
    for group, metrics in groupby(comparison.metrics, attrgetter("group")):
        table.add_section()
        table.add_row(Text(GROUPS[group], style="italic"))
        for metric in metrics:
            cells = comparison.cells[metric.key][columns]
            table.add_row(metric.name, arrow(metric), *map(show, cells))
    return table
