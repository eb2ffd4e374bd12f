"""Vertebral bodies with their discs, and the arches with their facet joints."""

import numpy as np
import numpy.typing as npt

from lss_cli.anatomy import Side
from lss_cli.phantom.body import Body
from lss_cli.phantom.curve import Places
from lss_cli.phantom.shapes import (
    Floats,
    Texture,
    cover,
    ellipse,
    paint,
    rod,
    smooth_max,
    superellipse,
)

CORTEX, ANNULUS, LIGAMENT = 0.05, 0.09, 0.08


def back_of_body(body: Body, at: Places) -> Floats:
    """How far back (v, mm) the vertebral body or disc reaches."""
    reach = body.along("bulge", at) * np.exp(-((at.u / 15) ** 2))
    reach -= body.along("concave", at) * np.exp(-((at.u / 8) ** 2))
    for side, sign in ((Side.LEFT, 1), (Side.RIGHT, -1)):
        bump = np.exp(-(((sign * at.u - 7.5) / 4.0) ** 2))
        reach += body.along(f"protrusion_{side}", at) * bump
    return reach


class Bodies:
    """The vertebral bodies and discs."""

    def __init__(self, body: Body, rng: np.random.Generator) -> None:
        self._body = body
        self._speckle = Texture(rng, 6.0)
        self._patches = Texture(rng, 22.0)
        self._marrow = rng.uniform(0.16, 0.32)

    @staticmethod
    def near(at: Places) -> npt.NDArray[np.bool_]:
        """Where there may be any."""
        return (at.a < 60) & (at.v < 12) & (at.v > -50)

    def paint(self, here: Floats, at: Places, edge: float) -> None:
        """Lay the bodies and discs over the signal `here`, in place."""
        u, v, along = at.u, at.v, self._body.along
        width, depth = along("body_width", at), along("body_depth", at)
        to_disc = along("to_disc", at)
        swell = np.exp(-((to_disc / 5) ** 2))
        # A little deeper than the body is, so that its back is flat.
        outline = superellipse(u, v + depth, (width + swell, depth + swell + 1.5))
        outline = smooth_max(outline, v - back_of_body(self._body, at), 2.5)
        front = np.clip(-v / (2 * depth), 0, 1)
        from_edge = np.abs(to_disc) - along("disc_half", at) * (0.62 + 0.6 * front)
        disc = cover(from_edge, max(edge, 1.0))
        inner = cover(outline + 1.0, edge)
        mottle = 0.04 * self._speckle(at.x, at.y, at.z) + 0.05 * self._patches(at.x, at.y, at.z)

        paint(here, LIGAMENT, cover(outline - 0.6, edge))
        vein = np.exp(-(((v + 3) / 6) ** 2) - (u / 3) ** 2)
        vein *= np.exp(-(((np.abs(to_disc) - 17 * self._body.size) / 4) ** 2))
        paint(here, self._marrow + mottle + 0.3 * vein, inner * (1 - disc))
        paint(here, CORTEX, inner * cover(np.abs(from_edge) - 0.7, max(edge, 0.8)))
        core = ellipse(u, v, (0.0, -depth), (0.68 * width, 0.62 * depth))
        water = (0.50 - 0.46 * along("worn", at)) * cover(core, 9.0)
        water *= cover(from_edge + 1.5, 2.0)
        paint(here, ANNULUS + water + 0.25 * mottle, inner * cover(from_edge + 0.6, edge))


class Arches:
    """Pedicles, facet joints, laminae and spinous processes."""

    def __init__(self, body: Body, rng: np.random.Generator) -> None:
        self._body = body
        self._speckle = Texture(rng, 7.0)
        self._marrow = rng.uniform(0.26, 0.48)
        self._joint = rng.uniform(0.2, 0.85)

    @staticmethod
    def near(at: Places) -> npt.NDArray[np.bool_]:
        """Where there may be any."""
        return (at.a < 48) & (at.v > -15) & (at.v < 62)

    def paint(self, here: Floats, at: Places, edge: float) -> None:
        """Lay the arches over the signal `here`, in place."""
        u, v, a = at.u, at.v, at.a
        along, size = self._body.along, self._body.size
        marrow = self._marrow + np.float32(0.08) * self._speckle(at.x, at.y, at.z)
        lamina, pedicle = along("lamina", at), along("pedicle", at)
        facet, there = self._body.on_side("facet_place", at), along("facet", at)
        apex = along("canal_depth", at)
        tail = along("muscle", at) - 8 * size

        # Between two spinous processes lies their ligament.
        tie = rod(u, v, (0.0, apex + 6), (0.0, tail), 1.4)
        paint(here, 0.3, cover(tie, 2.0) * (1 - lamina))
        stalk = rod(a, v, (16 * size, -9 * size), (16.5 * size, 9 * size), 4.6 * size)
        wing = rod(a, v, (18 * size, 8 * size), (40 * size, 13 * size), 2.8 * size)
        for part in (wing, stalk):
            self._bone(here, part, marrow, pedicle, edge)

        # The lower vertebra's process hoods the upper one's; the joint runs between them.
        grown = self._body.on_side("facet", at)
        turn = self._body.on_side("turn", at)
        knob = rod(
            a, v, (facet, 11.5 * size), (facet + 2.5 * size, 17.5 * size), 3.9 * size + 0.6 * grown
        )
        hood = rod(
            a,
            v,
            (facet + 0.6 * size, 8.2 * size),
            (facet + 8.0 * size - turn, 14.0 * size + turn),
            5.0 * size + grown,
        )
        self._bone(here, hood, marrow - 0.06, there, edge, rim=1.6)
        paint(here, CORTEX, cover(np.maximum(knob - 2.6, hood), edge) * there)
        fluid = smooth_max(np.abs(knob - 1.3) - 0.4, hood + 0.8, 1.0)
        paint(here, self._joint, cover(fluid, edge) * there)

        spinous = rod(u, v, (0.0, apex + 8), (0.0, tail), 3.6 * size)
        roof = rod(a, v, (0.0, apex + 6.3), (facet, 16.5 * size), 3.7 * size)
        arch = -smooth_max(-spinous, -roof, 5.0)
        whole = -smooth_max(-arch, -knob, 4.0)
        self._bone(here, whole, marrow, np.minimum(lamina, there), edge)
        self._bone(here, arch, marrow, lamina * (there < 0.5), edge)
        self._bone(here, knob, marrow, there * (lamina < 0.5), edge)

    @staticmethod
    def _bone(
        here: Floats,
        outline: Floats,
        marrow: Floats,
        there: Floats,
        edge: float,
        rim: float = 1.2,
    ) -> None:
        """Marrow in a dark rim."""
        paint(here, CORTEX, cover(outline, edge) * there)
        paint(here, marrow, cover(outline + rim, edge) * there)
