"""The command ``lss``: its commands, and the one place where errors become messages."""

import functools
import importlib
import inspect
import io
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NoReturn

import typer

from lss_cli import __version__
from lss_cli.cli import console
from lss_cli.errors import ExitCode, LssError

COMMANDS = (
    "predict",
    "report",
    "prepare",
    "train",
    "tune",
    "evaluate",
    "compare",
    "export-onnx",
    "phantom",
    "models",
    "doctor",
)
"""In the order of the help. Each is a function of its name in a module of its name."""


def _app(arguments: Sequence[str]) -> typer.Typer:
    """The command line; of its commands, only the one that is called is loaded."""
    app = typer.Typer(
        help="Grade lumbar subarticular stenosis from axial T2 MRI, one point per disc level.\n\n"
        "Not a medical device.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        # Rich would take as long to load as the rest of the help; it is for results.
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    # With one command only, Typer would make it the program itself.
    app.callback(invoke_without_command=True)(_version)
    called = [one for one in COMMANDS if list(arguments[:1]) == [one]]
    for name in called or COMMANDS:
        module = importlib.import_module(f"lss_cli.cli.{name.replace('-', '_')}")
        app.command(name)(_with_common_options(getattr(module, name.replace("-", "_"))))
    return app


def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    if version:
        console.results().print(f"lss {__version__}")
        raise typer.Exit


def _with_common_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add to a command the options that every command has."""

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
    return with_common_options


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run ``lss`` and end the process with one of `ExitCode`."""
    arguments = sys.argv[1:] if arguments is None else arguments
    console.settings.debug = "--debug" in arguments
    for stream in (sys.stdout, sys.stderr):
        # A pipe on Windows, or a locale without UTF-8, could not hold what a result says.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        typer.main.get_command(_app(arguments))(args=arguments, prog_name="lss")
    except LssError as error:
        if console.settings.debug:
            traceback.print_exc()
        console.error(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except OSError as error:
        # The system's word, such as a full disk; its own messages are of use to the user.
        if console.settings.debug:
            traceback.print_exc()
        console.error(f"{error.filename or 'the output'}: {error.strerror}.")
        sys.exit(ExitCode.UNUSABLE_INPUT)
    except Exception as error:
        if console.settings.debug:
            traceback.print_exc()
        console.error(
            f"a fault in lss, not in your input ({type(error).__name__}). "
            "Run again with --debug and report what it prints."
        )
        sys.exit(ExitCode.FAULT)
    sys.exit(ExitCode.DONE)
