"""Checks of levels: their order and distance along the body, and what other series call them.

One slip puts many points at odds with each other. What a single slip explains gives one warning.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from statistics import fmean

import numpy as np

from lss_cli.anatomy import Level, Side
from lss_cli.errors import StudyError
from lss_cli.grading.canal import LARGEST_SIDE_STEP_MM
from lss_cli.grading.sides import Finding
from lss_cli.points.point import Point
from lss_cli.study.geometry import HEAD, Geometry, Plane, Vector
from lss_cli.study.study import Located, Study

# Lumbar discs follow each other at 21 to 43 mm, every second one at 46 to 86 (378 sagittal
# pictures); these limits leave room for other bodies and for points some slices off.
NEAREST_LEVELS_MM, NEAREST_FURTHER_MM = 15.0, 23.0
FARTHEST_LEVELS_MM, FARTHEST_FURTHER_MM = 55.0, 45.0

# Points of one disc in several series lie within the first; a disc lies farther than the second
# from the next one.
SAME_DISC_MM, OTHER_DISC_MM = 12.0, 16.0

# A stack so much lower, and tilted so much more, lies along a further disc.
FURTHER_STACK_MM, FURTHER_TILT = 18.0, 8.0


@dataclass(frozen=True)
class _Place:
    """A point as order sees it."""

    side: Side | None
    ordinal: int
    height: float


# Gives the places with one slip undone, or None where the slip cannot have been made.
_Undo = Callable[[_Place], _Place]


def check_order(points: Sequence[Located[Point]]) -> list[Finding]:
    """Findings on the levels of points of one condition and its mirror image, in one study."""
    places = [
        _Place(
            located.point.condition.side,
            located.point.level.ordinal,
            float(located.position @ HEAD),
        )
        for located in points
    ]
    odds = _odds(places)
    if not odds:
        return []
    for text, concerned, undone in _slips(places):
        if concerned and not _odds(undone):
            return [Finding(text, tuple(points[index] for index in concerned))]
    return _misplaced(points, places)


def _odds(places: Sequence[_Place]) -> list[tuple[int, int]]:
    """The pairs of places, by index, that cannot both be right."""
    return [
        (i, j)
        for (i, first), (j, second) in combinations(enumerate(places), 2)
        if not _agree(first, second)
    ]


def _agree(first: _Place, second: _Place) -> bool:
    apart = second.ordinal - first.ordinal
    step = (first.height - second.height) * (1 if apart >= 0 else -1)
    if apart == 0:
        return abs(step) <= LARGEST_SIDE_STEP_MM
    if first.side is not second.side:
        return True
    further = abs(apart) - 1
    nearest = NEAREST_LEVELS_MM + further * NEAREST_FURTHER_MM
    return nearest <= step <= FARTHEST_LEVELS_MM + further * FARTHEST_FURTHER_MM


def _slips(places: Sequence[_Place]) -> Iterator[tuple[str, list[int], list[_Place]]]:
    """Slips that may have been made: in words, the points concerned, and the places without it."""
    present = list(dict.fromkeys(place.side for place in places))
    groups = [present] if len(present) == 1 else [present, *([side] for side in present)]
    for sides in groups:
        ordinals = sorted({place.ordinal for place in places if place.side in sides})
        whose = f" of the {sides[0]}" if len(sides) < len(present) else ""
        if len(ordinals) > 2:
            turned = dict(zip(ordinals, reversed(ordinals), strict=True))
            yield (
                f"the levels{whose} run from feet to head; is their order reversed?",
                [index for index, place in enumerate(places) if place.side in sides],
                _renamed(places, sides, turned)[1],
            )
        for upper, lower in combinations(ordinals, 2):
            names = list(Level)[upper], list(Level)[lower]
            yield (
                f"{names[0]} lies below {names[1]}{whose}; are the levels exchanged?",
                *_renamed(places, sides, {upper: lower, lower: upper}),
            )
        for above, below in pairwise(ordinals):
            names = list(Level)[above], list(Level)[below]
            yield (
                f"a disc seems to be left out between {names[0]} and {names[1]}{whose}; are the "
                "levels below it called wrongly?",
                *_renamed(places, sides, {old: old + 1 for old in ordinals if old >= below}),
            )
    if len(present) == 2:
        for shift in (-1, 1):
            renamed = {ordinal: ordinal + shift for ordinal in range(len(Level))}
            _, undone = _renamed(places, present[:1], renamed)
            yield (
                "left and right are called differently by one level; which of them is meant?",
                list(range(len(places))),
                undone,
            )


def _renamed(
    places: Sequence[_Place], sides: Sequence[Side | None], ordinals: dict[int, int]
) -> tuple[list[int], list[_Place]]:
    """The places that get another level, by index, and all places with it."""
    undone = [
        _Place(place.side, ordinals.get(place.ordinal, place.ordinal), place.height)
        if place.side in sides
        else place
        for place in places
    ]
    return [index for index, place in enumerate(places) if place != undone[index]], undone


def _misplaced(points: Sequence[Located[Point]], places: Sequence[_Place]) -> list[Finding]:
    """Points that lie in the slice of another level: as few as explain all that is at odds."""
    findings: list[Finding] = []
    left = list(range(len(places)))
    while odds := [(left[i], left[j]) for i, j in _odds([places[index] for index in left])]:
        candidates = [
            *([index] for index in left),
            *(
                same
                for level in Level
                if len(same := [at for at in left if places[at].ordinal == level.ordinal]) > 1
            ),
        ]

        def still(candidate: Iterable[int], pairs: Sequence[tuple[int, int]] = odds) -> int:
            return sum(not set(pair) & set(candidate) for pair in pairs)

        fewest = min(still(candidate) for candidate in candidates)
        best = [candidate for candidate in candidates if still(candidate) == fewest]
        size = min(len(candidate) for candidate in best)
        concerned = sorted({at for candidate in best if len(candidate) == size for at in candidate})
        # Where several explain it equally well, all are to be looked at; one of them at a time.
        pair = next(pair for pair in odds if set(pair) & set(concerned))
        findings.append(Finding(_apart(points, *pair), tuple(points[index] for index in concerned)))
        left = [index for index in left if index not in concerned]
    return findings


def _apart(points: Sequence[Located[Point]], i: int, j: int) -> str:
    first, second = sorted((points[i], points[j]), key=lambda located: located.point.level.ordinal)
    step = float((first.position - second.position) @ HEAD)
    levels = first.point.level, second.point.level
    if levels[0] is levels[1]:
        where = f"left and right of {levels[0]} lie {abs(step):.0f} mm apart along the body"
    elif step < 0:
        where = f"{levels[0]} lies {-step:.0f} mm below {levels[1]}"
    else:
        where = f"{levels[0]} and {levels[1]} lie {step:.0f} mm apart along the body"
    return f"{where}; is one of them another level?"


def check_numbering(
    study: Study, graded: Sequence[Located[Point]], points: Sequence[Point]
) -> list[Finding]:
    """Whether another series speaks against what the levels are called.

    Sagittal series show the sacrum; where the table has points in them, those of the same level
    have to lie at the same height. A stack of slices that is tilted as along a further disc below
    L5/S1 speaks against it as well.

    Args:
        study: Gives the geometry of the series.
        graded: Points on axial slices, of one condition and its mirror image.
        points: All points of the study, graded or not.
    """
    own = _heights((located.point.level, located.position) for located in graded)
    other = _heights(_sagittal_positions(study, points))
    common = [level for level in own if level in other]
    if (
        len(common) > 1
        and fmean(abs(own[level] - other[level]) for level in common) > OTHER_DISC_MM
    ):
        for shift in (1, -1):
            pairs = [
                (level, list(Level)[level.ordinal + shift])
                for level in own
                if 0 <= level.ordinal + shift < len(Level)
                and list(Level)[level.ordinal + shift] in other
            ]
            steps = [abs(own[level] - other[name]) for level, name in pairs]
            if len(steps) > 1 and fmean(steps) < SAME_DISC_MM:
                level, name = pairs[-1]
                text = f"what is called {level} here is called {name} in a sagittal series"
                return [Finding(f"{text}; check the numbering of levels.", tuple(graded))]
    lowest = [located for located in graded if located.point.level is Level.L5_S1]
    if lowest and (depth := max(_further_stack(located) for located in lowest)):
        return [
            Finding(
                f"{depth:.0f} mm below the point of L5/S1 lies a stack that is tilted as along a "
                "further disc; check the numbering of levels.",
                tuple(graded),
            )
        ]
    return []


def _heights(positions: Iterable[tuple[Level, Vector]]) -> dict[Level, float]:
    by_level: dict[Level, list[float]] = {}
    for level, position in positions:
        by_level.setdefault(level, []).append(float(position @ HEAD))
    return {level: fmean(by_level[level]) for level in Level if level in by_level}


def _sagittal_positions(study: Study, points: Sequence[Point]) -> Iterator[tuple[Level, Vector]]:
    for point in points:
        try:
            geometry = study.locate(point.series_id, point.instance_number).slice.geometry
        except StudyError:
            continue
        if geometry.plane is Plane.SAGITTAL:
            yield point.level, geometry.to_patient((point.x, point.y))


def _further_stack(located: Located[Point]) -> float:
    """How far below a point a stack lies that is tilted more than its own, in mm; 0 for none."""
    own = located.slice_in_stack.slice.geometry
    deepest = 0.0
    for stack in located.slice_in_stack.series.stacks:
        geometry = stack.slices[len(stack.slices) // 2].geometry
        if geometry.plane is not Plane.AXIAL or _tilt(geometry) < _tilt(own) + FURTHER_TILT:
            continue
        # Where the line along the body through the point meets the stack's middle slice.
        along = float((geometry.position - located.position) @ geometry.normal)
        step = -along / float(geometry.normal @ HEAD)
        if step > FURTHER_STACK_MM:
            deepest = max(deepest, step)
    return deepest


def _tilt(geometry: Geometry) -> float:
    """How far a slice falls from its back to its front, in degrees; of L5/S1 it is the most."""
    normal = geometry.normal
    return float(np.degrees(np.arctan2(normal[1], -normal[2])))
