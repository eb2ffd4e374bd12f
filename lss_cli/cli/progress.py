"""How far long work has come."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def show_progress(
    console: "Console", what: str = "studies"
) -> Iterator[Callable[[int, int], None]]:
    """Rate and time left: in a bar on a terminal, in a line for each tenth elsewhere.

    Args:
        console: Where it is shown.
        what: Of which there are many.
    """
    pace = Pace()
    if not console.is_terminal:

        def line(done: int, total: int) -> None:
            text = pace.text(done, total)
            if done * 10 // total > (done - 1) * 10 // total:
                console.print(f"{done} of {total} {what}, {text}")

        yield line
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn(what.capitalize()),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", pace="")
        yield lambda done, total: bar.update(
            task, completed=done, total=total, pace=pace.text(done, total)
        )


class Pace:
    """How fast it goes, not counting what was there before."""

    def __init__(self) -> None:
        self._start: tuple[float, int] | None = None

    def text(self, done: int, total: int) -> str:
        """``12.3 per second, 0:01:05 left``."""
        now = time.monotonic()
        if self._start is None:
            self._start = now, done
        seconds, count = now - self._start[0], done - self._start[1]
        if done == total:
            return f"in {timedelta(seconds=round(seconds))}"
        if not seconds or not count:
            return "starting"
        left = timedelta(seconds=round((total - done) * seconds / count))
        return f"{count / seconds:.1f} per second, {left} left"
