"""Plausibility checks of points.

Most checks only warn, and say what to do; a point that several of them take for a gross mistake is
not to be graded. The limits are wide: they are meant for mistakes, such as exchanged levels or
sides, not for unusual anatomy.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lss_cli.anatomy import Condition, Side
from lss_cli.grading.canal import sides_step
from lss_cli.grading.counted import check_counting
from lss_cli.grading.order import check_numbering, check_order
from lss_cli.grading.recesses import check_recesses
from lss_cli.grading.result import MISSING_NEIGHBOUR
from lss_cli.grading.sides import (
    Finding,
    by_level,
    check_sides,
    exchanged_axes,
    exchanged_axes_of_one_side,
    far_from_canal,
)
from lss_cli.locate.landmarks import Landmarks
from lss_cli.model.inputs import covered_share
from lss_cli.model.spec import InputSpec
from lss_cli.points.point import Point
from lss_cli.slices import Float32Array, percentiles
from lss_cli.study.geometry import Plane
from lss_cli.study.selection import weighting
from lss_cli.study.study import Located, Study
from lss_cli.text import join_words, printable

# Of the field, at least this share must lie in the slice.
LEAST_COVERED = 0.95

NOTHING_OWN = "it shows nothing of its own around the point."
# Where the slices before and after another lie.
SIDES = {
    Plane.AXIAL: ("towards the head", "towards the feet"),
    Plane.SAGITTAL: ("to the right", "to the left"),
    Plane.CORONAL: ("to the front", "to the back"),
}

OUTSIDE_BODY = "it lies outside the body"
AT_THE_EDGE = "the field around it lies outside the slice for the most part"
UNFAMILIAR_PLACE = "the image around it is unlike the training images"
EXCHANGED_AXES = (
    "left and right lie before each other, not beside each other",
    "x and y seem to be exchanged",
)
EXCHANGED_AXES_OF_ONE_SIDE = (
    "the points of this side lie beside the canal once x and y are exchanged",
    "and not as they are",
)

# A recess lies well within the slice; where not even this share of the field does, it is none.
LEAST_OF_RECESS = 0.6

# Outside the body there is noise only.
AIR = 0.04

# So many checks have to agree that a point is in no recess.
SEVERAL = 2


@dataclass(frozen=True)
class Checked:
    """What the checks say of the points of a study.

    Attributes:
        warnings: Of each point.
        refusals: Of each point, why it is not to be graded; empty for most.
        doubts: What speaks against all of them.
    """

    warnings: list[tuple[str, ...]]
    refusals: list[str]
    doubts: tuple[str, ...] = ()


def check_points(
    study: Study,
    points: Sequence[Located[Point]],
    unfamiliar: Sequence[bool],
    spec: InputSpec,
    named: Sequence[Point],
    landmarks: Landmarks | None = None,
) -> Checked:
    """Check points, each by itself and against the others.

    What the refused points are at odds with is not blamed on the others.

    Args:
        study: That the points lie in.
        points: Those to be graded.
        unfamiliar: Whether the image around each is unlike the training images.
        spec: How large a field the model wants.
        named: All points of the study, graded or not.
        landmarks: What the images show by themselves, where that is known.
    """
    evidence = find_gross(points, unfamiliar, spec)
    refusals = [
        _refusal(located.point, texts) if len(texts) >= SEVERAL else ""
        for located, texts in zip(points, evidence, strict=True)
    ]
    kept = [located for located, reason in zip(points, refusals, strict=True) if not reason]
    warnings = {id(located): list(_check_alone(located, spec)) for located in kept}
    doubts = []
    for finding in _findings(study, kept, named, landmarks):
        if len(finding.points) == len(kept) > 1:
            doubts.append(finding.text)
            continue
        for located in finding.points:
            warnings[id(located)].append(finding.text)
    for located, texts in zip(points, evidence, strict=True):
        # What one check alone found is a doubt.
        if id(located) in warnings and set(texts) - {UNFAMILIAR_PLACE}:
            where = _place(located.point)
            warnings[id(located)].append(f"the point may be in no {where}: {texts[0]}.")
    return Checked(
        [tuple(warnings.get(id(located), ())) for located in points], refusals, tuple(doubts)
    )


def _groups(points: Sequence[Located[Point]]) -> list[list[Located[Point]]]:
    """Points of one condition and its mirror image."""
    groups: dict[frozenset[Condition], list[Located[Point]]] = defaultdict(list)
    for located in points:
        condition = located.point.condition
        groups[frozenset((condition, condition.mirrored))].append(located)
    return list(groups.values())


def _in_recesses(points: Sequence[Located[Point]]) -> list[Located[Point]]:
    return [
        located
        for located in points
        if located.point.condition.side
        and located.slice_in_stack.slice.geometry.plane is Plane.AXIAL
    ]


def _findings(
    study: Study,
    points: Sequence[Located[Point]],
    named: Sequence[Point],
    landmarks: Landmarks | None,
) -> Iterator[Finding]:
    for group in _groups(points):
        order = check_order(group)
        yield from order
        recesses = _in_recesses(group)
        if recesses:
            sides = check_sides(recesses)
            yield from sides
            if landmarks:
                known = {id(located) for finding in sides for located in finding.points}
                yield from check_recesses(recesses, landmarks, known)
            # Where levels are at odds with each other, it is known already.
            if not order:
                # What the table itself says of sagittal slices comes first.
                numbering = check_numbering(study, recesses, named)
                counted = landmarks.discs if landmarks else {}
                yield from numbering or check_counting(recesses, counted)
        else:
            yield from _check_foramina(group)


def _check_foramina(points: Sequence[Located[Point]]) -> Iterator[Finding]:
    for level, members in by_level(points).items():
        if len(members) == 2 and sides_step(*members)[0] < 0:
            text = f"left and right of {level} are exchanged; the patient's left is meant."
            yield Finding(text, tuple(members))


def find_gross(
    points: Sequence[Located[Point]], unfamiliar: Sequence[bool], spec: InputSpec
) -> list[list[str]]:
    """What speaks for each point being in no recess at all; arguments as in `check_points`."""
    evidence: dict[int, list[str]] = {}
    for located, strange in zip(points, unfamiliar, strict=True):
        slices = located.slices
        pixel = (located.pixel[0] - slices.origin[0], located.pixel[1] - slices.origin[1])
        middle = slices.pixels[len(slices.pixels) // 2]
        air = _is_air(middle, slices.spacing_mm, pixel)
        share = covered_share(slices, located.pixel, spec, side=located.point.condition.side)
        evidence[id(located)] = (
            [OUTSIDE_BODY] * air
            + [AT_THE_EDGE] * (share < LEAST_OF_RECESS)
            + [UNFAMILIAR_PLACE] * strange
        )
    for group in _groups(_in_recesses(points)):
        places = by_level(group)
        for located in group:
            far = far_from_canal(located, places)
            if far:
                evidence[id(located)].append(f"it lies {far:.0f} mm from the canal")
        for members in places.values():
            if len(members) == 2 and exchanged_axes(*members):
                for located in members:
                    evidence[id(located)] += EXCHANGED_AXES
        alone = [members[0] for members in places.values() if len(members) == 1]
        for side in Side:
            own = [located for located in alone if located.point.condition.side is side]
            for located in own if (pieces := exchanged_axes_of_one_side(own)) else ():
                evidence[id(located)] += EXCHANGED_AXES_OF_ONE_SIDE[:pieces]
    return [evidence[id(located)] for located in points]


def _refusal(point: Point, evidence: Sequence[str]) -> str:
    return f"the point is in no {_place(point)}: {join_words(evidence)}. Set it again."


def _place(point: Point) -> str:
    return "recess" if point.condition.side else "canal"


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
