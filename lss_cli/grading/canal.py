"""Where the spinal canal lies: by the points of other levels, and by the image around a point.

The recesses of a level lie on both sides of the canal. Where both are set, the canal is their
middle; a line through the middles follows a curved spine. An image alone says on which side of the
canal a point lies, though less surely.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from statistics import median

import numpy as np

from lss_cli.anatomy import Level, Side
from lss_cli.model.inputs import resample
from lss_cli.points.point import Point
from lss_cli.slices import Float32Array
from lss_cli.study.geometry import BACK, HEAD, LEFT, Vector
from lss_cli.study.study import Located

# From a recess to the canal's middle: half of what lies between left and right, on 1,946 pairs.
HALF_MM = 7.75

# Of 1,946 correct pairs 99.9 % lie more than 5.6 mm apart across the body, none more than 29 mm;
# 99.8 % differ by less than 10 mm in depth.
NEAREST_SIDES_MM = 5.0
FARTHEST_SIDES_MM = 40.0
LARGEST_DEPTH_STEP_MM = 12.0

# Both recesses of a level lie in one slice or in neighbouring ones; levels lie farther apart.
LARGEST_SIDE_STEP_MM = 10.0

# What surrounds a point, in cells, front to back. The canal lies on the side of the columns with
# positive weights; the other half has the same weights with the sign reversed. Ridge regression on
# 4,315 points, of which it takes 98 % for the right side when they are of other studies;
# tests/benchmarks/checks.py makes and measures it.
CELLS = 8
CELL_MM = 4.0
SIDE_WEIGHTS = np.array(
    [
        [0.01, 0.07, 0.06, 0.02],
        [0.00, 0.02, 0.02, 0.00],
        [-0.07, -0.01, 0.04, 0.02],
        [0.02, -0.01, 0.06, 0.06],
        [0.06, 0.02, 0.11, 0.08],
        [-0.05, -0.03, 0.14, -0.02],
        [-0.05, 0.05, -0.01, 0.00],
        [0.00, -0.01, -0.05, 0.01],
    ],
    np.float32,
)

Places = Mapping[Level, Sequence[Located[Point]]]


def sign_of(located: Located[Point]) -> int:
    """1 for the patient's left, −1 for the right: patient coordinates run to the left."""
    return 1 if located.point.condition.side is Side.LEFT else -1


def cells_around(
    pixels: Float32Array, spacing_mm: tuple[float, float], point: tuple[float, float]
) -> Float32Array:
    """The 32 mm around a point in coarse cells, `CELLS` × `CELLS`, of mean 0 and deviation 1.

    Args:
        pixels: H × W, in the one orientation.
        spacing_mm: Distance of two columns and of two rows.
        point: Column and row, in pixels.
    """
    half = [CELLS * CELL_MM / mm / 2 for mm in spacing_mm]
    x, y = point[0] + 0.5, point[1] + 0.5
    box = (x - half[0], y - half[1], x + half[0], y + half[1])
    cells = np.sqrt(resample(pixels - pixels.min(), box, (CELLS, CELLS)).clip(0))
    return np.asarray((cells - cells.mean()) / (cells.std() + 1e-6), dtype=np.float32)


def side_score(located: Located[Point], *, exchange: bool = False) -> float:
    """How much the image around a point looks as it does on the point's side.

    About 1 where it does, about −1 where it looks like the other side, 0 away from the canal.

    Args:
        located: The point with its slices.
        exchange: Whether to look at the point that its x and y make when they are exchanged.
    """
    slices = located.slices
    middle = slices.pixels[len(slices.pixels) // 2]
    at = located.pixel
    if exchange:
        at = located.slice_in_stack.orient_point((located.point.y, located.point.x))
    pixel = (at[0] - slices.origin[0], at[1] - slices.origin[1])
    cells = cells_around(middle, slices.spacing_mm, pixel)
    halves = (cells - cells[:, ::-1])[:, : CELLS // 2]
    return sign_of(located) * float((halves * SIDE_WEIGHTS).sum())


def sides_step(left: Located[Point], right: Located[Point]) -> tuple[float, float]:
    """How far left lies to the left of right, and behind it, in mm."""
    move = left.position - right.position
    return float(move @ LEFT), float(move @ BACK)


def at_one_height(left: Located[Point], right: Located[Point]) -> bool:
    """Whether two points of a level lie in slices of one disc."""
    return abs(float((left.position - right.position) @ HEAD)) <= LARGEST_SIDE_STEP_MM


def are_beside(left: Located[Point], right: Located[Point]) -> bool:
    """Whether two points lie as the recesses of one level do, whichever is which."""
    return lie_beside(left.position, right.position)


def lie_beside(left: Vector, right: Vector) -> bool:
    """Whether two places in the patient lie as the recesses of one level do, in mm."""
    move = left - right
    across, behind = float(move @ LEFT), float(move @ BACK)
    return (
        abs(float(move @ HEAD)) <= LARGEST_SIDE_STEP_MM
        and NEAREST_SIDES_MM <= abs(across) <= FARTHEST_SIDES_MM
        and abs(behind) <= LARGEST_DEPTH_STEP_MM
    )


def canal_beside(located: Located[Point], places: Places) -> tuple[float, float] | None:
    """Where the canal lies at a point's height by the points of all other levels, x and y in mm.

    A line (Theil–Sen, which a wrong level does not bend) through what each of them says. ``None``
    where no other level says anything.
    """
    others = [members for level, members in places.items() if level is not located.point.level]
    pairs = [members for members in others if len(members) == 2]
    # One point says where the canal is only if its side is right; two say it in any case.
    if len(pairs) > 1:
        others = pairs
    estimates = [
        _canal_of(members) for members in others if len(members) < 2 or are_beside(*members)
    ]
    if not estimates:
        return None
    heights, across, depth = zip(*estimates, strict=True)
    height = float(located.position @ HEAD)
    return _on_line(heights, across, height), _on_line(heights, depth, height)


def _canal_of(members: Sequence[Located[Point]]) -> tuple[float, float, float]:
    """Height, x and y of the canal, by the point or the two points of one level."""
    middle = np.mean([located.position for located in members], axis=0)
    inwards = HALF_MM * sign_of(members[0]) if len(members) == 1 else 0.0
    return float(middle @ HEAD), float(middle @ LEFT) - inwards, float(middle @ BACK)


def _on_line(heights: Iterable[float], values: Iterable[float], height: float) -> float:
    """The value at a height on the line of median slope through the values at other heights."""
    known = list(zip(heights, values, strict=True))
    slopes = [
        (second[1] - first[1]) / (second[0] - first[0])
        for first, second in combinations(known, 2)
        if abs(second[0] - first[0]) > LARGEST_SIDE_STEP_MM
    ]
    # Two levels may lie beside each other, and their line would lead anywhere.
    slope = median(slopes) if len(slopes) > 1 else 0.0
    return slope * height + median(value - slope * at for at, value in known)
