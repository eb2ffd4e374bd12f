"""The spinal canal: ligamenta flava, epidural fat and thecal sac."""

import numpy as np
import numpy.typing as npt

from lss_cli.phantom.body import Body
from lss_cli.phantom.curve import Places
from lss_cli.phantom.roots import CaudaEquina, Sac, paint_traversing_roots
from lss_cli.phantom.shapes import Floats, Texture, cover, paint, smooth_max
from lss_cli.phantom.vertebrae import back_of_body

FLUID, FAT, DURA = 1.0, 0.74, 0.25


def _near(at: Places) -> npt.NDArray[np.bool_]:
    """Where there may be any of the canal."""
    return (at.a < 24) & (at.v > -8) & (at.v < 28)


def _wall(body: Body, at: Places, corner: Floats) -> Floats:
    """Distance to one half of the V of the ligamenta flava, negative in the canal.

    It runs from the corner of the recess, beside the disc, to the apex in the midline.
    """
    depth = body.along("canal_depth", at)
    return ((at.a - corner) * (depth - 1) + (at.v - 1) * corner) / np.hypot(depth - 1, corner)


class Flava:
    """The ligamenta flava and the joint capsules; bones are painted over their outer part."""

    def __init__(self, body: Body, rng: np.random.Generator) -> None:
        self._body = body
        self._signal = rng.uniform(0.08, 0.20)

    near = staticmethod(_near)

    def paint(self, here: Floats, at: Places, edge: float) -> None:
        """Lay the ligaments over the signal `here`, in place."""
        along = self._body.along
        wide = self._body.on_side("wide", at)
        closing = self._body.on_side("closing", at)
        # They thicken inwards, and forwards until they meet the disc.
        band = _wall(self._body, at, wide) - 4.8
        band = smooth_max(band, 3.4 - 3.8 * closing - at.v, 1.5)
        band = smooth_max(band, at.a - wide - 3.5, 3.0)
        band = smooth_max(band, at.v - 25, 2.0)
        bone = np.maximum(along("lamina", at), along("facet", at))
        paint(here, self._signal, cover(band, edge) * bone)


class Canal:
    """What lies between the vertebral bodies and the arches."""

    def __init__(self, body: Body, rng: np.random.Generator) -> None:
        self._body = body
        self._clouds = Texture(rng, 16.0)
        self._cauda = CaudaEquina(body, rng)

    near = staticmethod(_near)

    def paint(self, here: Floats, at: Places, edge: float) -> None:
        """Lay the canal over the signal `here`, in place."""
        corner = self._body.on_side("recess", at)
        wall = _wall(self._body, at, corner)
        back = back_of_body(self._body, at)
        canal = smooth_max(wall, back + 0.3 - at.v, 1.2)
        inside = cover(canal, edge)
        clouds = self._clouds(at.x, at.y, at.z)
        paint(here, FAT + np.float32(0.04) * clouds, inside)
        paint_traversing_roots(self._body, here, at, cover(canal + 0.3, edge), edge)

        sac = self._sac(at, back, corner)
        outline = smooth_max(self._round(at, sac), wall + self._gap(at, corner), 1.5)
        paint(here, DURA, cover(outline - 0.4, edge) * inside)
        fluid = cover(outline, edge) * inside
        paint(here, FLUID - np.float32(0.04) * np.abs(clouds), fluid)
        self._cauda.paint(here, at, sac, fluid, edge)

    def _sac(self, at: Places, back: Floats, corner: Floats) -> Sac:
        floor = self._body.along("canal_depth", at) - self._body.along("back_fat", at)
        return Sac(np.minimum(self._body.along("sac_width", at), corner), back + 0.6, floor)

    def _round(self, at: Places, sac: Sac) -> Floats:
        """Distance to the sac as it would be without the walls: an oval, at L5/S1 a circle."""
        power = self._body.along("sac_shape", at)
        half = np.maximum(0.5 * (sac.floor - sac.front), 1.0)
        level = (at.a / self._body.along("sac_width", at)) ** power
        level += (np.abs(at.v - sac.front - half) / half) ** power
        return (level ** (1 / power) - 1) * half

    def _gap(self, at: Places, corner: Floats) -> Floats:
        """Fat beside the sac: the first thing to give way."""
        room = np.clip(corner / self._body.on_side("wide", at), 0, 1)
        return self._body.along("sac_gap", at) * room * room
