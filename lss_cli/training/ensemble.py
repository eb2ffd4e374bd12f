"""Trained networks of finished runs: one, or the mean of all folds of one or several runs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lss_cli.dataset.folds import UNUSED, fold_of
from lss_cli.dataset.prepared import Prepared
from lss_cli.dataset.split import TEST, VALIDATION
from lss_cli.errors import DataError
from lss_cli.evaluation.predictions import PREDICTIONS, PROBABILITIES, write_predictions
from lss_cli.evaluation.sample import Labels, Probabilities
from lss_cli.model.session import apply_temperature
from lss_cli.training.batches import Rows
from lss_cli.training.calibration import fit_temperature
from lss_cli.training.networks import mean_of_networks
from lss_cli.training.run import CONFIG, EVERY_FOLD, Run, data_of, has_folds
from lss_cli.training.scores import prior_of, score_rows

OUT_OF_FOLD = "out_of_fold"
FOLDER = "fold_"


@dataclass(frozen=True)
class OutOfFold:
    """What networks say of studies that they were not trained on.

    Attributes:
        data: Those that the folds divide; the split of each row is `OUT_OF_FOLD` or ``test``.
        rows: Those with an answer: all of the test part, and out of fold those that are not
            mirrored.
        probabilities: Of all rows of the index, N × 3, calibrated; 0 where there is no answer.
        prior: What is known of each row by its level alone, N × 3.
        temperature: Fitted on all rows out of fold.
    """

    data: Prepared
    rows: Rows
    probabilities: Probabilities
    prior: Probabilities
    temperature: float

    @property
    def metrics(self) -> dict[str, Any]:
        """The metrics of both splits, and beside them those of the prior by level."""
        return {
            split: score_rows(self.data, rows, self.probabilities, self.prior)
            for split in (OUT_OF_FOLD, TEST)
            for rows in [np.intersect1d(self.rows, self.data.rows(split))]
            if len(rows)
        }

    def write(self, path: Path) -> None:
        """Write ``predictions.csv``."""
        write_predictions(path, self.data.index.iloc[self.rows], self.probabilities[self.rows])


def open_runs(folders: Sequence[Path], data: Path | None = None) -> Run:
    """Load the network of a run, or of runs with folds the mean of all their networks.

    Args:
        folders: One run, or several with the same folds of the same data.
        data: Where the data of runs with folds lie now, if not where they lay then.

    Raises:
        DataError: A run is unfinished or cannot be read; of several, one has no folds or is of
            other data.
    """
    if len(folders) == 1 and not has_folds(folders[0]):
        return Run.open(folders[0])
    configs = [_folds_config(folder) for folder in folders]
    first = configs[0]
    for folder, config in zip(folders, configs, strict=True):
        if (config["folds"], config["data"]) != (first["folds"], first["data"]):
            raise DataError(
                f"this run is of other data or folds than {folders[0]}.", where=str(folder)
            )
    out_of_fold = out_of_fold_of(folders, data_of(first, data))
    members = [Run.open(folder / name) for folder in folders for name in first["folds"]]
    backbones = list(dict.fromkeys(config["options"]["backbone"] for config in configs))
    config = dict(members[0].config) | {
        "options": members[0].config["options"] | {"backbone": " + ".join(backbones)},
        "start": {run.config["options"]["backbone"]: run.config["start"] for run in members},
        "temperature": out_of_fold.temperature,
        "data": members[0].config["data"] | {"fold": EVERY_FOLD},
        "epochs_done": sum(run.config["epochs_done"] for run in members),
    }
    network = mean_of_networks([run.network for run in members])
    return Run(folders[0], config, out_of_fold.metrics, network, len(members))


def out_of_fold_of(folders: Sequence[Path], data: Prepared) -> OutOfFold:
    """What runs with folds say of studies that they were not trained on.

    Raises:
        DataError: A run has no folds, or cannot be read.
    """
    names = _folds_config(folders[0])["folds"]
    return collect_out_of_fold(
        data,
        [(name.removeprefix(FOLDER), [folder / name for folder in folders]) for name in names],
    )


def collect_out_of_fold(data: Prepared, folds: Sequence[tuple[str, Sequence[Path]]]) -> OutOfFold:
    """Collect what finished trainings say of the studies that they were not trained on.

    Out of fold each row has the mean answer of those networks that did not train on its study,
    calibrated on the other folds; the test part has that of all, calibrated on what is out of
    fold.

    Args:
        data: Prepared data with folds.
        folds: The name of each fold, and the run folders of the networks trained on the others.
    """
    raw, prior = np.zeros((2, len(data.index), 3))
    test, held_out_in = data.rows(TEST), np.full(len(data.index), -1)
    for number, (name, folders) in enumerate(folds):
        fold = fold_of(data, name)
        rows = fold.rows(VALIDATION)
        mean = np.mean([fold_probabilities(folder, fold) for folder in folders], axis=0)
        known = prior_of(fold)
        raw[rows], prior[rows], held_out_in[rows] = mean[rows], known[rows], number
        raw[test] += mean[test] / len(folds)
        prior[test] += known[test] / len(folds)
    held_out, labels = np.flatnonzero(held_out_in >= 0), data.severities
    temperature = fit_temperature(labels[held_out], raw[held_out])
    prob = np.zeros_like(raw)
    prob[held_out] = calibrate_across(labels[held_out], raw[held_out], held_out_in[held_out])
    prob[test] = apply_temperature(raw[test].astype(np.float32), temperature)
    splits = np.where(data.index["split"] == TEST, TEST, OUT_OF_FOLD)
    return OutOfFold(
        data=replace(data, index=data.index.assign(split=splits)),
        rows=np.union1d(held_out, test),
        probabilities=prob,
        prior=prior,
        temperature=temperature,
    )


def calibrate_across(labels: Labels, raw: Probabilities, folds: Rows) -> Probabilities:
    """Calibrate each fold with the temperature of all others, so that none flatters itself.

    Args:
        labels: N ordinals.
        raw: N × 3, before calibration.
        folds: N, the fold of each row.
    """
    calibrated = np.zeros_like(raw)
    for fold in np.unique(folds):
        here = folds == fold
        temperature = fit_temperature(labels[~here], raw[~here])
        calibrated[here] = apply_temperature(raw[here], temperature)
    return calibrated


def fold_probabilities(folder: Path, data: Prepared) -> Probabilities:
    """What a fold's network says before calibration, N × 3 in the order of the index."""
    table = pd.read_csv(folder / PREDICTIONS)
    temperature = json.loads((folder / CONFIG).read_text(encoding="utf-8"))["temperature"]
    raw = np.zeros((len(data.index), 3))
    # The table has six decimals.
    shown = np.maximum(table[PROBABILITIES].to_numpy(), 1e-6).astype(np.float32)
    raw[data.index["split"] != UNUSED] = apply_temperature(shown, 1 / temperature)
    return raw


def _folds_config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        return {key: config[key] for key in ("folds", "options", "data")}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            "this is no finished run with folds, and only such runs can be joined.",
            where=str(folder),
            todo="Train it with: lss train --folds",
        ) from error
