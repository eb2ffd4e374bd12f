"""A comparison as tables for the terminal, as CSV, HTML and Markdown."""

from collections.abc import Callable, Iterator
from html import escape

import pandas as pd
from rich.console import Group, RenderableType
from rich.text import Text

from lss_cli.evaluation.bootstrap import Estimate
from lss_cli.evaluation.comparison import (
    TRAIN_ACCURACY,
    TRAIN_ACCURACY_DEFINITION,
    Cell,
    Comparison,
    heading,
)
from lss_cli.evaluation.metrics import GROUPS
from lss_cli.evaluation.presentation.table import arrow, plain_table, text
from lss_cli.render.page import page, table_html
from lss_cli.text import escape_formula, printable

MARK = "▸"
"""The best value carries this sign, so that colour is not needed to see it."""

DELTA = "Δ: difference to the best."

SIDE_BY_SIDE = 3
"""Networks whose values fit into 100 columns."""


def to_table(found: Comparison) -> RenderableType:
    """Values, then differences to the best, a few networks at a time."""
    parts: list[RenderableType] = [Text(heading(found), style="bold")]
    for title, show in (("value", _value), ("difference to the best", _difference)):
        if title != "value" and len(found.names) == 1:
            continue
        for start in range(0, len(found.names), SIDE_BY_SIDE):
            columns = slice(start, start + SIDE_BY_SIDE)
            parts += [Text(""), _table(found, title, columns, show)]
    parts += [Text(""), *(Text(line, style="dim") for line in remarks(found))]
    return Group(*parts)


def remarks(found: Comparison) -> list[str]:
    """What has to be said beside the figures."""
    lines = [f"{MARK} best of the networks. ↑ higher is better, ↓ lower is better. – undefined."]
    if found.drawn:
        lines += [
            f"[ ]: 95 % interval from {found.drawn} resamples of studies.",
            "Those of differences are paired: all networks are taken on the same resample.",
        ]
    return lines


def to_csv(found: Comparison) -> str:
    """One row per figure; for each network its value and its difference to the best one."""
    table = []
    for key, better, cells in _rows(found):
        row: dict[str, object] = {"figure": key, "better": better}
        for name, cell in zip(map(escape_formula, found.names), cells, strict=True):
            row |= _columns(name, cell.value)
            row |= _columns(f"{name} difference", cell.difference or Estimate(None))
        best = [name for name, cell in zip(found.names, cells, strict=True) if cell.best]
        table.append(row | {"best": escape_formula(" = ".join(best))})
    return str(pd.DataFrame(table).to_csv(index=False, lineterminator="\n"))


def _columns(name: str, one: Estimate) -> dict[str, object]:
    return {name: one.value, f"{name} low": one.low, f"{name} high": one.high}


def to_html(found: Comparison) -> str:
    """One page that needs no other file."""
    names = _names(found)
    rows = [(names[key], *(_both(cell, "\n") for cell in cells)) for key, _, cells in _rows(found)]
    definitions = [(TRAIN_ACCURACY, TRAIN_ACCURACY_DEFINITION)]
    definitions += [(one.name, one.definition) for one in found.metrics]
    body = [f"<h1>{escape(heading(found))}</h1>"]
    body += [f"<p>{escape(line)}</p>" for line in (*remarks(found), DELTA)]
    body.append(table_html(("figure", *found.names), rows))
    body += ["<h2>What each figure is</h2>", table_html(("figure", "definition"), definitions)]
    return page(heading(found), body)


def to_markdown(found: Comparison) -> str:
    """A table for a page of documentation."""
    names = _names(found)
    lines = [("", *(printable(name).replace("|", "\\|") for name in found.names))]
    lines.append(("---",) * len(lines[0]))
    lines += [
        (names[key], *(_both(cell, "<br>") for cell in cells)) for key, _, cells in _rows(found)
    ]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _names(found: Comparison) -> dict[str, str]:
    """The first cell of each row, by the figure's key."""
    names = {one.key: f"{one.name} {arrow(one.better)}" for one in found.metrics}
    return {TRAIN_ACCURACY: TRAIN_ACCURACY} | names


def _rows(found: Comparison) -> Iterator[tuple[str, str, tuple[Cell, ...]]]:
    """Key, which way is better, and the cells of each figure; the training accuracy first."""
    train = tuple(Cell(one, best=False, difference=None) for one in found.train_accuracy)
    yield TRAIN_ACCURACY, "", train
    for one in found.metrics:
        yield one.key, "higher" if one.better > 0 else "lower", found.cells[one.key]


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
    found: Comparison, title: str, columns: slice, show: Callable[[Cell], str]
) -> RenderableType:
    names = [printable(name, 24) for name in found.names[columns]]
    table = plain_table(title, "", *names, numbers=range(2, 2 + len(names)))
    metrics = {one.key: one for one in found.metrics}
    group = None
    for key, _, cells in _rows(found):
        one = metrics.get(key)
        if one is None:
            if show is _value:
                table.add_row(key, "", *map(show, cells[columns]))
            continue
        if one.group != group:
            group = one.group
            table.add_section()
            table.add_row(Text(GROUPS[group], style="italic"))
        table.add_row(one.name, arrow(one.better), *map(show, cells[columns]))
    return table
