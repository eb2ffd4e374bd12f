"""A folder of phantoms in RSNA's layout: pictures and the three tables."""

from collections.abc import Callable, Sequence
from pathlib import Path

from lss_cli.anatomy import Condition, Level
from lss_cli.errors import OutputError
from lss_cli.files import make_folder, write_text
from lss_cli.phantom.dicom import write_study
from lss_cli.phantom.study import Phantom, plan_study
from lss_cli.tables import to_csv

# RSNA's order of columns.
LABELS = [
    (condition, level)
    for condition in (
        Condition.SPINAL_CANAL,
        Condition.LEFT_FORAMINAL,
        Condition.RIGHT_FORAMINAL,
        Condition.LEFT_SUBARTICULAR,
        Condition.RIGHT_SUBARTICULAR,
    )
    for level in Level
]


def write_phantoms(
    out: Path,
    studies: int,
    seed: int,
    *,
    progress: Callable[[int], None] | None = None,
    sagittal: bool = True,
    matrix: int | None = None,
    slices: int | None = None,
) -> None:
    """Write synthetic studies and their tables.

    The same arguments give the same bytes (under one version of NumPy, whose arithmetic differs
    in the last digit between versions and processors).
    The tables come last: a folder without ``train.csv`` was interrupted.

    Args:
        out: A folder that is new or empty.
        studies: How many.
        seed: What everything follows from; not negative.
        progress: Called with the number of studies written so far.
        sagittal: Whether to write a sagittal T2 series too, with the canal's labels.
        matrix: Rows and columns of every picture; drawn per series when not given.
        slices: Slices per disc, as tilted stacks; drawn per study when not given.

    Raises:
        OutputError: `out` holds something, or cannot be written to.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(
            "this is not an empty folder.", where=str(out), todo="Name a new or an empty one."
        )
    images = make_folder(out) / "train_images"
    phantoms = []
    for number in range(studies):
        phantom = plan_study(seed, number, sagittal=sagittal, matrix=matrix, slices=slices)
        try:
            write_study(phantom, images / str(phantom.study_id))
        except OSError as error:
            raise OutputError(
                f"the study cannot be written ({error.strerror}).", where=str(images)
            ) from error
        phantoms.append(phantom)
        if progress:
            progress(number + 1)
    write_tables(phantoms, out)


def write_tables(phantoms: Sequence[Phantom], out: Path) -> None:
    """Write RSNA's three tables for phantoms whose pictures lie in ``train_images``."""
    write_text(
        out / "train_series_descriptions.csv",
        to_csv(
            ("study_id", "series_id", "series_description"),
            (
                (phantom.study_id, series.series_id, series.kind)
                for phantom in phantoms
                for series in phantom.series
            ),
        ),
    )
    write_text(
        out / "train_label_coordinates.csv",
        to_csv(
            ("study_id", "series_id", "instance_number", "condition", "level", "x", "y"),
            (
                (
                    phantom.study_id,
                    point.series_id,
                    point.instance_number,
                    point.condition.rsna_name,
                    point.level,
                    point.x,
                    point.y,
                )
                for phantom in phantoms
                for point in phantom.points
            ),
        ),
    )
    write_text(
        out / "train.csv",
        to_csv(
            ("study_id", *(f"{condition}_{level.key}" for condition, level in LABELS)),
            (
                (phantom.study_id, *(phantom.severity(*label) or "" for label in LABELS))
                for phantom in phantoms
            ),
        ),
    )
