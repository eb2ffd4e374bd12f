"""``lss prepare``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from lss_cli.anatomy import DEFAULT_CONDITION, Severity
from lss_cli.cli.environment import Environment
from lss_cli.cli.options import Debug, Quiet, WorkersOption, parse_condition
from lss_cli.cli.progress import study_progress
from lss_cli.dataset.options import DEFAULT_SPEC as SPEC
from lss_cli.dataset.options import DEFAULT_SPLIT, Balance, PrepareOptions, Scope, Strategy
from lss_cli.dataset.split import parse_proportions
from lss_cli.errors import MissingExtraError, UsageError
from lss_cli.model.spec import InputSpec, Normalise, View
from lss_cli.validation import explain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from lss_cli.dataset.exploration.summary import PrepareSummary

DEFAULTS = PrepareOptions()


def prepare(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="A folder in RSNA's layout, or an image table.")],
    out: Annotated[Path, typer.Option(help="Folder for the prepared data.")] = Path("prepared"),
    condition: Annotated[
        list[str] | None,
        typer.Option(
            help="What to learn; may be given several times.", show_default=str(DEFAULT_CONDITION)
        ),
    ] = None,
    mirror: Annotated[
        bool, typer.Option("--mirror", help="Add the other side, mirrored, to the training part.")
    ] = False,
    view: Annotated[
        View, typer.Option(help="A field around the point, or the whole slice.")
    ] = SPEC.view,
    size: Annotated[
        str, typer.Option(metavar="N|W,H", help="Pixels of the network's image.")
    ] = f"{SPEC.size[0]},{SPEC.size[1]}",
    field_mm: Annotated[
        str, typer.Option(metavar="N|W,H", help="Field around the point, in mm.")
    ] = f"{SPEC.field_mm[0]:g},{SPEC.field_mm[1]:g}",
    shift_mm: Annotated[
        float, typer.Option(help="Shift of the field from the point to the midline, in mm.")
    ] = SPEC.shift_mm,
    neighbours: Annotated[
        int, typer.Option(help="Slices on each side of the point's own.")
    ] = SPEC.neighbours,
    normalise: Annotated[
        Normalise, typer.Option(help="How grey values are brought to one range.")
    ] = SPEC.normalise,
    level: Annotated[
        bool, typer.Option("--level", help="Let the network know the disc level.")
    ] = SPEC.level,
    balance: Annotated[
        Balance,
        typer.Option(
            help="Leave out studies whose five levels are all Normal/Mild, or as many as it takes "
            "for equal numbers of the three grades."
        ),
    ] = DEFAULTS.balance,
    balance_scope: Annotated[
        Scope, typer.Option(help="Balance the training part alone, or everything before the split.")
    ] = DEFAULTS.balance_scope,
    split: Annotated[
        str,
        typer.Option(
            metavar="A:B:C|A:C", help="Training:validation:test or training:test, by studies."
        ),
    ] = DEFAULT_SPLIT,
    strategy: Annotated[
        Strategy,
        typer.Option(
            help="Deal studies out by chance, with the same proportions of the grades in each "
            "part, or so that also the training part has equal numbers of the three grades."
        ),
    ] = DEFAULTS.strategy,
    folds: Annotated[
        int | None, typer.Option(min=2, help="Divide what is not test into so many folds.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same split.")] = 0,
    workers: WorkersOption = None,
    tables_only: Annotated[
        bool, typer.Option("--tables-only", help="Join, balance and split; open no image.")
    ] = False,
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
    width, height = _pair("--size", size)
    try:
        spec = InputSpec(
            view=view,
            size=(int(width), int(height)),
            field_mm=_pair("--field-mm", field_mm),
            shift_mm=shift_mm,
            neighbours=neighbours,
            normalise=normalise,
            level=level,
        )
    except ValidationError as error:
        raise UsageError(explain(error)) from None
    options = PrepareOptions(
        conditions=tuple(dict.fromkeys(map(parse_condition, condition or [DEFAULT_CONDITION]))),
        mirror=mirror,
        balance=balance,
        balance_scope=balance_scope,
        proportions=parse_proportions(split),
        strategy=strategy,
        folds=folds or 0,
        seed=seed,
        spec=spec,
        tables_only=tables_only,
    )
    drawn = _can_draw(environment, figures)
    with study_progress(environment.messages) as progress:
        summary = run(
            source, out, options, progress, workers=workers or processors(), figures=drawn
        )
    _print(summary, environment.results)
    if drawn:
        environment.messages.print(f"The figures are in {out}/figures/index.html")
    todo = "" if tables_only else f" Train on it with: lss train --data {out}"
    environment.messages.print(f"Wrote {out}.{todo}")


def _pair(option: str, text: str) -> tuple[float, float]:
    try:
        first, *rest = [float(part) for part in text.split(",")]
        (second,) = rest or [first]
    except ValueError:
        raise UsageError(f"{option} is {text!r}.", todo="Give one number, or W,H.") from None
    return first, second


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
    names = ["studies", "rows", *map(str, Severity)]
    table = _table(
        "Parts",
        ["", *names],
        [
            [split, *(f"{counts[name]:,}" for name in names)]
            for split, counts in summary.splits.items()
        ],
    )
    for topic in summary.exploration.topics():
        out.print(_table(topic.title, ["", *map(str, topic.table.columns)], topic.rows))
    out.print(table)
    rejected = sum(summary.rejected.values())
    out.print(
        f"{summary.used} used + {rejected} rejected = {summary.joined} joined; "
        f"{summary.other_conditions} of other conditions"
    )
    for reason, count in summary.rejected.items():
        out.print(f"  {count} rejected: {reason}")


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(
        *columns,
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        min_width=len(title),
        title=title,
        title_justify="left",
        title_style="bold",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(*row)
    return table
