"""``lss prepare``."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lss_cli.anatomy import Severity
from lss_cli.cli.environment import Environment
from lss_cli.cli.options import PREPARED, Debug, Quiet, WorkersOption, with_options_of
from lss_cli.cli.progress import show_progress
from lss_cli.dataset.options import PrepareOptions
from lss_cli.errors import MissingExtraError

if TYPE_CHECKING:
    from rich.console import Console

    from lss_cli.dataset.exploration.summary import PrepareSummary


@with_options_of(PrepareOptions)
def prepare(
    *,
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="A folder in RSNA's layout, or an image table.")],
    out: Annotated[Path, typer.Option(help="Folder for the prepared data.")] = PREPARED,
    options: Mapping[str, Any],
    workers: WorkersOption = None,
    figures: Annotated[
        bool | None,
        typer.Option(
            "--figures/--no-figures",
            help="Draw what is in the data.",
            show_default="where matplotlib is installed",
        ),
    ] = None,
    _quiet: Quiet = False,
    _debug: Debug = False,
) -> None:
    """Turn labels, points and images into training data.

    Example: lss prepare ./rsna --out prepared --mirror
    """
    from lss_cli.dataset.prepare import prepare as run
    from lss_cli.processors import processors

    environment: Environment = context.obj
    chosen = PrepareOptions.from_mapping(options, "options")
    drawn = _can_draw(environment, figures)
    with show_progress(environment.messages) as progress:
        summary = run(source, out, chosen, progress, workers=workers or processors(), figures=drawn)
    _print(summary, environment.results)
    if drawn:
        environment.messages.print(f"The figures are in {out}/figures/index.html")
    todo = "" if chosen.tables_only else f" Train on it with: lss train --data {out}"
    environment.messages.print(f"Wrote {out}.{todo}")


def _can_draw(environment: Environment, wanted: bool | None) -> bool:
    if wanted is False:
        return False
    try:
        environment.require("lss prepare --figures", "matplotlib")
    except MissingExtraError as missing:
        if wanted:
            raise
        environment.messages.print(f"Without figures: {missing}")
        return False
    return True


def _print(summary: "PrepareSummary", out: "Console") -> None:
    from lss_cli.render.table import plain_table

    def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        numbers = range(1, 1 + len(columns))
        out.print(plain_table("", *columns, numbers=numbers, title=title, rows=rows), "")

    for topic in summary.exploration.topics():
        show(topic.title, list(map(str, topic.table.columns)), topic.rows)
    names = ["studies", "rows", *map(str, Severity)]
    counts = summary.splits.items()
    rows = [[split, *(f"{numbers[name]:,}" for name in names)] for split, numbers in counts]
    show("Parts", names, rows)
    rejected = sum(summary.rejected.values())
    out.print(
        f"{summary.used} used + {rejected} rejected = {summary.joined} joined; "
        f"{summary.other_conditions} of other conditions"
    )
    for reason, count in summary.rejected.items():
        out.print(f"  {count} rejected: {reason}")
