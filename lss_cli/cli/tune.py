"""``lss tune``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lss_cli.cli.console import messages, results
from lss_cli.cli.training import gathered, watching, with_training_options

if TYPE_CHECKING:
    from rich.table import Table

    from lss_cli.training.tune import Trial

SHOWN = 5


@with_training_options
def tune(
    data: Annotated[Path, typer.Option(help="Prepared data.")] = Path("prepared"),
    out: Annotated[
        Path | None, typer.Option(help="Folder of the search.", show_default="tuning/BACKBONE")
    ] = None,
    trials: Annotated[
        int, typer.Option(min=1, help="Trainings in all; those already in --out count.")
    ] = 20,
    space: Annotated[
        Path | None, typer.Option(help="TOML file of what to search.", show_default="most options")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="TOML file with any of the options below.")
    ] = None,
    **options: Any,
) -> None:
    """Search for good training options; interrupt and continue it at will.

    Example: lss tune --data prepared --backbone custom --trials 20 --out tuning/custom
    """
    from lss_cli.dataset.prepared import Prepared
    from lss_cli.training.backend import load_backend, require
    from lss_cli.training.space import default_space, read_space

    base = gathered(options, config)
    wanted = read_space(space) if space else default_space(base)
    require("lss tune", "tensorflow", "keras", "matplotlib", "optuna")
    prepared = Prepared.open(data)
    load_backend()
    from lss_cli.training.tune import BEST
    from lss_cli.training.tune import tune as run

    target = out or Path("tuning") / base.backbone
    with watching() as watch:

        def show(found: Sequence["Trial"]) -> None:
            watch.keep(_table(found[:SHOWN]))
            if (best := found[0].value) is not None:
                messages().print(f"{len(found)} trials, best validation loss {best:.4f}")

        tuned = run(prepared, target, base, wanted, trials, show, watch)
    results().print(_table(tuned.trials[:SHOWN]))
    if tuned.importance:
        results().print(_importance(tuned.importance))
    messages().print(
        f"Wrote {target}. Train with the best options: lss train --config {target / BEST}"
    )


def _table(trials: "Sequence[Trial]") -> "Table":
    from rich.table import Table

    names = list(dict.fromkeys(name for one in trials for name in one.chosen))
    table = Table("trial", "", "loss", *names)
    for one in trials:
        loss = "–" if one.value is None else f"{one.value:.4f}"
        chosen = [_short(one.chosen.get(name, "–")) for name in names]
        table.add_row(str(one.number), one.state, loss, *chosen)
    return table


def _importance(shares: Mapping[str, float]) -> "Table":
    from rich.table import Table

    table = Table("option", "importance")
    for name, share in shares.items():
        table.add_row(name, f"{share:.0%}")
    return table


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
