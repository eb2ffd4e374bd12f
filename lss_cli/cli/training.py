"""What `lss train` and `lss tune` share: their options, and how they show a training."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lss_cli.options import read_toml
from lss_cli.training.options import TrainingOptions

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress
    from rich.table import Table

    from lss_cli.training.fit import TrainingProgress


def collect_options(
    typed: Mapping[str, Any], config: Path | None, begun: Mapping[str, Any] | None = None
) -> TrainingOptions:
    """The options of a training: what was typed, else the file's, else the defaults.

    Args:
        typed: What was typed on the command line.
        config: A TOML file.
        begun: What an interrupted training began with.

    Raises:
        UsageError: A key that does not exist, or a value that cannot be.
    """
    values: dict[str, Any] = dict(begun or {})
    if config:
        values |= read_toml(config)
    return TrainingOptions.from_mapping(values | dict(typed), str(config or "options"))


class TrainingDisplay:
    """Where a training shows itself: a bar on a terminal, a line per epoch everywhere.

    Args:
        console: Where lines are printed.
        bar: Of a terminal; ``None`` elsewhere.
    """

    def __init__(self, console: "Console", bar: "Progress | None" = None) -> None:
        self._console = console
        self._bar, self._table = bar, ""  # type: tuple[Progress | None, Table | str]
        self._task = bar.add_task("", note="", total=None) if bar else None

    def __call__(self, progress: "TrainingProgress") -> None:
        """Show how far a training has come."""
        if line := _line(progress):
            self._console.print(line)
        if self._bar is not None and self._task is not None:
            self._bar.update(
                self._task,
                description=progress.what,
                completed=progress.done,
                total=progress.total,
                note=f"{progress.rate:.0f} images/s, {format_duration(progress.seconds_left)} left",
            )

    def keep(self, table: "Table") -> None:
        """Show a table above the bar from now on; on a terminal only."""
        self._table = table

    def __rich_console__(self, *_: Any) -> "Iterator[RenderableType]":
        """Give what stands at the foot of the terminal."""
        yield self._table
        if self._bar is not None:
            yield self._bar


@contextmanager
def show_training(console: "Console") -> Iterator[TrainingDisplay]:
    """Give a place where a training can show itself."""
    from rich.live import Live
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    if not console.is_terminal:
        yield TrainingDisplay(console)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bar = Progress(*columns, TextColumn("{task.fields[note]}"), console=console)
    display = TrainingDisplay(console, bar)
    with Live(display, console=console, transient=True, refresh_per_second=4):
        yield display


def format_duration(seconds: float) -> str:
    """Seconds, minutes or hours, as people say them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _line(progress: "TrainingProgress") -> str:
    """One line per epoch, and one for each quarter of the features."""
    rate = f"{progress.rate:.0f} images/s, {format_duration(progress.seconds_left)} left at most"
    if progress.epoch:
        return (
            f"{progress.what}: loss {progress.epoch.loss:.4f}, "
            f"validation loss {progress.epoch.val_loss:.4f}; {rate}"
        )
    quarter = max(1, progress.total // 4)
    if "features" in progress.what and progress.done // quarter > (progress.done - 1) // quarter:
        return f"{progress.what}: {progress.done} of {progress.total}; {rate}"
    return ""
