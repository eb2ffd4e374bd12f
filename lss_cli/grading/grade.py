"""Grade a study: the function that the commands and other programs call."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from lss_cli.anatomy import Condition, Level
from lss_cli.errors import PointsError, StudyError
from lss_cli.grading.checks import Checked, check_neighbours, check_points
from lss_cli.grading.derived import CANAL, Derivation, derive_points
from lss_cli.grading.inputs import (
    CLICK_MM,
    PointInput,
    are_unfamiliar,
    are_unstable,
    make_input,
    probabilities_of,
)
from lss_cli.grading.result import UNFAMILIAR, LevelGrade, StudyGrade
from lss_cli.locate.landmarks import Landmarks
from lss_cli.model.models import Models
from lss_cli.model.session import Model
from lss_cli.points.point import BadPoint, Point, join_remarks
from lss_cli.rule import GradeRule
from lss_cli.slices import Float32Array
from lss_cli.study.pixels import remember_pixels
from lss_cli.study.selection import Choice
from lss_cli.study.slice import Slice
from lss_cli.study.study import Located, Study
from lss_cli.text import join_words, printable

UNSTABLE = f"the grade changes when the point moves by {CLICK_MM:g} mm; check the point."


def study_names(study: Study) -> tuple[str, ...]:
    """The names under which a table may know a study: folder, UID, the UID's last component."""
    names = (study.id, study.uid, study.uid.rpartition(".")[2])
    return tuple(dict.fromkeys(name for name in names if name))


def grade_study(
    study: Study,
    points: Sequence[Point],
    bad_points: Sequence[BadPoint],
    model: Model | Models,
    conditions: Sequence[Condition] = (),
    *,
    remark: str = "",
    check: bool = True,
    landmarks: Landmarks | None = None,
) -> StudyGrade:
    """Grade the points of one study. A level that cannot be graded costs no other.

    Where the canal is graded on axial slices, its points are derived from those of both sides, as
    far as none are given; see `derive_points`.

    Args:
        study: The study, its headers read.
        points: Usable points of this study.
        bad_points: Rows that name no usable point; they are listed as not graded.
        model: What grades them: one for all, or several for a condition each.
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
    models = Models.of(model)
    models.require(conditions)
    derivation = derive_points(study, points, bad_points, models, conditions)
    bad_points = derivation.bad_points
    wanted = _choose_conditions(derivation.points, bad_points, models, conditions)
    chosen = [point for point in derivation.points if point.condition in wanted]
    # Where no point names a series, there is one choice for all, or one error.
    in_series = not chosen or any(point.series_id for point in chosen)
    choice = None if in_series else study.axial_t2
    grading = _Grading(study, points, models, check, landmarks)
    levels, doubts = grading.grade(chosen, derivation)
    levels += [
        LevelGrade(bad.condition, bad.level, reason=bad.reason)
        for bad in bad_points
        if bad.condition is None or bad.condition in wanted
    ]
    return StudyGrade(
        study_id=next((point.study_id for point in chosen if point.study_id), study.id),
        models=models.cards,
        levels=tuple(sorted(levels, key=lambda level: _rank(level, wanted))),
        notes=(*_notes(choice, levels), *derivation.notes),
        doubts=(*_doubts(study, choice), *doubts),
        remark=remark or join_remarks((*points, *bad_points)),
    )


def _choose_conditions(
    points: Sequence[Point],
    bad_points: Sequence[BadPoint],
    models: Models,
    conditions: Sequence[Condition],
) -> list[Condition]:
    every: Sequence[Point | BadPoint] = (*points, *bad_points)
    named = {point.condition for point in every if point.condition}
    wanted = [name for name in Condition if name in (conditions or models.conditions)]
    if named and not named.intersection(wanted):
        raise PointsError(
            f"the coordinates hold no point to grade: they name {join_words(sorted(named))}, "
            f"wanted is {join_words(wanted)}."
        )
    return wanted


@dataclass(frozen=True, eq=False)
class _Verdict:
    """What the checks say of a point: warnings, and why it is not to be graded, if it is not."""

    warnings: tuple[str, ...] = ()
    refusal: str = ""


@dataclass(frozen=True, eq=False)
class _Grading:
    """The points of one study being graded, those of each model with one run of it.

    Attributes:
        study: The study.
        named: All points that were given, graded or not.
        models: What grades.
        check: Whether to look for mistakes and unstable grades.
        landmarks: What the images show by themselves.
    """

    study: Study
    named: Sequence[Point]
    models: Models
    check: bool
    landmarks: Landmarks | None
    # Left, right and canal of a level share slices, and so do neighbouring levels of a thin stack.
    read: Callable[[Slice], Float32Array] = field(default_factory=remember_pixels)

    def grade(
        self, points: Sequence[Point], derivation: Derivation
    ) -> tuple[list[LevelGrade], tuple[str, ...]]:
        """Grade points; those with a fault get their reason.

        Gives the levels, and what speaks against all of them.
        """
        levels: dict[Point, LevelGrade] = {}
        verdicts: dict[Point, _Verdict] = {}
        doubts: list[str] = []
        # What points are derived from is looked at, also where it is not wanted itself.
        sides = [side for point in points for side in derivation.sides.get(point, ())]
        every = dict.fromkeys((*points, *sides * self.check))
        for model in self.models.members:
            own = [
                point for point in every if self.models.by_condition.get(point.condition) is model
            ]
            if own:
                doubts += self._grade_with(model, own, levels, verdicts)
        if self.check and sides:
            doubts += self._look_at([side for side in sides if side not in verdicts], verdicts)
            self._judge_by_sides(derivation, levels, verdicts)
        return [levels[point] for point in dict.fromkeys(points)], tuple(dict.fromkeys(doubts))

    def _grade_with(
        self,
        model: Model,
        points: Sequence[Point],
        levels: dict[Point, LevelGrade],
        verdicts: dict[Point, _Verdict],
    ) -> tuple[str, ...]:
        """Add a level and a verdict for each point; gives what speaks against all."""
        inputs: list[PointInput] = []
        for point in points:
            try:
                inputs.append(make_input(self._locate(point, model), model))
            except (StudyError, ValueError) as error:
                verdicts[point] = _Verdict(refusal=printable(error, 500))
                levels[point] = _not_graded(point, verdicts[point].refusal)
        prob = probabilities_of(inputs, model)
        unfamiliar = are_unfamiliar(inputs, model)
        checked = Checked([()] * len(inputs), [""] * len(inputs))
        if self.check:
            located = [given.located for given in inputs]
            checked = self._check(located, unfamiliar, model)
        unstable = are_unstable(inputs, prob, model) if self.check else [False] * len(inputs)
        for index, (given, row) in enumerate(zip(inputs, prob, strict=True)):
            point, reason = given.located.point, checked.refusals[index]
            verdicts[point] = _Verdict(checked.warnings[index], reason)
            warnings = (
                *(UNFAMILIAR,) * unfamiliar[index],
                *check_neighbours(given.located, given.image),
                *checked.warnings[index],
                *(UNSTABLE,) * unstable[index],
            )
            levels[point] = (
                _not_graded(point, reason)
                if reason
                else _graded_level(given.located, row, model.metadata.rule, warnings)
            )
        return checked.doubts

    def _locate(self, point: Point, model: Model) -> Located[Point]:
        condition, neighbours = point.condition, model.metadata.input.neighbours
        kind = self.models.series_of(condition)
        return self.study.around(point, neighbours, self.read, condition=condition, kind=kind)

    def _check(
        self, located: Sequence[Located[Point]], unfamiliar: Sequence[bool], model: Model
    ) -> Checked:
        return check_points(
            self.study, located, unfamiliar, model.metadata.input, self.named, self.landmarks
        )

    def _judge_by_sides(
        self,
        derivation: Derivation,
        levels: dict[Point, LevelGrade],
        verdicts: dict[Point, _Verdict],
    ) -> None:
        """What speaks against a point speaks against what was derived from it."""
        for point, pair in derivation.sides.items():
            level = levels.get(point)
            if level is None or level.probabilities is None:
                continue
            own = [verdicts[side] for side in pair]
            refused = [
                f"the {side.condition.side} side cannot be used: {verdict.refusal}"
                for side, verdict in zip(pair, own, strict=True)
                if verdict.refusal
            ]
            if refused:
                levels[point] = _not_graded(point, refused[0])
                continue
            warnings = (text for verdict in own for text in verdict.warnings)
            texts = tuple(dict.fromkeys((*level.warnings, *warnings)))
            levels[point] = replace(level, warnings=texts)

    def _look_at(self, points: Sequence[Point], verdicts: dict[Point, _Verdict]) -> tuple[str, ...]:
        """Add verdicts on points that no model here grades; gives what speaks against all."""
        located = []
        for point in points:
            try:
                located.append(self.study.around(point, 0, self.read, condition=point.condition))
            except StudyError as error:
                verdicts[point] = _Verdict(refusal=printable(error, 500))
        if not located:
            return ()
        canal = self.models.by_condition[CANAL]
        checked = self._check(located, [False] * len(located), canal)
        for place, warnings, refusal in zip(
            located, checked.warnings, checked.refusals, strict=True
        ):
            verdicts[place.point] = _Verdict(warnings, refusal)
        return checked.doubts


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


def _notes(choice: Choice | None, levels: Iterable[LevelGrade]) -> tuple[str, ...]:
    why = [f"series {printable(choice.series.id)}: {choice.why}."] if choice else []
    return (*why, *dict.fromkeys(level.rule.uncertain for level in levels if level.uncertain))


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
