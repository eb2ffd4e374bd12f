"""Whether points lie in the discs that they are called by, as counted on sagittal pictures."""

from collections.abc import Mapping, Sequence

from lss_cli.anatomy import Level
from lss_cli.grading.order import OTHER_DISC_MM, SAME_DISC_MM
from lss_cli.grading.sides import Finding
from lss_cli.points.point import Point
from lss_cli.study.geometry import HEAD, Vector
from lss_cli.study.study import Located

Places = Mapping[Level, Vector]


def check_counting(points: Sequence[Located[Point]], counted: Places) -> list[Finding]:
    """Findings on points that lie in another disc than the one they are called by.

    Args:
        points: In recesses, of one study.
        counted: Where the canal lies at each disc, in the patient, in mm; as far as it is sure.
    """
    apart: dict[int, list[tuple[Located[Point], Level]]] = {}
    for located in points:
        level = located.point.level
        heights = {name: float((located.position - at) @ HEAD) for name, at in counted.items()}
        if level not in heights or abs(heights[level]) <= OTHER_DISC_MM:
            continue
        nearest = min(heights, key=lambda name: abs(heights[name]))
        if abs(heights[nearest]) < SAME_DISC_MM:
            shift = nearest.ordinal - level.ordinal
            apart.setdefault(shift, []).append((located, nearest))
    findings = []
    for members in apart.values():
        if len(members) == len(points) > 1:
            located, nearest = members[-1]
            text = (
                f"what is called {located.point.level} here is {nearest} as counted on the "
                "sagittal pictures, and so are all levels; check the numbering."
            )
            return [Finding(text, tuple(point for point, _ in members))]
        findings += [
            Finding(
                f"the point of {located.point.level} lies in what is {nearest} as counted on the "
                "sagittal pictures; is it another level?",
                (located,),
            )
            for located, nearest in members
        ]
    return findings
