"""``lss evaluate``."""

from pathlib import Path
from typing import Annotated

import typer

from lss_cli.cli.console import messages, results
from lss_cli.errors import UsageError


def evaluate(
    model: Annotated[
        str | None, typer.Option(help="Run folder, .onnx file, or name of a shipped model.")
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Instead: a predictions.csv, from whatever program.")
    ] = None,
    data: Annotated[Path, typer.Option(help="Prepared data that a model is run on.")] = Path(
        "prepared"
    ),
    split: Annotated[
        str, typer.Option(help="Part: test, validation, train or all; or another in the table.")
    ] = "test",
    out: Annotated[
        Path | None, typer.Option(help="Folder for metrics.json, metrics.csv, figures, index.html.")
    ] = None,
    beta: Annotated[float, typer.Option(min=0.01, help="β of F-beta.")] = 2.0,
    resamples: Annotated[int, typer.Option(min=0, help="Draws behind the intervals.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws.")] = 0,
    definitions: Annotated[
        bool, typer.Option("--definitions", help="Also print what each figure is.")
    ] = False,
) -> None:
    """Measure how good predictions are.

    With intervals, and beside baselines without an image.

    Example: lss evaluate --model runs/first --out evaluation
    """
    from lss_cli.evaluation.evaluation import EvaluationSettings
    from lss_cli.evaluation.evaluation import evaluate as run
    from lss_cli.evaluation.predictions import read_predictions
    from lss_cli.evaluation.presentation.page import prepare_folder, write_report
    from lss_cli.evaluation.presentation.table import definitions as defined
    from lss_cli.evaluation.presentation.table import to_table
    from lss_cli.evaluation.sources import from_anything

    if (model is None) == (predictions is None):
        raise UsageError("give one of --model and --predictions.")
    if out:
        prepare_folder(out)
    evaluation = run(
        read_predictions(predictions)
        if predictions
        else from_anything(str(model), data, [split], _progress),
        EvaluationSettings(split, beta, resamples, seed),
    )
    results().print(to_table(evaluation))
    if definitions:
        results().print(defined(beta))
    else:
        messages().print("What each figure is: lss evaluate … --definitions")
    if out:
        write_report(evaluation, out)
        messages().print(f"Wrote {out}; open {out / 'index.html'}.")


def _progress(done: int, total: int) -> None:
    if done == total:
        messages().print(f"Graded {total} rows.")
