"""Model inputs on disk: written once by `lss prepare`, read by whatever trains or evaluates."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lss_cli.anatomy import Condition, Level, Severity, Side
from lss_cli.dataset.dataframes import to_ordinals
from lss_cli.dataset.split import SPLITS
from lss_cli.dataset.store import COORDS as COORDS_FILE
from lss_cli.dataset.store import IMAGES as IMAGES_FILE
from lss_cli.errors import DataError
from lss_cli.model.spec import InputSpec
from lss_cli.slices import Float32Array
from lss_cli.text import printable

INPUTS, INDEX = "inputs", "index.csv"
IMAGES, COORDS = f"{INPUTS}/{IMAGES_FILE}", f"{INPUTS}/{COORDS_FILE}"
# What the fingerprint in the report is of.
FILES = (IMAGES, COORDS, INDEX)
# For people: the rows that are used and those that are not, and figures of them.
MASTER, REJECTS, FIGURES = "Master_data.csv", "rejects.csv", "figures"
# The last file to be written: data without it are not complete.
REPORT = "prepare.json"


def files_of(folder: Path) -> list[Path]:
    """What lies in a folder of prepared data: their files, and folders that are all theirs."""
    names = (REPORT, INDEX, INPUTS, MASTER, REJECTS, FIGURES)
    return [folder / name for name in names]


def fingerprint(*paths: Path) -> str:
    """SHA-256 over the bytes of some files."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            hashlib.file_digest(file, lambda: digest)
    return digest.hexdigest()


def count_by_split(rows: pd.DataFrame) -> dict[str, dict[str, int]]:
    """How many studies, rows, and rows of each severity each split has.

    Args:
        rows: ``study_id``, ``severity`` and ``split``.

    Examples:
        >>> rows = {"study_id": ["7", "7"], "severity": ["Severe", "Moderate"], "split": "test"}
        >>> count_by_split(pd.DataFrame(rows))["test"]
        {'studies': 1, 'rows': 2, 'Normal/Mild': 0, 'Moderate': 1, 'Severe': 1}
    """
    return {
        split: {
            "studies": int(part["study_id"].nunique()),
            "rows": len(part),
            **count_grades(part),
        }
        for split in SPLITS
        for part in [rows[rows["split"] == split]]
    }


def count_grades(rows: pd.DataFrame) -> dict[str, int]:
    """How many rows have each severity."""
    return {str(grade): int((rows["severity"] == grade).sum()) for grade in Severity}


@dataclass(frozen=True)
class Prepared:
    """Prepared data, opened for reading; the arrays stay on disk.

    Attributes:
        folder: Where they lie.
        report: The run report of `lss prepare`.
        spec: How the inputs were made.
        index: One row per input, in the order of the master table: ``position`` (in the arrays),
            ``row_id``, ``study_id``, ``condition``, ``source_condition``, ``level``,
            ``severity``, ``split``, ``fold`` (empty without folds), ``order``, and the full,
            oriented slice's ``slice_width_mm`` and ``slice_height_mm``; ``distance`` in slices from
            the annotated one, empty where it is not known, as in data made before 0.2.
        images: N × H × W × C half floats, memory-mapped; larger than what a network sees by
            `margin` on each side, for training.
        coords: N × 2 floats.
    """

    folder: Path
    report: Mapping[str, Any]
    spec: InputSpec
    index: pd.DataFrame
    images: npt.NDArray[Any]
    coords: Float32Array

    @classmethod
    def open(cls, folder: Path) -> "Prepared":
        """Open the data in `folder`.

        Raises:
            DataError: There are none, they are incomplete, or they contradict each other.
        """
        if not (folder / REPORT).is_file():
            raise DataError(
                "there are no complete prepared data here.",
                where=str(folder),
                todo=f"Make them with: lss prepare SOURCE --out {printable(folder)}",
            )
        try:
            report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
            if report["tables_only"]:
                raise DataError(
                    "these are tables only, without model inputs.",
                    where=str(folder),
                    todo="Run lss prepare again, without --tables-only.",
                )
            data = cls.read(folder, InputSpec.from_json(report["input"]), report)
            if not data.index["position"].between(0, len(data.images) - 1).all():
                raise ValueError("the files do not belong together")
            # Training reads all of it anyway; this costs about a second for each gigabyte.
            if fingerprint(*(folder / name for name in FILES)) != report["fingerprint"]:
                raise ValueError("they are not as they were written: a checksum differs")
        except (OSError, EOFError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise DataError(
                f"the prepared data cannot be read ({printable(error, 200)}).",
                where=str(folder),
                todo="Make them again with lss prepare; what is whole is kept.",
            ) from error
        return data

    @classmethod
    def read(
        cls, folder: Path, spec: InputSpec, report: Mapping[str, Any] | None = None
    ) -> "Prepared":
        """Read data that may lack their report yet.

        Raises:
            OSError, ValueError, KeyError: A file is missing or damaged, or another's.
        """
        index = pd.read_csv(folder / INDEX, dtype=str, keep_default_na=False)
        index["position"] = index["position"].astype(int)
        sizes = ["slice_width_mm", "slice_height_mm"]
        index[sizes] = index[sizes].astype(float)
        if "distance" not in index:
            index["distance"] = ""
        # Mapped: what a damaged header claims takes no memory before it is looked at.
        images = np.lib.format.open_memmap(folder / IMAGES, mode="r")
        coords = np.lib.format.open_memmap(folder / COORDS, mode="r")
        around = np.subtract(images.shape[1:], spec.shape)
        if (
            (around < 0).any()
            or (around % 2).any()
            or around[2]
            or coords.shape != (len(images), 2)
        ):
            raise ValueError("the files do not belong together")
        return cls(folder, report or {}, spec, index, images, np.array(coords, np.float32))

    @property
    def margin(self) -> tuple[int, int]:
        """Columns and rows of an image beyond each edge of its field; data of before have none."""
        height, width, _ = self.spec.shape
        return (self.images.shape[2] - width) // 2, (self.images.shape[1] - height) // 2

    @property
    def severities(self) -> npt.NDArray[np.int64]:
        """The label of each row of the index, 0 to 2."""
        return to_ordinals(self.index["severity"], Severity)

    @property
    def levels(self) -> npt.NDArray[np.int64]:
        """The level of each row of the index, 0 to 4."""
        return to_ordinals(self.index["level"], Level)

    def rows(self, split: str) -> npt.NDArray[np.int64]:
        """The rows of the index that belong to one split."""
        return np.flatnonzero((self.index["split"] == split).to_numpy())

    def inputs(self, rows: npt.NDArray[np.int64], *, wide: bool = False) -> dict[str, Float32Array]:
        """The model inputs of some rows of the index: ``image``, ``coords`` and maybe ``level``.

        Args:
            rows: Which.
            wide: Whether the images come with the margin around their fields.
        """
        positions = self.index["position"].to_numpy()[rows]
        (height, width, _), (left, top) = self.spec.shape, self.margin
        field = np.s_[:, :] if wide else np.s_[top : top + height, left : left + width]
        inputs = {
            "image": self.images[positions, *field].astype(np.float32),
            "coords": self.coords[positions],
        }
        if self.spec.level:
            inputs["level"] = np.eye(len(Level), dtype=np.float32)[self.levels[rows]]
        return inputs

    def points(self, rows: npt.NDArray[np.int64]) -> Float32Array:
        """Where in their images the points of some rows lie, as fractions of width and height."""
        if self.spec.view == "slice":
            return np.asarray(self.coords[self.index["position"].to_numpy()[rows]])
        # The field lies towards the midline, so the point lies away from it.
        away = {Side.LEFT: 1, Side.RIGHT: -1, None: 0}
        conditions = self.index["condition"].to_numpy()[rows]
        sides = [away[Condition(condition).side] for condition in conditions]
        points = np.full((len(rows), 2), 0.5, np.float32)
        points[:, 0] += np.array(sides) * (self.spec.shift_mm / self.spec.field_mm[0])
        return points
