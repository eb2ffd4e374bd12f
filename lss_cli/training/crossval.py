"""Cross-validation: one training per fold, and what each says of the studies that it never saw."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from lss_cli.dataset.folds import fold_names, fold_of
from lss_cli.dataset.prepared import Prepared
from lss_cli.files import write_text
from lss_cli.training import run
from lss_cli.training.ensemble import FOLDER, collected
from lss_cli.training.fit import train
from lss_cli.training.loop import Step, Watch
from lss_cli.training.options import Options
from lss_cli.versions import versions


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

    ``predictions.csv`` of `out` is that of `collected`. Early stopping looks at the fold itself,
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
    folds = [(name, out / f"{FOLDER}{name}") for name in fold_names(data)]
    run.check_free(out, resume=resume)
    run.begin(out, data, options)
    for name, target in folds:
        if not (target / run.CONFIG).is_file():
            train(
                fold_of(data, name),
                target,
                options,
                _naming(watch, f"fold {name}"),
                resume=(target / run.PROGRESS).exists(),
                tensorboard=tensorboard,
                command=command,
            )
    said = collected(data, [(name, [target]) for name, target in folds])
    said.write(out / run.PREDICTIONS)
    figures = said.figures
    write_text(out / run.METRICS, run.to_json(figures))
    config = {
        "format_version": 1,
        "folds": [target.name for _, target in folds],
        "options": options.to_json(),
        "data": {"folder": str(data.folder.resolve()), "fingerprint": data.report["fingerprint"]},
        "versions": versions(["tensorflow", "keras", "numpy"]),
        "command": command,
    }
    write_text(out / run.CONFIG, run.to_json(config))
    shutil.rmtree(out / run.PROGRESS)
    return figures


def _naming(watch: Watch, name: str) -> Watch:
    def named(step: Step) -> None:
        watch(replace(step, what=f"{name}, {step.what}"))

    return named
