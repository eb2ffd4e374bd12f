"""Cross-validation: one training per fold, and what each says of the studies that it never saw."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from lss_cli.dataset.folds import fold_names, fold_of
from lss_cli.dataset.prepared import Prepared
from lss_cli.errors import UsageError
from lss_cli.evaluation.predictions import PREDICTIONS
from lss_cli.evaluation.sources import STATE
from lss_cli.training import run
from lss_cli.training.ensemble import FOLDER, collect_out_of_fold
from lss_cli.training.fit import OnProgress, TrainingProgress
from lss_cli.training.options import TrainingOptions
from lss_cli.training.train import train


def train_folds(
    data: Prepared,
    out: Path,
    options: TrainingOptions,
    on_progress: OnProgress,
    *,
    resume: bool = False,
    tensorboard: bool = False,
    command: str = "",
) -> dict[str, Any]:
    """Train each fold in a folder of its own, and collect what they say.

    ``predictions.csv`` of `out` is that of `collect_out_of_fold`. Early stopping looks at the fold
    itself, which flatters its metrics a little; without patience nothing does.

    Args:
        data: Prepared data with folds.
        out: The run folder.
        options: How to train each.
        on_progress: As of `train`.
        resume: Go on: finished folds stay.
        tensorboard: As of `train`.
        command: As of `train`.

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
    folds = [(name, out / f"{FOLDER}{name}") for name in fold_names(data)]
    run.check_free(out, resume=resume)
    run.begin(out, data, options)
    for name, target in folds:
        if not (target / run.CONFIG).is_file():
            train(
                fold_of(data, name),
                target,
                options,
                _named(on_progress, f"fold {name}"),
                resume=(target / STATE).exists(),
                tensorboard=tensorboard,
                command=command,
            )
    out_of_fold = collect_out_of_fold([out], data)
    out_of_fold.write(out / PREDICTIONS)
    metrics = out_of_fold.metrics
    run.write_json(out / run.METRICS, metrics)
    config = run.describe_request(data, options, command)
    run.write_json(out / run.CONFIG, config | {"folds": [target.name for _, target in folds]})
    shutil.rmtree(out / STATE)
    return metrics


def _named(on_progress: OnProgress, name: str) -> OnProgress:
    """Tell the same, with a name before it."""

    def tell(progress: TrainingProgress) -> None:
        on_progress(replace(progress, what=f"{name}, {progress.what}"))

    return tell
