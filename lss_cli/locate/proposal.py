"""What the locator proposes: discs, points, and why there is none where there is none."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from lss_cli.anatomy import Condition, Level
from lss_cli.points.point import Point

UNCONFIRMED = "points to be confirmed."


@dataclass(frozen=True)
class Disc:
    """A disc that was found.

    Attributes:
        level: What it is called.
        position: Of its centre in the patient (x to the left, y to the back, z to the head), in mm.
        series_id: The sagittal series that it was found in.
        instance_number: Of the slice nearest to it; ``None`` where that has no number.
        x: Column in that slice as it is stored, in pixels, the centre of the first being 0.
        y: Row, likewise.
        confidence: The probability that it is this disc and that it lies here, 0 to 1.
        sure: Whether that is enough to be used unseen.
        doubts: What speaks against it.
    """

    level: Level
    position: tuple[float, float, float]
    series_id: str
    instance_number: int | None
    x: float
    y: float
    confidence: float
    sure: bool
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class ProposedPoint:
    """A point that was found.

    Attributes:
        point: In pixels of the file, as `coords.csv` has it.
        position: In the patient, in mm.
        confidence: The probability that level and place are right, 0 to 1.
        sure: Whether it may be used before anybody has looked at it.
        doubts: What speaks against it.
        alternative: The same place in a neighbouring slice that could be argued for as well.
    """

    point: Point
    position: tuple[float, float, float]
    confidence: float
    sure: bool
    doubts: tuple[str, ...] = ()
    alternative: Point | None = None


@dataclass(frozen=True)
class UsedSeries:
    """A series that was looked at.

    Attributes:
        kind: ``sagittal`` or ``axial``.
        series_id: The name it goes by.
        why: Why it was chosen.
    """

    kind: str
    series_id: str
    why: str


@dataclass(frozen=True)
class Proposal:
    """All that the locator has to say of one study.

    Attributes:
        study_id: The folder's name.
        discs: Head to feet.
        points: By level from head to feet, the left one first.
        missing: Why a level has no points.
        series: What was looked at.
        doubts: What holds for the whole study.
        models: Names of the networks.
    """

    study_id: str
    discs: tuple[Disc, ...]
    points: tuple[ProposedPoint, ...]
    missing: Mapping[Level, str]
    series: tuple[UsedSeries, ...]
    doubts: tuple[str, ...] = ()
    models: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every level has its points."""
        return not self.missing

    @cached_property
    def by_key(self) -> Mapping[tuple[Condition, Level], ProposedPoint]:
        """The points by condition and level."""
        return {(item.point.condition, item.point.level): item for item in self.points}

    def of_conditions(self, conditions: Iterable[Condition]) -> list[ProposedPoint]:
        """The points of some conditions, in their order."""
        wanted = set(conditions)
        return [item for item in self.points if item.point.condition in wanted]
