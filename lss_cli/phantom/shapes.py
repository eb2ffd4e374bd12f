"""Soft-edged shapes: signed distances (mm, negative inside) and the painting of tissue."""

from typing import Any

import numpy as np
import numpy.typing as npt

# In practice single precision throughout, which is twice as fast and precise enough.
Floats = npt.NDArray[np.floating[Any]]
Number = Floats | float


def cover(distance: Floats, edge: float) -> Floats:
    """How much of a pixel a shape covers, 0…1, given the distance to its outline.

    Args:
        distance: Signed distance in mm.
        edge: Width of the transition in mm: a pixel's.
    """
    covered: Floats = np.clip(0.5 - distance / edge, 0, 1)
    return covered


def paint(canvas: Floats, value: Number, coverage: Floats) -> None:
    """Lay a tissue over what is there, in place."""
    canvas += coverage * (value - canvas)


def smooth_max(a: Floats, b: Floats, radius: float) -> Floats:
    """The intersection of two shapes, its corner rounded by about `radius` mm."""
    blend = np.maximum(np.float32(radius) - np.abs(a - b), 0)
    return np.maximum(a, b) + blend * blend * np.float32(0.25 / radius)


def superellipse(a: Floats, v: Floats, radii: tuple[Number, Number]) -> Floats:
    """Distance to a boxy ellipse about the origin (powers of 2.5), good near its outline."""
    p, q = np.abs(a) / radii[0], np.abs(v) / radii[1]
    level = p * p * np.sqrt(p) + q * q * np.sqrt(q) - 1
    distance: Floats = level * (radii[1] * np.float32(0.4))
    return distance


def ellipse(
    a: Floats,
    v: Floats,
    centre: tuple[Number, Number],
    radii: tuple[Number, Number],
) -> Floats:
    """Distance to an ellipse, good near its outline."""
    p, q = (a - centre[0]) / radii[0], (v - centre[1]) / radii[1]
    norm = np.sqrt(p * p + q * q) + np.float32(1e-6)
    # First-order distance: the level-set value over the length of its gradient.
    gradient = np.sqrt((p / radii[0]) ** 2 + (q / radii[1]) ** 2) / norm + np.float32(1e-6)
    distance: Floats = (norm - 1) / gradient
    return distance


def rod(
    a: Floats,
    v: Floats,
    start: tuple[Number, Number],
    end: tuple[Number, Number],
    radius: Number,
) -> Floats:
    """Distance to a straight rod with round ends."""
    da, dv = end[0] - start[0], end[1] - start[1]
    along = ((a - start[0]) * da + (v - start[1]) * dv) / (da * da + dv * dv)
    along = np.clip(along, 0, 1)
    across, behind = a - start[0] - along * da, v - start[1] - along * dv
    distance: Floats = np.sqrt(across * across + behind * behind) - radius
    return distance


class Texture:
    """A smooth random function of position, about -1…1: a few warped waves.

    Args:
        rng: Where its directions and phases come from.
        length: Typical wavelength in mm.
        waves: More waves look less regular and cost more.
        warp: How much each wave bends the next; 0 gives a regular ripple, 2 a marbled one.
    """

    def __init__(
        self, rng: np.random.Generator, length: float, waves: int = 3, warp: float = 1.5
    ) -> None:
        directions = rng.standard_normal((waves, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        scale = 2 * np.pi / length * rng.uniform(0.6, 1.6, (waves, 1))
        self._warp = np.float32(warp)
        self._k = (directions * scale).astype(np.float32)
        self._phase = rng.uniform(0, 2 * np.pi, waves).astype(np.float32)

    def __call__(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """The value at patient positions (mm)."""
        total = np.zeros_like(x)
        bend: Number = 0.0
        for (kx, ky, kz), phase in zip(self._k, self._phase, strict=True):
            wave = kx * x
            wave += ky * y
            wave += kz * z
            wave += phase + bend
            np.sin(wave, out=wave)
            total += wave
            bend = self._warp * wave
        return total * np.float32(0.8 / len(self._phase) ** 0.5)
