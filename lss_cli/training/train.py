"""From prepared data to a run folder."""

import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import tensorflow

from lss_cli.anatomy import Severity
from lss_cli.dataset.dataframes import write_table
from lss_cli.dataset.prepared import Prepared, count_by_split
from lss_cli.dataset.redeal import redeal
from lss_cli.dataset.split import SPLITS, TRAIN, VALIDATION
from lss_cli.errors import DataError, LssError
from lss_cli.evaluation.predictions import PREDICTIONS, write_predictions
from lss_cli.evaluation.sources import STATE
from lss_cli.files import make_folder, replacing
from lss_cli.text import join_words
from lss_cli.training import run
from lss_cli.training.batches import reader
from lss_cli.training.calibration import fit_temperature
from lss_cli.training.checkpoint import CHECKPOINT
from lss_cli.training.curves import Board, draw_curves
from lss_cli.training.fit import OnProgress, Training, TrainingProgress
from lss_cli.training.networks import with_tta
from lss_cli.training.options import TrainingOptions
from lss_cli.training.prior import prior_shift
from lss_cli.training.scores import predict, predict_calibrated, prior_of, score_splits


def train(
    data: Prepared,
    out: Path,
    options: TrainingOptions,
    on_progress: OnProgress,
    *,
    resume: bool = False,
    tensorboard: bool = False,
    command: str = "",
) -> dict[str, Any]:
    """Train a network and write the run folder; its configuration is the last file written.

    The checkpoint after each epoch is kept in the folder until then.

    Args:
        data: Prepared data.
        out: The run folder; made if missing.
        options: How to train.
        on_progress: Called after each batch and each epoch.
        resume: Go on with what an interrupted training left in `out`.
        tensorboard: Whether logs for TensorBoard are written as well.
        command: What the user typed, for the record.

    Returns:
        The metrics in ``metrics.json``: for each split the network's and the prior's by level.

    Raises:
        DataError: The data cannot be trained on, or the loss is no number any more.
        OutputError: `out` already holds a run, or cannot be written to.
        UsageError: Options that do not fit the data.
    """
    data = deal_by(data, options)
    check_trainable(data)
    run.check_free(out, resume=resume)
    state, began = out / STATE, time.monotonic()
    fresh = not out.exists()
    try:
        run.begin(out, data, options)
        board = Board(out / run.BOARD) if tensorboard else None

        def observe(progress: TrainingProgress) -> None:
            if board and progress.epoch:
                board.write(progress.epoch)
            on_progress(progress)

        training = Training(data, options, observe, state, state / "features")
        network = training.run()
    except LssError:
        # A training that failed in its first epoch leaves nothing worth going on with.
        if not (state / CHECKPOINT).exists():
            shutil.rmtree(out if fresh else state, ignore_errors=True)
        raise
    network = with_tta(network, options.views, data.spec)
    rows = data.rows(VALIDATION)
    temperature = fit_temperature(
        data.severities[rows], predict(network, reader(data), rows, options.batch_size)
    )
    probabilities = predict_calibrated(network, data, temperature, options.batch_size)
    metrics = score_splits(data, probabilities, prior_of(data))
    with replacing(out / run.MODEL) as model:
        network.save(model)
    history = pd.DataFrame([asdict(epoch) for epoch in training.history])
    write_table(history, out / run.HISTORY)
    draw_curves(training.history, training.best_epoch, make_folder(out / run.FIGURES))
    known = data.index["split"].isin(SPLITS).to_numpy()
    write_predictions(out / PREDICTIONS, data.index[known], probabilities[known])
    run.write_json(out / run.METRICS, metrics)
    config = _config(data, options, command) | {
        "epochs_done": len(training.history),
        "best_epoch": training.best_epoch,
        "temperature": temperature,
        "prior_shift": dict(zip(map(str, Severity), prior_shift(data).tolist(), strict=True)),
        "seconds": round(time.monotonic() - began, 1),
    }
    run.write_json(out / run.CONFIG, config)
    shutil.rmtree(state)
    return metrics


def deal_by(data: Prepared, options: TrainingOptions) -> Prepared:
    """The data as the options want them dealt.

    Raises:
        DataError: They cannot be dealt so.
    """
    return data if options.strategy == "prepared" else redeal(data, options.strategy)


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
    there = set(data.index["severity"].iloc[data.rows(TRAIN)])
    if missing := [str(grade) for grade in Severity if grade not in there]:
        raise DataError(
            f"the training part has no row of {join_words(missing)}.",
            where=where,
            todo="A network cannot learn what it never sees; prepare more studies.",
        )


def _config(data: Prepared, options: TrainingOptions, command: str) -> dict[str, Any]:
    config = run.describe_request(data, options, command)
    return config | {
        "data": config["data"]
        | {
            "fold": data.report.get("fold", ""),
            "conditions": data.report["conditions"],
            "mirrored": data.report["mirrored"],
            "counts": count_by_split(data.index),
        },
        "input": data.spec.to_json(),
        "device": "GPU" if tensorflow.config.list_physical_devices("GPU") else "CPU",
    }
