"""Trained networks of finished runs: one, or the mean of all folds of one or several runs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lss_cli.dataset.folds import UNUSED, fold_names, fold_of
from lss_cli.dataset.prepared import Prepared
from lss_cli.dataset.split import TEST, VALIDATION
from lss_cli.errors import DataError, UsageError
from lss_cli.evaluation.predictions import PREDICTIONS, read_predictions, write_predictions
from lss_cli.evaluation.sample import Labels, Probabilities
from lss_cli.model.session import apply_temperature
from lss_cli.rule import LIKELIEST, GradeRule
from lss_cli.training.batches import Rows
from lss_cli.training.calibration import Calibration, Dirichlet, Method, fit_calibration
from lss_cli.training.networks import mean_of_networks, with_calibration
from lss_cli.training.run import EVERY_FOLD, Run, data_of, read_config
from lss_cli.training.run_files import FoldsConfig, RunConfig
from lss_cli.training.scores import prior_of, score_splits

OUT_OF_FOLD = "out_of_fold"
FOLDER = "fold_"


@dataclass(frozen=True)
class OutOfFold:
    """What networks say of studies that they were not trained on.

    Attributes:
        data: Those that the folds divide; the split of each row is `OUT_OF_FOLD` or ``test``, or
            `UNUSED` where there is no answer.
        probabilities: Of all rows of the index, N × 3, calibrated; 0 where there is no answer.
        prior: What is known of each row by its level alone, N × 3.
        calibration: Fitted on all rows out of fold.
    """

    data: Prepared
    probabilities: Probabilities
    prior: Probabilities
    calibration: Calibration

    def metrics(self, rule: GradeRule = LIKELIEST) -> dict[str, Any]:
        """The metrics of both splits, and beside them those of the prior by level."""
        parts = (OUT_OF_FOLD, TEST)
        return score_splits(self.data, self.probabilities, self.prior, parts, rule)

    def write(self, path: Path) -> None:
        """Write ``predictions.csv``."""
        answered = (self.data.index["split"] != UNUSED).to_numpy()
        write_predictions(path, self.data.index[answered], self.probabilities[answered])


def open_runs(
    folders: Sequence[Path],
    data: Path | None = None,
    rule: GradeRule = LIKELIEST,
    calibration: Method = "temperature",
) -> Run:
    """Load the network of a run, or of runs with folds the mean of all their networks.

    Args:
        folders: One run, or several with the same folds of the same data.
        data: Where the data lie now, if not where they lay then.
        rule: By which the model will choose its grades, and the metrics theirs.
        calibration: Of the mean of all folds.

    Raises:
        DataError: A run is unfinished or cannot be read; of several, one has no folds or is of
            other data.
        UsageError: A run without folds is calibrated by its own temperature.
    """
    if len(folders) == 1 and not read_config(folders[0]).get("folds"):
        if calibration != "temperature":
            raise UsageError(
                f"--calibration {calibration} learns from what folds say of unseen studies.",
                where=str(folders[0]),
                todo="Train with: lss train --folds",
            )
        run = Run.open(folders[0])
        return _score_anew(run, run.data(data), rule) if rule.by_weight else run
    configs = [_folds_config(folder) for folder in folders]
    first = configs[0]
    for folder, config in zip(folders, configs, strict=True):
        if (config["folds"], config["data"]) != (first["folds"], first["data"]):
            raise DataError(
                f"this run is of other data or folds than {folders[0]}.", where=str(folder)
            )
    out_of_fold = out_of_fold_of(folders, data_of(first, data), calibration)
    members = [Run.open(folder / name) for folder in folders for name in first["folds"]]
    backbones = list(dict.fromkeys(config["options"]["backbone"] for config in configs))
    config = dict(members[0].config) | {
        "options": members[0].config["options"] | {"backbone": " + ".join(backbones)},
        "start": {run.config["options"]["backbone"]: run.config["start"] for run in members},
        "temperature": 1.0,
        "calibration": calibration,
        "data": members[0].config["data"] | {"fold": EVERY_FOLD},
        "epochs_done": sum(run.config["epochs_done"] for run in members),
    }
    network = mean_of_networks([run.network for run in members])
    if isinstance(out_of_fold.calibration, Dirichlet):
        network = with_calibration(network, out_of_fold.calibration)
    else:
        config["temperature"] = out_of_fold.calibration.temperature
    return Run(folders[0], config, out_of_fold.metrics(rule), network, len(members), rule)


def _score_anew(run: Run, data: Prepared, rule: GradeRule) -> Run:
    """A run whose metrics are those of grades by a rule."""
    answers = read_answers(run.folder, data)
    return replace(run, metrics=score_splits(data, answers, prior_of(data), rule=rule), rule=rule)


def out_of_fold_of(
    folders: Sequence[Path], data: Prepared, calibration: Method = "temperature"
) -> OutOfFold:
    """What runs with folds say of studies that they were not trained on.

    Raises:
        DataError: A run has no folds, or cannot be read.
    """
    _folds_config(folders[0])
    return collect_out_of_fold(folders, data, calibration)


def collect_out_of_fold(
    folders: Sequence[Path], data: Prepared, calibration: Method = "temperature"
) -> OutOfFold:
    """Collect what finished trainings say of the studies that they were not trained on.

    Out of fold each row has the mean answer of those networks that did not train on its study,
    calibrated on the other folds; the test part has that of all, calibrated on what is out of
    fold.

    Args:
        folders: Of runs with folds; each holds a finished training for each fold.
        data: Prepared data with folds.
        calibration: How the answers are calibrated.
    """
    raw, prior = np.zeros((2, len(data.index), 3))
    test, held_out_in = data.rows(TEST), np.full(len(data.index), -1)
    names = fold_names(data)
    for number, name in enumerate(names):
        fold, runs = fold_of(data, name), [folder / f"{FOLDER}{name}" for folder in folders]
        rows, known = fold.rows(VALIDATION), prior_of(fold)
        mean = np.mean([fold_probabilities(run, fold) for run in runs], axis=0)
        raw[rows], prior[rows], held_out_in[rows] = mean[rows], known[rows], number
        raw[test] += mean[test] / len(names)
        prior[test] += known[test] / len(names)
    held_out, labels = np.flatnonzero(held_out_in >= 0), data.severities
    fitted = fit_calibration(calibration, labels[held_out], raw[held_out])
    prob = np.zeros_like(raw)
    prob[held_out] = calibrate_across(
        labels[held_out], raw[held_out], held_out_in[held_out], calibration
    )
    prob[test] = fitted(raw[test])
    is_test = data.index["split"] == TEST
    splits = np.select([is_test, held_out_in >= 0], [TEST, OUT_OF_FOLD], default=UNUSED)
    data = replace(data, index=data.index.assign(split=splits))
    return OutOfFold(data, prob, prior, fitted)


def calibrate_across(
    labels: Labels, raw: Probabilities, folds: Rows, calibration: Method = "temperature"
) -> Probabilities:
    """Calibrate each fold by all others, so that none flatters itself.

    Args:
        labels: N ordinals.
        raw: N × 3, before calibration.
        folds: N, the fold of each row.
        calibration: How.
    """
    calibrated = np.zeros_like(raw)
    for fold in np.unique(folds):
        here = folds == fold
        calibrated[here] = fit_calibration(calibration, labels[~here], raw[~here])(raw[here])
    return calibrated


def fold_probabilities(folder: Path, data: Prepared) -> Probabilities:
    """What a fold's network says before calibration, N × 3 in the order of the index.

    Raises:
        DataError: It cannot be read, or is of other data.
    """
    temperature = read_config(folder, RunConfig)["temperature"]
    # The table has six decimals.
    shown = np.maximum(read_answers(folder, data), 1e-6).astype(np.float32)
    return apply_temperature(shown, 1 / temperature).astype(np.float64)


def read_answers(folder: Path, data: Prepared) -> Probabilities:
    """What a run says of all rows of the index, N × 3; 0 where it says nothing.

    Raises:
        DataError: It cannot be read, or is of other data.
    """
    predictions = read_predictions(folder / PREDICTIONS)
    used = (data.index["split"] != UNUSED).to_numpy()
    if predictions.table["row_id"].tolist() != data.index["row_id"][used].tolist():
        raise DataError(
            "these are not the predictions of the data's rows.",
            where=str(folder / PREDICTIONS),
            todo="Copy the run again, or train anew.",
        )
    answers = np.zeros((len(data.index), 3))
    answers[used] = predictions.probabilities
    return answers


def _folds_config(folder: Path) -> dict[str, Any]:
    config = read_config(folder)
    if not config.get("folds"):
        raise DataError(
            "this is no finished run with folds, and only such runs can be joined.",
            where=str(folder),
            todo="Train it with: lss train --folds",
        )
    return read_config(folder, FoldsConfig)
