"""Cross-validation: one training per fold, and what each says of the studies that it never saw."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lss_cli.dataset.cache import Prepared
from lss_cli.dataset.prepare import versions
from lss_cli.dataset.split import TEST, TRAIN, VALIDATION
from lss_cli.errors import DataError
from lss_cli.files import write_text
from lss_cli.training import run
from lss_cli.training.fit import train
from lss_cli.training.loop import Step, Watch
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
    network that did not train on its study, and for the test part the mean of all. Early stopping
    and temperature of each fold look at the fold itself, which flatters its figures a little.

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
    probabilities, prior = np.zeros((2, len(data.index), 3))
    test, heard = data.rows(TEST), np.zeros(len(data.index), bool)
    for name, folder in zip(names, folders, strict=True):
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
        probabilities[rows], prior[rows], heard[rows] = said[rows], run.prior_of(part)[rows], True
        probabilities[test] += said[test] / len(names)
        prior[test] += run.prior_of(part)[test] / len(names)
    heard[test] = True
    index = data.index.assign(split=np.where(data.index["split"] == TEST, TEST, OUT_OF_FOLD))
    parts = {OUT_OF_FOLD: np.flatnonzero(heard & (index["split"] != TEST).to_numpy()), TEST: test}
    found = {
        part: run.figures_of(data, rows, probabilities, prior)
        for part, rows in parts.items()
        if len(rows)
    }
    run.write_predictions(out / run.PREDICTIONS, index[heard], probabilities[heard])
    write_text(out / run.METRICS, run.to_json(found))
    config = {
        "format_version": 1,
        "folds": folders,
        "options": options.to_json(),
        "data": {"folder": str(data.folder.resolve()), "fingerprint": data.report["fingerprint"]},
        "versions": versions(["tensorflow", "keras", "numpy"]),
        "command": command,
    }
    write_text(out / run.CONFIG, run.to_json(config))
    shutil.rmtree(out / run.PROGRESS)
    return found


def _naming(watch: Watch, name: str) -> Watch:
    def named(step: Step) -> None:
        watch(replace(step, what=f"{name}, {step.what}"))

    return named


def _read(folder: Path, data: Prepared) -> Any:
    """The probabilities that a fold's run wrote, N × 3 in the order of the index."""
    table = pd.read_csv(folder / run.PREDICTIONS)
    rows = np.flatnonzero(data.index["split"] != UNUSED)
    found = np.zeros((len(data.index), 3))
    found[rows] = table[["normal_mild", "moderate", "severe"]].to_numpy()
    return found
