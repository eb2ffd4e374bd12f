"""From positions in a patient to T2 signal: one function of space that every plane cuts."""

from dataclasses import replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from lss_cli.phantom.along import ramp
from lss_cli.phantom.body import Body
from lss_cli.phantom.canal import Canal, Flava
from lss_cli.phantom.curve import Places
from lss_cli.phantom.flesh import Flesh, Vessels
from lss_cli.phantom.shapes import Floats, Texture, cover, paint
from lss_cli.phantom.vertebrae import Arches, Bodies

SKIN = 0.25
# How far tissue lies from where an ideal body would have it, in mm.
UNEVENNESS = 0.8
# How far the belly's skin lies before the spine, in mm.
SKIN_AHEAD = 105.0


class Part(Protocol):
    """A part of the anatomy. Signals are relative to the cerebrospinal fluid's, about 1."""

    def near(self, at: Places) -> npt.NDArray[np.bool_]:
        """Where there may be any."""

    def paint(self, here: Floats, at: Places, edge: float) -> None:
        """Lay the part over the signal `here`, in place; outlines are `edge` mm soft."""


class Tissue:
    """The T2 signal of one patient."""

    def __init__(self, body: Body) -> None:
        rng = np.random.default_rng(body.texture_seed)
        self._body = body
        self._unevenness = Texture(rng, 24.0, warp=0.6), Texture(rng, 24.0, warp=0.6)
        # From the outside in, each over what is there.
        self._parts: tuple[Part, ...] = (
            Flesh(body, rng),
            Vessels(body, rng),
            Flava(body, rng),
            Arches(body, rng),
            Bodies(body, rng),
            Canal(body, rng),
        )

    def __call__(self, x: Floats, y: Floats, z: Floats, edge: float) -> Floats:
        """The signal at patient positions.

        Args:
            x: To the left, mm.
            y: To the back, mm.
            z: To the head, mm.
            edge: Softness of outlines, mm: about a pixel.
        """
        signal = np.zeros(x.size, dtype=np.float32)
        at = self._body.curve.locate(x.ravel(), y.ravel(), z.ravel())
        skin = self._skin(at)
        inside = np.flatnonzero(skin < 2)
        at, skin = self._displace(at.take(inside)), skin[inside]
        here = np.zeros(len(inside), dtype=np.float32)
        for part in self._parts:
            near = np.flatnonzero(part.near(at))
            if len(near):
                piece = here[near]
                part.paint(piece, at.take(near), edge)
                here[near] = piece
        paint(here, SKIN, cover(np.abs(skin + 1) - 1, edge))
        signal[inside] = here * cover(skin, edge)
        return signal.reshape(x.shape)

    def _displace(self, at: Places) -> Places:
        """Move the positions a little, since nothing in a body is quite round or straight."""
        sideways, backwards = (uneven(at.x, at.y, at.z) for uneven in self._unevenness)
        return replace(at, u=at.u + UNEVENNESS * sideways, v=at.v + UNEVENNESS * backwards)

    def _skin(self, at: Places) -> Floats:
        """Distance to the skin; the back is flat, with a groove along the spine."""
        # Behind the sacrum, which leans back, it bulges.
        back = self._body.back + 45 * ramp(at.z, -50, -150)
        half_depth, middle = 0.5 * (back + SKIN_AHEAD), 0.5 * (back - SKIN_AHEAD)
        groove = 5 * np.exp(-((at.u / 20) ** 2))
        p, q = at.a / self._body.half_width, np.abs(at.y + groove - middle) / half_depth
        distance: Floats = (p * p * p + q * q * q - 1) * (half_depth / 3)
        return distance
