"""``lss tune``."""

from collections.abc import Mapping, Sequence
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
from lss_cli.options import read_toml
from lss_cli.training.options import TrainingOptions

if TYPE_CHECKING:
    from rich.table import Table

    from lss_cli.training.trials import Trial

SHOWN, SHOWN_ON_THE_WAY = 5, 2


@with_options_of(TrainingOptions)
def tune(
    *,
    context: typer.Context,
    data: DataOption = PREPARED,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the search.", show_default="tuning/BACKBONE")
    ] = None,
    trials: Annotated[
        int, typer.Option(min=1, help="Trainings in all; those already in --out count.")
    ] = 20,
    space: Annotated[
        Path | None, typer.Option(help="TOML file of what to search.", show_default="most options")
    ] = None,
    storage: Annotated[
        str,
        typer.Option(
            help="Database of a search that several processes share: postgresql://USER@HOST/NAME, "
            "sqlite:///FILE or journal:///FILE.",
            metavar="URL",
            show_default="a file in --out",
        ),
    ] = "",
    config: ConfigOption = None,
    options: Mapping[str, Any],
    _quiet: Quiet = False,
    _debug: Debug = False,
) -> None:
    """Search for good training options; interrupt and continue it at will.

    Example: lss tune --data prepared --backbone custom --trials 20 --out tuning/custom
    """
    from lss_cli.dataset.prepared import Prepared, files_of
    from lss_cli.files import check_outputs
    from lss_cli.training.backend import load_backend
    from lss_cli.training.space import default_space, read_space

    environment: Environment = context.obj
    base = collect_options(options, config)
    wanted = read_space(space) if space else {}
    if twice := [name for name in wanted if name in options]:
        raise UsageError(
            f"{twice[0]} is both searched (--space) and set.", todo="Leave it out of one of them."
        )
    environment.require("lss tune", "tensorflow", "keras", "matplotlib", "optuna")
    target = out or Path("tuning") / base.backbone
    names = ("study.db", "best.toml", "trials.csv", "importance.csv", "trials")
    outputs = {str(target / name): target / name for name in names}
    check_outputs(outputs, [*files_of(data), config, space])
    prepared = Prepared.open(data)
    load_backend()
    from lss_cli.training.trials import BEST
    from lss_cli.training.tune import TuningRequest, possible_strategies
    from lss_cli.training.tune import tune as run

    if not space:
        wanted = default_space(base, options, possible_strategies(prepared))
    request = TuningRequest(base, wanted, trials, storage, _lasting_epochs(options, config))
    messages = environment.messages
    with show_training(messages) as display:

        def show(trials_so_far: Sequence["Trial"]) -> None:
            display.keep(_table(trials_so_far[:SHOWN_ON_THE_WAY], base))
            if (best := trials_so_far[0].value) is not None:
                messages.print(f"{len(trials_so_far)} trials, best validation loss {best:.4f}")

        tuned = run(prepared, target, request, show, display, messages.print)
    environment.results.print(_table(tuned.trials[:SHOWN], base))
    if tuned.importance:
        environment.results.print(_importance(tuned.importance))
    messages.print(
        f"Wrote {target}. Train with the best options: lss train --config {target / BEST}"
    )


def _lasting_epochs(typed: Mapping[str, Any], config: Path | None) -> int | None:
    """The epochs of trainings after the search: what is typed is the search's alone."""
    if "epochs" in typed:
        return read_toml(config).get("epochs") if config else None
    return collect_options(typed, config).epochs


def _table(trials: "Sequence[Trial]", base: TrainingOptions) -> "Table":
    from lss_cli.render.table import plain_table
    from lss_cli.training.trials import FIGURES, HIGH, LOW

    differs = "differs in"
    table = plain_table(
        *("trial", "loss", "95 %", "acc.", "AUC", differs), numbers=range(5), wrapped=[differs]
    )
    usual = base.to_json()
    for trial in trials:
        low, high = trial.metrics[LOW], trial.metrics[HIGH]
        interval = "–" if low is None or high is None else f"{low:.2f}–{high:.2f}"
        figures = [_figure(trial.metrics[name]) for name in FIGURES]
        own = replace(base, **trial.params).to_json()
        differing = [
            f"{name}={_short(own[name])}" for name in trial.params if own[name] != usual[name]
        ]
        state = "" if trial.state == "complete" else f"{trial.state}: "
        differs_in = state + ", ".join(differing)
        table.add_row(str(trial.number), _figure(trial.value), interval, *figures, differs_in)
    return table


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _importance(shares: Mapping[str, float]) -> "Table":
    from lss_cli.render.table import plain_table

    rows = [(name, f"{share:.0%}") for name, share in shares.items()]
    return plain_table("option", "importance", numbers=[1], rows=rows)


def _short(value: Any) -> str:
    if isinstance(value, tuple | list):
        return "-".join(map(str, value))
    return f"{value:.2g}" if isinstance(value, float) else str(value)
