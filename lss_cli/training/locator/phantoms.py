"""Pictures of phantoms, whose landmarks follow from their anatomy."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lss_cli.anatomy import Level, Side
from lss_cli.locate.metadata import Kind
from lss_cli.phantom.image import ImagingPlane
from lss_cli.phantom.study import Phantom, PhantomSlice, plan_study
from lss_cli.training.locator.pictures import KEPT_MM, Picture

# Apart from those of all tests and examples.
SEED = 7_100_000
# Slices so far from the spine's middle still cut its discs and its canal.
CENTRAL_MM = 9.0
# From a disc's plane: up to the one, its recesses are to be seen, from the other on none are.
BESIDE_MM, BEYOND_MM = 6.0, 13.0
MATRIX = 256
SAGITTAL_SLICES, AXIAL_SLICES = 2, 8


def phantom_pictures(kind: Kind, count: int, seed: int = SEED) -> list[Picture]:
    """Pictures of phantoms, several of each.

    Args:
        kind: What they show.
        count: How many phantoms.
        seed: Which; others than those of training are for tests.
    """
    pictures = []
    for number in range(count):
        phantom = plan_study(seed, number, sagittal=kind == "sagittal", matrix=MATRIX)
        rng = np.random.default_rng([seed, number])
        take = _sagittal if kind == "sagittal" else _axial
        pictures += [picture.shrink(KEPT_MM[kind]) for picture in take(phantom, rng)]
    return pictures


def disc_centre(phantom: Phantom, level: Level) -> npt.NDArray[np.float64]:
    """The middle of a disc, as a patient position in mm."""
    curve, depths = phantom.body.curve, phantom.body.tables["body_depth"]
    s = curve.level(level)
    return curve.to_patient(0, -float(np.interp(s, curve.s, depths)), s)


def _sagittal(phantom: Phantom, rng: np.random.Generator) -> list[Picture]:
    middle = disc_centre(phantom, Level.L3_L4)[0]
    series = phantom.series[-1]
    central = [
        slice_ for slice_ in series.slices if abs(slice_.plane.position[0] - middle) < CENTRAL_MM
    ]
    chosen = set(rng.permutation([slice_.instance_number for slice_ in central])[:SAGITTAL_SLICES])
    discs = [disc_centre(phantom, level) for level in Level]
    pictures = []
    for slice_, pixels in phantom.pictures(series, chosen):
        points = _project(slice_.plane, discs)
        height, width = pixels.shape
        inside = ((points >= 0) & (points < (width, height))).all(axis=1, keepdims=True)
        points = np.where(inside, points, np.inf)
        pictures.append(_picture(phantom, slice_, pixels, points))
    return pictures


def _axial(phantom: Phantom, rng: np.random.Generator) -> list[Picture]:
    series, curve = phantom.series[0], phantom.body.curve
    shown: dict[int, tuple[str, npt.NDArray[np.float64]]] = {}
    for slice_ in series.slices:
        discs = [curve.to_patient(0, 0, curve.level(level)) for level in Level]
        distances = np.array([abs(slice_.plane.project(disc)[2]) for disc in discs])
        level = list(Level)[int(distances.argmin())]
        points = np.full((2, 2), np.inf)
        if distances.min() <= BESIDE_MM:
            points = _project(
                slice_.plane,
                [
                    curve.to_patient(*phantom.body.clicks[level, side], curve.level(level))
                    for side in (Side.LEFT, Side.RIGHT)
                ],
            )
        elif distances.min() < BEYOND_MM:
            continue
        shown[slice_.instance_number] = (level, points)
    chosen = set(rng.permutation(sorted(shown))[:AXIAL_SLICES])
    return [
        _picture(phantom, slice_, pixels, shown[slice_.instance_number][1], level)
        for slice_, pixels in phantom.pictures(series, chosen)
        for level in [shown[slice_.instance_number][0]]
    ]


def _project(
    plane: ImagingPlane, places: Sequence[npt.NDArray[np.float64]]
) -> npt.NDArray[np.float64]:
    return np.array([plane.project(place)[:2] for place in places])


def _picture(
    phantom: Phantom,
    slice_: PhantomSlice,
    pixels: npt.NDArray[np.uint16],
    points: npt.NDArray[np.float64],
    level: str = "",
) -> Picture:
    spacing = slice_.plane.spacing
    name = f"phantom {phantom.key[0]} {phantom.key[1]} {slice_.instance_number}"
    return Picture(
        pixels, (spacing, spacing), points, f"phantom {phantom.key[1]}", name, level, real=False
    )
