"""Model inputs on disk: written once by `lss prepare`, read by whatever trains or evaluates."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lss_cli.anatomy import Condition, Level, Severity, Side
from lss_cli.dataset.joined import Reason, Unusable
from lss_cli.dataset.source import Place, Source
from lss_cli.errors import DataError
from lss_cli.input_spec import InputSpec
from lss_cli.model_input import FloatArray, model_input
from lss_cli.text import printable

IMAGES, COORDS, INDEX = "images.npy", "coords.npy", "index.csv"
REPORT = "prepare.json"
"""The last file to be written: data without it are not complete."""

IMAGE_TYPE = np.dtype("<f2")
"""Half floats move a network's probabilities by 2e-4; 8 bits would by 2e-3, without z-scores."""


@dataclass(frozen=True)
class Request:
    """One model input to be made."""

    position: int
    place: Place
    condition: Condition
    mirror: bool


Outcome = tuple[Request, tuple[FloatArray, FloatArray] | Unusable]


def study_inputs(
    source: Source, study_id: str, requests: Sequence[Request], spec: InputSpec
) -> Iterator[Outcome]:
    """Make all model inputs of one study; what cannot be made comes back as the reason why."""
    try:
        images = source.open_study(study_id)
    except Unusable as verdict:
        yield from ((request, verdict) for request in requests)
        return
    for request in requests:
        try:
            slices, point = images.at(request.place, spec.neighbours)
            side = request.condition.side
            yield request, model_input(slices, point, spec, side=side, mirror=request.mirror)
        except Unusable as verdict:
            yield request, verdict
        except ValueError as error:
            yield request, Unusable(Reason.POINT_OUTSIDE, str(error))


def write_inputs(
    paths: tuple[Path, Path],
    source: Source,
    requests: Mapping[str, Sequence[Request]],
    spec: InputSpec,
    progress: Callable[[int, int], None],
) -> dict[int, Unusable]:
    """Write the images and coordinates of all studies, each input at its own position.

    Args:
        paths: Files for the images (N × H × W × C) and the coordinates (N × 2).
        source: Where the slices come from.
        requests: What to make, by study.
        spec: How.
        progress: Called with the studies done and their number.

    Returns:
        The positions that stay empty, and why.
    """
    count = sum(map(len, requests.values()))
    images = np.lib.format.open_memmap(
        paths[0], mode="w+", dtype=IMAGE_TYPE, shape=(count, *spec.shape)
    )
    coords = np.zeros((count, 2), np.float32)
    failed: dict[int, Unusable] = {}
    for done, (study_id, wanted) in enumerate(requests.items(), start=1):
        for request, outcome in study_inputs(source, study_id, wanted, spec):
            if isinstance(outcome, Unusable):
                failed[request.position] = outcome
            else:
                images[request.position], coords[request.position] = outcome
        progress(done, len(requests))
    images.flush()
    np.save(paths[1], coords, allow_pickle=False)
    return failed


def fingerprint(*paths: Path) -> str:
    """SHA-256 over the bytes of some files."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    return digest.hexdigest()


@dataclass(frozen=True)
class Prepared:
    """Prepared data, opened for reading; the arrays stay on disk.

    Attributes:
        folder: Where they lie.
        report: The run report of `lss prepare`.
        spec: How the inputs were made.
        index: One row per input, in the order of the master table: ``position`` (in the arrays),
            ``row_id``, ``study_id``, ``condition``, ``source_condition``, ``level``,
            ``severity``, ``split``, ``order``.
        images: N × H × W × C half floats, memory-mapped.
        coords: N × 2 floats.
    """

    folder: Path
    report: Mapping[str, Any]
    spec: InputSpec
    index: pd.DataFrame
    images: npt.NDArray[Any]
    coords: FloatArray

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
            index = pd.read_csv(folder / INDEX, dtype=str, keep_default_na=False)
            index["position"] = index["position"].astype(int)
            images = np.load(folder / IMAGES, mmap_mode="r", allow_pickle=False)
            coords = np.load(folder / COORDS, allow_pickle=False)
            spec = InputSpec.from_json(report["input"])
            fits = images.shape[1:] == spec.shape and len(images) == len(coords)
            if not fits or not index["position"].between(0, len(images) - 1).all():
                raise ValueError("the files do not belong together")
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"the prepared data cannot be read ({error}).",
                where=str(folder),
                todo="Make them again with lss prepare.",
            ) from error
        return cls(folder, report, spec, index, images, coords)

    @property
    def severities(self) -> npt.NDArray[np.int64]:
        """The label of each row of the index, 0 to 2."""
        ordinals = {str(one): one.ordinal for one in Severity}
        return np.asarray(self.index["severity"].map(ordinals), np.int64)

    @property
    def levels(self) -> npt.NDArray[np.int64]:
        """The level of each row of the index, 0 to 4."""
        ordinals = {str(one): one.ordinal for one in Level}
        return np.asarray(self.index["level"].map(ordinals), np.int64)

    def rows(self, split: str) -> npt.NDArray[np.int64]:
        """The rows of the index that belong to one part."""
        return np.flatnonzero((self.index["split"] == split).to_numpy())

    def inputs(self, rows: npt.NDArray[np.int64]) -> dict[str, FloatArray]:
        """The model inputs of some rows of the index: ``image``, ``coords`` and maybe ``level``."""
        positions = self.index["position"].to_numpy()[rows]
        inputs = {
            "image": self.images[positions].astype(np.float32),
            "coords": self.coords[positions],
        }
        if self.spec.level:
            inputs["level"] = np.eye(len(Level), dtype=np.float32)[self.levels[rows]]
        return inputs

    def points(self, rows: npt.NDArray[np.int64]) -> FloatArray:
        """Where in their images the points of some rows lie, as fractions of width and height."""
        if self.spec.view == "slice":
            return np.asarray(self.coords[self.index["position"].to_numpy()[rows]])
        # The field lies towards the midline, so the point lies away from it.
        away = {Side.LEFT: 1, Side.RIGHT: -1, None: 0}
        sides = [away[Condition(one).side] for one in self.index["condition"].to_numpy()[rows]]
        points = np.full((len(rows), 2), 0.5, np.float32)
        points[:, 0] += np.array(sides) * (self.spec.shift_mm / self.spec.field_mm[0])
        return points
