"""The layout of the RSNA 2024 Lumbar Spine Degenerative Classification data."""

import hashlib
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pandas as pd

from lss_cli.anatomy import Condition
from lss_cli.dataset.dataframes import read_table
from lss_cli.dataset.sources.base import PointRef
from lss_cli.dataset.sources.canal import (
    CANAL,
    GIVEN,
    LEFT,
    NO_MIDDLE,
    derive_canal,
    read_canal_labels,
)
from lss_cli.dataset.sources.labels import read_labels
from lss_cli.dataset.sources.master_table import (
    COLUMNS,
    KEYS,
    Reason,
    Unusable,
    check_keys,
    check_values,
    reject,
    usable,
)
from lss_cli.errors import PointOutsideError, SliceNotFoundError, StudyError
from lss_cli.files import is_file, is_folder, path_inside
from lss_cli.slices import Float32Array, Slices
from lss_cli.study.pixels import remember_pixels
from lss_cli.study.series import STACK_ENDS
from lss_cli.study.slice import Slice
from lss_cli.study.study import Study, read_study

LABELS = "train.csv"
POINTS = "train_label_coordinates.csv"
SERIES = "train_series_descriptions.csv"
IMAGES = "train_images"

# Decoded slices kept in memory while a study is worked on: 128 MiB of 1024² pixels.
KEPT_SLICES = 32


@dataclass(frozen=True)
class RsnaFolder:
    """A folder with the three tables and ``train_images/<study>/<series>/<instance>.dcm``.

    Attributes:
        folder: Where they lie.
        canal_labels: A table with the canal's labels; its points are then derived from both sides',
            in axial slices, instead of those in sagittal ones.
    """

    folder: Path
    canal_labels: Path | None = None

    @property
    def tables(self) -> list[Path]:
        """The three tables, and that of the canal's labels."""
        own = [self.folder / name for name in (LABELS, POINTS, SERIES)]
        return [*own, *filter(None, [self.canal_labels])]

    @property
    def files(self) -> list[Path]:
        """The tables, and the folder of all studies."""
        return [*self.tables, self.folder / IMAGES]

    def master_table(self) -> pd.DataFrame:
        """Labels and points, joined outer on study, condition and level.

        Returns:
            `COLUMNS` and the reasons; ``file`` and ``line`` are the point's where there is one,
            else the label's.

        Raises:
            DataError: A table is missing or no such table.
        """
        labels, points = self._labels(), self._points()
        good = labels[usable(labels)].merge(
            points[usable(points)], on=KEYS, how="outer", suffixes=("_label", "")
        )
        for column in ("file", "line", "reason", "detail"):
            good[column] = good[column].where(good["x"].notna(), good[f"{column}_label"])
        both = pd.concat([good, labels[~usable(labels)], points[~usable(points)]])
        both["line"] = both["line"].astype(int)
        described = both.drop(columns="series_description", errors="ignore").merge(
            self.series(), on=["study_id", "series_id"], how="left"
        )
        # A point lies in the slice in which it was annotated.
        described = described.assign(annotated_instance=described["instance_number"])
        table = described.reindex(columns=[*COLUMNS, NO_MIDDLE, "reason", "detail"]).fillna("")
        reject(table, table[NO_MIDDLE] != "", Reason.NO_MIDDLE, table[NO_MIDDLE])
        return self._check_series(check_values(table)).drop(columns=NO_MIDDLE)

    def series(self) -> pd.DataFrame:
        """See `Source.series`."""
        columns = ["study_id", "series_id", "series_description"]
        table = read_table(self.folder / SERIES, columns)[columns]
        return table.drop_duplicates(columns[:2])

    def open_study(self, study_id: str) -> "RsnaStudy":
        """The images of one study; its series are read as they are asked for.

        Raises:
            Unusable: Its folder is missing.
        """
        folder = path_inside(self.folder / IMAGES, study_id)
        if folder is None or not folder.is_dir():
            raise Unusable(Reason.MISSING, "the study has no folder")
        return RsnaStudy(folder)

    def files_key(self, study_id: str, series: Collection[str]) -> str:
        """See `Source.files_key`."""
        folder = path_inside(self.folder / IMAGES, study_id)
        digest = hashlib.sha256()
        folders = {series_folder(folder, name) for name in series} if folder else set()
        for series_path in sorted(folders):
            digest.update(f"{series_path}\0".encode())
            for path, stat in sorted(_files(series_path)):
                digest.update(f"{path}\0{stat.st_size} {stat.st_mtime_ns}\0".encode())
        return digest.hexdigest()

    def order_known(self, series_id: str, study_id: str) -> bool:  # noqa: ARG002
        """DICOM headers always tell where a slice lies."""
        return True

    def _labels(self) -> pd.DataFrame:
        labels = read_labels(self.folder / LABELS)
        if self.canal_labels:
            others = labels[labels["condition"] != CANAL]
            labels = pd.concat([others, read_canal_labels(self.canal_labels)], ignore_index=True)
        return check_keys(labels)

    def _points(self) -> pd.DataFrame:
        columns = [*KEYS, "series_id", "instance_number", "x", "y"]
        given = read_table(self.folder / POINTS, columns)[[*columns, "line"]]
        table = given.assign(points=GIVEN, no_middle="")
        if self.canal_labels:
            # Derived ones first: the canal's own, in sagittal series, then come again.
            table = pd.concat([derive_canal(given), table], ignore_index=True)
        return check_keys(table.assign(file=POINTS))

    def _check_series(self, table: pd.DataFrame) -> pd.DataFrame:
        """Reject points in another kind of series than their condition is graded in."""
        kind = {str(condition): condition.series_description.lower() for condition in Condition}
        if self.canal_labels:
            kind[CANAL] = kind[LEFT]
        description = table["series_description"]
        reject(table, description == "", Reason.UNKNOWN_SERIES)
        wrong = description.str.lower() != table["condition"].map(kind)
        reject(table, wrong, Reason.WRONG_SERIES, description)
        return table


@dataclass(frozen=True)
class RsnaStudy:
    """The images of one study.

    Attributes:
        folder: Where they lie.
    """

    folder: Path

    def at(self, ref: PointRef, neighbours: int) -> tuple[Slices, tuple[float, float]]:
        """See `StudyImages.at`."""
        try:
            study = self._read(ref.series_id)
        except StudyError as error:
            raise Unusable(Reason.UNREADABLE, error.what) from error
        try:
            located = study.around(ref, neighbours, self._pixels)
        except SliceNotFoundError as error:
            raise self._not_found(study, ref, error) from error
        except PointOutsideError as error:
            raise Unusable(Reason.POINT_OUTSIDE, error.what) from error
        except StudyError as error:
            raise Unusable(Reason.UNREADABLE, str(error)) from error
        damaged = [why for why in located.slices.missing.values() if why != STACK_ENDS]
        if damaged:
            raise Unusable(Reason.UNREADABLE, damaged[0])
        return located.slices, located.pixel

    @cached_property
    def _read(self) -> Callable[[str], Study]:
        return cache(lambda series_id: read_study(series_folder(self.folder, series_id)))

    @cached_property
    def _pixels(self) -> Callable[[Slice], Float32Array]:
        # Points of both sides and of neighbouring levels share slices.
        return remember_pixels(KEPT_SLICES)

    def _not_found(self, study: Study, ref: PointRef, error: StudyError) -> Unusable:
        name = f"{ref.instance_number}.dcm"
        for skipped in study.skipped:
            if skipped.path.name == name:
                return Unusable(Reason.UNREADABLE, f"{name}: {skipped.reason}")
        if is_file(self.folder / ref.series_id / name):
            return Unusable(Reason.UNREADABLE, f"{name}: it is no DICOM image, or another one")
        return Unusable(Reason.MISSING, error.what)


def series_folder(study: Path, series_id: str) -> Path:
    """The folder that holds a series: its own, as RSNA has it, else the whole study's."""
    folder = path_inside(study, series_id)
    return folder if folder and is_folder(folder) else study


def _files(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """All files in a folder and those below it, named from the folder."""
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)  # noqa: PTH118 - it is called for every file there is
            with suppress(OSError):
                yield path, os.stat(path)  # noqa: PTH116
