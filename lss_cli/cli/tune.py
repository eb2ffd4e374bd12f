"""``lss tune``."""

from collections.abc import Mapping, Sequence
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
from lss_cli.training.options import TrainingOptions

if TYPE_CHECKING:
    from rich.table import Table

    from lss_cli.training.tune import Trial

SHOWN = 5


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
    wanted = read_space(space) if space else default_space(base)
    environment.require("lss tune", "tensorflow", "keras", "matplotlib", "optuna")
    target = out or Path("tuning") / base.backbone
    outputs = [target / name for name in ("study.db", "best.toml", "trials.csv", "importance.csv")]
    check_outputs({str(path): path for path in outputs}, [*files_of(data), config, space])
    prepared = Prepared.open(data)
    load_backend()
    from lss_cli.training.tune import BEST
    from lss_cli.training.tune import tune as run

    messages = environment.messages
    with show_training(messages) as display:

        def show(trials_so_far: Sequence["Trial"]) -> None:
            display.keep(_table(trials_so_far[:SHOWN]))
            if (best := trials_so_far[0].value) is not None:
                messages.print(f"{len(trials_so_far)} trials, best validation loss {best:.4f}")

        tuned = run(prepared, target, base, wanted, trials, show, display, messages.print)
    environment.results.print(_table(tuned.trials[:SHOWN]))
    if tuned.importance:
        environment.results.print(_importance(tuned.importance))
    messages.print(
        f"Wrote {target}. Train with the best options: lss train --config {target / BEST}"
    )


def _table(trials: "Sequence[Trial]") -> "Table":
    from lss_cli.render.table import plain_table

    names = list(dict.fromkeys(name for trial in trials for name in trial.params))
    table = plain_table("trial", "", "loss", *names, numbers=range(2, 3 + len(names)))
    for trial in trials:
        loss = "–" if trial.value is None else f"{trial.value:.4f}"
        chosen = [_short(trial.params.get(name, "–")) for name in names]
        table.add_row(str(trial.number), trial.state, loss, *chosen)
    return table


def _importance(shares: Mapping[str, float]) -> "Table":
    from lss_cli.render.table import plain_table

    rows = [(name, f"{share:.0%}") for name, share in shares.items()]
    return plain_table("option", "importance", numbers=[1], rows=rows)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
