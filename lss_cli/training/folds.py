"""Cross-validation: one training per fold, and what each says of the studies that it never saw."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lss_cli.anatomy import Severity
from lss_cli.dataset.cache import Prepared
from lss_cli.dataset.prepare import versions
from lss_cli.dataset.split import TEST, TRAIN, VALIDATION
from lss_cli.errors import DataError
from lss_cli.evaluation.metrics import Labels, Probabilities
from lss_cli.files import write_text
from lss_cli.model.session import tempered
from lss_cli.training import run
from lss_cli.training.calibrate import fitted_temperature
from lss_cli.training.fit import train
from lss_cli.training.loop import Step, Watch
from lss_cli.training.networks import averaged
from lss_cli.training.options import Options

OUT_OF_FOLD = "out_of_fold"
UNUSED = ""
"""The part of rows that a fold neither learns from nor is measured on."""


def fold_names(data: Prepared) -> list[str]:
    """The folds that the data were divided into.

    Raises:
        DataError: There are none.
    """
    names = sorted(set(data.index["fold"]) - {""}, key=lambda name: (len(name), name))
    if len(names) < 2:
        raise DataError(
            "the data are not divided into folds.",
            where=str(data.folder),
            todo="Prepare them with: lss prepare --folds 5",
        )
    return names


def fold_of(data: Prepared, name: str) -> Prepared:
    """The data with one fold for validation, the others for training; the test part stays.

    Mirrored rows serve the training only: those of the fold itself are left out.
    """
    index = data.index
    own = (index["condition"] == index["source_condition"]).to_numpy()
    test = (index["split"] == TEST).to_numpy()
    here = (index["fold"] == name).to_numpy()
    split = np.select(
        [test, here & own, here, (index["fold"] != "").to_numpy()],
        [TEST, VALIDATION, UNUSED, TRAIN],
        default=UNUSED,
    )
    report = dict(data.report) | {"fold": name}
    return replace(data, index=index.assign(split=split), report=report)


def train_folds(
    data: Prepared,
    out: Path,
    options: Options,
    watch: Watch,
    *,
    resume: bool = False,
    tensorboard: bool = False,
    command: str = "",
) -> dict[str, Any]:
    """Train each fold in a folder of its own, and collect what they say.

    ``predictions.csv`` of `out` holds, for each row that is not mirrored, the answer of the one
    network that did not train on its study, calibrated on the other folds; and for the test part
    the mean of all, calibrated on what is out of fold. Early stopping looks at the fold itself,
    which flatters its figures a little; without patience nothing does.

    Args:
        data: Prepared data with folds.
        out: The run folder.
        options: How to train each.
        watch: As of `train`.
        resume: Go on: finished folds stay.
        tensorboard: As of `train`.
        command: As of `train`.

    Returns:
        The figures out of fold, and of the test part.

    Raises:
        DataError: There are no folds, or as `train`.
        OutputError: `out` already holds a run.
    """
    names = fold_names(data)
    folders = [f"fold_{name}" for name in names]
    run.check_free(out, resume=resume)
    run.begin(out, data, options)
    raw, prior = np.zeros((2, len(data.index), 3))
    test, heard_in = data.rows(TEST), np.full(len(data.index), -1)
    for number, (name, folder) in enumerate(zip(names, folders, strict=True)):
        part, target = fold_of(data, name), out / folder
        if not (target / run.CONFIG).is_file():
            train(
                part,
                target,
                options,
                _naming(watch, f"fold {name}"),
                resume=(target / run.PROGRESS).exists(),
                tensorboard=tensorboard,
                command=command,
            )
        rows = part.rows(VALIDATION)
        said = _read(target, part)
        raw[rows], prior[rows], heard_in[rows] = said[rows], run.prior_of(part)[rows], number
        raw[test] += said[test] / len(names)
        prior[test] += run.prior_of(part)[test] / len(names)
    held_out = np.flatnonzero(heard_in >= 0)
    probabilities = raw.copy()
    probabilities[held_out] = calibrated_across(
        data.severities[held_out], raw[held_out], heard_in[held_out]
    )
    temperature = fitted_temperature(data.severities[held_out], raw[held_out])
    probabilities[test] = tempered(raw[test].astype(np.float32), temperature)
    heard = np.union1d(held_out, test)
    index = data.index.assign(split=np.where(data.index["split"] == TEST, TEST, OUT_OF_FOLD))
    parts = {OUT_OF_FOLD: held_out, TEST: test}
    found = {
        part: run.figures_of(data, rows, probabilities, prior)
        for part, rows in parts.items()
        if len(rows)
    }
    run.write_predictions(out / run.PREDICTIONS, index.iloc[heard], probabilities[heard])
    write_text(out / run.METRICS, run.to_json(found))
    config = {
        "format_version": 1,
        "folds": folders,
        "temperature": temperature,
        "options": options.to_json(),
        "data": {"folder": str(data.folder.resolve()), "fingerprint": data.report["fingerprint"]},
        "versions": versions(["tensorflow", "keras", "numpy"]),
        "command": command,
    }
    write_text(out / run.CONFIG, run.to_json(config))
    shutil.rmtree(out / run.PROGRESS)
    return found


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
        found[here] = tempered(raw[here], fitted_temperature(labels[~here], raw[~here]))
    return found


def mean_of_folds(folder: Path, config: Mapping[str, Any]) -> run.Run:
    """All folds of a run as one, whose network answers with the mean of theirs.

    Args:
        folder: Of the run.
        config: Its configuration.

    Raises:
        DataError: A fold cannot be read.
    """
    members = [run.Run.open(folder / name) for name in config["folds"]]
    first = members[0]
    joint = dict(first.config) | {
        "temperature": config["temperature"],
        "data": dict(first.config["data"]) | {"fold": run.EVERY_FOLD},
        "epochs_done": sum(one.config["epochs_done"] for one in members),
    }
    found = json.loads((folder / run.METRICS).read_text(encoding="utf-8"))
    network = averaged([one.network for one in members])
    return run.Run(folder, joint, found, network, len(members))


def together(data: Prepared) -> Prepared:
    """The data as the mean of all folds has seen them: all but the test part was trained on."""
    split = np.where(data.index["split"] == TEST, TEST, TRAIN)
    return replace(data, index=data.index.assign(split=split))


def _naming(watch: Watch, name: str) -> Watch:
    def named(step: Step) -> None:
        watch(replace(step, what=f"{name}, {step.what}"))

    return named


def _read(folder: Path, data: Prepared) -> Probabilities:
    """What a fold's network says before calibration, N × 3 in the order of the index."""
    table = pd.read_csv(folder / run.PREDICTIONS)
    temperature = json.loads((folder / run.CONFIG).read_text(encoding="utf-8"))["temperature"]
    rows = np.flatnonzero(data.index["split"] != UNUSED)
    found = np.zeros((len(data.index), 3))
    shown = table[[one.column for one in Severity]].to_numpy()
    # The table has six decimals.
    found[rows] = tempered(np.maximum(shown, 1e-6).astype(np.float32), 1 / temperature)
    return found
