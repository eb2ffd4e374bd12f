"""Grade a study: the function that the commands and other programs call."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lss_cli.anatomy import Condition, Level, Severity
from lss_cli.errors import PointsError, StudyError
from lss_cli.grading.checks import Checked, check_neighbours, check_points
from lss_cli.grading.result import UNFAMILIAR, LevelGrade, StudyGrade
from lss_cli.locate.landmarks import Landmarks
from lss_cli.model.inputs import model_input
from lss_cli.model.session import Model
from lss_cli.points.point import BadPoint, Point, join_remarks
from lss_cli.rule import CERTAIN, GradeRule
from lss_cli.slices import Float32Array
from lss_cli.study.pixels import remember_pixels
from lss_cli.study.selection import Choice
from lss_cli.study.study import Located, Study
from lss_cli.text import join_words, printable

CLICK_MM = 2.0
MOVES = ((CLICK_MM, 0.0), (-CLICK_MM, 0.0), (0.0, CLICK_MM), (0.0, -CLICK_MM))

# A grade that has so much of all, probabilities times weights, is not tried out beside its point.
STEADY = 0.9

UNSTABLE = f"the grade changes when the point moves by {CLICK_MM:g} mm; check the point."


@dataclass(frozen=True, eq=False)
class PointInput:
    """A point that can be graded.

    Attributes:
        located: The point with its slices.
        image: H × W × C, from `model_input`.
        coords: 2 numbers, from `model_input`.
    """

    located: Located[Point]
    image: Float32Array
    coords: Float32Array


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
    *,
    remark: str = "",
    check: bool = True,
    landmarks: Landmarks | None = None,
) -> StudyGrade:
    """Grade the points of one study. A level that cannot be graded costs no other.

    Args:
        study: The study, its headers read.
        points: Usable points of this study.
        bad_points: Rows that name no usable point; they are listed as not graded.
        model: What grades them.
        conditions: Those wanted; by default all that the points name and the model may grade.
        remark: Of the person who set the points; goes into every output as it is. By default
            what the points themselves carry.
        check: Whether to look for mistakes and unstable grades, which costs as much again.
        landmarks: What the images show by themselves; points that lie elsewhere are pointed out.

    Raises:
        ModelError: The model may not grade a condition that is wanted.
        PointsError: No point is of a condition that is wanted and that the model may grade.
        StudyError: No point names a series, and the study has no or several axial T2.
    """
    wanted = _choose_conditions(points, bad_points, model, conditions)
    chosen = [point for point in points if point.condition in wanted]
    # Where no point names a series, there is one choice for all, or one error.
    named = not chosen or any(point.series_id for point in chosen)
    choice = None if named else study.axial_t2
    levels, doubts = _grade_points(study, chosen, points, model, check, landmarks)
    levels += [
        LevelGrade(bad.condition, bad.level, reason=bad.reason)
        for bad in bad_points
        if bad.condition is None or bad.condition in wanted
    ]
    return StudyGrade(
        study_id=next((point.study_id for point in chosen if point.study_id), study.id),
        model=model.card,
        levels=tuple(sorted(levels, key=lambda level: _rank(level, wanted))),
        notes=_notes(choice, levels, model.card.rule),
        doubts=(*_doubts(study, choice), *doubts),
        remark=remark or join_remarks((*points, *bad_points)),
    )


def make_input(
    located: Located[Point], model: Model, moved_mm: tuple[float, float] = (0.0, 0.0)
) -> PointInput:
    """The model input, of the point itself or of one some millimetres beside it.

    Raises:
        ValueError: See `model_input`.
    """
    (x, y), spacing_mm = located.pixel, located.slices.spacing_mm
    condition = located.point.condition
    image, coords = model_input(
        located.slices,
        (x + moved_mm[0] / spacing_mm[0], y + moved_mm[1] / spacing_mm[1]),
        model.metadata.input,
        side=condition.side,
        mirror=model.metadata.mirrors(condition),
    )
    return PointInput(located, image, coords)


def _choose_conditions(
    points: Sequence[Point],
    bad_points: Sequence[BadPoint],
    model: Model,
    conditions: Sequence[Condition],
) -> list[Condition]:
    model.require(conditions)
    every: Sequence[Point | BadPoint] = (*points, *bad_points)
    named = {point.condition for point in every if point.condition}
    gradable = model.metadata.conditions
    wanted = [condition for condition in Condition if condition in (conditions or gradable)]
    if named and not named.intersection(wanted):
        raise PointsError(
            f"the coordinates hold no point to grade: they name {join_words(sorted(named))}, "
            f"wanted is {join_words(wanted)}."
        )
    return wanted


def _grade_points(
    study: Study,
    points: Sequence[Point],
    named: Sequence[Point],
    model: Model,
    check: bool,
    landmarks: Landmarks | None,
) -> tuple[list[LevelGrade], tuple[str, ...]]:
    """Grade points with one run of the model; those with a fault get their reason.

    Gives the levels, and what speaks against all of them.
    """
    # Left and right of a level share slices, and so do neighbouring levels of a thin stack.
    read = remember_pixels()
    neighbours = model.metadata.input.neighbours
    levels: dict[Point, LevelGrade] = {}
    inputs: list[PointInput] = []
    for point in points:
        try:
            located = study.around(point, neighbours, read, condition=point.condition)
            inputs.append(make_input(located, model))
        except (StudyError, ValueError) as error:
            levels[point] = _not_graded(point, printable(error, 500))
    prob = _probabilities(inputs, model)
    unfamiliar = _are_unfamiliar(inputs, model)
    checked = Checked([()] * len(inputs), [""] * len(inputs))
    if check:
        located_points = [given.located for given in inputs]
        checked = check_points(
            study, located_points, unfamiliar, model.metadata.input, named, landmarks
        )
    unstable = _are_unstable(inputs, prob, model) if check else [False] * len(inputs)
    for index, (given, row) in enumerate(zip(inputs, prob, strict=True)):
        point = given.located.point
        warnings = (
            *(UNFAMILIAR,) * unfamiliar[index],
            *check_neighbours(given.located, given.image),
            *checked.warnings[index],
            *(UNSTABLE,) * unstable[index],
        )
        reason = checked.refusals[index]
        levels[point] = (
            _not_graded(point, reason)
            if reason
            else _graded_level(given.located, row, model.metadata.rule, warnings)
        )
    return [levels[point] for point in dict.fromkeys(points)], checked.doubts


def _not_graded(point: Point, reason: str) -> LevelGrade:
    return LevelGrade(point.condition, point.level, point.series_id, point, reason=reason)


def _graded_level(
    located: Located[Point], prob: Float32Array, rule: GradeRule, warnings: tuple[str, ...]
) -> LevelGrade:
    point, slice_ = located.point, located.slice_in_stack.slice
    normal_mild, moderate, severe = (float(value) for value in prob)
    return LevelGrade(
        condition=point.condition,
        level=point.level,
        series_id=located.slice_in_stack.series.id,
        point=point,
        probabilities=(normal_mild, moderate, severe),
        warnings=warnings,
        sop_instance_uid=slice_.sop_instance_uid,
        frame=slice_.frame,
        file=slice_.path,
        rule=rule,
    )


def _probabilities(inputs: Sequence[PointInput], model: Model) -> Float32Array:
    """N × 3, from one run."""
    if not inputs:
        return np.zeros((0, len(Severity)), np.float32)
    return model.probabilities(
        np.stack([given.image for given in inputs]),
        np.stack([given.coords for given in inputs]),
        [given.located.point.level for given in inputs],
    )


def _are_unfamiliar(inputs: Sequence[PointInput], model: Model) -> list[bool]:
    """Whether an input is unlike those that the model was trained on."""
    statistics = model.metadata.ood
    if statistics is None or not inputs:
        return [False] * len(inputs)
    scores = statistics.score(np.stack([given.image for given in inputs]))
    return [bool(score > 1) for score in scores]


def _are_unstable(inputs: Sequence[PointInput], prob: Float32Array, model: Model) -> list[bool]:
    """Whether a click a little beside the point would have given another grade.

    Grades that are uncertain anyway, or nearly sure, are not tried.
    """
    rule, changes = model.metadata.rule, [False] * len(inputs)
    chosen, weighed = rule.choose(prob), rule.weigh(prob)
    for index, grade in enumerate(chosen):
        if prob[index, grade] < CERTAIN or weighed[index, grade] >= STEADY:
            continue
        try:
            beside = [make_input(inputs[index].located, model, move) for move in MOVES]
        except ValueError:
            # There is nothing to be graded where the point would have been.
            changes[index] = True
            continue
        changes[index] = bool((rule.choose(_probabilities(beside, model)) != grade).any())
    return changes


def _notes(choice: Choice | None, levels: Iterable[LevelGrade], rule: GradeRule) -> tuple[str, ...]:
    why = [f"series {printable(choice.series.id)}: {choice.why}."] if choice else []
    return (*why, *([rule.uncertain] if any(level.uncertain for level in levels) else []))


def _doubts(study: Study, choice: Choice | None) -> tuple[str, ...]:
    doubts = [choice.doubt] if choice and choice.doubt else []
    if study.skipped:
        first = study.skipped[0]
        doubts.append(
            f"{len(study.skipped)} DICOM files were left out: {first.name}, "
            f"{printable(first.reason, 120)}" + (" …" if len(study.skipped) > 1 else ".")
        )
    return tuple(doubts)


def _rank(row: LevelGrade, wanted: list[Condition]) -> tuple[int, int]:
    condition = wanted.index(row.condition) if row.condition else len(wanted)
    return condition, row.level.ordinal if isinstance(row.level, Level) else len(Level)
