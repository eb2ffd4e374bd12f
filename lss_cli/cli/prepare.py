"""``lss prepare``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lss_cli.anatomy import DEFAULT_CONDITION, Severity
from lss_cli.cli.console import messages, results
from lss_cli.cli.options import parse_conditions
from lss_cli.dataset.defaults import DEFAULT_SPEC as SPEC
from lss_cli.dataset.defaults import DEFAULT_SPLIT
from lss_cli.errors import UsageError
from lss_cli.input_spec import InputSpec, Normalise, View

if TYPE_CHECKING:
    from lss_cli.dataset.prepare import Summary


def prepare(
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
    split: Annotated[
        str, typer.Option(help="Training:validation:test, by studies.")
    ] = DEFAULT_SPLIT,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same split.")] = 0,
) -> None:
    """Turn labels, points and images into training data.

    Example: lss prepare ./rsna --out prepared --mirror
    """
    from lss_cli.dataset.prepare import Options
    from lss_cli.dataset.prepare import prepare as run
    from lss_cli.dataset.split import parse_proportions

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
    except ValueError as error:
        raise UsageError(str(error)) from None
    options = Options(
        conditions=tuple(parse_conditions(condition or [DEFAULT_CONDITION])),
        mirror=mirror,
        proportions=parse_proportions(split),
        seed=seed,
        spec=spec,
    )
    with _progress() as progress:
        summary = run(source, out, options, progress)
    _print(summary)
    messages().print(f"Wrote {out}. Train on it with: lss train --data {out}")


def _pair(option: str, text: str) -> tuple[float, float]:
    try:
        first, *rest = [float(part) for part in text.split(",")]
        (second,) = rest or [first]
    except ValueError:
        raise UsageError(f"{option} is {text!r}.", todo="Give one number, or W,H.") from None
    return first, second


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, a line for each tenth elsewhere."""
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = messages()
    if not console.is_terminal:
        yield (
            lambda done, total: (
                console.print(f"{done} of {total} studies")
                if done * 10 // total > (done - 1) * 10 // total
                else None
            )
        )
        return
    columns = (TextColumn("Studies"), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("")
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _print(summary: "Summary") -> None:
    from rich.table import Table

    table = Table("part", "studies", "rows", *Severity)
    for column in table.columns[1:]:
        column.justify = "right"
    for part, counts in summary.parts.items():
        names = ("studies", "rows", *Severity)
        table.add_row(part, *(str(counts.get(str(name), 0)) for name in names))
    out = results()
    out.print(table)
    rejected = sum(summary.rejected.values())
    out.print(
        f"{summary.used} used + {rejected} rejected = {summary.joined} joined; "
        f"{summary.other_conditions} of other conditions"
    )
    for reason, count in summary.rejected.items():
        out.print(f"  {count} rejected: {reason}")
