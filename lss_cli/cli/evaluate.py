"""``lss evaluate``."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from lss_cli.cli.environment import Environment
from lss_cli.cli.options import (
    PREPARED,
    BetaOption,
    Debug,
    EvaluationDataOption,
    FiguresOption,
    GradeWeightsOption,
    Quiet,
    ResamplesOption,
    SeedOption,
    SplitOption,
    parse_grade_weights,
)
from lss_cli.errors import UsageError

EVALUATION = Path("evaluation")


def evaluate(
    context: typer.Context,
    model: Annotated[
        str | None, typer.Option(help="Run folder, .onnx file, or name of a shipped model.")
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Instead: a predictions.csv, from whatever program.")
    ] = None,
    data: EvaluationDataOption = PREPARED,
    split: SplitOption = "test",
    out: Annotated[
        Path, typer.Option(help="Folder for predictions, figures and tables.")
    ] = EVALUATION,
    figures: FiguresOption = None,
    tilted: Annotated[
        bool,
        typer.Option(
            "--tilted",
            help="Its probabilities are multiplied by 1, 2, 4, as in a submission; undo that.",
        ),
    ] = False,
    grade_weights: GradeWeightsOption = None,
    beta: BetaOption = 2.0,
    resamples: ResamplesOption = 1000,
    seed: SeedOption = 0,
    definitions: Annotated[
        bool, typer.Option("--definitions", help="Also print what each figure is.")
    ] = False,
    _quiet: Quiet = False,
    _debug: Debug = False,
) -> None:
    """Measure how good predictions are.

    With intervals, and beside baselines without an image.

    Example: lss evaluate --model runs/first --out evaluation
    """
    from lss_cli.dataset.prepared import files_of
    from lss_cli.evaluation.evaluation import EvaluationSettings
    from lss_cli.evaluation.evaluation import evaluate as run
    from lss_cli.evaluation.predictions import read_predictions
    from lss_cli.evaluation.presentation.page import FILES, write_report
    from lss_cli.evaluation.presentation.table import definitions as defined
    from lss_cli.evaluation.presentation.table import to_table
    from lss_cli.evaluation.sources import files_of as network_files
    from lss_cli.evaluation.sources import open_predictions
    from lss_cli.files import check_outputs, make_folder

    environment: Environment = context.obj
    if (model is None) == (predictions is None):
        raise UsageError("give one of --model and --predictions.")
    rule = parse_grade_weights(grade_weights) if grade_weights else None
    drawn = environment.can_draw("lss evaluate --figures", figures)
    reads = [*files_of(data), *([predictions] if predictions else network_files(str(model)))]
    check_outputs({str(out / name): out / name for name in FILES}, reads)

    def progress(done: int, total: int) -> None:
        if done == total:
            environment.messages.print(f"Graded {total} rows.")

    measured = (
        read_predictions(predictions)
        if predictions
        else open_predictions(str(model), data, [split], progress)
    )
    measured = measured.untilted() if tilted else measured
    evaluation = run(
        replace(measured, rule=rule or measured.rule),
        EvaluationSettings(split, beta, resamples, seed),
    )
    environment.results.print(to_table(evaluation))
    if definitions:
        environment.results.print(defined(beta))
    else:
        environment.messages.print("What each figure is: lss evaluate … --definitions")
    write_report(evaluation, make_folder(out), figures=drawn)
    environment.messages.print(f"Wrote {out}; open {out / 'index.html'}.")
