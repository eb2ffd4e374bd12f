"""Prepared data as a stream of batches."""

import math
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from lss_cli.dataset.cache import Prepared
from lss_cli.model_input import FloatArray
from lss_cli.training.augment import augmented


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of some rows, read from the cache as they are needed.

    With a seed, the rows come shuffled and augmented, anew in each epoch and yet the same in each
    training with this seed.

    Args:
        data: The prepared data.
        rows: Rows of its index.
        size: Rows per batch.
        seed: ``None`` for rows in order and as they are.
    """

    def __init__(
        self,
        data: Prepared,
        rows: npt.NDArray[np.int64],
        size: int,
        seed: int | None = None,
        augment: bool = True,
    ) -> None:
        super().__init__()
        self._data, self._rows, self._size, self._seed = data, rows, size, seed
        self._augment = augment and seed is not None
        self._labels = data.severities
        self._order_known = (data.index["order"] == "known").to_numpy()
        self._epoch = 0
        self._deal()

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        return math.ceil(len(self._rows) / self._size)

    def __getitem__(self, batch: int) -> tuple[dict[str, FloatArray], npt.NDArray[Any]]:
        """Inputs and labels of one batch."""
        rows = self._order[batch * self._size : (batch + 1) * self._size]
        inputs = self._data.inputs(rows)
        if self._augment:
            rng = np.random.default_rng((self._seed or 0, self._epoch, batch))
            points = self._data.points(rows)
            inputs["image"] = np.stack(
                [
                    augmented(image, point, rng, order_known=bool(known))
                    for image, point, known in zip(
                        inputs["image"], points, self._order_known[rows], strict=True
                    )
                ]
            )
        return inputs, self._labels[rows]

    def on_epoch_end(self) -> None:
        """Shuffle for the next epoch."""
        self._epoch += 1
        self._deal()

    def _deal(self) -> None:
        self._order = self._rows
        if self._seed is not None:
            self._order = np.random.default_rng((self._seed, self._epoch)).permutation(self._rows)
