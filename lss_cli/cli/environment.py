"""What a command finds around it: streams, the terminal, a browser, what is installed."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from lss_cli import extras
from lss_cli.errors import MissingExtraError
from lss_cli.model.find import models_folder
from lss_cli.text import printable

if TYPE_CHECKING:
    from rich.console import Console

    from lss_cli.annotate.annotations import Annotations

# Piped output keeps its lines whole: nobody is there whose window they would have to fit.
PIPED_WIDTH = 120


def _annotate(*arguments: Any, **options: Any) -> "Annotations":
    from lss_cli.annotate.browser import annotate_in_browser

    return annotate_in_browser(*arguments, **options)


def _open_browser(link: str) -> bool:
    import webbrowser

    return webbrowser.open(link)


@dataclass
class Environment:
    """All that a command takes from outside its arguments; tests hand in another.

    Attributes:
        stdout: Where results go.
        stderr: Where messages go.
        variables: Environment variables: ``NO_COLOR``, and those that tell of a screen.
        platform: As `sys.platform` names it.
        width: Columns of results; ``None`` for the terminal's, or `PIPED_WIDTH` without one.
        quiet: Whether only results and errors are printed.
        debug: Whether errors come with a traceback.
        annotate: Has points set by hand, as `annotate_in_browser` does.
        open_link: Opens a link in a browser; says whether there is one.
        is_installed: Whether an optional package could be imported.
        models: Folder of the shipped models.
        arguments: What was typed after ``lss``.
    """

    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)
    variables: Mapping[str, str] = field(default_factory=lambda: os.environ)
    platform: str = sys.platform
    width: int | None = None
    quiet: bool = False
    debug: bool = False
    annotate: "Callable[..., Annotations]" = _annotate
    open_link: Callable[[str], bool] = _open_browser
    is_installed: Callable[[str], bool] = extras.is_installed
    models: Path = field(default_factory=models_folder)
    arguments: tuple[str, ...] = ()

    @cached_property
    def results(self) -> "Console":
        """For what a command was asked for."""
        piped = self.stdout is None or not self.stdout.isatty()
        return self._console(self.stdout, width=self.width or (PIPED_WIDTH if piped else None))

    @cached_property
    def messages(self) -> "Console":
        """For progress and remarks; silent under ``--quiet``."""
        return self._console(self.stderr, markup=False, soft_wrap=True, quiet=self.quiet)

    def error(self, text: str) -> None:
        """Say why a command ended; also under ``--quiet``."""
        console = self._console(self.stderr, markup=False, soft_wrap=True)
        console.print(f"lss: {printable(text, 2000)}")

    def has_screen(self) -> bool:
        """Whether a browser opened here would be seen by the person who runs the command."""
        if "SSH_CONNECTION" in self.variables and "DISPLAY" not in self.variables:
            return False
        if self.platform in {"win32", "darwin"}:
            return True
        return bool(self.variables.get("DISPLAY") or self.variables.get("WAYLAND_DISPLAY"))

    @property
    def state(self) -> Path | None:
        """The user's folder for what outlives a command; ``None`` where nothing says where.

        On Linux as the XDG Base Directory Specification has it.
        """
        home = self.variables.get("HOME")
        if self.platform == "win32":
            folder = self.variables.get("LOCALAPPDATA")
        elif self.platform == "darwin":
            folder = home and f"{home}/Library/Application Support"
        else:
            named = self.variables.get("XDG_STATE_HOME", "")
            # What is not absolute is to be ignored.
            folder = named if named.startswith("/") else home and f"{home}/.local/state"
        return Path(folder, "lss") if folder else None

    def open_browser(self, link: str) -> bool:
        """Open a link where that would be seen; says whether it was opened."""
        return self.has_screen() and self.open_link(link)

    def require(self, command: str, *packages: str) -> None:
        """Check that the optional packages of a command are installed.

        Raises:
            MissingExtraError: One is missing; says how to install it.
        """
        extras.require(command, *packages, is_installed=self.is_installed)

    def can_draw(self, command: str, wanted: bool | None) -> bool:
        """Whether to draw figures: where matplotlib is installed, unless told otherwise.

        Args:
            command: The command with its option, for the message.
            wanted: What the user said of figures, if anything.

        Raises:
            MissingExtraError: They are wanted and cannot be had.
        """
        if wanted is False:
            return False
        try:
            self.require(command, "matplotlib")
        except MissingExtraError as missing:
            if wanted:
                raise
            self.messages.print(f"Without figures: {missing}")
            return False
        return True

    def _console(self, stream: TextIO, **options: Any) -> "Console":
        from rich.console import Console  # here, since help does without

        # See https://no-color.org
        no_color = bool(self.variables.get("NO_COLOR"))
        return Console(file=stream, highlight=False, no_color=no_color, **options)
