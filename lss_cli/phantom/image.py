"""Imaging planes, and how a scanner pictures them: coil, noise and resolution."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lss_cli.phantom.shapes import Floats
from lss_cli.phantom.tissue import Tissue

Pixels = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class ImagingPlane:
    """Where a slice lies, in DICOM's terms.

    Attributes:
        position: Centre of the first pixel (ImagePositionPatient), in mm.
        row_cosine: Unit vector in which the column number rises.
        column_cosine: Unit vector in which the row number rises.
        spacing: Distance of two pixels, in mm, the same both ways.
        rows: Number of rows.
        columns: Number of columns.
    """

    position: tuple[float, float, float]
    row_cosine: tuple[float, float, float]
    column_cosine: tuple[float, float, float]
    spacing: float
    rows: int
    columns: int

    @classmethod
    def around(
        cls,
        centre: npt.NDArray[np.float64],
        row_cosine: npt.NDArray[np.float64],
        column_cosine: npt.NDArray[np.float64],
        spacing: float,
        size: int,
    ) -> "ImagingPlane":
        """A square plane by its centre.

        The numbers are rounded to what a DICOM decimal string holds, so that the file says
        exactly where the pixels are.
        """
        corner = centre - 0.5 * (size - 1) * spacing * (row_cosine + column_cosine)
        return cls(
            _triple(corner, 6),
            _triple(row_cosine, 10),
            _triple(column_cosine, 10),
            spacing,
            size,
            size,
        )

    @property
    def normal(self) -> npt.NDArray[np.float64]:
        """Unit vector across the slice; to the head for an axial one."""
        return np.cross(self.row_cosine, self.column_cosine)

    def grid(self) -> tuple[Floats, Floats, Floats]:
        """The patient position of every pixel, as x, y and z, rows × columns."""
        columns = (np.arange(self.columns, dtype=np.float32) * np.float32(self.spacing))[None, :]
        rows = (np.arange(self.rows, dtype=np.float32) * np.float32(self.spacing))[:, None]
        x, y, z = (
            (np.float32(p) + np.float32(r) * columns + np.float32(c) * rows)
            for p, r, c in zip(self.position, self.row_cosine, self.column_cosine, strict=True)
        )
        return x, y, z

    def project(self, place: npt.NDArray[np.float64]) -> tuple[float, float, float]:
        """Column, row, and distance from the plane (mm), of a patient position."""
        offset = place - np.asarray(self.position)
        return (
            float(offset @ np.asarray(self.row_cosine)) / self.spacing,
            float(offset @ np.asarray(self.column_cosine)) / self.spacing,
            float(offset @ self.normal),
        )


@dataclass(frozen=True)
class Scanner:
    """How a series is taken.

    Attributes:
        brightness: Stored value of fluid beside the coil.
        noise: Standard deviation of the noise, as a part of `brightness`.
        sharpness: Part of k-space that is measured, along the rows and along the columns; the
            rest is filled with zeros, as scanners do.
        coil_reach: Distance from the coil at which the signal has fallen to 1/e, in mm.
        echo_time: In ms.
        repetition_time: In ms.
        thickness: Of a slice, in mm.
        field_strength: In tesla.
    """

    brightness: float
    noise: float
    sharpness: tuple[float, float]
    coil_reach: float
    echo_time: float
    repetition_time: float
    thickness: float
    field_strength: float


def take_picture(
    tissue: Tissue, plane: ImagingPlane, scanner: Scanner, coil_y: float, rng: np.random.Generator
) -> Pixels:
    """Sample a plane as a surface coil at the back would see it.

    Noise enters in k-space, so that it is Rician and has the picture's own grain.

    Args:
        tissue: The patient.
        plane: Where to cut.
        scanner: How the series is taken.
        coil_y: Where the coil lies, as a patient position in mm.
        rng: Where the noise comes from.
    """
    x, y, z = plane.grid()
    # Slices are thick: their outlines are softer than their pixels are wide. The tissue's signals
    # are those at an echo time of 100 ms.
    signal = tissue(x, y, z, edge=float(np.hypot(plane.spacing, 0.55)))
    signal **= scanner.echo_time / 100
    reach = np.float32(scanner.coil_reach)
    coil = np.exp(-np.hypot(coil_y - y, 0.35 * x) / reach) + np.float32(0.12)
    spectrum = np.fft.fftshift(np.fft.fft2(signal * coil))
    rows, columns = (
        _window(n, f) for n, f in zip(signal.shape, scanner.sharpness[::-1], strict=True)
    )
    window = np.outer(rows, columns).astype(np.float32)
    # Only the measured part of k-space keeps its noise, whose strength is that in the picture.
    strength = scanner.noise * (signal.size / float((window**2).mean())) ** 0.5
    grain = rng.standard_normal((2, *signal.shape), dtype=np.float32) * np.float32(
        strength / 2**0.5
    )
    spectrum = (spectrum + grain[0] + 1j * grain[1]) * window
    picture = np.abs(np.fft.ifft2(np.fft.ifftshift(spectrum)))
    return np.clip(np.rint(picture * scanner.brightness), 0, 4095).astype(np.uint16)


def _window(size: int, part: float) -> Floats:
    """The measured part of k-space along one axis, its ends tapered."""
    k = np.abs(np.arange(size) - size // 2) / (0.5 * size * part)
    return np.where(k <= 1, 0.5 + 0.5 * np.cos(np.pi * np.clip(3 * k - 2, 0, 1)), 0)


def _triple(vector: npt.NDArray[np.float64], digits: int) -> tuple[float, float, float]:
    x, y, z = (round(float(value), digits) for value in vector)
    return x, y, z
