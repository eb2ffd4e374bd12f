"""Plausibility checks of points.

Every check only warns, and says what to do. The limits are wide: they are meant for mistakes, such
as exchanged levels or sides, not for unusual anatomy.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from PIL import Image

from lss_cli.anatomy import Side
from lss_cli.grading.result import MISSING_NEIGHBOUR
from lss_cli.model.inputs import covered_share
from lss_cli.model.spec import InputSpec
from lss_cli.points.point import Point
from lss_cli.slices import Float32Array, percentiles
from lss_cli.study.geometry import HEAD, Plane
from lss_cli.study.selection import weighting
from lss_cli.study.study import Located
from lss_cli.text import printable

# Lumbar discs follow each other at 25 to 45 mm (vertebra plus disc; Zhou et al., Eur Spine J 2000).
NEAREST_LEVELS_MM = 15.0
FARTHEST_LEVELS_MM = 65.0

# Both recesses of a level lie in one slice or in neighbouring ones.
LARGEST_SIDE_STEP_MM = 10.0

# Left and right points lie 14 to 17 mm apart, so each some 8 mm from the midline.
FARTHEST_FROM_MIDLINE_MM = 25.0

# Of the field, at least this share must lie in the slice.
LEAST_COVERED = 0.95

NOTHING_OWN = "it shows nothing of its own around the point."
# Where the slices before and after another lie.
SIDES = {
    Plane.AXIAL: ("towards the head", "towards the feet"),
    Plane.SAGITTAL: ("to the right", "to the left"),
    Plane.CORONAL: ("to the front", "to the back"),
}

# Fine enough to tell left from right, coarse enough to cost nothing.
GRID_MM = 2.0

# In halves of a column: how far the first columns that are tried for the midline lie apart.
COARSE = 3

# Outside the body there is noise only.
AIR = 0.04


def check_points(points: Sequence[Located[Point]], spec: InputSpec) -> list[tuple[str, ...]]:
    """The warnings of each point, in the order of the points.

    Args:
        points: Of one study.
        spec: How large a field the model wants.
    """
    warnings = [list(_check_alone(located, spec)) for located in points]
    for (i, first), (j, second) in combinations(enumerate(points), 2):
        for text in (*_check_order(first, second), *_check_sides(first, second)):
            warnings[i].append(text)
            warnings[j].append(text)
    return [tuple(texts) for texts in warnings]


def check_neighbours(located: Located[Point], image: Float32Array) -> tuple[str, ...]:
    """A warning for each neighbour that another slice stands in for.

    Args:
        located: The point with its slices.
        image: H × W × C, what the network sees of them.
    """
    middle, plane = image.shape[2] // 2, located.slice_in_stack.slice.geometry.plane
    sides = {-1: SIDES[plane][0], 1: SIDES[plane][1]}
    return tuple(
        f"{MISSING_NEIGHBOUR}, {'' if step == 1 else f'{step} steps '}{name}: "
        f"{printable(located.slices.missing.get(side * step, NOTHING_OWN), 200)} "
        "Its neighbour stands in for it, which changes one grade in ten."
        for step in range(1, middle + 1)
        for side, name in sides.items()
        if np.array_equal(image[..., middle + side * step], image[..., middle + side * (step - 1)])
    )


def _check_alone(located: Located[Point], spec: InputSpec) -> Iterator[str]:
    condition, series, slices = (
        located.point.condition,
        located.slice_in_stack.series,
        located.slices,
    )
    if "T2" in condition.series_description and weighting(series) != "T2":
        name = printable(series.description) or "without description"
        yield f"the series ({name}) does not seem to be T2-weighted; use a T2 series."
    share = covered_share(slices, located.pixel, spec, side=condition.side)
    if share < LEAST_COVERED:
        yield (
            f"{1 - share:.0%} of the field around the point lies outside the slice; "
            "use a series with a larger field of view."
        )
    middle = slices.pixels[len(slices.pixels) // 2]
    if _is_air(middle, slices.spacing_mm, located.pixel):
        yield "the point lies outside the body; set it again."
    elif condition.side and located.slice_in_stack.slice.geometry.plane is Plane.AXIAL:
        yield from _check_midline(located, middle)


def _check_midline(located: Located[Point], middle: Float32Array) -> Iterator[str]:
    side, spacing_mm = located.point.condition.side, located.slices.spacing_mm
    column = symmetry_column(middle, spacing_mm, located.pixel)
    # Columns run to the patient's left.
    sign = 1 if side is Side.LEFT else -1
    outwards = sign * (located.pixel[0] - column) * spacing_mm[0]
    if outwards < 0:
        yield (
            f"the point lies on the other side of the midline than {side}; "
            "in the usual view the patient's left is on the right of the picture."
        )
    elif outwards > FARTHEST_FROM_MIDLINE_MM:
        yield f"the point lies {outwards:.0f} mm from the midline; is it in the recess?"


def _check_order(first: Located[Point], second: Located[Point]) -> Iterator[str]:
    """Levels of one condition, from head to feet."""
    if first.point.condition is not second.point.condition:
        return
    upper, lower = sorted((first, second), key=lambda located: located.point.level.ordinal)
    levels = upper.point.level, lower.point.level
    apart = levels[1].ordinal - levels[0].ordinal
    step = float((upper.position - lower.position) @ HEAD)
    if step < 0:
        yield f"{levels[0]} lies below {levels[1]}; are the levels exchanged?"
    elif not NEAREST_LEVELS_MM * apart <= step <= FARTHEST_LEVELS_MM * apart:
        yield (
            f"{levels[0]} and {levels[1]} lie {step:.0f} mm apart along the body; "
            "is one of them another level?"
        )


def _check_sides(first: Located[Point], second: Located[Point]) -> Iterator[str]:
    """Left and right of one level."""
    level, condition = first.point.level, first.point.condition
    if level is not second.point.level or condition.mirrored is not second.point.condition:
        return
    left, right = (first, second) if condition.side is Side.LEFT else (second, first)
    if left is right or left.point.condition is right.point.condition:
        return
    if left.position[0] < right.position[0]:
        yield f"left and right of {level} are exchanged; the patient's left is meant."
    step = abs(float((left.position - right.position) @ HEAD))
    if step > LARGEST_SIDE_STEP_MM:
        yield (
            f"left and right of {level} lie {step:.0f} mm apart along the body; "
            "is one of them another level?"
        )


def _is_air(
    pixels: Float32Array, spacing_mm: tuple[float, float], point: tuple[float, float]
) -> bool:
    """Whether the 10 mm around a point are as dark as what surrounds a body."""
    reach = [max(1, round(5 / mm)) for mm in spacing_mm]
    x, y = round(point[0]), round(point[1])
    around = pixels[
        max(0, y - reach[1]) : y + reach[1] + 1, max(0, x - reach[0]) : x + reach[0] + 1
    ]
    low, high = percentiles(pixels, 1, 99)
    return float(around.mean()) - low < AIR * (high - low)


def symmetry_column(
    pixels: Float32Array,
    spacing_mm: tuple[float, float],
    point: tuple[float, float],
) -> float:
    """The column about which an axial slice looks most like its mirror image.

    Left and right halves, 45 mm wide and 70 mm high around the point's row, are correlated for
    columns within 45 mm of the point: every 3 mm, and every 1 mm around the best of these. On
    phantoms (120 points) and on a real study (10 points) every point lay on its own side of it, by
    3 to 11 mm.

    Args:
        pixels: H × W, in the one orientation.
        spacing_mm: Distance of two columns and of two rows.
        point: Column and row, in pixels.

    Returns:
        The column, in pixels; 0 is the centre of the first.
    """
    x, y = ((value + 0.5) * mm / GRID_MM for value, mm in zip(point, spacing_mm, strict=True))
    image = _on_grid(pixels, spacing_mm)
    reach, half, tall = (round(mm / GRID_MM) for mm in (45, 45, 35))
    rows = image[max(0, round(y) - tall) : round(y) + tall]
    coarse = range(round(2 * (x - reach)), round(2 * (x + reach)) + 1, COARSE)
    best = max(coarse, key=lambda doubled: _likeness(rows, doubled, half))
    fine = range(best - COARSE + 1, best + COARSE)
    best = max(fine, key=lambda doubled: _likeness(rows, doubled, half))
    return best / 2 * GRID_MM / spacing_mm[0] - 0.5


def _likeness(rows: Float32Array, doubled: int, half: int) -> float:
    """Correlation of both sides of column `doubled` / 2; column i is mirrored onto doubled − 1 − i.

    −1 where less than half of the columns that are wanted lie in the image.
    """
    stop = doubled // 2
    start = max(0, doubled - rows.shape[1], stop - half)
    if stop - start < half // 2:
        return -1.0
    left, right = rows[:, start:stop], rows[:, doubled - stop : doubled - start][:, ::-1]
    left, right = left - left.mean(), right - right.mean()
    power = float(np.sum(left * left) * np.sum(right * right))
    return float(np.sum(left * right)) / power**0.5 if power > 0 else 0.0


def _on_grid(pixels: Float32Array, spacing_mm: tuple[float, float]) -> Float32Array:
    """Resampled, with the brightest parts tamed, since fat near the coil outshines all else."""
    height, width = pixels.shape
    size = int(width * spacing_mm[0] / GRID_MM), int(height * spacing_mm[1] / GRID_MM)
    box = (0, 0, size[0] * GRID_MM / spacing_mm[0], size[1] * GRID_MM / spacing_mm[1])
    image = Image.fromarray(np.ascontiguousarray(pixels, dtype=np.float32))
    coarse = np.asarray(image.resize(size, Image.Resampling.BILINEAR, box=box))
    low, high = percentiles(coarse, 1, 99)
    return np.asarray(np.sqrt((coarse - low).clip(0, max(high - low, 1e-6))), dtype=np.float32)
