"""Which axial slice cuts which disc: geometry alone, before any axial picture is looked at."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lss_cli.anatomy import Level
from lss_cli.study.geometry import BACK, HEAD, Geometry, Plane, Vector
from lss_cli.study.series import Series, SliceInStack
from lss_cli.study.stacks import Stack

# From the centre of a disc back to the recess: half of a disc's depth (34 mm in the median of 393
# patients), and what lies between the disc's edge and the points that radiologists set.
BEHIND_MM = 19.0
# Radiologists' points lie a little nearer the feet than the disc's plane: in slices, from L1/L2 to
# L5/S1. A prior taken from the 6th place of RSNA 2024, whose slices it put right; the network and
# the person may find otherwise.
TOWARDS_FEET = (0.2, 0.6, 0.8, 1.0, 1.0)
# How far a disc falls from its back to its front, and how far one would that stands across the line
# through the discs' centres, in degrees, from L1/L2 to L5/S1; and how much of a difference from the
# one is found in the other. Medians and regression on the boxes of 393 patients' discs.
USUAL_TILT = (-6.0, -6.0, 0.0, 13.0, 32.0)
USUAL_ACROSS = (-14.0, -10.0, -5.0, 4.0, 16.0)
TILT_SHARE = 0.6
# Who laid a stack along a disc saw its tilt; where both agree so far, the stack is right.
TILT_DEVIATION = 12.0
# A disc between two slices is cut by the nearer one; this much more may be rounding.
TOLERANCE_MM = 1.5
# What one slice alone stands for, as its thickness and half of a gap to the next.
SINGLE_STEP_MM = 4.5
# The recesses and what surrounds them have to be in the picture.
MARGIN_MM = 12.0
# What speaks against a stack: its tilt against the disc, in these degrees; and its last slice.
TILT_COST, END_COST = 10.0, 0.5

NOT_COVERED = "not covered: no axial slice cuts this disc."
NOT_IN_PICTURE = "not covered: the canal at this disc lies outside of the axial pictures."


@dataclass(frozen=True)
class Cut:
    """Where an axial stack cuts a disc.

    Attributes:
        level: The disc's.
        series: The axial series.
        stack: Its stack.
        at: Where in the stack, as a fractional index, the recess is expected.
        target: Where the canal lies at the disc's height, in the patient, in mm.
    """

    level: Level
    series: Series
    stack: Stack
    at: float
    target: Vector

    @property
    def index(self) -> int:
        """Of the slice nearest to the expected place."""
        return min(max(round(self.at), 0), len(self.stack.slices) - 1)

    def slice_in_stack(self, index: int) -> SliceInStack:
        """One of the stack's slices, among the others."""
        return SliceInStack(self.series, self.stack, index)


def find_cuts(
    discs: Sequence[tuple[Level, Vector]], series: Iterable[Series]
) -> tuple[dict[Level, Cut], dict[Level, str]]:
    """Find for each disc the stack that cuts it best, and where.

    Args:
        discs: Levels and the discs' centres in the patient, in mm, from head to feet.
        series: The axial series, of which any stack may cut a disc.

    Returns:
        The cuts, and why there is none, by level.
    """
    stacks = [
        (one, stack)
        for one in series
        for stack in one.stacks
        if stack.slices[0].geometry.plane is Plane.AXIAL
    ]
    tilts = disc_tilts(discs)
    cuts: dict[Level, Cut] = {}
    missing: dict[Level, str] = {}
    for (level, centre), tilt in zip(discs, tilts, strict=True):
        reached = [
            (cost, cut)
            for one, stack in stacks
            for cost, cut in [_cut(level, centre, tilt, one, stack)]
            if cut is not None
        ]
        shown = [pair for pair in reached if math.isfinite(pair[0])]
        if shown:
            cuts[level] = min(shown, key=lambda pair: pair[0])[1]
        else:
            missing[level] = NOT_IN_PICTURE if reached else NOT_COVERED
    return cuts, missing


def disc_tilts(discs: Sequence[tuple[Level, Vector]]) -> list[float]:
    """How far each disc falls from its back to its front, in degrees.

    The line through the discs, whose direction between two of them is known and changes evenly,
    says whether it is more or less than usual.

    Args:
        discs: Levels and centres in the patient, in mm, from head to feet.

    Examples:
        >>> straight = [(level, -35.0 * level.ordinal * HEAD) for level in Level]
        >>> [round(tilt, 1) for tilt in disc_tilts(straight)]
        [2.4, 0.0, 3.0, 10.6, 22.4]
    """
    heights = [float(centre @ HEAD) for _, centre in discs]
    middles, angles = [], []
    for (_, above), (_, below) in pairwise(discs):
        step = below - above
        middles.append(float((above + below) @ HEAD / 2))
        angles.append(math.degrees(math.atan2(float(step @ BACK), float(-step @ HEAD))))
    tilts = []
    for (level, _), height in zip(discs, heights, strict=True):
        usual = USUAL_TILT[level.ordinal]
        if middles:
            across = _on_polygon(middles, angles, height)
            usual += TILT_SHARE * (across - USUAL_ACROSS[level.ordinal])
        tilts.append(usual)
    return tilts


def _on_polygon(places: Sequence[float], values: Sequence[float], at: float) -> float:
    """The value at a place, on straight lines through those known, and beyond them on the last."""
    if len(places) < 2:
        return values[0]
    pairs = list(pairwise(zip(places, values, strict=True)))
    # From head to feet the places fall.
    (above, first), (below, second) = next((pair for pair in pairs if at >= pair[1][0]), pairs[-1])
    return first + (second - first) * (at - above) / (below - above)


def canal_places(discs: Sequence[tuple[Level, Vector]]) -> dict[Level, Vector]:
    """Where the canal lies behind each disc, in the patient, in mm.

    Args:
        discs: Levels and centres in the patient, in mm, from head to feet.
    """
    return {
        level: _behind(centre, tilt)
        for (level, centre), tilt in zip(discs, disc_tilts(discs), strict=True)
    }


def _behind(centre: Vector, tilt: float) -> Vector:
    """The canal behind a disc that falls so many degrees to the front."""
    angle = math.radians(tilt)
    return centre + BEHIND_MM * (math.cos(angle) * BACK + math.sin(angle) * HEAD)


def stack_tilt(geometry: Geometry) -> float:
    """How far a slice falls from its back to its front, in degrees."""
    normal = geometry.normal
    return math.degrees(math.atan2(float(normal @ BACK), float(-normal @ HEAD)))


def _cut(
    level: Level, centre: Vector, tilt: float, series: Series, stack: Stack
) -> tuple[float, Cut | None]:
    """What speaks against cutting a disc with this stack, and the cut.

    ``None`` where the stack does not reach the disc; infinite where its pictures are too small.
    """
    first = stack.slices[0].geometry
    own = stack_tilt(first)
    disc_tilt = min(max(own, tilt - TILT_DEVIATION), tilt + TILT_DEVIATION)
    target = _behind(centre, disc_tilt)
    last = len(stack.slices) - 1
    depths = [float((slice_.geometry.position - target) @ first.normal) for slice_ in stack.slices]
    step = (depths[-1] - depths[0]) / last if last else SINGLE_STEP_MM
    plane = -depths[0] / step
    expected = plane + TOWARDS_FEET[level.ordinal]
    room = 0.5 + TOLERANCE_MM / step
    # Between the disc's plane and the place where points are set, any slice will do.
    if expected < -room or plane > last + room:
        return math.inf, None
    cut = Cut(level, series, stack, min(max(expected, 0.0), float(last)), target)
    geometry = stack.slices[cut.index].geometry
    if not _is_in_picture(geometry, target):
        return math.inf, cut
    beyond = abs(expected - cut.at)
    at_end = last > 0 and cut.index in {0, last}
    return abs(own - disc_tilt) / TILT_COST + beyond + END_COST * at_end, cut


def _is_in_picture(geometry: Geometry, target: Vector) -> bool:
    """Whether a place and what surrounds it is in a picture."""
    x, y = geometry.to_pixel(target)
    return all(
        MARGIN_MM <= (at + 0.5) * mm <= size * mm - MARGIN_MM
        for at, mm, size in zip((x, y), geometry.spacing_mm, geometry.size, strict=True)
    )
