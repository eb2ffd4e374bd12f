"""``lss phantom``."""

from pathlib import Path
from typing import Annotated

import typer

from lss_cli.cli.environment import Environment
from lss_cli.cli.options import Debug, Quiet
from lss_cli.cli.progress import show_progress


def phantom(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(help="Folder to create; it must be new or empty.")],
    studies: Annotated[int, typer.Option(min=1, help="How many studies.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The same seed writes the same bytes.")] = 0,
    _quiet: Quiet = False,
    _debug: Debug = False,
) -> None:
    """Write synthetic studies with known stenosis.

    They are DICOM files in the layout of the RSNA data, with its three tables.

    Example: lss phantom ./phantoms --studies 60 --seed 1
    """
    from lss_cli.phantom.dataset import write_phantoms

    environment: Environment = context.obj
    with show_progress(environment.messages) as advance:
        write_phantoms(out, studies, seed, progress=lambda done: advance(done, studies))
    environment.messages.print(
        f"Wrote {studies} synthetic studies to {out}. Grade one with: lss predict "
        f"{out}/train_images/<study> --coords {out}/train_label_coordinates.csv"
    )
