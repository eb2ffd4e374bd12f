"""Prepared data as mini-batches."""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from lss_cli.anatomy import Severity
from lss_cli.dataset.prepared import Prepared
from lss_cli.slices import Float32Array
from lss_cli.training.augment import PointGeometry, augment
from lss_cli.training.options import TrainingOptions

Rows = npt.NDArray[np.int64]

# Image or features, coordinates and maybe level: one array each, a row per input.
Inputs = tuple[Float32Array, ...]

# Gives the inputs of some rows, as they are in some epoch.
Reader = Callable[[Rows, int], Inputs]


class TrainingBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Each training row once an epoch, in another order and with other changes each time.

    A batch depends on seed, epoch and its number alone, so that a training that was interrupted
    goes on as it would have.

    Args:
        read: Gives the inputs.
        targets: One-hot labels of all rows of the index.
        rows: The training rows.
        options: Batch size, seed, mixup and cutmix.
    """

    def __init__(
        self, read: Reader, targets: Float32Array, rows: Rows, options: TrainingOptions
    ) -> None:
        # With one worker, TensorFlow's determinism has each batch made only when it is asked for.
        super().__init__(workers=2)
        self._read, self._targets, self._rows, self._options = read, targets, rows, options
        self.begin(0)

    def begin(self, epoch: int) -> None:
        """Go to an epoch, counted from 0 over all stages.

        Keras calls ``on_epoch_end`` before the first epoch, too, so that does not count them.
        """
        order = np.random.default_rng((self._options.seed, epoch)).permutation(self._rows)
        self._epoch, self._batches = epoch, batches_of(order, self._options.batch_size)
        self.rows_after = np.cumsum([len(rows) for rows in self._batches])

    def __len__(self) -> int:
        """The number of batches."""
        return len(self._batches)

    def __getitem__(self, number: int) -> tuple[Inputs, Float32Array]:
        """Inputs and N × 3 targets of one batch."""
        rows = self._batches[number]
        rng = np.random.default_rng((self._options.seed, self._epoch, number, 0))
        inputs = self._read(rows, self._epoch)
        return _blend(inputs, self._targets[rows], self._options, rng)


def reader(data: Prepared) -> Reader:
    """Inputs as they are."""
    return lambda rows, _: tuple(data.inputs(rows).values())


def augmented_reader(data: Prepared, strength: float, seed: int) -> Reader:
    """Inputs with small changes, anew in each epoch and yet the same with the same seed."""
    if not strength:
        return reader(data)
    geometry = PointGeometry.of(data)

    def read(rows: Rows, epoch: int) -> Inputs:
        images, coords, *level = data.inputs(rows, wide=True).values()
        rng = np.random.default_rng((seed, epoch, int(rows[0])))
        return *augment(images, coords, rows, geometry, rng, strength), *level

    return read


def one_hot_labels(data: Prepared) -> Float32Array:
    """The label of each row of the index, one-hot."""
    return np.eye(len(Severity), dtype=np.float32)[data.severities]


def read_in_order(read: Reader, rows: Rows, size: int) -> Iterator[Inputs]:
    """Batches of `rows`, in their order."""
    return (read(batch, 0) for batch in batches_of(rows, size))


def batches_of(rows: Rows, size: int) -> list[Rows]:
    """`rows` in batches of `size` at most; they differ by one at most.

    A last batch of one or two rows would ruin what batch normalisation measures.
    """
    return np.array_split(rows, math.ceil(len(rows) / size))


def prefetched(batches: Iterator[Any]) -> Iterator[Any]:
    """The same batches, the next one being made while the present one is used."""
    with ThreadPoolExecutor(1) as maker:
        coming = maker.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = maker.submit(next, batches, None)
            yield batch


def _blend(
    inputs: Inputs, targets: Float32Array, options: TrainingOptions, rng: np.random.Generator
) -> tuple[Inputs, Float32Array]:
    """Mixup (Zhang et al., 2018) or CutMix (Yun et al., 2019) of a batch with itself, or neither.

    The share of the first image is uniform, Beta(1, 1) as in CutMix. Coordinates and levels are
    mixed by the same share as the labels.
    """
    chance, share = rng.random(), rng.random()
    if chance >= options.mixup + options.cutmix:
        return inputs, targets
    other = rng.permutation(len(targets))
    images, *rest = inputs
    if chance < options.mixup:
        images = _mix(images, images[other], share)
    else:
        images, share = _paste(images, images[other], share, rng)
    mixed = (_mix(values, values[other], share) for values in rest)
    return (images, *mixed), _mix(targets, targets[other], share)


def _mix(values: Float32Array, others: Float32Array, share: float) -> Float32Array:
    return np.asarray(np.float32(share) * values + np.float32(1 - share) * others)


def _paste(
    images: Float32Array, others: Float32Array, share: float, rng: np.random.Generator
) -> tuple[Float32Array, float]:
    """Paste one rectangle of the others, of 1 − `share` of the area; gives the share that stays."""
    height, width = images.shape[1:3]
    side = math.sqrt(1 - share)
    centre = rng.random(2) * (height, width)
    half = np.array([height, width]) * side / 2
    top, left = np.maximum(centre - half, 0).astype(int)
    bottom, right = np.minimum(centre + half, (height, width)).astype(int)
    pasted = images.copy()
    pasted[:, top:bottom, left:right] = others[:, top:bottom, left:right]
    return pasted, 1 - (bottom - top) * (right - left) / (height * width)
