"""The checkpoint of a training after an epoch, from which it goes on to the same bit."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lss_cli.errors import DataError
from lss_cli.files import replacing
from lss_cli.text import printable

CHECKPOINT, BEST = "state.npz", "best.npz"

Values = list[npt.NDArray[Any]]


@dataclass(frozen=True)
class Epoch:
    """A line of the history.

    Attributes:
        epoch: From 1, over all stages.
        stage: ``whole``, ``head`` or ``fine``.
        loss: What was minimised; its mean over the training rows, as they came.
        accuracy: Share of the training rows, as they came, whose most likely grade is the true one;
            ``None`` in checkpoints of before 0.2.
        val_loss: Log loss of the validation part, without class weights and for the frequencies
            of the population, before calibration.
        val_accuracy: Share of its rows whose most likely grade is the true one.
        learning_rate: Of this epoch.
    """

    epoch: int
    stage: str
    loss: float
    accuracy: float | None = field(default=None, kw_only=True)
    val_loss: float
    val_accuracy: float
    learning_rate: float


@dataclass(frozen=True)
class Checkpoint:
    """Everything that the next epoch depends on, beside options and data.

    Attributes:
        history: The epochs so far.
        network: Its variables, those of its random generators among them.
        optimizer: Its variables.
        best: The network's variables after the epoch that is used so far.
    """

    history: Sequence[Epoch]
    network: Values
    optimizer: Values
    best: Values

    def write(self, folder: Path, *, best_is_new: bool) -> None:
        """Replace the checkpoint in `folder`, whole or not at all.

        The best epoch is written when it is the last one, and first: what a kill between the two
        files leaves behind is written over, with the same, when that epoch is done again.
        """
        if best_is_new:
            with replacing(folder / BEST) as file:
                np.savez(file, *self.best)
        history = json.dumps([asdict(epoch) for epoch in self.history])
        arrays = {f"network_{number}": value for number, value in enumerate(self.network)}
        arrays |= {f"optimizer_{number}": value for number, value in enumerate(self.optimizer)}
        with replacing(folder / CHECKPOINT) as file:
            np.savez(file, allow_pickle=False, history=np.array(history), **arrays)

    @classmethod
    def read(cls, folder: Path) -> "Checkpoint | None":
        """The checkpoint in `folder`; ``None`` before the end of the first epoch.

        Raises:
            DataError: It cannot be read.
        """
        if not (folder / CHECKPOINT).is_file():
            return None
        try:
            arrays, best = _read_arrays(folder / CHECKPOINT), _read_arrays(folder / BEST)
            history = [Epoch(**epoch) for epoch in json.loads(str(arrays["history"]))]
            network, optimizer = (_numbered(arrays, kind) for kind in ("network", "optimizer"))
            return cls(history, network, optimizer, _numbered(best, "arr"))
        except Exception as error:  # NumPy and zipfile raise what they like on damaged files
            raise DataError(
                f"the kept state cannot be read ({printable(error, 200)}).",
                where=str(folder),
                todo="Start anew with another --out.",
            ) from error


def values_of(variables: Sequence[Any]) -> Values:
    """The values of Keras variables, copied."""
    return [np.asarray(variable).copy() for variable in variables]


def assign_values(variables: Sequence[Any], values: Values) -> None:
    """Give Keras variables their values.

    Raises:
        DataError: They are another network's.
    """
    if [tuple(variable.shape) for variable in variables] != [value.shape for value in values]:
        raise DataError(
            "the kept state is that of another network.",
            todo="Resume with the options that shape it as they were.",
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _read_arrays(path: Path) -> Mapping[str, npt.NDArray[Any]]:
    # Opened here, since NumPy leaves a damaged file open.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


def _numbered(arrays: Mapping[str, npt.NDArray[Any]], kind: str) -> Values:
    count = sum(name.startswith(f"{kind}_") for name in arrays)
    return [arrays[f"{kind}_{number}"] for number in range(count)]
