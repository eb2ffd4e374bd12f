"""``lss train``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lss_cli.cli.console import messages, results

if TYPE_CHECKING:
    from rich.table import Table


def train(
    data: Annotated[Path, typer.Option(help="Prepared data.")] = Path("prepared"),
    out: Annotated[Path, typer.Option(help="Run folder to write.")] = Path("runs/custom"),
    backbone: Annotated[str, typer.Option(help="Image part of the network: custom.")] = "custom",
    epochs: Annotated[int, typer.Option(min=1, help="The most there will be.")] = 10,
    batch_size: Annotated[int, typer.Option(min=1, help="Rows per step.")] = 32,
    learning_rate: Annotated[float, typer.Option(min=1e-9, help="Adam's, at the start.")] = 1e-3,
    patience: Annotated[
        int, typer.Option(min=1, help="Stop after so many epochs without progress.")
    ] = 5,
    augment: Annotated[bool, typer.Option(help="Vary the training images a little.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same network.")] = 0,
) -> None:
    """Train a network on prepared data.

    Example: lss train --data prepared --out runs/first
    """
    from lss_cli.dataset.cache import Prepared
    from lss_cli.training.backend import load_backend, require

    # Missing packages and data are said before the seconds that TensorFlow takes to load.
    require("lss train", "tensorflow", "keras")
    prepared = Prepared.open(data)
    load_backend()
    from lss_cli.training.fit import Options
    from lss_cli.training.fit import train as run

    options = Options(
        backbone=backbone,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        patience=patience,
        augment=augment,
        seed=seed,
    )
    found = run(prepared, out, options, messages().print)
    results().print(_table(found))
    messages().print(f"Wrote {out}. Make a model file of it with: lss export-onnx {out}")


def _table(found: dict[str, Any]) -> "Table":
    from rich.table import Table

    names = {
        "log_loss": "log loss",
        "weighted_log_loss": "weighted 1/2/4",
        "accuracy": "accuracy",
        "auc_at_least_moderate": "AUC ≥ Moderate",
        "auc_severe": "AUC Severe",
    }
    table = Table("part", "", *names.values())
    for column in table.columns[2:]:
        column.justify = "right"
    for part, both in found.items():
        for key, label in (("model", "network"), ("prior_by_level", "prior by level")):
            values = [both[key][name] for name in names]
            cells = ["–" if value is None else f"{value:.3f}" for value in values]
            table.add_row(part, label, *cells)
    return table
