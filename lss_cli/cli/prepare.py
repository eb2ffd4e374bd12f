"""``lss prepare``."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lss_cli.anatomy import Severity
from lss_cli.cli.environment import Environment
from lss_cli.cli.options import (
    PREPARED,
    Debug,
    FiguresOption,
    Quiet,
    WorkersOption,
    with_options_of,
)
from lss_cli.cli.progress import show_progress
from lss_cli.dataset.options import SPEC_OPTIONS, PrepareOptions
from lss_cli.dataset.split import parse_proportions
from lss_cli.errors import UsageError

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
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Data to judge this model on: inputs as it wants them, all conditions that it "
            "grades, and nothing to train on, unless told otherwise.",
        ),
    ] = None,
    canal_labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Table like RSNA's train.csv with grades of the canal, whose points are then the "
            "middle between both sides', in axial slices.",
        ),
    ] = None,
    workers: WorkersOption = None,
    figures: FiguresOption = None,
    _quiet: Quiet = False,
    _debug: Debug = False,
) -> None:
    """Turn labels, points and images into training data.

    Example: lss prepare ./rsna --out prepared --mirror
    """
    from lss_cli.dataset.prepare import prepare as run
    from lss_cli.processors import processors

    environment: Environment = context.obj
    if model is not None:
        options = _as_model_wants(model, environment.models, options)
    chosen = PrepareOptions.from_mapping(options, "options")
    drawn = environment.can_draw("lss prepare --figures", figures)
    with show_progress(environment.messages) as progress:
        summary = run(
            source,
            out,
            chosen,
            progress,
            workers=workers or processors(),
            figures=drawn,
            canal_labels=canal_labels,
        )
    _print(summary, environment.results)
    if drawn:
        environment.messages.print(f"The figures are in {out}/figures/index.html")
    if chosen.proportions[0]:
        todo = f" Train on it with: lss train --data {out}"
    else:
        todo = f" Judge a model on it with: lss evaluate --model {model or 'MODEL'} --data {out}"
    environment.messages.print(f"Wrote {out}.{todo * (not chosen.tables_only)}")


def _as_model_wants(model: str, folder: Path, typed: Mapping[str, Any]) -> Mapping[str, Any]:
    """Options for data that a model is to be judged on; what was typed counts before that.

    Raises:
        ModelError: There is no such model, or it cannot be used.
        UsageError: An option says what the model says.
    """
    from lss_cli.model.find import find_model
    from lss_cli.model.session import load_model

    if said := next((name for name in SPEC_OPTIONS if name in typed), None):
        raise UsageError(
            f"--{said.replace('_', '-')} would contradict --model, which says how inputs are made.",
            todo="Leave one of them out.",
        )
    metadata = load_model(find_model(model, folder)).metadata
    wanted = {
        "spec": metadata.input,
        "conditions": list(metadata.conditions),
        "proportions": parse_proportions("0:0:100"),
    }
    return wanted | dict(typed)


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
