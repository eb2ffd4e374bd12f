"""From prepared data to a run folder."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow

from lss_cli.anatomy import Severity, listed
from lss_cli.dataset.cache import Prepared
from lss_cli.dataset.prepare import versions
from lss_cli.dataset.split import PARTS, TRAIN, VALIDATION
from lss_cli.dataset.tables import write_table
from lss_cli.errors import DataError, OutputError
from lss_cli.evaluation import metrics
from lss_cli.files import make_folder, replacing, write_text
from lss_cli.training.batches import Batches
from lss_cli.training.networks import build_network

MODEL, HISTORY, PREDICTIONS = "model.keras", "history.csv", "predictions.csv"
METRICS, CONFIG = "metrics.json", "config.json"
PREDICTION_COLUMNS = ["row_id", "study_id", "condition", "level", "split", "severity"]


@dataclass(frozen=True)
class Options:
    """How to train.

    Attributes:
        backbone: The image part of the network.
        epochs: The most there will be.
        batch_size: Rows per step.
        learning_rate: Adam's, at the start.
        patience: Epochs without a better validation loss after which training stops; the
            learning rate is halved after half as many.
        augment: Whether training images are varied.
        seed: Of weights, shuffling and augmentation.
    """

    backbone: str = "custom"
    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 1e-3
    patience: int = 5
    augment: bool = True
    seed: int = 0


def train(
    data: Prepared, out: Path, options: Options, progress: Callable[[str], None]
) -> dict[str, Any]:
    """Train a network and write the run folder; its configuration is the last file written.

    Args:
        data: Prepared data.
        out: The run folder; made if missing.
        options: How to train.
        progress: Called with one line per epoch.

    Returns:
        The figures in ``metrics.json``: for each part the network's and the prior's by level.

    Raises:
        DataError: The data cannot be trained on, or the loss is no number any more.
        OutputError: `out` already holds a run, or cannot be written to.
        UsageError: There is no such backbone.
    """
    check_trainable(data)
    check_free(out)
    make_folder(out)
    tensorflow.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(options.seed)
    network = build_network(options.backbone, data.spec)
    network.compile(keras.optimizers.Adam(options.learning_rate), "sparse_categorical_crossentropy")
    history = network.fit(
        Batches(data, data.rows(TRAIN), options.batch_size, options.seed, options.augment),
        validation_data=Batches(data, data.rows(VALIDATION), options.batch_size),
        epochs=options.epochs,
        verbose=0,
        callbacks=[
            StopAtNaN(),
            keras.callbacks.EarlyStopping(patience=options.patience, restore_best_weights=True),
            keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=max(1, options.patience // 2)),
            Lines(options.epochs, progress),
        ],
    )
    everything = np.arange(len(data.index))
    probabilities = network.predict(
        Batches(data, everything, options.batch_size), verbose=0
    ).astype(np.float64)
    found = evaluated(data, probabilities)
    with replacing(out / MODEL) as model:
        network.save(model)
    with replacing(out / HISTORY) as file:
        write_table(_history(history.history), file)
    with replacing(out / PREDICTIONS) as file:
        write_table(_predictions(data, probabilities), file)
    write_text(out / METRICS, _json(found))
    write_text(out / CONFIG, _json(_config(data, options, len(history.epoch))))
    return found


def check_trainable(data: Prepared) -> None:
    """Say before long work that nothing can come of it.

    Raises:
        DataError: One study only, an empty part, or a grade that the training part lacks.
    """
    where = str(data.folder)
    if data.index["study_id"].nunique() < 2:
        raise DataError(
            "there is one study only, and a study is never divided.",
            where=where,
            todo="Prepare more studies.",
        )
    for part in (TRAIN, VALIDATION):
        if not len(data.rows(part)):
            raise DataError(
                f"the {part} part is empty.",
                where=where,
                todo="Prepare more studies, or divide them otherwise: lss prepare --split.",
            )
    there = set(data.index["severity"][data.rows(TRAIN)])
    if missing := [str(grade) for grade in Severity if grade not in there]:
        raise DataError(
            f"the training part has no row of {listed(missing)}.",
            where=where,
            todo="A network cannot learn what it never sees; prepare more studies.",
        )


def check_free(out: Path) -> None:
    """Refuse to overwrite a run.

    Raises:
        OutputError: There is one.
    """
    if any((out / name).exists() for name in (MODEL, CONFIG)):
        raise OutputError(
            "this folder already holds a run.", where=str(out), todo="Name another: --out."
        )


def evaluated(data: Prepared, probabilities: metrics.Probabilities) -> dict[str, Any]:
    """The figures of each part, and beside them those of the prior by level."""
    labels, levels = data.severities, data.levels
    train_rows = data.rows(TRAIN)
    prior = metrics.prior_by_level(labels[train_rows], levels[train_rows])[levels]
    return {
        part: {
            "studies": int(data.index["study_id"][rows].nunique()),
            "model": metrics.figures(labels[rows], probabilities[rows]),
            "prior_by_level": metrics.figures(labels[rows], prior[rows]),
        }
        for part in PARTS
        for rows in [data.rows(part)]
        if len(rows)
    }


class StopAtNaN(keras.callbacks.Callback):  # type: ignore[misc]
    """End a training that has gone astray."""

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Look at the loss."""
        if logs and not math.isfinite(logs["loss"]):
            raise DataError(
                f"the loss is no number any more (batch {batch + 1}).",
                todo="Train with a smaller --learning-rate.",
            )


class Lines(keras.callbacks.Callback):  # type: ignore[misc]
    """One line per epoch."""

    def __init__(self, epochs: int, write: Callable[[str], None]) -> None:
        super().__init__()
        self._epochs, self._write = epochs, write

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Say how it goes."""
        logs = logs or {}
        self._write(
            f"epoch {epoch + 1}/{self._epochs}: loss {logs['loss']:.4f}, "
            f"validation loss {logs['val_loss']:.4f}"
        )


def _history(history: Mapping[str, list[float]]) -> pd.DataFrame:
    table = pd.DataFrame(history).astype(float)
    table.insert(0, "epoch", range(1, len(table) + 1))
    return table


def _predictions(data: Prepared, probabilities: metrics.Probabilities) -> pd.DataFrame:
    table = data.index[PREDICTION_COLUMNS].copy()
    for grade in Severity:
        table[grade.column] = probabilities[:, grade.ordinal].round(6)
    return table


def _config(data: Prepared, options: Options, epochs_done: int) -> dict[str, Any]:
    return {
        "format_version": 1,
        "options": asdict(options),
        "epochs_done": epochs_done,
        "data": {
            "folder": str(data.folder.resolve()),
            "fingerprint": data.report["fingerprint"],
            "conditions": data.report["conditions"],
            "mirrored": data.report["mirrored"],
            "counts": data.report["counts"]["parts"],
        },
        "input": data.spec.to_json(),
        "versions": versions(["tensorflow", "keras", "numpy"]),
    }


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
