"""What surrounds the spine: fat, bowel, muscles, hip bones and great vessels."""

import numpy as np
import numpy.typing as npt

from lss_cli.phantom.body import Body
from lss_cli.phantom.curve import Places
from lss_cli.phantom.shapes import Floats, Texture, cover, ellipse, paint, rod, superellipse

FAT, MUSCLE, SHEATH, BOWEL, BLOOD, VESSEL = 0.72, 0.13, 0.09, 0.14, 0.03, 0.22
CORTEX, MARROW = 0.05, 0.42


class Flesh:
    """Fat and muscles."""

    def __init__(self, body: Body, rng: np.random.Generator) -> None:
        self._body = body
        self._fine = Texture(rng, 7.0, warp=1.0)
        self._streaks = Texture(rng, 17.0, waves=4)
        self._patches = Texture(rng, 34.0, warp=0.9)
        self._coarse = Texture(rng, 50.0, warp=0.7)

    @staticmethod
    def near(at: Places) -> npt.NDArray[np.bool_]:
        """Everywhere."""
        return np.ones(len(at.x), dtype=np.bool_)

    def paint(self, here: Floats, at: Places, edge: float) -> None:
        """Lay the soft tissue over the signal `here`, in place."""
        x, y, z = at.x, at.y, at.z
        fine, coarse, patches = self._fine(x, y, z), self._coarse(x, y, z), self._patches(x, y, z)
        here[:] = FAT + np.float32(0.05) * coarse + np.float32(0.015) * fine
        belly = cover(at.v + 50 - 8 * coarse, 14)
        paint(here, 0.42 + np.float32(0.12) * coarse, belly)
        paint(here, BOWEL, cover(0.35 - patches, 0.35) * belly)

        lean = MUSCLE + np.float32(0.02) * fine
        fat = self._body.fat
        # Thin seams of fat between the bundles, here and there, running backwards; and fat that
        # grows into the muscles from the spine outwards.
        seams = np.abs(self._streaks(x, 0.45 * y, 0.3 * z) + np.float32(0.12) * fine)
        seams = cover(seams - (0.02 + 0.25 * fat), 0.10) * np.clip(patches + 0.3 + fat, 0, 0.8)
        marbled = np.maximum(seams, 0.6 * fat * np.clip(1.3 - at.a / 60, 0, 1))
        marbled = lean + (FAT - lean) * marbled

        self._beside(here, at, lean, coarse, edge)
        self._hips(here, at, marbled, fine, edge)
        self._behind(here, at, marbled, fine, coarse, edge)

    def _beside(self, here: Floats, at: Places, lean: Floats, coarse: Floats, edge: float) -> None:
        """Psoas and quadratus lumborum."""
        size, width = self._body.size, self._body.along("psoas", at)
        place = (self._body.along("psoas_place", at), -17 * size)
        psoas = ellipse(at.a, at.v, place, (width, 1.25 * width)) + np.float32(0.8) * coarse
        quadratus = ellipse(at.a, at.v, (68 * size, 4 * size), (24 * size, 11 * size))
        for muscle in (psoas, quadratus):
            _paint_muscle(here, muscle, lean, edge)

    def _hips(self, here: Floats, at: Places, marbled: Floats, fine: Floats, edge: float) -> None:
        """The iliac wings, which flare: higher up they lie further out."""
        size, flare = self._body.size, self._body.along("flare", at)
        near, far = 52 * size + flare, 88 * size + flare
        iliacus = rod(at.a, at.v, (near + 18, -25.0), (far + 22, 5.0), 16 * size)
        gluteus = rod(at.a, at.v, (near + 28, 38.0), (far + 22, 50.0), 12 * size)
        for muscle in (iliacus, gluteus):
            _paint_muscle(here, muscle, marbled, edge)
        bone = rod(at.a, at.v, (near, -2.0), (far, 30.0), 6.5 * size)
        paint(here, CORTEX, cover(bone, edge))
        paint(here, MARROW + np.float32(0.08) * fine, cover(bone + 1.5, edge))

    def _behind(
        self,
        here: Floats,
        at: Places,
        marbled: Floats,
        fine: Floats,
        coarse: Floats,
        edge: float,
    ) -> None:
        """Multifidus and erector spinae: two bellies beside the spinous processes."""
        size, fat, flare = self._body.size, self._body.fat, self._body.along("flare", at)
        depth = 0.5 * (self._body.along("muscle", at) - 8 * size)
        outline = superellipse(at.a - 34 * size, at.v - 8 * size - depth, (40 * size, depth))
        outline = np.maximum(outline, 0.55 * (at.a - 50 * size - flare) - (at.v - 8)) + coarse
        _paint_muscle(here, outline, marbled, edge)
        # The cleft between the two, and fat beside the spinous processes.
        cleft = np.abs(at.a - (22 + 0.3 * (at.v - 30)) * size - 3 * coarse - fine)
        cleft = cover(cleft - (0.2 + 3 * fat), 1.2) * cover(outline, edge)
        paint(here, FAT, np.float32(0.7) * cleft)
        pad = ellipse(at.a, at.v, (11 * size, 27 * size), (5 + 5 * fat, 3 + 9 * fat))
        paint(here, FAT, min(0.3 + 2 * fat, 1.0) * cover(pad + 2.5 * fine - coarse, 3.0))


class Vessels:
    """The aorta on the left and the vena cava on the right; both part in front of L4."""

    def __init__(self, body: Body, rng: np.random.Generator) -> None:
        self._body = body
        self._offset = (float(rng.normal(0, 3)), float(rng.normal(0, 2)))

    @staticmethod
    def near(at: Places) -> npt.NDArray[np.bool_]:
        """Where there may be any."""
        return (at.v < -25) & (at.v > -80) & (at.a < 60)

    def paint(self, here: Floats, at: Places, edge: float) -> None:
        """Lay the vessels over the signal `here`, in place."""
        parting = np.clip((55 - at.s) / 60, 0, 1)
        front = -2 * self._body.along("body_depth", at) - 10
        aside, ahead = self._offset
        for sign in (-1, 1):
            aorta = (8 + aside + sign * 16 * parting, front - 1 - ahead)
            cava = (-18 + aside + sign * 15 * parting, front + 3)
            radius = 9 - 3 * parting
            for place, radii in ((aorta, (radius, radius)), (cava, (radius + 2, radius - 2))):
                outline = ellipse(at.u, at.v, place, radii)
                paint(here, VESSEL, cover(outline - 1.2, edge))
                paint(here, BLOOD, cover(outline, edge))


def _paint_muscle(here: Floats, outline: Floats, flesh: Floats, edge: float) -> None:
    paint(here, SHEATH, cover(outline, edge))
    paint(here, flesh, cover(outline + 0.9, edge))
