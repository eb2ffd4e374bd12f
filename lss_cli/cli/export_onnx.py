"""``lss export-onnx``."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from lss_cli.cli.environment import Environment
from lss_cli.cli.options import (
    UNNAMED_DATA,
    UNSTATED_LICENCE,
    Debug,
    LicenceOption,
    Quiet,
    TrainedOnOption,
    parse_grade_weights,
)


def export_onnx(
    context: typer.Context,
    run: Annotated[
        list[Path],
        typer.Argument(help="Run folder of lss train; several with the same folds make one model."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Model file to write.", show_default="model.onnx in the run folder"),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Its prepared data, if they have moved since.")
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(help="Also write what all folds together say of studies they never saw."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Short name.", show_default="the file's")] = None,
    precision: Annotated[
        Literal["float32", "fp16", "int8"],
        typer.Option(help="Of the stored weights: fp16 halves the file, int8 quarters it."),
    ] = "float32",
    grade_weights: Annotated[
        str,
        typer.Option(
            help="Of Normal/Mild, Moderate and Severe: the model's grade is the one with the "
            "greatest probability × weight. 1,1,1 is the likeliest.",
            metavar="W,W,W",
        ),
    ] = "1,1,1",
    calibration: Annotated[
        Literal["temperature", "dirichlet"],
        typer.Option(
            help="What makes the mean of all folds honest: one temperature, or a matrix on the "
            "logarithms of all three probabilities, which takes hundreds of labels to learn."
        ),
    ] = "temperature",
    trained_on: TrainedOnOption = UNNAMED_DATA,
    licence: LicenceOption = UNSTATED_LICENCE,
    _quiet: Quiet = False,
    _debug: Debug = False,
) -> None:
    """Write a trained network as one model file for lss predict.

    Example: lss export-onnx runs/first --out first.onnx
    """
    from lss_cli.dataset.prepared import files_of
    from lss_cli.evaluation.sources import files_of as network_files
    from lss_cli.files import check_outputs
    from lss_cli.training.backend import load_backend

    environment: Environment = context.obj
    environment.require("lss export-onnx", "tensorflow", "keras", "tf2onnx", "onnx")
    if calibration == "dirichlet":
        environment.require("lss export-onnx --calibration dirichlet", "sklearn")
    rule = parse_grade_weights(grade_weights)
    target = out or run[0] / "model.onnx"
    reads = [path for folder in run for path in network_files(str(folder))]
    reads += files_of(data) if data else []
    check_outputs({"--out": target, "--predictions": predictions}, reads)
    load_backend()
    from lss_cli.training.ensemble import open_runs, out_of_fold_of
    from lss_cli.training.export import export_onnx as export

    finished = open_runs(run, data, rule, calibration)
    used = finished.data(data)
    if predictions:
        # First, since a run without folds has none, which is said before the work.
        out_of_fold_of(run, used, calibration).write(predictions)
    difference = export(
        finished,
        used,
        target,
        name=name or target.stem,
        trained_on=trained_on,
        licence=licence,
        precision=precision,
    )
    environment.messages.print(
        f"Wrote {target}; largest difference to the trained network {difference:.1g}."
    )
