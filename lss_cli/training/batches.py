"""Prepared data as a stream of batches."""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from lss_cli.anatomy import Severity
from lss_cli.dataset.prepared import Prepared
from lss_cli.slices import Float32Array
from lss_cli.training.augment import Geometry, augmented
from lss_cli.training.options import TrainingOptions

Rows = npt.NDArray[np.int64]
Inputs = list[Float32Array]
"""Image or features, coordinates and maybe level: one array each, a row per input."""

Reader = Callable[[Rows, int], Inputs]
"""Gives the inputs of some rows, as they are in some epoch."""

Batch = tuple[Inputs, Float32Array]
"""Inputs and N × 3 targets."""


def plain(data: Prepared) -> Reader:
    """Inputs as they are."""
    return lambda rows, _: list(data.inputs(rows).values())


def varied(data: Prepared, strength: float, seed: int) -> Reader:
    """Inputs with small changes, anew in each epoch and yet the same with the same seed."""
    if not strength:
        return plain(data)
    geometry = Geometry.of(data)

    def read(rows: Rows, epoch: int) -> Inputs:
        images, coords, *level = data.inputs(rows).values()
        rng = np.random.default_rng((seed, epoch, int(rows[0])))
        images, coords = augmented(images, coords, rows, geometry, rng, strength)
        return [images, coords, *level]

    return read


def targets_of(data: Prepared) -> Float32Array:
    """The label of each row of the index, one-hot."""
    return np.eye(len(Severity), dtype=np.float32)[data.severities]


def in_order(read: Reader, rows: Rows, size: int) -> Iterator[Inputs]:
    """Batches of `rows`, in their order."""
    for some in parts(rows, size):
        yield read(some, 0)


def shuffled(
    read: Reader, targets: Float32Array, rows: Rows, options: TrainingOptions, epoch: int
) -> Iterator[Batch]:
    """One epoch of training: each row once, in an order of its own, blended where asked for.

    What comes depends on the seed and the epoch's number alone, so that a training that was
    interrupted goes on as it would have.
    """
    order = np.random.default_rng((options.seed, epoch)).permutation(rows)
    for number, some in enumerate(parts(order, options.batch_size)):
        rng = np.random.default_rng((options.seed, epoch, number, 0))
        yield _blended(read(some, epoch), targets[some], options, rng)


def parts(rows: Rows, size: int) -> list[Rows]:
    """`rows` in parts of `size` at most; they differ by one at most.

    A last batch of one or two rows would ruin what batch normalisation measures.
    """
    return np.array_split(rows, math.ceil(len(rows) / size))


def ahead(batches: Iterator[Any]) -> Iterator[Any]:
    """The same batches, the next one being made while the present one is used."""
    with ThreadPoolExecutor(1) as maker:
        coming = maker.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = maker.submit(next, batches, None)
            yield batch


def _blended(
    inputs: Inputs, targets: Float32Array, options: TrainingOptions, rng: np.random.Generator
) -> Batch:
    """Mixup (Zhang et al., 2018) or CutMix (Yun et al., 2019) of a batch with itself, or neither.

    The share of the first image is uniform, Beta(1, 1) as in CutMix. Coordinates and levels are
    mixed by the same share as the labels.
    """
    chance, share = rng.random(), rng.random()
    if chance >= options.mixup + options.cutmix:
        return inputs, targets
    other = rng.permutation(len(targets))
    first, *rest = inputs
    if chance < options.mixup:
        first = _mix(first, first[other], share)
    else:
        first, share = _pasted(first, first[other], share, rng)
    rest = [_mix(one, one[other], share) for one in rest]
    return [first, *rest], _mix(targets, targets[other], share)


def _mix(one: Float32Array, other: Float32Array, share: float) -> Float32Array:
    return np.asarray(np.float32(share) * one + np.float32(1 - share) * other)


def _pasted(
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
