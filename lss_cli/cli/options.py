"""Options on the command line: those that several commands take, and those made of fields."""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

import typer

from lss_cli.anatomy import Condition
from lss_cli.errors import UsageError
from lss_cli.options import OptionSet, parse_condition

if TYPE_CHECKING:
    from lss_cli.rule import GradeRule


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

SchedulerOption = Annotated[str, typer.Option(help="Use a Dask cluster, such as tcp://host:8786.")]

StudiesArgument = Annotated[
    list[Path],
    typer.Argument(help="Folder of study folders, or a text file that lists them, or several."),
]
OverviewOption = Annotated[Path | None, typer.Option(help="Also write an overview page.")]
PagesOption = Annotated[
    bool, typer.Option("--pages", help="With --html: also a page for each study.")
]
TrainedOnOption = Annotated[str, typer.Option(help="What the training data are called.")]
LicenceOption = Annotated[str, typer.Option(help="Terms under which the weights may be used.")]

FiguresOption = Annotated[
    bool | None,
    typer.Option(
        "--figures/--no-figures",
        help="Draw figures.",
        show_default="where matplotlib is installed",
    ),
]

# Of what measures predictions.
EvaluationDataOption = Annotated[
    Path, typer.Option("--data", help="Prepared data that models are run on.")
]
SplitOption = Annotated[
    str, typer.Option(help="Part: test, validation, train or all; or another in the table.")
]
BetaOption = Annotated[float, typer.Option(min=0.01, help="β of F-beta.")]
GradeWeightsOption = Annotated[
    str | None,
    typer.Option(
        help="Of Normal/Mild, Moderate and Severe, such as 1,2,4: the grade is the one with the "
        "greatest probability × weight.",
        metavar="W,W,W",
        show_default="those of the model file; else 1,1,1, the likeliest",
    ),
]
ResamplesOption = Annotated[int, typer.Option(min=0, help="Draws behind the intervals.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Of the draws.")]

PREPARED = Path("prepared")
UNNAMED_DATA = "data without a name"
UNSTATED_LICENCE = "not stated; that of the training data applies"


def parse_grade_weights(text: str) -> "GradeRule":
    """Read ``--grade-weights``.

    Raises:
        UsageError: These are no three weights.
    """
    # NumPy would make every command's start longer.
    from lss_cli.rule import GradeRule

    try:
        return GradeRule.parse(text)
    except ValueError as error:
        raise UsageError(f"--grade-weights: {error}.") from None


CommandFunction = Callable[..., None]


def with_options_of(options: type[OptionSet]) -> Callable[[CommandFunction], CommandFunction]:
    """Give a command one option of the command line for each field of `options`.

    The command takes what was typed, by the fields' names, as its parameter ``options``. What was
    not typed is left out, so that a file's value or a default can stand.

    Typer makes options of a function's signature. That of the new function says what it takes,
    by the attribute that PEP 362 has for functions whose parameters are made at run time.
    """

    def decorate(command: CommandFunction) -> CommandFunction:
        made = {parameter.name: parameter for parameter in _parameters(options)}

        @functools.wraps(command)
        def command_with_options(*, context: typer.Context, **values: Any) -> None:
            given = {name: values.pop(name) for name in made}
            typed = {name: value for name, value in given.items() if _is_typed(context, name)}
            command(context=context, options=typed, **values)

        parameters: list[inspect.Parameter] = []
        for parameter in inspect.signature(command, eval_str=True).parameters.values():
            parameters += made.values() if parameter.name == "options" else [parameter]
        command_with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command_with_options.__annotations__ = {
            parameter.name: parameter.annotation for parameter in parameters
        }
        return command_with_options

    return decorate


def _is_typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _parameters(options: type[OptionSet]) -> Iterator[inspect.Parameter]:
    """A parameter for each option; where an option has parts, one for each of those."""
    for name, field in options.option_fields().items():
        kind, parts = options.type_of(name), field.metadata["parts"]
        if not parts:
            yield _parameter(name, kind, field.default, field.metadata)
        for part, option in parts.items():
            default = getattr(field.default, part)
            yield _parameter(part, get_type_hints(kind)[part], default, option.metadata)


def _parameter(name: str, kind: Any, default: Any, about: Mapping[str, Any]) -> inspect.Parameter:
    metavar, typed = about["metavar"], about["typed"]
    if get_origin(kind) is tuple:
        item, *more = get_args(kind)
        if more == [...] and about["parser"]:
            kind, default = list[item], list(default)  # type: ignore[valid-type]
        else:
            # Typed as text, of which the parser or the option itself makes numbers.
            kind, default = str, typed or ",".join(f"{number:g}" for number in default)
    option = typer.Option(
        *filter(None, [about["flag"]]),
        help=about["text"],
        metavar=metavar or None,
        parser=about["parser"],
        show_default=default != "",
    )
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option]
    )
