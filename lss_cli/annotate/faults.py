"""What speaks against points, looked for while they are being set."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from lss_cli.errors import StudyError
from lss_cli.grading.counted import check_counting
from lss_cli.grading.recesses import check_recesses
from lss_cli.grading.sides import Finding, check_sides
from lss_cli.locate.landmarks import Landmarks
from lss_cli.points.point import Point
from lss_cli.slices import Float32Array
from lss_cli.study.slice import Slice
from lss_cli.study.study import Located, Study


def find_faults(
    study: Study,
    points: Sequence[Point],
    read: Callable[[Slice], Float32Array],
    landmarks: Landmarks | None = None,
) -> dict[str, str]:
    """What the checks of a result would say of these points, as far as each stands for itself.

    Args:
        study: The study, its headers read.
        points: Those set so far.
        read: Decodes a slice, or remembers it.
        landmarks: What the images show by themselves, where that is known.

    Returns:
        A text for each point that is in doubt, by condition and level.

    Raises:
        ModelError: A network fails.
    """
    located = []
    for point in points:
        if point.condition.side:
            # A damaged slice is said where it is shown.
            with suppress(StudyError):
                located.append(study.around(point, 0, read, condition=point.condition))
    texts: dict[str, list[str]] = {}
    for finding in _findings(located, landmarks):
        for place in finding.points:
            name = f"{place.point.condition} {place.point.level}"
            texts.setdefault(name, []).append(finding.text)
    return {name: " ".join(own) for name, own in texts.items()}


def _findings(points: Sequence[Located[Point]], landmarks: Landmarks | None) -> Iterator[Finding]:
    sides = check_sides(points)
    yield from sides
    if landmarks:
        yield from check_counting(points, landmarks.discs)
        known = {id(located) for finding in sides for located in finding.points}
        yield from check_recesses(points, landmarks, known)
