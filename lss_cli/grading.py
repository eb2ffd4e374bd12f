"""Grade a study: the function that the commands and other programs call."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lss_cli.anatomy import Condition, Level, Severity, listed
from lss_cli.errors import PointsError, StudyError
from lss_cli.model.session import Model
from lss_cli.model_input import FloatArray, model_input
from lss_cli.points.point import BadPoint, Point
from lss_cli.study.geometry import Plane
from lss_cli.study.select import Choice, weighting
from lss_cli.study.series import Place
from lss_cli.study.study import Study
from lss_cli.text import printable


@dataclass(frozen=True)
class LevelGrade:
    """One row of a result: a level that was graded, or the reason why it was not.

    Attributes:
        series_id: The series that the point names; empty where it could not be found out.
        point: ``None`` where the table's row could not be read.
        probabilities: In the order of `Severity`; ``None`` where the level was not graded.
        reason: Why it was not graded; empty where it was.
        warnings: What a reader should know about a graded level.
    """

    condition: Condition | None
    level: Level | str
    series_id: str = ""
    point: Point | None = None
    probabilities: tuple[float, float, float] | None = None
    reason: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def grade(self) -> Severity | None:
        """The most likely severity; of equals the more severe."""
        prob = self.probabilities
        if prob is None:
            return None
        return max(Severity, key=lambda one: (prob[one.ordinal], one.ordinal))

    @property
    def status(self) -> str:
        """``graded`` or ``not graded``."""
        return "not graded" if self.probabilities is None else "graded"


Input = tuple[FloatArray, FloatArray]


@dataclass(frozen=True, eq=False)
class StudyGrade:
    """The result for one study.

    Attributes:
        study_id: The coordinates' name for it, or the folder's.
        levels: By condition, left first, and level.
        notes: What holds for the whole study, such as why a series was chosen.
    """

    study_id: str
    model: Model
    levels: tuple[LevelGrade, ...]
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every level was graded."""
        return all(one.probabilities is not None for one in self.levels)


def study_names(study: Study) -> tuple[str, ...]:
    """The names under which a table may know a study: folder, UID, the UID's last component."""
    names = (study.id, study.uid, study.uid.rpartition(".")[2])
    return tuple(dict.fromkeys(name for name in names if name))


def grade_study(
    study: Study,
    points: Sequence[Point],
    bad_points: Sequence[BadPoint],
    model: Model,
    conditions: Sequence[Condition] = (),
) -> StudyGrade:
    """Grade the points of one study. A level that cannot be graded costs no other.

    Args:
        study: The study, its headers read.
        points: Usable points of this study.
        bad_points: Rows that name no usable point; they are listed as not graded.
        model: What grades them.
        conditions: Those wanted; by default all that the points name and the model may grade.

    Raises:
        PointsError: No point is of a condition that is wanted and that the model may grade.
        StudyError: No point names a series, and the study has no or several axial T2.
    """
    wanted = _conditions(points, bad_points, model, conditions)
    chosen = [one for one in points if one.condition in wanted]
    # Where no point names a series, there is one choice for all, or one error.
    choice = None if any(one.series_id for one in chosen) or not chosen else study.axial_t2
    levels = _graded([_prepared(study, one, model) for one in chosen], model)
    levels += [
        LevelGrade(one.condition, one.level, reason=one.reason)
        for one in bad_points
        if one.condition is None or one.condition in wanted
    ]
    return StudyGrade(
        study_id=next((one.study_id for one in chosen if one.study_id), study.id),
        model=model,
        levels=tuple(sorted(levels, key=lambda one: _order(one, wanted))),
        notes=_notes(study, choice),
    )


def _conditions(
    points: Sequence[Point],
    bad_points: Sequence[BadPoint],
    model: Model,
    conditions: Sequence[Condition],
) -> list[Condition]:
    every: Sequence[Point | BadPoint] = (*points, *bad_points)
    named = {one.condition for one in every if one.condition}
    gradable = model.metadata.conditions
    refused = [one for one in conditions if one not in gradable]
    if refused:
        raise PointsError(
            f"the model {model.path.name} may not grade {listed(refused)}.",
            todo=f"It may grade {listed(gradable)}.",
        )
    wanted = [one for one in Condition if one in (conditions or gradable)]
    if named and not named.intersection(wanted):
        raise PointsError(
            f"the coordinates hold no point to grade: they name {listed(sorted(named))}, wanted "
            f"is {listed(wanted)}."
        )
    return wanted


def _prepared(study: Study, point: Point, model: Model) -> tuple[LevelGrade, Input | None]:
    """A row still without its probabilities, and its model input; without one if it has a fault."""
    row = LevelGrade(point.condition, point.level, point.series_id, point)
    try:
        place = study.locate(point.series_id, point.instance_number)
        row = replace(row, series_id=place.series.id, warnings=_warnings(place, point))
        _check_plane(place, point.condition)
        given = model_input(
            place.slices(model.metadata.input.neighbours),
            place.oriented((point.x, point.y)),
            model.metadata.input,
            side=point.condition.side,
            mirror=model.metadata.conditions[point.condition] == "mirrored",
        )
    except (StudyError, ValueError) as error:
        return replace(row, reason=str(error), warnings=()), None
    return row, given


def _graded(rows: Sequence[tuple[LevelGrade, Input | None]], model: Model) -> list[LevelGrade]:
    """Run the model once over all rows that have an input."""
    ready = [(row, given) for row, given in rows if given is not None]
    if not ready:
        return [row for row, _ in rows]
    prob = iter(
        model.probabilities(
            np.stack([image for _, (image, _) in ready]),
            np.stack([coords for _, (_, coords) in ready]),
            [row.point.level for row, _ in ready if row.point],
        )
    )
    return [row if given is None else _with(row, next(prob)) for row, given in rows]


def _with(row: LevelGrade, prob: FloatArray) -> LevelGrade:
    normal_mild, moderate, severe = (float(one) for one in prob)
    return replace(row, probabilities=(normal_mild, moderate, severe))


def _check_plane(place: Place, condition: Condition) -> None:
    plane = Plane.AXIAL if condition.series_description.startswith("Axial") else Plane.SAGITTAL
    found = place.slice.geometry.plane
    if found is not plane:
        raise StudyError(
            f"series {printable(place.series.id)} is {found.value}; {condition} is graded on "
            f"{plane.value} slices.",
            todo="Place the point in another series.",
        )


def _warnings(place: Place, point: Point) -> tuple[str, ...]:
    if "T2" in point.condition.series_description and weighting(place.series) != "T2":
        name = printable(place.series.description) or "without description"
        return (f"the series ({name}) does not seem to be T2-weighted.",)
    return ()


def _notes(study: Study, choice: Choice | None) -> tuple[str, ...]:
    notes = []
    if choice:
        notes.append(f"series {printable(choice.series.id)}: {choice.why}.")
        notes += [choice.doubt] if choice.doubt else []
    if study.skipped:
        first = study.skipped[0]
        notes.append(
            f"{len(study.skipped)} DICOM files were left out: {printable(first.path.name)}, "
            f"{printable(first.reason, 120)}" + (" …" if len(study.skipped) > 1 else ".")
        )
    return tuple(notes)


def _order(one: LevelGrade, wanted: list[Condition]) -> tuple[int, int]:
    condition = wanted.index(one.condition) if one.condition else len(wanted)
    return condition, one.level.ordinal if isinstance(one.level, Level) else len(Level)
