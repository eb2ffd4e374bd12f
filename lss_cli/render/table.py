"""Tables for a terminal: without a frame, a line below the head, numbers to the right."""

from collections.abc import Container, Iterable, Sequence

from rich import box
from rich.table import Table
from rich.text import Text


def plain_table(
    *columns: str,
    numbers: Container[int] = (),
    wrapped: Container[str] = (),
    title: str = "",
    rows: Iterable[Sequence[str | Text]] = (),
) -> Table:
    """Make a table of the one look that all tables have.

    Args:
        columns: Their heads.
        numbers: Places of columns that stand to the right, from 0.
        wrapped: Heads of columns that may take several lines where the terminal is narrow.
        title: Stands above; empty for none.
        rows: The first rows; more may be added.
    """
    table = Table(
        title=Text(title) if title else None,
        title_justify="left",
        title_style="bold",
        min_width=len(title) or None,
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for place, name in enumerate(columns):
        table.add_column(
            # A name is text, even if it looks like markup.
            Text(str(name)),
            justify="right" if place in numbers else "left",
            no_wrap=name not in wrapped,
            overflow="fold" if name in wrapped else "ellipsis",
        )
    for row in rows:
        table.add_row(*row)
    return table
