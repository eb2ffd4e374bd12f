"""Opens what can be evaluated: a run folder, a table of predictions, a model on prepared data."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lss_cli.anatomy import Condition, Level
from lss_cli.dataset.prepared import Prepared
from lss_cli.dataset.split import TRAIN
from lss_cli.errors import DataError, ModelError, UsageError
from lss_cli.evaluation.grade_counts import GradeCounts
from lss_cli.evaluation.predictions import (
    ALL,
    PREDICTIONS,
    PROBABILITIES,
    Predictions,
    check_part,
    read_predictions,
    training_part,
)
from lss_cli.model.find import find_model, shipped_models
from lss_cli.model.models import Models
from lss_cli.model.session import Model, load_model
from lss_cli.slices import Float32Array
from lss_cli.text import printable

BATCH = 64

# What a training writes into its run folder, and into one for each fold.
RUN_FILES = ("model.keras", "history.csv", "metrics.json", "config.json", PREDICTIONS)

# In the folder of a run that is not finished yet.
STATE = "state"

CONFIG = "config.json"

# Weights that are no file, as people call them.
STARTS = {"imagenet": "ImageNet", "none": "random"}

Progress = Callable[[int, int], None]


def open_predictions(
    name: str, data: Path, parts: Sequence[str], progress: Progress = lambda *_: None
) -> Predictions:
    """Predictions of a run folder, of a table (``.csv``), or of a model on prepared data.

    Args:
        name: A folder, a file, or the name of a shipped model.
        data: The prepared data that a model is run on; unused for the others.
        parts: What is wanted, the part that has to be there first; others come back as well where
            they cost nothing.
        progress: Called with the rows graded and their number.

    Raises:
        DataError: The predictions or the data cannot be used.
        ModelError: There is no such model, or it does not fit the data.
    """
    path = Path(name)
    # As everywhere, the name of a shipped model comes first; a folder of that name is ./NAME.
    if name not in shipped_models():
        if path.is_dir():
            return read_run(path)
        if path.suffix.lower() == ".csv":
            return read_predictions(path)
    return run_model(load_model(find_model(name)), Prepared.open(data), parts, progress)


def files_of(name: str) -> list[Path]:
    """The files of what `open_predictions` takes; of a run, all that a training wrote."""
    path = Path(name)
    if name in shipped_models() or not path.is_dir():
        return [shipped_models().get(name, path)]
    folders = [path, *(config.parent for config in path.glob("*/config.json"))]
    return [folder / file for folder in folders for file in RUN_FILES]


def open_networks(
    names: Sequence[str], data: Path, split: str, tilted: Collection[str] = ()
) -> list[Predictions]:
    """Predictions of several networks on one part, and on the training part where they have it.

    What is called the same is told apart by the path it was given as.

    Args:
        names: As `open_predictions` takes them.
        data: The prepared data that models are run on.
        split: The part.
        tilted: Those of `names` whose probabilities are multiplied by 1, 2, 4; that is undone.

    Raises:
        UsageError: One of them is named twice, or a tilted one is not among them.
        DataError, ModelError: See `open_predictions`.
    """
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"{printable(twice[0])} is named twice.")
    if unknown := [name for name in tilted if name not in names]:
        raise UsageError(
            f"--tilted {printable(unknown[0])} is none of the networks.",
            todo="Name it as it is named among them.",
        )
    networks = [open_predictions(name, data, (split, TRAIN)) for name in names]
    networks = [
        network.untilted() if name in tilted else network
        for name, network in zip(names, networks, strict=True)
    ]
    called = [network.name for network in networks]
    return [
        network if called.count(network.name) == 1 else replace(network, name=name)
        for name, network in zip(names, networks, strict=True)
    ]


def read_run(folder: Path) -> Predictions:
    """What a training wrote down.

    Raises:
        DataError: It wrote none, or they cannot be read.
    """
    if not (folder / PREDICTIONS).is_file():
        raise no_finished_run(folder)
    predictions = read_predictions(folder / PREDICTIONS, folder.resolve().name)
    return replace(predictions, start=start_of_run(folder))


def start_of_run(folder: Path) -> str:
    """The weights that a run started from, for people; empty where it does not say."""
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        # Runs with folds have said it since 0.2 only.
        weights = {"weights": Path(config["options"]["weights"]).name}
        return describe_start(config.get("start", weights))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""


def describe_start(start: Mapping[str, Any]) -> str:
    """The weights that a training started from, for people.

    Args:
        start: As run and model file hold it: its ``weights``, or where several networks became one
            such a mapping for each backbone.

    Examples:
        >>> describe_start({"weights": "imagenet"})
        'ImageNet'
        >>> describe_start({"custom": {"weights": "none"}, "vgg16": {"weights": "vgg16.h5"}})
        'custom: random, vgg16: vgg16.h5'
    """
    if "weights" in start:
        weights = str(start["weights"])
        return printable(STARTS.get(weights, weights))
    return ", ".join(f"{printable(name)}: {describe_start(own)}" for name, own in start.items())


def no_finished_run(folder: Path) -> DataError:
    """What to say of a folder in which no training has come to its end."""
    return DataError(
        "there is no finished run here.",
        where=str(folder),
        todo=f"Go on with: lss train --resume --out {folder}"
        if (folder / STATE).is_dir()
        else "Train one with: lss train --out RUN",
    )


def run_model(
    model: Model, data: Prepared, parts: Sequence[str], progress: Progress
) -> Predictions:
    """Run a model on some parts of prepared data.

    Args:
        model: Which.
        data: On what.
        parts: The part that has to be there, and others that are run if they are.
        progress: Called with the rows graded and their number.

    Raises:
        DataError: The first part is not there.
        ModelError: It wants other inputs than the data hold, or may not grade a condition.
    """
    check_fits(model, data)
    check_part(str(data.folder), data.index, parts[0])
    wanted = data.index["split"].isin(list(parts)) | (ALL in parts)
    rows = np.flatnonzero(wanted.to_numpy())
    probabilities = np.zeros((len(rows), len(PROBABILITIES)))
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        probabilities[start : start + BATCH] = _grade(model, data, some)
        progress(start + len(some), len(rows))
    columns = dict(zip(PROBABILITIES, probabilities.T, strict=True))
    table = data.index.iloc[rows].assign(**columns)
    learnt_from = training_part(data.index) or GradeCounts.of_model(model.metadata.training)
    began = describe_start(model.metadata.training.get("start", {}))
    return Predictions(model.metadata.name, table, learnt_from, began, model.metadata.rule)


def check_fits(model: Model, data: Prepared) -> None:
    """Compare what a model wants with what the data hold.

    Raises:
        ModelError: They differ; says in what.
    """
    wanted, held = model.metadata.input.to_json(), data.spec.to_json()
    # The level of each row is known, whether or not the data were prepared to be trained with it.
    named = model.path.stem if model.path in shipped_models().values() else printable(model.path)
    if differing := [key for key in wanted if wanted[key] != held[key] and key != "level"]:
        raise ModelError(
            "the model wants other inputs than the prepared data hold: "
            + "; ".join(f"{key} {wanted[key]}, not {held[key]}" for key in differing)
            + ".",
            where=printable(model.path.name),
            todo=f"Prepare the data as it wants them: lss prepare SOURCE --model {named}",
        )
    Models.of(model).require(Condition(name) for name in data.index["condition"].unique())


def _grade(model: Model, data: Prepared, rows: npt.NDArray[np.int64]) -> Float32Array:
    inputs = data.inputs(rows)
    conditions = map(Condition, data.index["condition"].to_numpy()[rows])
    flip = [model.metadata.mirrors(condition) for condition in conditions]
    images, coords = inputs["image"], inputs["coords"].copy()
    images[flip] = images[flip][:, :, ::-1]
    coords[flip, 0] = 1 - coords[flip, 0]
    levels = [Level(level) for level in data.index["level"].to_numpy()[rows]]
    return model.probabilities(images, coords, levels)
