"""Checks of sides: exchanged, coinciding, or far from the canal; and what is surely no recess."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from lss_cli.anatomy import Level, Side
from lss_cli.errors import StudyError
from lss_cli.grading.canal import (
    FARTHEST_SIDES_MM,
    HALF_MM,
    LARGEST_DEPTH_STEP_MM,
    NEAREST_SIDES_MM,
    Places,
    at_one_height,
    canal_beside,
    side_score,
    sides_step,
    sign_of,
)
from lss_cli.points.point import Point
from lss_cli.study.geometry import BACK, LEFT
from lss_cli.study.study import Located
from lss_cli.text import join_words

# No correct point of 320 whole studies lies farther than this from the line of the other levels.
FARTHEST_FROM_MIDLINE_MM = 25.0
FARTHEST_FROM_CANAL_MM = 40.0

# Below these the image says "the other side": of one point alone, and in the mean of several.
OTHER_SIDE_ALONE, OTHER_SIDE = -0.2, -0.05

# So many points of one side tell together that x and y are exchanged: exchanged again, their mean
# score is higher by the second number, which is a doubt, or by the third, which is sure.
FEWEST_OF_ONE_SIDE, CLEARER_SIDE, SURELY_CLEARER_SIDE = 3, 0.2, 0.4

USUAL_VIEW = "in the usual view the patient's left is on the right of the picture."


@dataclass(frozen=True, eq=False)
class Finding:
    """A warning and the points that it concerns: one cause, one text."""

    text: str
    points: tuple[Located[Point], ...]


def by_level(points: Sequence[Located[Point]]) -> Places:
    """The points of each level, left first."""
    places: dict[Level, list[Located[Point]]] = defaultdict(list)
    for located in sorted(points, key=sign_of, reverse=True):
        members = places[located.point.level]
        # Of one side there is one.
        if not members or sign_of(members[-1]) != sign_of(located):
            members.append(located)
    return places


def check_sides(points: Sequence[Located[Point]]) -> list[Finding]:
    """Findings on the sides of points.

    Args:
        points: Of one condition and its mirror image, on axial slices of one study.
    """
    places = by_level(points)
    pairs = [(members[0], members[1]) for members in places.values() if len(members) == 2]
    alone = [members[0] for members in places.values() if len(members) == 1]
    return [*_check_exchanged(pairs), *_check_pairs(pairs, places), *_check_alone(alone, places)]


def exchanged_axes(left: Located[Point], right: Located[Point]) -> bool:
    """Whether left and right of a level lie before each other, as when x and y are exchanged."""
    across, behind = (abs(step) for step in sides_step(left, right))
    return (
        at_one_height(left, right)
        and across < behind
        and across <= LARGEST_DEPTH_STEP_MM
        and NEAREST_SIDES_MM <= behind <= FARTHEST_SIDES_MM
    )


def exchanged_axes_of_one_side(points: Sequence[Located[Point]]) -> int:
    """Whether points of one side lie beside the canal only once x and y are exchanged.

    Returns:
        0 for no, 1 for a doubt, 2 where it is sure.
    """
    if len(points) < FEWEST_OF_ONE_SIDE:
        return 0
    try:
        turned = fmean(side_score(located, exchange=True) for located in points)
    except StudyError:
        # Exchanged, one would lie outside its slice.
        return 0
    gain = turned - fmean(side_score(located) for located in points)
    return (gain > CLEARER_SIDE) + (gain > SURELY_CLEARER_SIDE)


def far_from_canal(located: Located[Point], places: Places) -> float | None:
    """How far a point lies from the canal, in mm, if that is farther than any recess does."""
    canal = canal_beside(located, places)
    if canal is None:
        return None
    x, y = float(located.position @ LEFT) - canal[0], float(located.position @ BACK) - canal[1]
    distance = float(np.hypot(x, y))
    return distance if distance > FARTHEST_FROM_CANAL_MM else None


def _check_exchanged(pairs: Sequence[tuple[Located[Point], Located[Point]]]) -> Iterator[Finding]:
    exchanged = [pair for pair in pairs if sides_step(*pair)[0] <= -NEAREST_SIDES_MM]
    if exchanged:
        every = len(exchanged) == len(pairs) > 1
        where = "every level" if every else join_words(left.point.level for left, _ in exchanged)
        yield Finding(
            f"left and right of {where} are exchanged; {USUAL_VIEW}",
            tuple(located for pair in exchanged for located in pair),
        )


def _check_pairs(
    pairs: Sequence[tuple[Located[Point], Located[Point]]], places: Places
) -> Iterator[Finding]:
    for pair in pairs:
        level = pair[0].point.level
        across, behind = sides_step(*pair)
        # Where one of both lies in another disc, this is known from the order of levels.
        if across <= -NEAREST_SIDES_MM or not at_one_height(*pair):
            continue
        if abs(across) < NEAREST_SIDES_MM:
            text = f"left and right of {level} lie at the same place across the body"
            wrong = [located for located in pair if (_outwards(located, places) or 0) < 0]
            if len(wrong) == 1:
                text += f", that of the {wrong[0].point.condition.side} on the other side"
            yield Finding(f"{text}; set them again.", pair)
            continue
        far = [finding for located in pair for finding in _check_distance(located, places)]
        yield from far
        if not far and (abs(across) > FARTHEST_SIDES_MM or abs(behind) > LARGEST_DEPTH_STEP_MM):
            distance = float(np.hypot(across, behind))
            yield Finding(
                f"left and right of {level} lie {distance:.0f} mm apart, {abs(behind):.0f} mm of "
                "it in depth; are both in the recess?",
                pair,
            )


def _check_distance(located: Located[Point], places: Places) -> Iterator[Finding]:
    outwards = _outwards(located, places)
    if outwards is not None and outwards > FARTHEST_FROM_MIDLINE_MM:
        text = f"the point lies {outwards:.0f} mm from the midline; is it in the recess?"
        yield Finding(text, (located,))


def _check_alone(alone: Sequence[Located[Point]], places: Places) -> Iterator[Finding]:
    """Points whose level has none on the other side."""
    for side in Side:
        points = [located for located in alone if located.point.condition.side is side]
        scores = [side_score(located) for located in points]
        paired = any(len(members) == 2 for members in places.values())
        limit = OTHER_SIDE if len(points) > 1 else OTHER_SIDE_ALONE
        if points and not paired and np.mean(scores) < limit:
            names = "the point lies" if len(points) == 1 else f"all points of the {side} lie"
            yield Finding(
                f"{names} on the other side of the midline than {side}; {USUAL_VIEW}",
                tuple(points),
            )
            continue
        for located, score in zip(points, scores, strict=True):
            outwards = _outwards(located, places)
            if outwards is None:
                continue
            if outwards / HALF_MM + score < 0:
                yield Finding(
                    f"the point lies on the other side of the midline than {side}; {USUAL_VIEW}",
                    (located,),
                )
            else:
                yield from _check_distance(located, places)


def _outwards(located: Located[Point], places: Places) -> float | None:
    """How far a point lies from the canal towards its own side, in mm."""
    canal = canal_beside(located, places)
    return sign_of(located) * (float(located.position @ LEFT) - canal[0]) if canal else None
