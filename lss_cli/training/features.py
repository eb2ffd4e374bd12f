"""What a frozen backbone makes of the images, computed once."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lss_cli.dataset.prepared import Prepared
from lss_cli.files import make_folder, replacing
from lss_cli.training.batches import (
    Inputs,
    Reader,
    Rows,
    augmented_reader,
    batches_of,
    prefetched,
    reader,
)
from lss_cli.training.networks import feature_network
from lss_cli.training.options import TrainingOptions

BATCH = 32


def frozen_features_reader(
    data: Prepared,
    network: Any,
    rows: tuple[Rows, Rows],
    options: TrainingOptions,
    folder: Path | None,
    progress: Callable[[int, int], None],
) -> Reader:
    """Compute the features of training and validation rows, or find them computed.

    Copy 0 of an image is the image as it is; further copies are varied, and serve the training
    part in turn, one per epoch.

    Args:
        data: Prepared data.
        network: Whose backbone is frozen.
        rows: Of the training and of the validation part.
        options: Of the training.
        folder: Where computed features are kept; ``None`` to keep them in memory only.
        progress: Called with the images done and their number.

    Returns:
        A reader that gives features where others give images.
    """
    path = folder and make_folder(folder) / f"{_key(data, network, rows, options)}.npz"
    kept = _read_kept(path) if path and path.is_file() else None
    if kept:
        features, coords = kept
    else:
        features, coords = _compute(data, network, rows, options, progress)
        if path:
            with replacing(path) as file:
                np.savez(file, features=features, coords=coords)
    read_inputs = reader(data)

    def read(rows: Rows, epoch: int) -> Inputs:
        copy = epoch % options.copies
        level = read_inputs(rows, 0)[2:] if data.spec.level else ()
        return features[copy, rows], coords[copy, rows], *level

    return read


def _read_kept(path: Path) -> tuple[npt.NDArray[Any], npt.NDArray[Any]] | None:
    """Features computed before, or ``None`` where they became damaged."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return file["features"], file["coords"]
    except Exception:  # NumPy and zipfile raise what they like on damaged files
        return None


def _compute(
    data: Prepared,
    network: Any,
    rows: tuple[Rows, Rows],
    options: TrainingOptions,
    progress: Callable[[int, int], None],
) -> tuple[Any, Any]:
    """Features (copies × rows of the index × …) and coordinates (copies × rows × 2)."""
    backbone = feature_network(network)
    shape = (options.copies, len(data.index))
    features = np.zeros((*shape, *backbone.output.shape[1:]), np.float32)
    coords = np.zeros((*shape, 2), np.float32)
    readers = [reader(data), augmented_reader(data, options.augment, options.seed)]
    work = [
        (copy, batch)
        for copy in range(options.copies)
        for batch in batches_of(np.concatenate(rows) if copy == 0 else rows[0], BATCH)
    ]
    total, done = sum(len(batch) for _, batch in work), 0
    inputs = prefetched((copy, batch, readers[min(copy, 1)](batch, copy)) for copy, batch in work)
    for copy, batch, (images, points, *_) in inputs:
        features[copy, batch] = backbone.predict_on_batch(images)
        coords[copy, batch] = points
        done += len(batch)
        progress(done, total)
    return features, coords


def _key(data: Prepared, network: Any, rows: tuple[Rows, Rows], options: TrainingOptions) -> str:
    """A name that changes with everything that the features depend on."""
    digest = hashlib.sha256()
    varying = (options.augment, options.seed) if options.copies > 1 else ()
    told = [data.report["fingerprint"], options.backbone, options.until, options.slices]
    digest.update(json.dumps([*told, options.copies, *varying]).encode())
    for split_rows in rows:
        digest.update(split_rows.tobytes())
    for value in network.get_layer("backbone").get_weights():
        digest.update(value.tobytes())
    return digest.hexdigest()[:16]
