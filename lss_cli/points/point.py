"""A point on a disc level, and a row that names none."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from lss_cli.anatomy import Condition, Level

NOT_VISIBLE = "marked as not visible."


class PointSource(StrEnum):
    """Who set a point.

    Attributes:
        GIVEN: It stands in a table that does not say it.
        CLICKED: A person.
        CONFIRMED: Not this person, who has looked at it and agreed.
        PROPOSED: A program; nobody has looked at it.
        DERIVED: A program, from other points, none of which was only proposed.
    """

    GIVEN = "given"
    CLICKED = "clicked"
    CONFIRMED = "confirmed"
    PROPOSED = "proposed"
    DERIVED = "derived"


@dataclass(frozen=True)
class Point:
    """Where a condition is to be graded at a level.

    Attributes:
        study_id: As in the table; empty where the table has no such column.
        series_id: SeriesInstanceUID, its last component or the folder's name; empty means the
            study's one axial T2.
        instance_number: InstanceNumber of the slice; of a multi-frame file the frame.
        x: Column in pixels, the centre of the first being 0.
        y: Row in pixels, the centre of the first being 0.
        remark: Of the person who set the study's points; not part of what the point is.
        source: Who set it; not part of what the point is.

    Examples:
        >>> Point("1", "7", 20, Condition.LEFT_SUBARTICULAR, Level.L4_L5, x=180.4, y=165.0).level
        <Level.L4_L5: 'L4/L5'>
    """

    study_id: str
    series_id: str
    instance_number: int
    condition: Condition
    level: Level
    x: float
    y: float
    remark: str = field(default="", compare=False)
    source: PointSource = field(default=PointSource.GIVEN, compare=False)


@dataclass(frozen=True)
class BadPoint:
    """A row that names no usable point, and why.

    Attributes:
        study_id: The study that the row belongs to; empty where the table has no such column.
        condition: As far as it could be read.
        level: As far as it could be read; else the text that stands there.
        reason: What is wrong, with file, line and column; or `NOT_VISIBLE`.
        remark: As of a point.
    """

    study_id: str
    condition: Condition | None
    level: Level | str
    reason: str
    remark: str = field(default="", compare=False)

    @property
    def not_visible(self) -> bool:
        """Whether a person could not find the level, so that nothing is wrong with the row."""
        return self.reason == NOT_VISIBLE


def join_remarks(points: Iterable[Point | BadPoint]) -> str:
    """What was remarked on the points of one study, each text once."""
    return " ".join(dict.fromkeys(point.remark for point in points if point.remark))
