"""Held-out pictures as they might also have come: what figures of robustness are measured on."""

import zlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from lss_cli.locate.metadata import Kind
from lss_cli.slices import Float32Array
from lss_cli.training.locator.augment import mirror, scale_greys, turn
from lss_cli.training.locator.pictures import Picture

TILT = 15.0
SMALL_MM = 180.0
ENLARGED, REDUCED = 1.25, 0.8
# What becomes of grey values 0 to 1 in equal steps: as if fat, or fluid, were dark.
DARK_FAT = (0.0, 0.35, 0.45, 0.3, 0.35, 1.0)
DARK_FLUID = (0.0, 0.4, 0.7, 0.9, 0.7, 0.15)

Variant = Callable[[Picture], Picture]


def _tilt(picture: Picture) -> Picture:
    """To the one side or the other."""
    sign = 1 if zlib.crc32(picture.name.encode()) % 2 else -1
    return turn(picture, sign * np.radians(TILT), np.ones(2))


def _enlarge(factor: float) -> Variant:
    return lambda picture: turn(picture, 0.0, np.full(2, factor))


def _small_field(picture: Picture) -> Picture:
    """The middle of the landmarks; those at the ends may be cut off."""
    width, height = (round(SMALL_MM / mm) for mm in picture.spacing_mm)
    middle = np.nanmean(picture.points, axis=0)
    left, top = np.maximum(0, np.round(middle - (width / 2, height / 2)).astype(int))
    pixels = picture.pixels[top : top + height, left : left + width]
    points = picture.points - (left, top)
    outside = (points < 0).any(axis=1) | (points >= pixels.shape[::-1]).any(axis=1)
    points[outside] = np.nan
    return replace(picture, pixels=pixels, points=points)


def _greys(curve: tuple[float, ...]) -> Variant:
    knots = np.linspace(0, 1, len(curve))

    def map_greys(picture: Picture) -> Picture:
        values: npt.NDArray[np.float64] = np.interp(scale_greys(picture.pixels), knots, curve)
        return replace(picture, pixels=_float32(values))

    return map_greys


def _float32(values: npt.NDArray[np.float64]) -> Float32Array:
    return values.astype(np.float32)


VARIANTS: dict[Kind, dict[str, Variant]] = {
    "sagittal": {
        "tilted": _tilt,
        "enlarged": _enlarge(ENLARGED),
        "reduced": _enlarge(REDUCED),
        "small_field": _small_field,
        "dark_fat": _greys(DARK_FAT),
        "dark_fluid": _greys(DARK_FLUID),
        "mirrored": mirror,
    },
    # Their windows are moved, and a part of them is hidden, in the first place.
    "axial": {"tilted": _tilt, "enlarged": _enlarge(ENLARGED), "reduced": _enlarge(REDUCED)},
}
