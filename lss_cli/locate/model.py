"""The networks that find landmarks: their files, the one way to feed them, and how to read them.

A network answers with a map per landmark. Its cells hold the probability that the landmark lies
in them; what is missing to 1 is the probability that it lies outside of the window or that there
is none. Maps of neighbouring slices, or of several windows, can therefore be averaged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lss_cli.errors import ModelError
from lss_cli.locate.metadata import Kind, LocatorMetadata, WindowSpec
from lss_cli.model.inputs import resample
from lss_cli.model.network import Network, open_network
from lss_cli.slices import Float32Array, percentiles
from lss_cli.text import printable

# Of the grey values that become 0 and 1, in percent of the pixels on either end.
TAIL = 1.0
# Cells in either direction of a peak that its position is the mean of.
PEAK_CELLS = 2


@dataclass(frozen=True, eq=False)
class LocatorModel:
    """A checked file of a locator, ready to run.

    Attributes:
        network: The file and its network.
        metadata: What it says of itself.
    """

    network: Network
    metadata: LocatorMetadata

    @classmethod
    def open(cls, path: Path, *, threads: int | None = None) -> "LocatorModel":
        """Load and check a locator's file.

        Args:
            path: An ``.onnx`` file written by ``lss train-locator``.
            threads: Of the processor, for one run; by default as many as it has cores.

        Raises:
            ModelError: There is no such file, it is no ONNX model, not a locator of ours or of
                another version, keeps data outside of itself, or has other inputs or outputs.
        """
        network = open_network(path, threads=threads)
        try:
            metadata = LocatorMetadata.from_json(network.description)
        except (ValueError, OverflowError, RecursionError) as error:
            raise ModelError(
                f"the model cannot be used to find points: {printable(error, 200)}",
                where=path.name,
                todo="Make one with 'lss train-locator'.",
            ) from error
        width, height = metadata.window.size
        columns, rows = metadata.map_size
        network.check_interface(
            {"image": (height, width, 1)}, {"maps": (rows, columns, len(metadata.landmarks))}
        )
        return cls(network, metadata)

    @property
    def kind(self) -> Kind:
        """What it looks at."""
        return self.metadata.kind

    @property
    def window(self) -> WindowSpec:
        """How it wants to be fed."""
        return self.metadata.window

    @property
    def landmarks(self) -> tuple[str, ...]:
        """What its maps show: five levels, or ``left`` and ``right`` of the patient."""
        return self.metadata.landmarks

    def heatmaps(self, windows: Float32Array) -> Float32Array:
        """Ask for the maps of windows.

        Args:
            windows: N × H × W, from `cut_window`.

        Returns:
            N × H/stride × W/stride × landmarks, probabilities; each map sums up to at most 1.

        Raises:
            ModelError: The network fails, or answers with something other than probabilities.
        """
        feeds = {"image": windows[..., np.newaxis]}
        (maps,) = self.network.run(["maps"], feeds, len(windows))
        sums = maps.sum(axis=(1, 2))
        if not (np.isfinite(maps).all() and (maps >= 0).all() and (sums <= 1.001).all()):
            raise ModelError(
                "the model's output is no probabilities.", where=self.network.path.name
            )
        return np.asarray(maps, dtype=np.float32)

    def peaks(self, heatmaps: Float32Array) -> "Peaks":
        """Read maps; see `read_peaks`."""
        return read_peaks(heatmaps, self.metadata)


def cut_window(
    picture: npt.NDArray[Any],
    spacing_mm: tuple[float, float],
    centre: tuple[float, float],
    spec: WindowSpec,
) -> Float32Array:
    """Cut the one thing a locator sees out of a slice; training and prediction both come here.

    Args:
        picture: H × W, in the one orientation of `lss_cli.study.geometry`.
        spacing_mm: Distance of two columns and of two rows.
        centre: Column and row that become the middle of the window; 0 is the centre of the first
            pixel. It may lie outside of the picture.
        spec: What the network wants.

    Returns:
        The window, H × W: the 1st to 99th percentile of what the picture shows in it are 0 to 1,
        and 0 is where the picture does not reach, or where it has no contrast.
    """
    height, width = picture.shape
    left, top = (
        middle + 0.5 - 0.5 * field / mm
        for middle, field, mm in zip(centre, spec.field_mm, spacing_mm, strict=True)
    )
    right, bottom = (
        edge + field / mm
        for edge, field, mm in zip((left, top), spec.field_mm, spacing_mm, strict=True)
    )
    x = left + (np.arange(spec.size[0]) + 0.5) * (right - left) / spec.size[0]
    y = top + (np.arange(spec.size[1]) + 0.5) * (bottom - top) / spec.size[1]
    covered = np.outer((y >= 0) & (y <= height), (x >= 0) & (x <= width))
    if not covered.any():
        return np.zeros(covered.shape, dtype=np.float32)
    window = resample(picture, (left, top, right, bottom), spec.size)
    low, high = percentiles(window[covered], TAIL, 100 - TAIL)
    if not high > low:
        return np.zeros(covered.shape, dtype=np.float32)
    scaled = ((window - low) / (high - low)).clip(0, 1)
    return np.where(covered, scaled, 0).astype(np.float32)


def to_picture(
    positions: npt.NDArray[np.float64],
    spacing_mm: tuple[float, float],
    centre: tuple[float, float],
    spec: WindowSpec,
) -> npt.NDArray[np.float64]:
    """Column and row in the picture of positions in its window; the others as in `cut_window`."""
    middle = (np.asarray(spec.size) - 1) / 2
    offset = (positions - middle) * spec.pixel_mm / np.asarray(spacing_mm)
    return np.asarray(np.asarray(centre) + offset)


def to_window(
    points: npt.NDArray[np.float64],
    spacing_mm: tuple[float, float],
    centre: tuple[float, float],
    spec: WindowSpec,
) -> npt.NDArray[np.float64]:
    """Undo `to_picture`."""
    middle = (np.asarray(spec.size) - 1) / 2
    offset = (points - np.asarray(centre)) * np.asarray(spacing_mm) / spec.pixel_mm
    return np.asarray(middle + offset)


@dataclass(frozen=True)
class Peaks:
    """Where landmarks most probably are.

    Attributes:
        positions: N × landmarks × 2, column and row in the window, 0 the centre of its first
            pixel.
        confidence: N × landmarks, the probability that the landmark lies within
            ``metadata.within_mm`` of the position.
    """

    positions: npt.NDArray[np.float64]
    confidence: npt.NDArray[np.float64]


def read_peaks(heatmaps: Float32Array, metadata: LocatorMetadata) -> Peaks:
    """Find the most probable place of each landmark, finer than the maps' cells.

    Args:
        heatmaps: N × rows × columns × landmarks, as `LocatorModel.heatmaps` gives them, or means
            of such.
        metadata: Of the network.
    """
    count, _, columns, landmarks = heatmaps.shape
    positions = np.zeros((count, landmarks, 2))
    confidence = np.zeros((count, landmarks))
    for picture in range(count):
        for landmark in range(landmarks):
            cells = heatmaps[picture, :, :, landmark].astype(np.float64)
            row, column = divmod(int(cells.argmax()), columns)
            place, mass = _refine(cells, (column, row), metadata)
            positions[picture, landmark] = place
            confidence[picture, landmark] = mass
    return Peaks(positions, confidence)


def _refine(
    cells: npt.NDArray[np.float64], peak: Sequence[int], metadata: LocatorMetadata
) -> tuple[npt.NDArray[np.float64], float]:
    """Position in the window, and the probability around it, of a peak (column, row)."""
    stride, reach = metadata.map_stride, PEAK_CELLS
    left, top = max(peak[0] - reach, 0), max(peak[1] - reach, 0)
    around = cells[top : peak[1] + reach + 1, left : peak[0] + reach + 1]
    total = max(around.sum(), np.finfo(float).tiny)
    column = left + (around.sum(axis=0) @ np.arange(around.shape[1])) / total
    row = top + (around.sum(axis=1) @ np.arange(around.shape[0])) / total
    radius = metadata.within_mm / (stride * metadata.window.pixel_mm)
    y, x = np.ogrid[: cells.shape[0], : cells.shape[1]]
    near = (x - column) ** 2 + (y - row) ** 2 <= radius**2
    # The centre of a cell lies between those of the pixels that it stands for.
    position = np.array([column, row]) * stride + (stride - 1) / 2
    return position, float(min(cells[near].sum(), 1.0))
