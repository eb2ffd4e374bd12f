"""The command ``lss``: its commands, and the one place where errors become messages."""

import importlib
import io
import sys
import traceback
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import Annotated, NoReturn

import typer

from lss_cli import __version__
from lss_cli.cli.environment import Environment
from lss_cli.errors import ExitCode, LssError

# In the order of the help. Each is a function of its name in a module of its name.
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


def main(
    arguments: Sequence[str] | None = None, environment: Environment | None = None
) -> NoReturn:
    """Run ``lss`` and end the process with one of `ExitCode`.

    Args:
        arguments: Those of the process unless told otherwise.
        environment: What the command finds around it; the process's unless told otherwise.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    environment = environment or Environment()
    environment.arguments = tuple(arguments)
    for stream in (environment.stdout, environment.stderr):
        # A pipe on Windows, or a locale without UTF-8, could not hold what a result says.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    # Help and wrong usage are printed by Typer, to the streams of the process.
    with redirect_stdout(environment.stdout), redirect_stderr(environment.stderr):
        sys.exit(_run(arguments, environment))


def _run(arguments: Sequence[str], environment: Environment) -> int:
    """Run a command; what it raises becomes a message and an exit code."""
    try:
        command = typer.main.get_command(_app(arguments))
        command.main(list(arguments), prog_name="lss", obj=environment)
    except SystemExit as end:
        return int(end.code or ExitCode.DONE)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except Exception as error:
        if environment.debug:
            traceback.print_exc()
        code, message = _explain(error)
        environment.error(message)
        return code
    return ExitCode.DONE


def _explain(error: Exception) -> tuple[ExitCode, str]:
    """How a command that failed ends, and what is said."""
    if isinstance(error, LssError):
        return error.exit_code, str(error)
    if isinstance(error, OSError):
        # The system's word, such as a full disk; its own messages are of use to the user.
        return ExitCode.UNUSABLE_INPUT, f"{error.filename or 'the output'}: {error.strerror}."
    return (
        ExitCode.FAULT,
        f"a fault in lss, not in your input ({type(error).__name__}). "
        "Run again with --debug and report what it prints.",
    )


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
    called = [name for name in COMMANDS if list(arguments[:1]) == [name]]
    for name in called or COMMANDS:
        identifier = name.replace("-", "_")
        module = importlib.import_module(f"lss_cli.cli.{identifier}")
        app.command(name)(getattr(module, identifier))
    return app


def _version(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    if version:
        print(f"lss {__version__}", file=context.obj.stdout)
        raise typer.Exit
