"""The command ``lss``: its commands, and the one place where errors become messages."""

import functools
import inspect
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NoReturn

import typer

from lss_cli import __version__
from lss_cli.cli import console, doctor, export_onnx, models, phantom, predict, prepare, train
from lss_cli.errors import ExitCode, LssError

app = typer.Typer(
    help="Grade lumbar subarticular stenosis from axial T2 MRI, one point per disc level.\n\n"
    "Not a medical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    if version:
        console.results().print(f"lss {__version__}")
        raise typer.Exit


def _register(name: str, command: Callable[..., None]) -> None:
    """Add a command, and to it the options that every command has."""

    @functools.wraps(command)
    def with_common_options(*, quiet: bool, debug: bool, **options: Any) -> None:
        console.settings.quiet, console.settings.debug = quiet, debug
        command(**options)

    common = {
        "quiet": Annotated[bool, typer.Option("--quiet", help="Print results and errors only.")],
        "debug": Annotated[bool, typer.Option("--debug", help="Print a traceback on errors.")],
    }
    keyword = inspect.Parameter.KEYWORD_ONLY
    signature = inspect.signature(command)
    own = [one.replace(kind=keyword) for one in signature.parameters.values()]
    added = [
        inspect.Parameter(key, keyword, default=False, annotation=annotation)
        for key, annotation in common.items()
    ]
    with_common_options.__signature__ = signature.replace(parameters=own + added)  # type: ignore[attr-defined]
    with_common_options.__annotations__ = command.__annotations__ | common
    del with_common_options.__wrapped__
    app.command(name)(with_common_options)


_register("predict", predict.predict)
_register("prepare", prepare.prepare)
_register("train", train.train)
_register("export-onnx", export_onnx.export_onnx)
_register("phantom", phantom.phantom)
_register("models", models.models)
_register("doctor", doctor.doctor)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run ``lss`` and end the process with one of `ExitCode`."""
    console.settings.debug = "--debug" in (sys.argv if arguments is None else arguments)
    try:
        typer.main.get_command(app)(args=arguments, prog_name="lss")
    except LssError as error:
        if console.settings.debug:
            traceback.print_exc()
        console.error(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except Exception as error:
        if console.settings.debug:
            traceback.print_exc()
        console.error(
            f"a fault in lss, not in your input ({type(error).__name__}). "
            "Run again with --debug and report what it prints."
        )
        sys.exit(ExitCode.FAULT)
    sys.exit(ExitCode.DONE)
