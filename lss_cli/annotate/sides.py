"""Exchanged sides, looked for while points are being set."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from lss_cli.errors import StudyError
from lss_cli.grading.sides import check_sides
from lss_cli.points.point import Point
from lss_cli.slices import Float32Array
from lss_cli.study.slice import Slice
from lss_cli.study.study import Study


def find_side_faults(
    study: Study, points: Sequence[Point], read: Callable[[Slice], Float32Array]
) -> dict[str, str]:
    """What the checks of a result would say of the sides of these points.

    Args:
        study: The study, its headers read.
        points: Those set so far.
        read: Decodes a slice, or remembers it.

    Returns:
        A text for each point that is in doubt, by condition and level.
    """
    located = []
    for point in points:
        if point.condition.side:
            # A damaged slice is said where it is shown.
            with suppress(StudyError):
                located.append(study.around(point, 0, read, condition=point.condition))
    return {
        f"{place.point.condition} {place.point.level}": finding.text
        for finding in check_sides(located)
        for place in finding.points
    }
