"""Cross-validation: one training per fold, and what each says of the studies that it never saw."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lss_cli.dataset.folds import fold_names, fold_of
from lss_cli.dataset.prepared import Prepared
from lss_cli.errors import UsageError
from lss_cli.evaluation.predictions import PREDICTIONS
from lss_cli.evaluation.sources import STATE
from lss_cli.training import run
from lss_cli.training.cluster import train_on_cluster
from lss_cli.training.ensemble import FOLDER, collect_out_of_fold
from lss_cli.training.fit import OnProgress, TrainingProgress
from lss_cli.training.options import TrainingOptions
from lss_cli.training.train import train

# The largest that the option takes.
LARGEST_SEED = 10**9


def train_folds(
    data: Prepared,
    out: Path,
    options: TrainingOptions,
    on_progress: OnProgress,
    *,
    resume: bool = False,
    tensorboard: bool = False,
    command: str = "",
    scheduler: str = "",
) -> dict[str, Any]:
    """Train each fold in a folder of its own, and collect what they say.

    ``predictions.csv`` of `out` is that of `collect_out_of_fold`. Early stopping looks at the fold
    itself, which flatters its metrics a little; without patience nothing does.

    Args:
        data: Prepared data with folds.
        out: The run folder.
        options: How to train each; each has a seed of its own.
        on_progress: As of `train`.
        resume: Go on: finished folds stay.
        tensorboard: As of `train`.
        command: As of `train`.
        scheduler: Address of a Dask scheduler, whose workers train the folds side by side.

    Returns:
        The metrics out of fold, and of the test part.

    Raises:
        DataError: There are no folds, or as `train`.
        OutputError: `out` already holds a run.
        UsageError: The options deal training and validation otherwise than by folds.
    """
    if options.strategy != "prepared":
        raise UsageError(
            f"--folds deals the studies out, and so does --strategy {options.strategy}.",
            todo="Leave one of them; --strategy prepared goes before what a file says.",
        )
    names = fold_names(data)
    run.check_free(out, resume=resume)
    run.begin(out, data, options)
    wanted = [name for name in names if not (out / f"{FOLDER}{name}" / run.CONFIG).is_file()]
    if scheduler:
        job = {
            "data": str(data.folder.resolve()),
            "fingerprint": data.report["fingerprint"],
            "out": str(out.resolve()),
            "options": options.to_json(),
            "versions": run.program_versions(),
            "tensorboard": tensorboard,
            "command": command,
        }
        train_on_cluster(
            [job | {"fold": name} for name in wanted],
            scheduler,
            lambda told: on_progress(TrainingProgress.from_json(told)),
        )
    else:
        for name in wanted:
            train_fold(
                data, name, out, options, on_progress, tensorboard=tensorboard, command=command
            )
    out_of_fold = collect_out_of_fold([out], data)
    out_of_fold.write(out / PREDICTIONS)
    metrics = out_of_fold.metrics()
    run.write_json(out / run.METRICS, metrics)
    config = run.describe_request(data, options, command)
    run.write_json(out / run.CONFIG, config | {"folds": [f"{FOLDER}{name}" for name in names]})
    shutil.rmtree(out / STATE)
    return metrics


def fold_seed(seed: int, fold: int) -> int:
    """A seed for each fold, so that they begin differently, and always the same for the same seed.

    Examples:
        >>> fold_seed(0, 0), fold_seed(0, 1), fold_seed(1, 0)
        (968811710, 964924996, 835504127)
    """
    return int(np.random.SeedSequence((seed, fold)).generate_state(1)[0] % LARGEST_SEED)


def train_fold(
    data: Prepared,
    name: str,
    out: Path,
    options: TrainingOptions,
    on_progress: OnProgress,
    *,
    tensorboard: bool = False,
    command: str = "",
) -> None:
    """Train one fold, or go on with it.

    Args:
        data: Prepared data with folds.
        name: Of the fold.
        out: The run folder of all folds.
        options: How to train all folds; this one gets a seed of its own.
        on_progress: As of `train`.
        tensorboard: As of `train`.
        command: As of `train`.

    Raises:
        DataError, OutputError, UsageError: As `train`.
    """
    target = out / f"{FOLDER}{name}"
    train(
        fold_of(data, name),
        target,
        replace(options, seed=fold_seed(options.seed, fold_names(data).index(name))),
        _named(on_progress, f"fold {name}"),
        resume=(target / STATE).exists(),
        tensorboard=tensorboard,
        command=command,
    )


def _named(on_progress: OnProgress, name: str) -> OnProgress:
    """Tell the same, with a name before it."""

    def tell(progress: TrainingProgress) -> None:
        on_progress(replace(progress, what=f"{name}, {progress.what}"))

    return tell
