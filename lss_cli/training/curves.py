"""How a training went: as a picture, and for TensorBoard."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow

from lss_cli.training.checkpoint import Epoch


def draw_curves(history: Sequence[Epoch], best: int, folder: Path) -> None:
    """Write ``curves.png`` and ``curves.svg``: losses, accuracy and learning rate by epoch.

    Args:
        history: One entry per epoch.
        best: The epoch whose weights are used; marked.
        folder: Where to write.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogFormatter

    from lss_cli.render.plot import BLUE, GREY, VERMILION, save, style

    epochs = [epoch.epoch for epoch in history]
    with style():
        figure = Figure(figsize=(12, 3.6))
        left, middle, right = figure.subplots(1, 3)
        training: dict[str, Any] = {"color": BLUE, "marker": "o"}
        validation: dict[str, Any] = {"color": VERMILION, "marker": "s", "linestyle": "--"}
        left.plot(
            epochs, [epoch.loss for epoch in history], label="training (as minimised)", **training
        )
        left.plot(
            epochs,
            [epoch.val_loss for epoch in history],
            label="validation (log loss)",
            **validation,
        )
        middle.plot(
            epochs, [_or_nan(epoch.accuracy) for epoch in history], label="training", **training
        )
        middle.plot(
            epochs, [epoch.val_accuracy for epoch in history], label="validation", **validation
        )
        right.plot(epochs, [epoch.learning_rate for epoch in history], color=GREY, marker="o")
        right.set_yscale("log")
        # Plain numbers: the style takes signs as they are.
        right.yaxis.set_major_formatter(LogFormatter())
        right.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1, 0.4)))
        for axes, name in ((left, "loss"), (middle, "accuracy"), (right, "learning rate")):
            axes.set(xlabel="epoch", title=name)
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.axvline(best, color=GREY, linestyle=":", label=f"used: epoch {best}")
            axes.legend(fontsize="small")
    save(figure, folder, "curves")


def _or_nan(value: float | None) -> float:
    """A number, or a gap in the curve."""
    return math.nan if value is None else value


class Board:
    """Logs that TensorBoard shows.

    Args:
        folder: Where they go; a resumed training adds to what is there.
    """

    def __init__(self, folder: Path) -> None:
        self._writer = tensorflow.summary.create_file_writer(str(folder))

    def write(self, epoch: Epoch) -> None:
        """Add an epoch."""
        with self._writer.as_default():
            for name in ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"):
                tensorflow.summary.scalar(name, _or_nan(getattr(epoch, name)), step=epoch.epoch)
        self._writer.flush()
