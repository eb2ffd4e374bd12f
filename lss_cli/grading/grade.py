"""Grade a study: the function that the commands and other programs call."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain

import numpy as np

from lss_cli.anatomy import Condition, Level, Severity
from lss_cli.errors import PointsError, StudyError
from lss_cli.grading.checks import Located, warnings
from lss_cli.grading.result import CERTAIN, UNCERTAIN, UNFAMILIAR, LevelGrade, StudyGrade
from lss_cli.model.inputs import model_input
from lss_cli.model.session import Model
from lss_cli.points.point import BadPoint, Point
from lss_cli.slices import Float32Array
from lss_cli.study.geometry import Plane
from lss_cli.study.pixels import read_pixels
from lss_cli.study.selection import Choice
from lss_cli.study.series import SliceInStack
from lss_cli.study.slice import Slice
from lss_cli.study.study import Study
from lss_cli.text import join_words, printable

Input = tuple[Float32Array, Float32Array]

CLICK_MM = 2.0
MOVES = ((CLICK_MM, 0.0), (-CLICK_MM, 0.0), (0.0, CLICK_MM), (0.0, -CLICK_MM))
STEADY = 0.9
"""A grade this likely is not tried out beside its point."""

UNSTABLE = f"the grade changes when the point moves by {CLICK_MM:g} mm; check the point."


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
) -> StudyGrade:
    """Grade the points of one study. A level that cannot be graded costs no other.

    Args:
        study: The study, its headers read.
        points: Usable points of this study.
        bad_points: Rows that name no usable point; they are listed as not graded.
        model: What grades them.
        conditions: Those wanted; by default all that the points name and the model may grade.
        remark: Of the person who set the points; goes into every output as it is.
        check: Whether to look for mistakes and unstable grades, which costs as much again.

    Raises:
        PointsError: No point is of a condition that is wanted and that the model may grade.
        StudyError: No point names a series, and the study has no or several axial T2.
    """
    wanted = _conditions(points, bad_points, model, conditions)
    chosen = [one for one in points if one.condition in wanted]
    # Where no point names a series, there is one choice for all, or one error.
    choice = None if any(one.series_id for one in chosen) or not chosen else study.axial_t2
    levels = _graded(study, chosen, model, check)
    levels += [
        LevelGrade(one.condition, one.level, reason=one.reason)
        for one in bad_points
        if one.condition is None or one.condition in wanted
    ]
    return StudyGrade(
        study_id=next((one.study_id for one in chosen if one.study_id), study.id),
        model=model,
        levels=tuple(sorted(levels, key=lambda one: _order(one, wanted))),
        notes=_notes(study, choice, levels),
        remark=remark,
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
            f"the model {model.path.name} may not grade {join_words(refused)}.",
            todo=f"It may grade {join_words(gradable)}.",
        )
    wanted = [one for one in Condition if one in (conditions or gradable)]
    if named and not named.intersection(wanted):
        raise PointsError(
            f"the coordinates hold no point to grade: they name {join_words(sorted(named))}, "
            f"wanted is {join_words(wanted)}."
        )
    return wanted


def locate(
    study: Study,
    point: Point,
    neighbours: int,
    read: Callable[[Slice], Float32Array] = read_pixels,
) -> Located:
    """Find and decode what a point needs.

    Args:
        study: Where to look.
        point: What is to be graded.
        neighbours: Slices on each side of the point's own.
        read: Decodes a slice, or remembers it.

    Raises:
        StudyError: Something is not there, is damaged, or does not fit the condition.
    """
    place = study.locate(point.series_id, point.instance_number)
    _check_plane(place, point.condition)
    oriented = place.orient_point((point.x, point.y))
    return Located(
        condition=point.condition,
        level=point.level,
        place=place,
        slices=place.read_slices(neighbours, read),
        point=oriented,
        position=place.slice.geometry.to_patient((point.x, point.y)),
    )


def _graded(study: Study, points: Sequence[Point], model: Model, check: bool) -> list[LevelGrade]:
    """Grade all points with one run of the model; those with a fault keep their reason."""
    # Left and right of a level share slices, and so do neighbouring levels of a thin stack.
    read = cache(read_pixels)
    rows: dict[Point, LevelGrade] = {}
    ready: list[tuple[Point, Located, Input]] = []
    for point in points:
        rows[point] = LevelGrade(point.condition, point.level, point.series_id, point)
        try:
            located = locate(study, point, model.metadata.input.neighbours, read)
            ready.append((point, located, make_input(located, model)))
        except (StudyError, ValueError) as error:
            rows[point] = replace(rows[point], reason=printable(error, 500))
    inputs = [(located, given) for _, located, given in ready]
    prob = _probabilities(inputs, model)
    remarks = _remarks(inputs, prob, model, check)
    for (point, located, _), texts, row in zip(ready, remarks, prob, strict=False):
        rows[point] = replace(
            rows[point],
            series_id=located.place.series.id,
            warnings=texts,
            probabilities=_triple(row),
        )
    return list(rows.values())


def make_input(located: Located, model: Model, moved_mm: tuple[float, float] = (0.0, 0.0)) -> Input:
    """The model input, of the point itself or of one some millimetres beside it."""
    x, y = (
        value + mm / spacing
        for value, mm, spacing in zip(
            located.point, moved_mm, located.slices.spacing_mm, strict=True
        )
    )
    mirror = model.metadata.conditions[located.condition] == "mirrored"
    side = located.condition.side
    return model_input(located.slices, (x, y), model.metadata.input, side=side, mirror=mirror)


def _probabilities(inputs: Sequence[tuple[Located, Input]], model: Model) -> Float32Array:
    """N × 3, from one run."""
    if not inputs:
        return np.zeros((0, len(Severity)), np.float32)
    return model.probabilities(
        np.stack([image for _, (image, _) in inputs]),
        np.stack([coords for _, (_, coords) in inputs]),
        [located.level for located, _ in inputs],
    )


def _remarks(
    inputs: Sequence[tuple[Located, Input]], prob: Float32Array, model: Model, check: bool
) -> list[tuple[str, ...]]:
    columns: list[list[tuple[str, ...]]] = [
        [(UNFAMILIAR,) if one else () for one in _unfamiliar(inputs, model)]
    ]
    if check:
        located = [one for one, _ in inputs]
        columns += [
            warnings(located, model.metadata.input),
            [(UNSTABLE,) if one else () for one in _unstable(located, prob, model)],
        ]
    return [tuple(chain(*row)) for row in zip(*columns, strict=True)]


def _unfamiliar(inputs: Sequence[tuple[Located, Input]], model: Model) -> list[bool]:
    """Whether an input is unlike those that the model was trained on."""
    known = model.metadata.familiarity
    if known is None or not inputs:
        return [False] * len(inputs)
    images = np.stack([image for _, (image, _) in inputs])
    return [bool(one > 1) for one in known.score(images)]


def _unstable(located: Sequence[Located], prob: Float32Array, model: Model) -> list[bool]:
    """Whether a click a little beside the point would have given another grade.

    Grades that are uncertain anyway, or nearly sure, are not tried.
    """
    found = [False] * len(located)
    near = [at for at, row in enumerate(prob) if CERTAIN <= row.max() < STEADY]
    inputs = [(located[at], make_input(located[at], model, move)) for at in near for move in MOVES]
    moved = _probabilities(inputs, model).reshape(len(near), len(MOVES), len(Severity))
    for at, rows in zip(near, moved, strict=True):
        found[at] = bool((rows.argmax(axis=1) != prob[at].argmax()).any())
    return found


def _triple(prob: Float32Array) -> tuple[float, float, float]:
    normal_mild, moderate, severe = (float(one) for one in prob)
    return normal_mild, moderate, severe


def _check_plane(place: SliceInStack, condition: Condition) -> None:
    plane = Plane.AXIAL if condition.series_description.startswith("Axial") else Plane.SAGITTAL
    found = place.slice.geometry.plane
    if found is not plane:
        raise StudyError(
            f"series {printable(place.series.id)} is {found.value}; {condition} is graded on "
            f"{plane.value} slices.",
            todo="Place the point in another series.",
        )


def _notes(study: Study, choice: Choice | None, levels: Iterable[LevelGrade]) -> tuple[str, ...]:
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
    if any(one.uncertain for one in levels):
        notes.append(UNCERTAIN)
    return tuple(notes)


def _order(one: LevelGrade, wanted: list[Condition]) -> tuple[int, int]:
    condition = wanted.index(one.condition) if one.condition else len(wanted)
    return condition, one.level.ordinal if isinstance(one.level, Level) else len(Level)
