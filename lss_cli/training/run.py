"""The run folder: the names of its files, and the network in it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from lss_cli.anatomy import Level, Severity
from lss_cli.child import memory_allowance
from lss_cli.dataset.folds import all_folds, fold_of
from lss_cli.dataset.prepared import Prepared
from lss_cli.dataset.redeal import redeal
from lss_cli.errors import DataError, OutputError, UsageError
from lss_cli.evaluation.sources import STATE, describe_start, no_finished_run
from lss_cli.files import make_folder, write_text
from lss_cli.model.spec import InputSpec
from lss_cli.rule import LIKELIEST, GradeRule
from lss_cli.text import printable
from lss_cli.training.options import TrainingOptions
from lss_cli.training.run_files import (
    BegunRun,
    FoldsConfig,
    PartMetrics,
    RunConfig,
    check_network_file,
    read_json,
)
from lss_cli.training.start import describe_weights
from lss_cli.versions import versions

MODEL, HISTORY, METRICS, CONFIG = "model.keras", "history.csv", "metrics.json", "config.json"
FIGURES, BOARD = "figures", "tensorboard"

# Stands for the mean of all folds where the name of one would stand.
EVERY_FOLD = "all"

# Building a network takes memory that its file does not show.
LOADING_BYTES = 2**30


@dataclass(frozen=True)
class Run:
    """A finished training.

    Attributes:
        folder: Where it lies.
        config: What was asked for, and how it went.
        metrics: What came out.
        network: The trained Keras model; its answers are not calibrated yet.
        networks: How many trained networks it is the mean of.
        rule: By which the grades behind the metrics were chosen.
    """

    folder: Path
    config: Mapping[str, Any]
    metrics: Mapping[str, Any]
    network: Any
    networks: int = 1
    rule: GradeRule = LIKELIEST

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """Load the run of one network; code in the model file is never executed.

        Raises:
            DataError: There is none, it is unfinished, it has folds, or it cannot be read.
        """
        config = read_config(folder)
        if config.get("folds"):
            folds = read_config(folder, FoldsConfig)["folds"]
            raise DataError(
                "this run has folds, a network each.",
                where=str(folder),
                todo=f"Open one of them: {', '.join(folds)}.",
            )
        config = read_config(folder, RunConfig)
        metrics = read_json(folder / METRICS, dict[str, PartMetrics])
        try:
            check_network_file(folder / MODEL)
            with memory_allowance(LOADING_BYTES + 8 * (folder / MODEL).stat().st_size):
                network = keras.saving.load_model(folder / MODEL, compile=False, safe_mode=True)
            _check_network(network, InputSpec.from_json(config["input"]))
        except Exception as error:  # Keras and its readers raise what they like on damaged files
            raise DataError(
                f"the run cannot be read ({printable(error, 200)}).", where=str(folder / MODEL)
            ) from error
        return cls(folder, config, metrics, network)

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
        fold = self.config["data"]["fold"]
        if fold == EVERY_FOLD:
            return all_folds(data)
        if fold:
            return fold_of(data, fold)
        # Runs of before there was a choice have none.
        strategy = self.config["options"].get("strategy", "prepared")
        return data if strategy == "prepared" else redeal(data, strategy)


def read_config(folder: Path, kind: Any = None) -> dict[str, Any]:
    """What a finished run says of itself; `kind` is that of `read_json`.

    Raises:
        DataError: There is none, or it cannot be read.
    """
    if not (folder / CONFIG).is_file():
        raise no_finished_run(folder)
    return read_json(folder / CONFIG, kind)


def _check_network(network: Any, spec: InputSpec) -> None:
    """Compare a network's inputs and output with what the configuration says."""
    wanted: dict[str, tuple[int, ...]] = {"image": spec.shape, "coords": (2,)}
    if spec.level:
        wanted["level"] = (len(Level),)
    inputs = {node.name: tuple(node.shape[1:]) for node in network.inputs}
    outputs = [tuple(node.shape[1:]) for node in network.outputs]
    if inputs != wanted or outputs != [(len(Severity),)]:
        raise ValueError("the network has other inputs or outputs than config.json says")


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


def check_free(out: Path, *, resume: bool = False) -> None:
    """Refuse to overwrite a run, and to resume none.

    Raises:
        OutputError: There is one, or one that is not finished; or none, to resume.
    """
    finished = (out / CONFIG).exists()
    if finished or ((out / MODEL).exists() and not resume):
        what = "this folder already holds a run" + (", and it is finished." if resume else ".")
        raise OutputError(what, where=str(out), todo="Name another: --out.")
    if (out / STATE).exists() and not resume:
        raise OutputError(
            "this folder already holds a run that is not finished.",
            where=str(out),
            todo="Go on with --resume, or name another: --out.",
        )
    if resume and not (out / STATE).exists():
        raise OutputError("there is no run to go on with.", where=str(out), todo="Leave --resume.")


def begun_options(out: Path) -> dict[str, Any]:
    """The options that an unfinished run began with; nothing where there is none.

    Raises:
        DataError: They cannot be read.
    """
    path = out / STATE / CONFIG
    if not path.is_file():
        return {}
    return dict(read_json(path, BegunRun)["options"])


def begin(out: Path, data: Prepared, options: TrainingOptions) -> None:
    """Note what a training began with.

    Raises:
        DataError: One that has begun has other data, or there is no such weights file.
        UsageError: One that has begun started from other weights.
    """
    start, fingerprint = describe_weights(options), data.report["fingerprint"]
    path = make_folder(out / STATE) / CONFIG
    if path.is_file():
        begun = read_json(path, BegunRun)
        if begun["fingerprint"] != fingerprint:
            raise DataError(
                "these are not the data that the run began with.",
                where=str(data.folder),
                todo="Name those with --data, or train anew with another --out.",
            )
        if begun.get("start", start) != start:
            raise UsageError(
                f"this run began from other weights: {printable(describe_start(begun['start']))}.",
                where=str(out),
                todo="Leave --weights and --backbone, or train anew with another --out.",
            )
    document = {"options": options.to_json(), "fingerprint": fingerprint, "start": start}
    write_json(path, document)


def describe_request(data: Prepared, options: TrainingOptions, command: str) -> dict[str, Any]:
    """What the configuration of every run says of what was asked for, and with which programs."""
    return {
        "format_version": 1,
        "options": options.to_json(),
        "start": describe_weights(options),
        "data": {"folder": str(data.folder.resolve()), "fingerprint": data.report["fingerprint"]},
        "versions": program_versions(),
        "command": command,
    }


def program_versions() -> dict[str, str]:
    """Of the programs that a trained network depends on."""
    return versions(["tensorflow", "keras", "numpy"])


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON document of a run folder."""
    write_text(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
