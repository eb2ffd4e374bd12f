"""``lss train``."""

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lss_cli.cli.environment import Environment
from lss_cli.cli.options import (
    PREPARED,
    ConfigOption,
    DataOption,
    Debug,
    Quiet,
    with_options_of,
)
from lss_cli.cli.training import collect_options, show_training
from lss_cli.errors import UsageError
from lss_cli.training.options import TrainingOptions

if TYPE_CHECKING:
    from rich.table import Table


@with_options_of(TrainingOptions)
def train(
    *,
    context: typer.Context,
    data: DataOption = PREPARED,
    out: Annotated[
        Path | None, typer.Option(help="Run folder to write.", show_default="runs/BACKBONE")
    ] = None,
    config: ConfigOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the interrupted run in --out.")
    ] = False,
    folds: Annotated[
        bool, typer.Option("--folds", help="Train once per fold; collect the held-out answers.")
    ] = False,
    scheduler: Annotated[
        str, typer.Option(help="With --folds: use a Dask cluster, such as tcp://host:8786.")
    ] = "",
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write logs for TensorBoard as well.")
    ] = False,
    options: Mapping[str, Any],
    _quiet: Quiet = False,
    _debug: Debug = False,
) -> None:
    """Train a network on prepared data.

    Example: lss train --data prepared --out runs/first
    """
    from lss_cli.dataset.prepared import Prepared, files_of
    from lss_cli.evaluation.sources import RUN_FILES, start_of_run
    from lss_cli.files import check_outputs
    from lss_cli.training.backend import load_backend

    environment: Environment = context.obj
    # What is wrong with options, packages and data is said before TensorFlow's seconds.
    wanted = collect_options(options, config)
    environment.require("lss train", "tensorflow", "keras", "matplotlib")
    if scheduler:
        environment.require("lss train --scheduler", "distributed")
        if not folds:
            raise UsageError("--scheduler trains folds side by side.", todo="Add --folds.")
    target = out or Path("runs") / wanted.backbone
    outputs = [target / name for name in (*RUN_FILES, "figures")]
    reads = [*files_of(data), config, Path(wanted.weights)]
    check_outputs({str(path): path for path in outputs}, reads)
    prepared = Prepared.open(data)
    load_backend()
    from lss_cli.training.crossval import train_folds
    from lss_cli.training.prior import explain_missing_prior
    from lss_cli.training.run import begun_options
    from lss_cli.training.start import choose_start
    from lss_cli.training.train import train as once

    if resume:
        wanted = collect_options(options, config, begun_options(target))
    # Folds of resampled studies are resampled, too.
    dealt = replace(prepared, report={**prepared.report, "population": None})
    if note := explain_missing_prior(dealt if folds else prepared):
        environment.messages.print(note)
    wanted = choose_start(wanted, environment.messages.print)
    with show_training(environment.messages) as display:
        command = shlex.join(["lss", *environment.arguments])
        more: dict[str, Any] = {"resume": resume, "tensorboard": tensorboard, "command": command}
        if folds:
            scores = train_folds(prepared, target, wanted, display, scheduler=scheduler, **more)
        else:
            scores = once(prepared, target, wanted, display, **more)
    environment.results.print(_table(scores))
    environment.results.print(f"start: {start_of_run(target)}")
    environment.messages.print(
        f"Wrote {target}. Make a model file of it with: lss export-onnx {target}"
    )


def _table(scores: dict[str, Any]) -> "Table":
    from lss_cli.render.table import plain_table

    names = {
        "log_loss": "log loss",
        "weighted_log_loss": "tilted log loss",
        "accuracy": "accuracy",
        "auc_at_least_moderate": "AUC ≥ Moderate",
        "auc_severe": "AUC Severe",
    }
    table = plain_table("part", "", *names.values(), numbers=range(2, 2 + len(names)))
    for split, both in scores.items():
        for key, label in (("model", "network"), ("prior_by_level", "prior by level")):
            values = [both[key][name] for name in names]
            cells = ["–" if value is None else f"{value:.3f}" for value in values]
            table.add_row(split.replace("_", " "), label, *cells)
    return table
