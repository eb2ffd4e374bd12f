"""Options that several commands take, as types for their signatures."""

from pathlib import Path
from typing import Annotated

import typer

from lss_cli.anatomy import Condition
from lss_cli.errors import UsageError


def parse_condition(name: str) -> Condition:
    """Read ``--condition``.

    Raises:
        UsageError: The name is no condition; the message lists those that exist.
    """
    try:
        return Condition.parse(name)
    except ValueError as error:
        raise UsageError(f"--condition: {error}") from None


def _set_quiet(context: typer.Context, quiet: bool) -> None:
    context.obj.quiet = quiet


def _set_debug(context: typer.Context, debug: bool) -> None:
    context.obj.debug = debug


# Every command has these two. Being eager, they count before another option is found wrong.
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet", help="Print results and errors only.", callback=_set_quiet, is_eager=True
    ),
]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug", help="Print a traceback on errors.", callback=_set_debug, is_eager=True
    ),
]

ModelOption = Annotated[str, typer.Option(help="Name of a shipped model, or an .onnx file.")]
ConditionOption = Annotated[
    list[Condition] | None,
    typer.Option(
        help="Grade only this condition; may be given several times.",
        parser=parse_condition,
        metavar="<list[str]>",
    ),
]
DataOption = Annotated[Path, typer.Option(help="Prepared data.")]
ConfigOption = Annotated[Path | None, typer.Option(help="TOML file with any of the options below.")]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, help="Processes.", show_default="all processors")
]

# Of what measures predictions.
EvaluationDataOption = Annotated[
    Path, typer.Option("--data", help="Prepared data that models are run on.")
]
SplitOption = Annotated[
    str, typer.Option(help="Part: test, validation, train or all; or another in the table.")
]
BetaOption = Annotated[float, typer.Option(min=0.01, help="β of F-beta.")]
ResamplesOption = Annotated[int, typer.Option(min=0, help="Draws behind the intervals.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Of the draws.")]

PREPARED = Path("prepared")
