"""Pictures with known landmarks, that locators are trained on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lss_cli.anatomy import Condition, Level, Side
from lss_cli.dataset.dataframes import read_table, to_numbers
from lss_cli.dataset.sources.base import PointRef
from lss_cli.dataset.sources.image_table import ImageTable, read_image_file
from lss_cli.dataset.sources.master_table import Unusable
from lss_cli.errors import DataError
from lss_cli.locate.metadata import LANDMARKS, Kind
from lss_cli.model.inputs import resample

# Pictures are kept at this, which is finer than the networks' windows.
KEPT_MM: dict[Kind, float] = {"sagittal": 1.1, "axial": 0.4}
# Of the pixels of sagittal pictures whose table does not say it: those of the public set.
SAGITTAL_PIXEL_MM = 0.6875

CONDITIONS = {
    Condition.LEFT_SUBARTICULAR: Side.LEFT,
    Condition.RIGHT_SUBARTICULAR: Side.RIGHT,
}


@dataclass(frozen=True)
class Picture:
    """A slice, or a cut-out of one, with its landmarks.

    Attributes:
        pixels: H × W, in the one orientation.
        spacing_mm: Distance of two columns and of two rows.
        points: Landmarks × 2, column and row; NaN where it is not known, infinite where the
            picture does not show it.
        patient: Whom it shows; never in two folds.
        name: What it is called in a table of predictions.
        level: The level that an axial picture is of.
        real: Whether it is of a person, not of a phantom.
        trusted: Whether figures are measured on it.
        offset: Slices between an axial picture and the one whose recesses were marked.
    """

    pixels: npt.NDArray[Any]
    spacing_mm: tuple[float, float]
    points: npt.NDArray[np.float64]
    patient: str
    name: str
    level: str = ""
    real: bool = True
    trusted: bool = True
    offset: int = 0

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height."""
        height, width = self.pixels.shape
        return width * self.spacing_mm[0], height * self.spacing_mm[1]

    @property
    def centre(self) -> tuple[float, float]:
        """Column and row of the middle."""
        height, width = self.pixels.shape
        return (width - 1) / 2, (height - 1) / 2

    def shrink(self, pixel_mm: float) -> "Picture":
        """As if it had been taken with larger pixels, its points with it."""
        height, width = self.pixels.shape
        size = (
            max(1, round(width * self.spacing_mm[0] / pixel_mm)),
            max(1, round(height * self.spacing_mm[1] / pixel_mm)),
        )
        pixels = resample(self.pixels, (0, 0, width, height), size)
        scale = np.array([size[0] / width, size[1] / height])
        spacing = (self.spacing_mm[0] / float(scale[0]), self.spacing_mm[1] / float(scale[1]))
        points = (self.points + 0.5) * scale - 0.5
        return Picture(
            pixels.astype(np.float32),
            spacing,
            points,
            self.patient,
            self.name,
            self.level,
            self.real,
            self.trusted,
            self.offset,
        )


def read_pictures(kind: Kind, source: Path) -> list[Picture]:
    """Read what a locator is to be trained on.

    Args:
        kind: What it looks at.
        source: A folder of sagittal pictures, see `read_sagittal`, or an image table of axial
            ones, see `read_axial`.

    Raises:
        DataError: It cannot be used, or holds no picture.
    """
    pictures = read_sagittal(source) if kind == "sagittal" else read_axial(source)
    if not pictures:
        raise DataError("there is no picture to train on.", where=str(source))
    return pictures


def read_sagittal(folder: Path) -> list[Picture]:
    """Read mid-sagittal pictures with boxes around their numbered discs.

    Args:
        folder: With ``discs.csv`` and the images that it names. Its columns are image, patient,
            level, x0, y0, x1, y1 (pixels), and optionally numbering (``disputed`` keeps a picture
            out of the training's figures) and pixel_mm. The front of the patient is on the left.

    Raises:
        DataError: A file is missing, or a row cannot be used; says which.
    """
    path = folder / "discs.csv"
    table = read_table(path, ["image", "patient", "level", "x0", "y0", "x1", "y1"])
    corners = table[["x0", "y0", "x1", "y1"]].apply(to_numbers)
    spacings = to_numbers(table["pixel_mm"]) if "pixel_mm" in table else pd.Series(np.nan)
    pictures = []
    for image, rows in table.groupby("image", sort=False):
        boxes: list[list[npt.NDArray[np.float64]]] = [[] for _ in Level]
        for index, row in zip(rows.index.to_list(), rows.to_dict("records"), strict=True):
            where = f"{path}, line {row['line']}"
            try:
                level = Level.parse(row["level"])
            except ValueError as error:
                raise DataError(f"{error}", where=where) from error
            box = corners.to_numpy()[index]
            if not np.isfinite(box).all():
                raise DataError("a corner is no number.", where=where)
            boxes[level.ordinal].append((box[:2] + box[2:] - 1) / 2)
        # Several people may have drawn boxes in one picture.
        points = np.array(
            [np.mean(centres, axis=0) if centres else (np.nan, np.nan) for centres in boxes]
        )
        first = rows.iloc[0]
        spacing = float(spacings.get(rows.index[0], np.nan))
        if not spacing > 0:
            spacing = SAGITTAL_PIXEL_MM
        try:
            pixels = read_image_file(folder, str(image))[0]
        except Unusable as error:
            raise DataError(f"{error}", where=f"{path}, line {first['line']}") from error
        disputed = "numbering" in table and first["numbering"] == "disputed"
        whole = Picture(
            pixels, (spacing, spacing), points, first["patient"], str(image), trusted=not disputed
        )
        pictures.append(whole.shrink(KEPT_MM["sagittal"]))
    return pictures


def read_axial(path: Path) -> list[Picture]:
    """Read cut-outs of axial slices with both recesses' points.

    Each of the neighbouring slices that an image holds becomes a picture of its own, with the
    points of the middle one, since recesses run on from slice to slice.

    Args:
        path: An image table, as ``lss prepare`` reads it.

    Raises:
        DataError: It is no such table.
    """
    source = ImageTable(path)
    table = source.master_table()
    table = table[(table["reason"] == "") & table["condition"].isin(list(CONDITIONS))]
    pictures: list[Picture] = []
    keys = ["study_id", "series_id", "instance_number", "level"]
    for (study, series, number, level), rows in table.groupby(keys, sort=False):
        images = source.open_study(str(study))
        points = np.full((len(LANDMARKS["axial"]), 2), np.nan)
        slices = None
        for row in rows.to_dict("records"):
            ref = _reference(row)
            try:
                slices, point = images.at(ref, 1)
            except Unusable:
                continue
            side = CONDITIONS[Condition(row["condition"])]
            points[LANDMARKS["axial"].index(side)] = np.subtract(point, slices.origin)
        if slices is None:
            continue
        for offset, pixels in enumerate(slices.pixels, -1):
            whole = Picture(
                pixels,
                slices.spacing_mm,
                points,
                str(study),
                f"{study} {series} {number}",
                str(level),
                offset=offset,
            )
            pictures.append(whole.shrink(KEPT_MM["axial"]))
    return pictures


def _reference(row: Any) -> PointRef:
    """Where a row of the master table stands in its source."""
    return PointRef(
        int(row["line"]),
        str(row["series_id"]),
        int(row["instance_number"]),
        float(row["x"]),
        float(row["y"]),
    )
