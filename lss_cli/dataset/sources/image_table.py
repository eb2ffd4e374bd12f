"""A table of ready-made images, for data without DICOM."""

import hashlib
import warnings
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image, UnidentifiedImageError

from lss_cli.anatomy import Condition, Level
from lss_cli.dataset.dataframes import normalize_names, read_table, to_numbers
from lss_cli.dataset.sources.base import PointRef
from lss_cli.dataset.sources.canal import (
    GIVEN,
    NO_MIDDLE,
    POINTS,
    derive_canal,
    read_canal_labels,
)
from lss_cli.dataset.sources.master_table import (
    COLUMNS,
    KEYS,
    Reason,
    Unusable,
    check_keys,
    check_values,
    reject,
)
from lss_cli.files import is_file, path_inside
from lss_cli.slices import Slices

REQUIRED = [
    "image",
    "study_id",
    "series_id",
    "instance_number",
    "condition",
    "level",
    "severity",
    "x",
    "y",
]
CUT_OUT = ["origin_x", "origin_y", "full_width", "full_height"]
OPTIONAL = ["annotated_instance", *CUT_OUT, "pixel_spacing_mm"]
# What a row says that images do not depend on.
NOT_OF_IMAGES = ["file", "line", "severity", "series_description", POINTS, NO_MIDDLE]

# Width of a slice whose pixel spacing is not given: the median axial T2 field of the RSNA data.
NOMINAL_WIDTH_MM = 170.0

# An image that claims more is not decoded: no MRI slice has 8192² pixels.
MAX_PIXELS = 2**26
MAX_BYTES = 2**29

GREY = {"L", "I;16", "I;16B", "I", "F"}


@dataclass(frozen=True)
class ImageTable:
    """A CSV with one row per image and condition, images named relative to it.

    Attributes:
        path: The table.
        canal_labels: A table with the canal's labels; rows of the canal are then derived, from the
            images and points of both sides.
    """

    path: Path
    canal_labels: Path | None = None

    @property
    def tables(self) -> list[Path]:
        """The table, and that of the canal's labels."""
        return [self.path, *filter(None, [self.canal_labels])]

    @property
    def files(self) -> list[Path]:
        """The table and its images."""
        images = (path_inside(self.path.parent, name) for name in self._rows["image"].unique())
        return [*self.tables, *filter(None, images)]

    def master_table(self) -> pd.DataFrame:
        """The table's rows, which join label and point themselves.

        Raises:
            DataError: It is missing or no such table.
        """
        table = check_keys(self._rows)
        reject(table, table[NO_MIDDLE] != "", Reason.NO_MIDDLE, table[NO_MIDDLE])
        table = check_values(table)
        annotated = to_numbers(table["annotated_instance"]).fillna(
            to_numbers(table["instance_number"])
        )
        far = (annotated - to_numbers(table["instance_number"])).abs() > 1
        reject(table, far, Reason.FAR_SLICE, "annotated is " + table["annotated_instance"])
        for column in OPTIONAL:
            odd = (table[column] != "") & to_numbers(table[column]).isna()
            reject(table, odd, Reason.NOT_A_NUMBER, f"{column} is " + table[column])
        given = (table[CUT_OUT] != "").sum(axis=1)
        reject(
            table, given.isin([1, 2, 3]), Reason.NOT_A_NUMBER, f"of {', '.join(CUT_OUT)} some only"
        )
        known = {name for name in table["image"].unique() if path_inside(self.path.parent, name)}
        reject(table, ~table["image"].isin(known), Reason.BAD_PATH, table["image"])
        return table[[*COLUMNS, "reason", "detail"]]

    def series(self) -> pd.DataFrame:
        """See `Source.series`; each is of the kind that its first row's condition is graded in."""
        table = self._rows[["study_id", "series_id", "series_description"]]
        return table[table["series_id"] != ""].drop_duplicates(["study_id", "series_id"])

    def open_study(self, study_id: str) -> "ImageStudy":
        """The images of one study."""
        rows = self._studies.get(study_id, self._rows.iloc[:0])
        feet_first = {
            series for series in rows["series_id"].unique() if self._direction(study_id, series) < 0
        }
        entries = {int(row["line"]): row for row in rows.to_dict("records")}
        return ImageStudy(self.path.parent, entries, frozenset(feet_first))

    def files_key(self, study_id: str, series: Collection[str]) -> str:
        """See `Source.files_key`."""
        rows = self._studies[study_id]
        rows = rows[rows["series_id"].isin(list(series))].drop(columns=[*NOT_OF_IMAGES])
        digest = hashlib.sha256()
        for row in sorted(map(tuple, rows.astype(str).to_numpy())):
            digest.update(repr(row).encode())
        for name in sorted(set(rows["image"])):
            path = path_inside(self.path.parent, name)
            with suppress(OSError):
                stat = path.stat() if path else None
                digest.update(f"{name} {stat and (stat.st_size, stat.st_mtime_ns)}".encode())
        for name in sorted(series):
            digest.update(f"{name} {self._direction(study_id, name)}".encode())
        return digest.hexdigest()

    def order_known(self, series_id: str, study_id: str) -> bool:
        """Whether the levels of the series tell where its head end is."""
        return self._direction(study_id, series_id) != 0

    @cached_property
    def _rows(self) -> pd.DataFrame:
        table = read_table(self.path, REQUIRED)
        for column in OPTIONAL:
            if column not in table.columns:
                table[column] = ""
        kinds = _kinds(normalize_names(table["condition"], Condition.parse))
        table = table.assign(
            file=self.path.name, series_description=kinds, points=GIVEN, no_middle=""
        )
        return table if self.canal_labels is None else self._with_canal(table, self.canal_labels)

    def _with_canal(self, table: pd.DataFrame, labels: Path) -> pd.DataFrame:
        """The table's rows, and one for each label or point of the canal."""
        derived = derive_canal(table)
        joined = derived.drop(columns="severity").merge(
            read_canal_labels(labels), on=KEYS, how="outer", suffixes=("", "_label")
        )
        for column in ("file", "line"):
            joined[column] = joined[column].fillna(joined[f"{column}_label"])
        canal = joined[table.columns].fillna("").astype({"line": int})
        return pd.concat([table, canal], ignore_index=True)

    @cached_property
    def _studies(self) -> Mapping[str, pd.DataFrame]:
        return {str(study): rows for study, rows in self._rows.groupby("study_id")}

    @cached_property
    def _directions(self) -> Mapping[tuple[str, str], int]:
        rows = self._rows[["study_id", "series_id", "level", "instance_number"]].assign(
            instance_number=to_numbers(self._rows["instance_number"])
        )
        return {
            (str(study), str(series)): direction(group["level"], group["instance_number"])
            for (study, series), group in rows.groupby(["study_id", "series_id"])
        }

    def _direction(self, study_id: str, series_id: str) -> int:
        return self._directions.get((study_id, series_id), 0)


def direction(levels: "pd.Series[str]", instances: "pd.Series[float]") -> int:
    """Whether instance numbers run head to feet (1) or feet to head (-1) along the levels.

    One level, or levels whose order contradicts itself, say nothing (0).
    """
    ordinals = levels.map({name: _ordinal(name) for name in levels.unique()})
    by_level = instances.groupby(ordinals).median().dropna().sort_index()
    steps = np.sign(np.diff(by_level.to_numpy()))
    signs = set(steps[steps != 0].tolist())
    return int(signs.pop()) if len(signs) == 1 else 0


def _kinds(conditions: "pd.Series[str]") -> "pd.Series[str]":
    """The kind of series that each condition is graded in: a table of images names none."""
    kinds = {str(condition): str(condition.series_description) for condition in Condition}
    return conditions.map(kinds).fillna("")


def _ordinal(level: str) -> float:
    try:
        return Level.parse(level).ordinal
    except ValueError:
        return float("nan")


@dataclass(frozen=True)
class ImageStudy:
    """The images of one study.

    Attributes:
        folder: Where the table lies.
        entries: The study's rows, by line.
        feet_first: Series whose channels run feet to head.
    """

    folder: Path
    entries: Mapping[int, Mapping[Any, Any]]
    feet_first: frozenset[str]

    def at(self, ref: PointRef, neighbours: int) -> tuple[Slices, tuple[float, float]]:
        """See `StudyImages.at`."""
        entry = self.entries[ref.line]
        pixels = read_image_file(self.folder, str(entry["image"]))
        if len(pixels) < 2 * neighbours + 1 or len(pixels) % 2 == 0:
            raise Unusable(Reason.TOO_FEW_SLICES, f"the image has {len(pixels)}")
        if ref.series_id in self.feet_first:
            pixels = pixels[::-1]
        height, width = pixels.shape[1:]
        if not (-0.5 <= ref.x <= width - 0.5 and -0.5 <= ref.y <= height - 0.5):
            raise Unusable(Reason.POINT_OUTSIDE, f"the image is {width} × {height} pixels")
        origin, full = _extent(entry, (width, height))
        spacing = float(entry["pixel_spacing_mm"] or NOMINAL_WIDTH_MM / full[0])
        if spacing <= 0:
            raise Unusable(Reason.NOT_A_NUMBER, f"pixel_spacing_mm is {spacing:g}")
        point = (ref.x + origin[0], ref.y + origin[1])
        return Slices(pixels, (spacing, spacing), full, origin), point


def read_image_file(folder: Path, name: str) -> npt.NDArray[Any]:
    """Read an image that a table names.

    Args:
        folder: Where the table lies.
        name: Of the image, from there.

    Returns:
        C × H × W, grey or of three slices.

    Raises:
        Unusable: It lies elsewhere, is missing or cannot be read.
    """
    path = path_inside(folder, name)
    # A link could lead out of the folder where the name does not.
    if path is None or not path.resolve().is_relative_to(folder.resolve()):
        raise Unusable(Reason.BAD_PATH, name)
    if not is_file(path):
        raise Unusable(Reason.MISSING, name)
    try:
        return _read_npy(path) if path.suffix.lower() == ".npy" else _read_image(path)
    except Exception as error:  # decoders raise what they like on broken files
        raise Unusable(Reason.UNREADABLE, _why(error)) from error


def _read_image(path: Path) -> npt.NDArray[Any]:
    """A grey or three-channel image, C × H × W."""
    with warnings.catch_warnings():
        # Pillow only warns where we refuse.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        opened = Image.open(path, formats=("PNG", "JPEG", "TIFF"))
    with opened as image:
        if image.width * image.height > MAX_PIXELS:
            raise ValueError(f"it claims {image.width} × {image.height} pixels")
        if getattr(image, "n_frames", 1) != 1:
            raise ValueError("it holds several pictures")
        if image.mode == "RGB":
            return np.moveaxis(np.asarray(image), -1, 0)
        if image.mode in GREY:
            return np.asarray(image)[np.newaxis]
        raise ValueError(f"its mode is {image.mode}, not grey or three channels")


def _read_npy(path: Path) -> npt.NDArray[Any]:
    """H × W or H × W × C numbers, as C × H × W."""
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.dtype.kind not in "uif" or array.ndim not in {2, 3} or array.nbytes > MAX_BYTES:
        raise ValueError(f"it holds {array.dtype} of shape {array.shape}")
    pixels = np.asarray(array)
    if not np.isfinite(pixels).all():
        raise ValueError("it holds values that are not finite")
    return pixels[np.newaxis] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)


def _why(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is no PNG, JPEG or TIFF image"
    return str(error) or type(error).__name__


def _extent(
    entry: Mapping[Any, Any], size: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where the image lies in the full slice, and how large that is."""
    if entry["full_width"] == "":
        return (0, 0), size
    left, top, width, height = (round(float(entry[name])) for name in CUT_OUT)
    if left < 0 or top < 0 or left + size[0] > width or top + size[1] > height:
        raise Unusable(Reason.UNREADABLE, "it reaches beyond the full slice that the table names")
    return (left, top), (width, height)
