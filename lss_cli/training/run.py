"""The run folder: what a training leaves behind, and reading it again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from lss_cli.anatomy import Severity
from lss_cli.dataset.prepared import Prepared
from lss_cli.dataset.split import SPLITS
from lss_cli.errors import DataError, OutputError
from lss_cli.evaluation.baselines import prior_by_level
from lss_cli.evaluation.metrics import key_metrics
from lss_cli.evaluation.sample import Probabilities
from lss_cli.files import make_folder, replacing, write_text
from lss_cli.model.session import apply_temperature
from lss_cli.tables import write_table
from lss_cli.training.batches import plain
from lss_cli.training.loop import predicted
from lss_cli.training.options import Options

MODEL, HISTORY, PREDICTIONS = "model.keras", "history.csv", "predictions.csv"
METRICS, CONFIG, FIGURES = "metrics.json", "config.json", "figures"
PROGRESS, BOARD = "state", "tensorboard"
EVERY_FOLD = "all"
"""Stands for the mean of all folds where the name of one would stand."""

PREDICTION_COLUMNS = ["row_id", "study_id", "condition", "level", "split", "severity"]


@dataclass(frozen=True)
class Run:
    """A finished training.

    Attributes:
        folder: Where it lies.
        config: What was asked for, and how it went.
        metrics: What came out.
        network: The trained Keras model; its answers are not calibrated yet.
        networks: How many trained networks it is the mean of.
    """

    folder: Path
    config: Mapping[str, Any]
    metrics: Mapping[str, Any]
    network: Any
    networks: int = 1

    @classmethod
    def open(cls, folder: Path, data: Path | None = None) -> "Run":
        """Load a run; code in the model file is never executed.

        Args:
            folder: Of the run.
            data: Where a run with folds finds its data, if they have moved.

        Raises:
            DataError: There is none, it is unfinished, or it cannot be read.
        """
        if not (folder / CONFIG).is_file():
            raise DataError(
                "there is no finished run here.",
                where=str(folder),
                todo=f"Go on with: lss train --resume --out {folder}"
                if (folder / PROGRESS).is_dir()
                else "Train one with: lss train --out RUN",
            )
        try:
            config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
            if config.get("folds"):
                from lss_cli.training.ensemble import ensemble

                return ensemble([folder], data)
            found = json.loads((folder / METRICS).read_text(encoding="utf-8"))
            network = keras.saving.load_model(folder / MODEL, compile=False, safe_mode=True)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DataError(f"the run cannot be read ({error}).", where=str(folder)) from error
        return cls(folder, config, found, network)

    @property
    def temperature(self) -> float:
        """What the logits are divided by."""
        return float(self.config["temperature"])

    def data(self, folder: Path | None = None) -> Prepared:
        """Open the data that it was trained on.

        Args:
            folder: Where they lie now, if not where they lay then.

        Raises:
            DataError: They are gone, or others lie there.
        """
        data = data_of(self.config, folder)
        if fold := self.config["data"]["fold"]:
            from lss_cli.dataset.folds import all_folds, fold_of

            return all_folds(data) if fold == EVERY_FOLD else fold_of(data, fold)
        return data


def data_of(config: Mapping[str, Any], folder: Path | None = None) -> Prepared:
    """Open the data of a run.

    Args:
        config: Of the run.
        folder: Where they lie now, if not where they lay then.

    Raises:
        DataError: They are gone, or others lie there.
    """
    data = Prepared.open(folder or Path(config["data"]["folder"]))
    if data.report["fingerprint"] != config["data"]["fingerprint"]:
        raise DataError(
            "these are not the data that the run was trained on.",
            where=str(data.folder),
            todo="Name those with --data, or train again.",
        )
    return data


def calibrated(network: Any, data: Prepared, temperature: float, batch_size: int) -> Probabilities:
    """What a network says of all rows of the index, as `lss predict` shows it; N × 3."""
    everything = np.arange(len(data.index))
    raw = predicted(network, plain(data), everything, batch_size)
    return apply_temperature(raw.astype(np.float32), temperature).astype(np.float64)


def check_free(out: Path, *, resume: bool = False) -> None:
    """Refuse to overwrite a run, and to resume none.

    Raises:
        OutputError: There is one, or one that is not finished; or none, to resume.
    """
    if any((out / name).exists() for name in (MODEL, CONFIG)) and not (
        resume and not (out / CONFIG).exists()
    ):
        what = "this folder already holds a run" + (", and it is finished." if resume else ".")
        raise OutputError(what, where=str(out), todo="Name another: --out.")
    if (out / PROGRESS).exists() and not resume:
        raise OutputError(
            "this folder already holds a run that is not finished.",
            where=str(out),
            todo="Go on with --resume, or name another: --out.",
        )
    if resume and not (out / PROGRESS).exists():
        raise OutputError("there is no run to go on with.", where=str(out), todo="Leave --resume.")


def begun_options(out: Path) -> dict[str, Any]:
    """The options that an unfinished run began with; nothing where there is none.

    Raises:
        DataError: They cannot be read.
    """
    path = out / PROGRESS / CONFIG
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))["options"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"the kept options cannot be read ({error}).", where=str(path)) from error


def begin(out: Path, data: Prepared, options: Options) -> None:
    """Note what a training began with.

    Raises:
        DataError: One that has begun has other data.
    """
    path = make_folder(out / PROGRESS) / CONFIG
    fingerprint = data.report["fingerprint"]
    if path.is_file():
        begun = json.loads(path.read_text(encoding="utf-8"))
        if begun["fingerprint"] != fingerprint:
            raise DataError(
                "these are not the data that the run began with.",
                where=str(data.folder),
                todo="Name those with --data, or train anew with another --out.",
            )
    write_text(path, to_json({"options": options.to_json(), "fingerprint": fingerprint}))


def evaluated(data: Prepared, probabilities: Probabilities) -> dict[str, Any]:
    """The metrics of each part, and beside them those of the prior by level."""
    prior = prior_of(data)
    return {
        part: metrics_of(data, rows, probabilities, prior)
        for part in SPLITS
        for rows in [data.rows(part)]
        if len(rows)
    }


def prior_of(data: Prepared) -> Probabilities:
    """What the training part says of each row by its level alone, N × 3."""
    rows = data.rows(SPLITS[0])
    prior = prior_by_level(data.severities[rows], data.levels[rows])
    return np.asarray(prior[data.levels])


def metrics_of(
    data: Prepared, rows: Any, probabilities: Probabilities, prior: Probabilities
) -> dict[str, Any]:
    """The metrics of some rows, the network's and the prior's."""
    labels = data.severities[rows]
    return {
        "studies": int(data.index["study_id"].iloc[rows].nunique()),
        "model": key_metrics(labels, probabilities[rows]),
        "prior_by_level": key_metrics(labels, prior[rows]),
    }


def write_predictions(path: Path, index: pd.DataFrame, probabilities: Probabilities) -> None:
    """Write ``predictions.csv``."""
    table = index[PREDICTION_COLUMNS].copy()
    for grade in Severity:
        table[grade.column] = probabilities[:, grade.ordinal].round(6)
    with replacing(path) as file:
        write_table(table, file)


def to_json(document: Mapping[str, Any]) -> str:
    """A JSON document as it stands in a run folder."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
