"""Where output goes: results to stdout, messages to stderr."""

import sys
from dataclasses import dataclass

from rich.console import Console

from lss_cli.text import printable


@dataclass
class Settings:
    """What the options that every command has were set to."""

    quiet: bool = False
    debug: bool = False


settings = Settings()

# Piped output keeps its lines whole: nobody is there whose window they would have to fit.
_PIPED_WIDTH = 120


def results() -> Console:
    """For what a command was asked for."""
    piped = sys.stdout is None or not sys.stdout.isatty()
    width = _PIPED_WIDTH if piped else None
    return Console(file=sys.stdout, width=width, highlight=False, soft_wrap=False)


def messages() -> Console:
    """For progress and remarks; silent under ``--quiet``."""
    return Console(
        file=sys.stderr, highlight=False, markup=False, soft_wrap=True, quiet=settings.quiet
    )


def error(text: str) -> None:
    """Say on stderr why a command ended; also under ``--quiet``."""
    Console(file=sys.stderr, highlight=False, markup=False, soft_wrap=True).print(
        f"lss: {printable(text, 2000)}"
    )
