"""Where a slice lies in the patient, and the one orientation that every slice is brought to.

Patient coordinates are DICOM's: x runs to the patient's left, y to the back, z to the head, in mm
(PS3.3 C.7.6.2).
"""

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

LEFT, BACK, HEAD = np.eye(3)
FEET = -HEAD


class Plane(Enum):
    """The anatomical plane a slice lies nearest to."""

    AXIAL = "axial"
    SAGITTAL = "sagittal"
    CORONAL = "coronal"

    @property
    def axes(self) -> tuple[Vector, Vector, Vector]:
        """Where columns, rows and slices run to, once oriented."""
        return {
            Plane.AXIAL: (LEFT, BACK, FEET),
            Plane.SAGITTAL: (BACK, FEET, LEFT),
            Plane.CORONAL: (LEFT, FEET, BACK),
        }[self]


@dataclass(frozen=True)
class Geometry:
    """Where one slice lies in the patient.

    Attributes:
        position: Centre of the first pixel, in mm.
        row_cosine: Unit vector along a row, in which the column index grows.
        column_cosine: Unit vector along a column, in which the row index grows.
        spacing_mm: Distance of two columns and of two rows, in mm.
        size: Width and height, in pixels.

    Examples:
        A slice stored with its rows running to the right of the patient:

        >>> right, back = np.array([-1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
        >>> stored = Geometry(np.zeros(3), right, back, (0.5, 0.8), (7, 5))
        >>> stored.to_pixel(np.array([-1.0, 0.8, 3.0]))
        (2.0, 1.0)
        >>> stored.plane.value
        'axial'
        >>> stored.to_patient((2, 1)).tolist()
        [-1.0, 0.8, 0.0]
        >>> stored.orientation
        Orientation(transpose=False, flip_x=True, flip_y=False)
        >>> stored.oriented.position.tolist()
        [-3.0, 0.0, 0.0]
    """

    position: Vector
    row_cosine: Vector
    column_cosine: Vector
    spacing_mm: tuple[float, float]
    size: tuple[int, int]

    def to_patient(self, point: tuple[float, float]) -> Vector:
        """Where a pixel position (column, row) lies in the patient, in mm (PS3.3 C.7.6.2.1.1)."""
        across, down = (value * mm for value, mm in zip(point, self.spacing_mm, strict=True))
        return self.position + across * self.row_cosine + down * self.column_cosine

    def to_pixel(self, position: Vector) -> tuple[float, float]:
        """The pixel position (column, row) that a place in the patient (mm) is in front of."""
        offset = position - self.position
        return (
            float(offset @ self.row_cosine) / self.spacing_mm[0],
            float(offset @ self.column_cosine) / self.spacing_mm[1],
        )

    def shows(self, position: Vector) -> bool:
        """Whether a place in the patient (mm), brought into the plane, lies in the picture."""
        (x, y), (width, height) = self.to_pixel(position), self.size
        return -0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5

    @property
    def centre(self) -> Vector:
        """The middle of the picture in the patient, in mm."""
        return self.to_patient(((self.size[0] - 1) / 2, (self.size[1] - 1) / 2))

    @cached_property
    def plane(self) -> Plane:
        """The plane whose axis the normal is nearest to; tilted discs are axial up to 45°."""
        axis = int(np.abs(self._across).argmax())
        return (Plane.SAGITTAL, Plane.CORONAL, Plane.AXIAL)[axis]

    @cached_property
    def normal(self) -> Vector:
        """Unit vector across the slice, in the sense in which oriented slices follow each other."""
        normal = self._across
        return normal * (1 if normal @ self.plane.axes[2] >= 0 else -1)

    @cached_property
    def _across(self) -> Vector:
        """The cross product; NumPy's own takes ten times as long for two short vectors."""
        (a, b, c), (d, e, f) = self.row_cosine.tolist(), self.column_cosine.tolist()
        return np.array([b * f - c * e, c * d - a * f, a * e - b * d])

    @cached_property
    def orientation(self) -> "Orientation":
        """What brings this slice to the one orientation."""
        right, down, _ = self.plane.axes
        across, along = self.row_cosine, self.column_cosine
        transpose = bool(abs(across @ right) < abs(along @ right))
        if transpose:
            across, along = along, across
        return Orientation(transpose, bool(across @ right < 0), bool(along @ down < 0))

    @property
    def oriented(self) -> "Geometry":
        """Where the slice lies once it is brought to the one orientation."""
        turn = self.orientation
        row, column = turn.orient_pair((self.row_cosine, self.column_cosine))
        spacing, (width, height) = turn.orient_pair(self.spacing_mm), turn.orient_pair(self.size)
        position = self.position
        if turn.flip_x:
            position, row = position + row * spacing[0] * (width - 1), -row
        if turn.flip_y:
            position, column = position + column * spacing[1] * (height - 1), -column
        return Geometry(position, row, column, spacing, (width, height))


@dataclass(frozen=True)
class Orientation:
    """Exchange of rows and columns, then mirroring; exact, without any resampling.

    Attributes:
        transpose: Rows become columns.
        flip_x: The columns are mirrored, after `transpose`.
        flip_y: The rows are mirrored, after `transpose`.
    """

    transpose: bool
    flip_x: bool
    flip_y: bool

    def orient_pixels(self, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Orient an H × W array; the result is W × H where the orientation transposes.

        Examples:
            >>> pixels = np.array([[1, 2, 3], [4, 5, 6]])
            >>> Orientation(transpose=True, flip_x=False, flip_y=True).orient_pixels(pixels)
            array([[3, 6],
                   [2, 5],
                   [1, 4]])
        """
        pixels = pixels.T if self.transpose else pixels
        return pixels[:: -1 if self.flip_y else 1, :: -1 if self.flip_x else 1]

    def orient_pair(self, pair: tuple[Any, Any]) -> tuple[Any, Any]:
        """Orient (width, height) or (column spacing, row spacing).

        Examples:
            >>> Orientation(transpose=True, flip_x=False, flip_y=True).orient_pair((3, 2))
            (2, 3)
        """
        return (pair[1], pair[0]) if self.transpose else pair

    def orient_point(
        self, point: tuple[float, float], size: tuple[int, int]
    ) -> tuple[float, float]:
        """Orient a pixel position (column, row) in a slice of `size`.

        Args:
            point: From the centre of the first pixel, in pixels.
            size: Width and height before orienting.

        Examples:
            >>> turned = Orientation(transpose=True, flip_x=False, flip_y=True)
            >>> turned.orient_point((2, 0), (3, 2))
            (0, 0)
        """
        x, y = self.orient_pair(point)
        width, height = self.orient_pair(size)
        return (width - 1 - x if self.flip_x else x), (height - 1 - y if self.flip_y else y)

    def restore_point(
        self, point: tuple[float, float], size: tuple[int, int]
    ) -> tuple[float, float]:
        """Undo `orient_point`, given the same `size` (width, height before orienting).

        Examples:
            >>> turned = Orientation(transpose=True, flip_x=False, flip_y=True)
            >>> turned.restore_point((0, 0), (3, 2))
            (2, 0)
        """
        x, y = point
        width, height = self.orient_pair(size)
        x, y = (width - 1 - x if self.flip_x else x), (height - 1 - y if self.flip_y else y)
        return self.orient_pair((x, y))
