"""``lss train-locator``."""

from pathlib import Path
from typing import Annotated

import typer

from lss_cli.cli.environment import Environment
from lss_cli.cli.options import (
    UNNAMED_DATA,
    UNSTATED_LICENCE,
    Debug,
    LicenceOption,
    Quiet,
    TrainedOnOption,
)
from lss_cli.locate.metadata import Kind


def train_locator(
    context: typer.Context,
    kind: Annotated[
        Kind, typer.Argument(help="sagittal: numbered discs; axial: left and right recess.")
    ],
    pictures: Annotated[
        Path,
        typer.Argument(help="Folder with discs.csv and its images; of axial ones an image table."),
    ],
    out: Annotated[Path, typer.Option(help="Model file to write.")],
    folds: Annotated[
        int, typer.Option(min=0, help="Networks, each without a part of the patients; 0 for one.")
    ] = 3,
    predictions: Annotated[
        Path | None, typer.Option(help="Also write what they say of patients they never saw.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Batches that each network is trained on.")] = (
        2000
    ),
    phantoms: Annotated[
        int | None,
        typer.Option(min=0, help="Phantoms among the patients.", show_default="some"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all that is random.")] = 0,
    trained_on: TrainedOnOption = UNNAMED_DATA,
    licence: LicenceOption = UNSTATED_LICENCE,
    _quiet: Quiet = False,
    _debug: Debug = False,
) -> None:
    """Train a network that finds discs or recesses, and write its model file.

    Example: lss train-locator sagittal pictures --out locate-sagittal.onnx
    """
    from lss_cli.errors import UsageError
    from lss_cli.files import check_outputs
    from lss_cli.training.backend import load_backend

    environment: Environment = context.obj
    environment.require("lss train-locator", "tensorflow", "keras", "tf2onnx", "onnx")
    if folds == 1:
        raise UsageError("--folds 1 leaves no patient to train on.", todo="Give 0, or 2 and more.")
    if predictions and not folds:
        raise UsageError("--predictions are of folds, and --folds is 0.", todo="Give 2 or more.")
    table = pictures / "discs.csv" if kind == "sagittal" else pictures
    check_outputs({"--out": out, "--predictions": predictions}, [table])
    load_backend()
    from lss_cli.training.locator.train import train_locator as train

    metadata = train(
        kind,
        pictures,
        out,
        steps=steps,
        folds=folds,
        predictions=predictions,
        phantoms=phantoms,
        seed=seed,
        name=out.stem,
        trained_on=trained_on,
        licence=licence,
        report=lambda what, total, done, loss: environment.messages.print(
            f"{what}: {done} of {total} batches, loss {loss:.3f}"
        ),
    )
    if figures := metadata.metrics.get("out_of_fold"):
        environment.results.print(
            f"out of fold: {figures['right']['value']:.1%} of {figures['landmarks']} within "
            f"{metadata.within_mm:g} mm, median {figures['median_mm']['value']:.2f} mm, "
            f"95 % within {figures['p95_mm']['value']:.2f} mm"
        )
    environment.messages.print(f"Wrote {out}; sure from a confidence of {metadata.sure:g}.")
