"""How a training went: as a picture, and for TensorBoard."""

from collections.abc import Sequence
from pathlib import Path

import tensorflow

from lss_cli.files import replacing
from lss_cli.training.state import Epoch


def draw_curves(history: Sequence[Epoch], best: int, folder: Path) -> None:
    """Write ``curves.png``: losses, accuracy and learning rate by epoch.

    Args:
        history: One entry per epoch.
        best: The epoch whose weights are used; marked.
        folder: Where to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    left, middle, right = figure.subplots(1, 3)
    epochs = [one.epoch for one in history]
    left.plot(epochs, [one.loss for one in history], "o-", label="training (as minimised)")
    left.plot(epochs, [one.val_loss for one in history], "o-", label="validation (log loss)")
    middle.plot(epochs, [one.val_accuracy for one in history], "o-", label="validation")
    right.plot(epochs, [one.learning_rate for one in history], "o-")
    right.set_yscale("log")
    for axes, name in ((left, "loss"), (middle, "accuracy"), (right, "learning rate")):
        axes.set(xlabel="epoch", title=name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.axvline(best, color="grey", linestyle=":", label=f"used: epoch {best}")
        axes.legend(fontsize="small")
    with replacing(folder / "curves.png") as file:
        figure.savefig(file, dpi=110)


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
            for name in ("loss", "val_loss", "val_accuracy", "learning_rate"):
                tensorflow.summary.scalar(name, getattr(epoch, name), step=epoch.epoch)
        self._writer.flush()
