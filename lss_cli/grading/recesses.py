"""Whether points lie in the recesses that the images show."""

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from lss_cli.anatomy import Side
from lss_cli.grading.canal import FARTHEST_SIDES_MM, Places, at_one_height, sign_of
from lss_cli.grading.sides import USUAL_VIEW, Finding, by_level
from lss_cli.locate.landmarks import Landmarks
from lss_cli.locate.recess import RecessView, Seen
from lss_cli.points.point import Point
from lss_cli.study.geometry import Vector
from lss_cli.study.study import Located

# Of 3,066 labelled points on 1,533 pictures in which networks that had not seen the study were sure
# of both recesses, 99.9 % lie within 6.1 mm of where their recess was found, and all within this.
# None lies nearer to the other recess, the closest of them by 4 mm less.
FARTHEST_FROM_RECESS_MM = 7.0


def check_recesses(
    points: Sequence[Located[Point]], landmarks: Landmarks, known: Collection[int] = ()
) -> list[Finding]:
    """Findings on points that lie on the other side, or far from their recess.

    Only where the network is sure of both recesses.

    Args:
        points: In recesses, of one condition and its mirror image.
        landmarks: Of their study.
        known: Of which of them, by `id`, it is known already that they lie on no right place.
    """
    places = by_level(points)
    points = [located for located in points if id(located) not in known]
    views = [_view(located, places) for located in points]
    crossed, findings = [], []
    for located, seen in zip(points, landmarks.recesses(views), strict=True):
        if seen is None:
            continue
        side = Side.LEFT if sign_of(located) > 0 else Side.RIGHT
        distances = {name: _distance(located, seen, name) for name in Side}
        if distances[side] > min(distances.values()):
            crossed.append(located)
        elif distances[side] > FARTHEST_FROM_RECESS_MM:
            text = (
                f"the point lies {distances[side]:.0f} mm from the {side} recess as located in the "
                "image; is it in the recess?"
            )
            findings.append(Finding(text, (located,)))
    return [*_of_sides(crossed, points), *findings]


def _of_sides(
    crossed: Sequence[Located[Point]], points: Sequence[Located[Point]]
) -> Iterator[Finding]:
    """What is said of points on the other side: once, where it is all of a side."""
    for side in Side:
        own = [located for located in crossed if located.point.condition.side is side]
        every = len(own) == sum(located.point.condition.side is side for located in points) > 1
        names = f"all points of the {side} lie" if every else "the point lies"
        text = (
            f"{names} on the other side of the midline than {side}, as located in the image; "
            f"{USUAL_VIEW}"
        )
        yield from [Finding(text, tuple(own))] if every else [Finding(text, (at,)) for at in own]


def _view(located: Located[Point], places: Places) -> RecessView:
    pixels = located.slices.pixels
    return RecessView(located.slice_in_stack, pixels[len(pixels) // 2], _middle(located, places))


def _middle(located: Located[Point], places: Places) -> Vector:
    """Around which to look: between left and right, or the point where it has no other beside."""
    members = places[located.point.level]
    if len(members) == 2 and at_one_height(*members):
        left, right = (member.position for member in members)
        if np.linalg.norm(left - right) <= FARTHEST_SIDES_MM:
            return np.asarray((left + right) / 2)
    return located.position


def _distance(located: Located[Point], seen: Seen, side: Side) -> float:
    return float(np.linalg.norm(located.position - seen.position(side)))
