"""Several networks as one: the mean of all folds of a run, or of several such runs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lss_cli.anatomy import Severity
from lss_cli.dataset.folds import UNUSED, fold_of
from lss_cli.dataset.prepared import Prepared
from lss_cli.dataset.split import TEST, VALIDATION
from lss_cli.errors import DataError
from lss_cli.evaluation.sample import Labels, Probabilities
from lss_cli.model.session import apply_temperature
from lss_cli.training import run
from lss_cli.training.calibration import fit_temperature
from lss_cli.training.networks import mean_of_networks

OUT_OF_FOLD = "out_of_fold"
FOLDER = "fold_"


@dataclass(frozen=True)
class Collected:
    """What networks say of studies that they were not trained on.

    Attributes:
        data: Those that the folds divide; the part of each row is `OUT_OF_FOLD` or ``test``.
        heard: The rows that were answered: all of the test part, and out of fold those that are
            not mirrored.
        probabilities: Of all rows, N × 3, calibrated; 0 where none was heard.
        prior: What is known of each row by its level alone, N × 3.
        temperature: Fitted on all rows out of fold.
    """

    data: Prepared
    heard: npt.NDArray[np.int64]
    probabilities: Probabilities
    prior: Probabilities
    temperature: float

    @property
    def figures(self) -> dict[str, Any]:
        """The figures of both parts, and beside them those of the prior by level."""
        return {
            part: run.metrics_of(self.data, rows, self.probabilities, self.prior)
            for part in (OUT_OF_FOLD, TEST)
            for rows in [np.intersect1d(self.heard, self.data.rows(part))]
            if len(rows)
        }

    def write(self, path: Path) -> None:
        """Write ``predictions.csv``."""
        run.write_predictions(
            path, self.data.index.iloc[self.heard], self.probabilities[self.heard]
        )


def collected(data: Prepared, folds: Sequence[tuple[str, Sequence[Path]]]) -> Collected:
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
        part = fold_of(data, name)
        rows = part.rows(VALIDATION)
        said = np.mean([_said(folder, part) for folder in folders], axis=0)
        known = run.prior_of(part)
        raw[rows], prior[rows], held_out_in[rows] = said[rows], known[rows], number
        raw[test] += said[test] / len(folds)
        prior[test] += known[test] / len(folds)
    held_out, labels = np.flatnonzero(held_out_in >= 0), data.severities
    temperature = fit_temperature(labels[held_out], raw[held_out])
    prob = np.zeros_like(raw)
    prob[held_out] = calibrated_across(labels[held_out], raw[held_out], held_out_in[held_out])
    prob[test] = apply_temperature(raw[test].astype(np.float32), temperature)
    parts = np.where(data.index["split"] == TEST, TEST, OUT_OF_FOLD)
    return Collected(
        data=replace(data, index=data.index.assign(split=parts)),
        heard=np.union1d(held_out, test),
        probabilities=prob,
        prior=prior,
        temperature=temperature,
    )


def calibrated_across(
    labels: Labels, raw: Probabilities, folds: npt.NDArray[np.int64]
) -> Probabilities:
    """Calibrate each fold with the temperature of all others, so that none flatters itself.

    Args:
        labels: N ordinals.
        raw: N × 3, before calibration.
        folds: N, the fold of each row.
    """
    found = np.zeros_like(raw)
    for fold in np.unique(folds):
        here = folds == fold
        found[here] = apply_temperature(raw[here], fit_temperature(labels[~here], raw[~here]))
    return found


def ensemble(folders: Sequence[Path], data: Path | None = None) -> run.Run:
    """All folds of one or several runs as one run, whose network answers with the mean of theirs.

    Args:
        folders: Of runs with the same folds of the same data.
        data: Where those lie now, if not where they lay then.

    Raises:
        DataError: A run has no folds, cannot be read, or is of other data.
    """
    configs = [_folds_config(folder) for folder in folders]
    first = configs[0]
    for folder, config in zip(folders, configs, strict=True):
        if (config["folds"], config["data"]) != (first["folds"], first["data"]):
            raise DataError(
                f"this run is of other data or folds than {folders[0]}.", where=str(folder)
            )
    found = of_runs(folders, run.data_of(first, data))
    members = [run.Run.open(folder / name) for folder in folders for name in first["folds"]]
    backbones = list(dict.fromkeys(one["options"]["backbone"] for one in configs))
    config = dict(members[0].config) | {
        "options": members[0].config["options"] | {"backbone": " + ".join(backbones)},
        "start": {one.config["options"]["backbone"]: one.config["start"] for one in members},
        "temperature": found.temperature,
        "data": members[0].config["data"] | {"fold": run.EVERY_FOLD},
        "epochs_done": sum(one.config["epochs_done"] for one in members),
    }
    network = mean_of_networks([one.network for one in members])
    return run.Run(folders[0], config, found.figures, network, len(members))


def of_runs(folders: Sequence[Path], data: Prepared) -> Collected:
    """What runs with folds say of studies that they were not trained on."""
    names = _folds_config(folders[0])["folds"]
    return collected(
        data,
        [(name.removeprefix(FOLDER), [folder / name for folder in folders]) for name in names],
    )


def _said(folder: Path, data: Prepared) -> Probabilities:
    """What a fold's network says before calibration, N × 3 in the order of the index."""
    table = pd.read_csv(folder / run.PREDICTIONS)
    temperature = json.loads((folder / run.CONFIG).read_text(encoding="utf-8"))["temperature"]
    rows = np.flatnonzero(data.index["split"] != UNUSED)
    found = np.zeros((len(data.index), 3))
    shown = table[[one.column for one in Severity]].to_numpy()
    # The table has six decimals.
    found[rows] = apply_temperature(np.maximum(shown, 1e-6).astype(np.float32), 1 / temperature)
    return found


def _folds_config(folder: Path) -> dict[str, Any]:
    path = folder / run.CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        return {key: config[key] for key in ("folds", "options", "data")}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            "this is no finished run with folds, and only such runs can be joined.",
            where=str(folder),
            todo="Train it with: lss train --folds",
        ) from error
