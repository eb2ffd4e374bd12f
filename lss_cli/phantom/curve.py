"""The lordotic spine curve, and the coordinates that follow it."""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from lss_cli.anatomy import Level
from lss_cli.phantom.shapes import Floats

# Distance of two samples along the curve, in mm.
STEP = 0.5
LOWEST, HIGHEST = -140.0, 330.0
# Number of sacral discs below L5/S1.
BELOW = 2


@dataclass(frozen=True)
class Places:
    """Positions, one per entry of the arrays, in the patient and along the spine (mm).

    Attributes:
        x: To the left.
        y: To the back.
        z: To the head.
        u: To the left of the curve.
        v: Behind the curve.
        s: Along the curve.
        index: Where to look `s` up in a table along the curve.
    """

    x: Floats
    y: Floats
    z: Floats
    u: Floats
    v: Floats
    s: Floats
    index: npt.NDArray[np.intp]

    @property
    def a(self) -> Floats:
        """Distance from the midline."""
        return np.abs(self.u)

    def take(self, which: npt.NDArray[np.intp]) -> "Places":
        """Some of the positions."""
        return Places(*(getattr(self, field.name)[which] for field in fields(self)))


class Curve:
    """A curve along the middle of the back of the vertebral bodies.

    A position is either (x, y, z) in the patient (mm, to the left, back and head) or (u, v, s):
    to the left of the curve, behind it, and along it towards the head from the L5/S1 disc.

    Args:
        discs: Where on the curve the discs are, in mm, feet to head: two sacral ones, the five
            lumbar ones from L5/S1 up, and thoracic ones.
        tilts: Angle of each disc about the left–right axis, in radians; positive where its front
            edge is the lower one.
        bend: Sideways amplitude of a slight scoliosis, in mm.
    """

    def __init__(self, discs: tuple[float, ...], tilts: tuple[float, ...], bend: float) -> None:
        self.discs = discs
        self.s = np.arange(LOWEST, HIGHEST, STEP, dtype=np.float32)
        # Smoothed, since a kink at a disc would show in the outline of the bodies beside it.
        half = int(12 / STEP)
        window = np.hanning(2 * half + 1)
        tilt = np.pad(np.interp(self.s, discs, tilts), half, mode="edge")
        tilt = np.convolve(tilt, window / window.sum(), mode="valid")
        start = int((self.level(Level.L3_L4) - LOWEST) / STEP)
        y, z = np.cumsum(-np.sin(tilt)) * STEP, np.cumsum(np.cos(tilt)) * STEP
        self._x = (bend * np.sin(self.s / 75)).astype(np.float32)
        self._y = (y - y[start]).astype(np.float32)
        self._z = (z - z[start]).astype(np.float32)
        self._turn = np.gradient(tilt, STEP).astype(np.float32)
        self._sin = np.sin(tilt).astype(np.float32)
        self._cos = np.cos(tilt).astype(np.float32)

    def level(self, level: Level) -> float:
        """Where a lumbar disc is on the curve, in mm."""
        return self.discs[BELOW + len(Level) - 1 - level.ordinal]

    def above(self, level: Level) -> float:
        """Where the next disc towards the head is, in mm."""
        return self.discs[BELOW + len(Level) - level.ordinal]

    def tilt(self, s: float) -> float:
        """The angle of the plane across the curve at `s`, in radians."""
        return float(np.interp(s, self.s, np.arctan2(self._sin, self._cos)))

    def to_patient(self, u: float, v: float, s: float) -> npt.NDArray[np.float64]:
        """The patient position of (u, v, s), in mm."""
        x, y, z, sin, cos = (
            float(np.interp(s, self.s, table))
            for table in (self._x, self._y, self._z, self._sin, self._cos)
        )
        return np.array([x + u, y + v * cos, z + v * sin])

    def locate(self, x: Floats, y: Floats, z: Floats) -> Places:
        """Find patient positions (mm) along the curve."""
        s: Floats = np.interp(z, self._z, self.s).astype(np.float32)
        # Newton's steps towards the plane across the curve in which the position lies. Far off
        # the curve, where neighbouring planes meet, they are kept from running away.
        for _ in range(3):
            index = self._index(s)
            sin, cos = self._sin.take(index), self._cos.take(index)
            dy, dz = y - self._y.take(index), z - self._z.take(index)
            spread = np.maximum(1 + (dy * cos + dz * sin) * self._turn.take(index), 0.4)
            s = self.s.take(index) + np.clip((dz * cos - dy * sin) / spread, -25, 25)
        index = self._index(s)
        dy, dz = y - self._y.take(index), z - self._z.take(index)
        v = dy * self._cos.take(index) + dz * self._sin.take(index)
        return Places(x, y, z, x - self._x.take(index), v, s, index)

    def _index(self, s: Floats) -> npt.NDArray[np.intp]:
        index = ((s - LOWEST) * (1 / STEP)).astype(np.intp)
        return np.clip(index, 0, len(self.s) - 1)
