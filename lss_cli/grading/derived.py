"""The spinal canal on axial slices: its points are derived from those of both recesses."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lss_cli.anatomy import Condition, Level
from lss_cli.errors import StudyError
from lss_cli.grading.canal import lie_beside
from lss_cli.model.models import Models
from lss_cli.points.point import BadPoint, Point, PointSource
from lss_cli.study.geometry import Plane
from lss_cli.study.slice import Slice
from lss_cli.study.study import Study
from lss_cli.text import join_words, printable

CANAL = Condition.SPINAL_CANAL
SIDES = (Condition.LEFT_SUBARTICULAR, Condition.RIGHT_SUBARTICULAR)

NOT_BESIDE = (
    "left and right do not lie beside each other as the recesses of one level do, so the middle "
    "between them is not the canal; check both."
)


@dataclass(frozen=True)
class Derivation:
    """Points with those that were derived from them.

    Attributes:
        points: All that can be graded.
        bad_points: Rows that name no usable point, and levels of which none could be derived.
        sides: The left and the right point behind each derived one.
        apart: Levels whose two points lie in different slices.
    """

    points: Sequence[Point]
    bad_points: Sequence[BadPoint]
    sides: Mapping[Point, tuple[Point, Point]] = field(default_factory=dict)
    apart: Sequence[Level] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader is to know of how the points were made."""
        if not self.sides:
            return ()
        text = f"The points of {CANAL.rsna_name.lower()} are the middle between left and right"
        if self.apart:
            text += (
                f"; at {join_words(self.apart)} these lie in different slices, and the middle was "
                "taken in that of the left"
            )
        return (f"{text}.",)


def derives_canal(models: Models) -> bool:
    """Whether the canal is graded on the slices that both recesses lie in."""
    return CANAL in models.conditions and models.series_of(CANAL) == SIDES[0].series_description


def with_derived(named: Collection[Condition], models: Models) -> set[Condition]:
    """Conditions, and what can be graded at their points as well."""
    return {*named, *([CANAL] if {*SIDES} <= {*named} and derives_canal(models) else [])}


def to_be_set(wanted: Iterable[Condition], models: Models) -> list[Condition]:
    """The conditions whose points a person sets, so that those wanted can be graded."""
    chosen = set(wanted)
    if CANAL in chosen and derives_canal(models):
        chosen = chosen - {CANAL} | set(SIDES)
    return [condition for condition in Condition if condition in chosen]


def derive_points(
    study: Study,
    points: Sequence[Point],
    bad_points: Sequence[BadPoint],
    models: Models,
    conditions: Collection[Condition] = (),
) -> Derivation:
    """Derive points of the canal where they are wanted and none is given in an axial slice.

    A level with one side alone has none: where the canal is asked for, or was derived at another
    level, it becomes a row that says so.

    Args:
        study: The study, its headers read.
        points: Usable points of this study.
        bad_points: Rows that name none.
        models: What grades.
        conditions: Those asked for; none for all.
    """
    if not derives_canal(models) or (conditions and CANAL not in conditions):
        return Derivation(points, bad_points)
    by_level: dict[Level, dict[Condition, Point]] = defaultdict(dict)
    for point in points:
        by_level[point.level].setdefault(point.condition, point)
    canal = {level: places[CANAL] for level, places in by_level.items() if CANAL in places}
    given = {level for level, point in canal.items() if _is_axial(study, point)}
    given |= {
        level
        for level in Level
        if any((bad.condition, bad.level) == (CANAL, level) for bad in bad_points)
    }
    open_levels = [
        level for level in Level if level not in given and {*SIDES} & by_level[level].keys()
    ]
    pairs = {
        level: (by_level[level][SIDES[0]], by_level[level][SIDES[1]])
        for level in open_levels
        if {*SIDES} <= by_level[level].keys()
    }
    kept = [point for point in points if point.condition is not CANAL or point.level in given]
    if not pairs and CANAL not in conditions:
        return Derivation(kept, bad_points)
    sides: dict[Point, tuple[Point, Point]] = {}
    bad: list[BadPoint] = []
    for level in open_levels:
        try:
            if level not in pairs:
                missing = next(side for side in SIDES if side not in by_level[level])
                raise StudyError(
                    f"the {missing.side} side has no point, so the middle is not known."
                )
            sides[_middle(study, *pairs[level])] = pairs[level]
        except StudyError as error:
            study_id = next(iter(by_level[level].values())).study_id
            bad.append(BadPoint(study_id, CANAL, level, printable(error, 500)))
    return Derivation(
        [*kept, *sides],
        [*bad_points, *bad],
        sides,
        [left.level for left, right in sides.values() if not _share_slice(study, left, right)],
    )


def _middle(study: Study, left: Point, right: Point) -> Point:
    """The middle between two points, in the slice of the left one.

    Raises:
        StudyError: A slice is not there, or the two do not lie as recesses of one level do.
    """
    slices = [_slice_of(study, point) for point in (left, right)]
    if any(slice_.geometry.plane is not Plane.AXIAL for slice_ in slices):
        raise StudyError("left and right do not both lie in axial slices.")
    places = [
        slice_.geometry.to_patient((point.x, point.y))
        for slice_, point in zip(slices, (left, right), strict=True)
    ]
    if not lie_beside(*places):
        raise StudyError(NOT_BESIDE)
    x, y = slices[0].geometry.to_pixel((places[0] + places[1]) / 2)
    proposed = PointSource.PROPOSED in {left.source, right.source}
    return replace(
        left,
        condition=CANAL,
        # As finely as clicks are kept.
        x=round(x, 2),
        y=round(y, 2),
        # Of what nobody has looked at nothing may seem to be looked at.
        source=PointSource.PROPOSED if proposed else PointSource.DERIVED,
        remark="",
    )


def _slice_of(study: Study, point: Point) -> Slice:
    return study.locate(point.series_id, point.instance_number).slice


def _share_slice(study: Study, left: Point, right: Point) -> bool:
    return _slice_of(study, left) is _slice_of(study, right)


def _is_axial(study: Study, point: Point) -> bool:
    try:
        return _slice_of(study, point).geometry.plane is Plane.AXIAL
    except StudyError:
        return False
