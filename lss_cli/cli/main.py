"""The command ``lss``: its commands, and the one place where errors become messages."""

import importlib
import io
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from typing import Annotated, NoReturn

import typer

from lss_cli import __version__
from lss_cli.cli.environment import Environment
from lss_cli.errors import ExitCode, LssError
from lss_cli.text import printable

# In the order of the help, with what it says of them: the first lines of the commands' docstrings,
# here again so that the help need not load them. Each is a function in a module of its name.
COMMANDS = {
    "predict": "Grade one study and print the probabilities per level.",
    "locate": "Propose the points of one study, from its images alone.",
    "report": "Grade many studies into one CSV file.",
    "review": "Confirm the points of many studies in the browser, then grade them.",
    "node": "Be a DICOM node: receive studies, grade them, send results to the archive.",
    "prepare": "Turn labels, points and images into training data.",
    "train": "Train a network on prepared data.",
    "tune": "Search for good training options; interrupt and continue it at will.",
    "evaluate": "Measure how good predictions are.",
    "compare": "Put networks side by side in one table.",
    "export-onnx": "Write a trained network as one model file for lss predict.",
    "train-locator": "Train a network that finds discs or recesses, and write its model file.",
    "phantom": "Write synthetic studies with known stenosis.",
    "models": "List the models at hand, with their cards' key figures.",
    "doctor": "Check the installation.",
}


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
    warnings.showwarning = partial(_show_warning, environment)
    # Help and wrong usage are printed by Typer, to the streams of the process.
    with redirect_stdout(environment.stdout), redirect_stderr(environment.stderr):
        sys.exit(_run(arguments, environment))


def _run(arguments: Sequence[str], environment: Environment) -> int:
    """Run a command; what it raises becomes a message and an exit code."""
    try:
        command = typer.main.get_command(
            _app(arguments, completing="_LSS_COMPLETE" in environment.variables)
        )
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


def _show_warning(
    environment: Environment, message: Warning | str, category: type[Warning], *_: object
) -> None:
    """Warnings of libraries are for developers, and may repeat what a file says."""
    if environment.debug:
        environment.messages.print(f"{category.__name__}: {printable(message, 500)}")


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


def _app(arguments: Sequence[str], *, completing: bool) -> typer.Typer:
    """The command line; of its commands, only the one that is called is loaded.

    Args:
        arguments: What was typed.
        completing: Whether a shell asks, which types nothing here and may want any command.
    """
    app = typer.Typer(
        help="Grade lumbar subarticular stenosis from axial T2 MRI, one point per disc level.\n\n"
        "Not a medical device.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        # Rich would take as long to load as the rest of the help; it is for results.
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    # With one command only, Typer would make it the program itself.
    app.callback(invoke_without_command=True)(_version)
    called = next((word for word in arguments if word in COMMANDS), None)
    if called:
        app.command(called)(load_command(called))
        return app
    for name, summary in COMMANDS.items():
        command = load_command(name) if completing else _not_called
        app.command(name, short_help=summary)(command)
    return app


def load_command(name: str) -> Callable[..., None]:
    """The function behind a command."""
    identifier = name.replace("-", "_")
    command: Callable[..., None] = getattr(
        importlib.import_module(f"lss_cli.cli.{identifier}"), identifier
    )
    return command


def _not_called() -> None:
    """Stand in for a command that is only listed."""


def _version(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    if version:
        print(f"lss {__version__}", file=context.obj.stdout)
        raise typer.Exit
