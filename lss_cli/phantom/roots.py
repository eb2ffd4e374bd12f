"""Nerve roots: the cauda equina in the sac, and the roots that leave through the recesses."""

from dataclasses import dataclass

import numpy as np

from lss_cli.anatomy import Level
from lss_cli.phantom.body import Body
from lss_cli.phantom.curve import Places
from lss_cli.phantom.shapes import Floats, cover, ellipse, paint

ROOT, CORD, SHEATH = 0.26, 0.45, 0.34
# Path of a root from the sac through the recess at its disc and out of the next foramen:
# distance along the curve from the disc it crosses, distance from the midline, and v, in mm.
PATH_S = (-42.0, -35.0, -27.0, -20.0, -10.0, 0.0, 9.0)
PATH_A = (28.0, 22.0, 17.0, 12.5, 9.6, 7.4, 5.6)
PATH_V = (-5.0, -2.0, 1.0, 2.0, 2.6, 3.2, 4.6)
# Strands on each side of the sac above L1/L2, and how many of them leave below L5/S1 only.
STRANDS, STAYING = 15, 5


@dataclass(frozen=True)
class Sac:
    """The thecal sac at some positions: half its width, and the v of its front and its floor."""

    width: Floats
    front: Floats
    floor: Floats

    def take(self, which: np.ndarray[tuple[int], np.dtype[np.intp]]) -> "Sac":
        """At some of the positions."""
        return Sac(self.width[which], self.front[which], self.floor[which])


@dataclass(frozen=True)
class Strand:
    """One root in the sac.

    Attributes:
        sign: 1 on the left, -1 on the right.
        end: Where it leaves the sac, along the curve in mm.
        outward: Its place between the midline (0) and the side (1).
        height: How far it floats above the floor, 0…1.
        radius: In mm.
        phase: Of its slight waves along the curve.
    """

    sign: int
    end: float
    outward: float
    height: float
    radius: float
    phase: float


class CaudaEquina:
    """The roots in the sac, sunk to its back in a patient who lies on it, and the conus."""

    def __init__(self, body: Body, rng: np.random.Generator) -> None:
        self._cord_end = body.curve.level(Level.L1_L2) + 6
        ends = [body.curve.level(level) for level in Level]
        leaving = STRANDS - STAYING
        self._strands = [
            Strand(
                sign=sign,
                # The outermost ones leave first.
                end=float(np.interp(i, np.linspace(0, leaving, 5), ends)) if i < leaving else -90.0,
                outward=1 - i / STRANDS + rng.normal(0, 0.04),
                height=rng.uniform(0, 1),
                radius=rng.uniform(0.55, 0.9),
                phase=rng.uniform(0, 6.28),
            )
            for sign in (-1, 1)
            for i in range(STRANDS)
        ]

    def paint(self, here: Floats, at: Places, sac: Sac, fluid: Floats, edge: float) -> None:
        """Lay the roots over the signal `here`, where there is `fluid`."""
        wet = np.flatnonzero(fluid > 0.02)
        piece, at, sac, fluid = here[wet], at.take(wet), sac.take(wet), fluid[wet]
        for strand in self._strands:
            u, v = self._place(strand, at.s, sac)
            seen = cover(strand.end - 4 - at.s, 8.0) * fluid
            outline = ellipse(at.u, at.v, (u, v), (strand.radius, strand.radius))
            paint(piece, ROOT, cover(outline, edge) * seen)
        grown = np.clip((at.s - self._cord_end) / 22, 0, 1)
        middle = 0.5 * (sac.front + sac.floor) + 1.2
        cord = ellipse(at.u, at.v, (0.0, middle), (0.3 + 4.2 * grown, 0.3 + 3.3 * grown))
        paint(piece, CORD, cover(cord, edge) * (at.s > self._cord_end) * fluid)
        here[wet] = piece

    @staticmethod
    def _place(strand: Strand, s: Floats, sac: Sac) -> tuple[Floats, Floats]:
        # The strands that remain spread over the room that others have left.
        remaining = np.clip((s - strand.end) / 130 + 0.25, 0.25, 1)
        side = np.minimum(strand.outward / (0.35 + remaining), 0.86) * sac.width
        side += 0.5 * np.sin(s / 23 + strand.phase)
        # The floor of the sac rises towards its sides.
        depth = sac.floor - sac.front
        bed = sac.floor - 1.3 - 0.55 * (side / sac.width) ** 2 * depth
        lift = (0.15 + 0.3 * strand.height) * np.sin(s / 31 + strand.phase) ** 2
        return strand.sign * side, bed - lift * (bed - sac.front)


def paint_traversing_roots(body: Body, here: Floats, at: Places, room: Floats, edge: float) -> None:
    """Lay the roots outside the sac over the signal `here`.

    Args:
        body: The patient.
        here: The signal.
        at: Where it is.
        room: Cover of the canal, in which a root is seen only where there is room for it.
        edge: Softness of outlines, in mm.
    """
    for level in Level:
        q = at.s - body.curve.level(level)
        near = np.flatnonzero((q > PATH_S[0]) & (q < PATH_S[-1]))
        if not len(near):
            continue
        piece, some, q = here[near], at.take(near), q[near]
        a = body.size * np.interp(q, PATH_S, PATH_A).astype(np.float32)
        v = body.size * np.interp(q, PATH_S, PATH_V).astype(np.float32)
        out = np.clip((-q - 12) / 12, 0, 1)
        radius = 1.3 + 1.3 * out
        outline = ellipse(some.a, some.v, (a, v), (radius, radius))
        paint(piece, SHEATH, cover(outline, edge) * np.maximum(room[near], out))
        here[near] = piece
