"""Grade the points that the locator proposes, those that may be used before anybody saw them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lss_cli.anatomy import Condition, Level
from lss_cli.errors import PointsError
from lss_cli.grading.derived import CANAL, derives_canal, to_be_set
from lss_cli.grading.grade import grade_study
from lss_cli.grading.result import LevelGrade, StudyGrade
from lss_cli.locate.locate import CONDITIONS
from lss_cli.locate.proposal import UNCONFIRMED, Proposal, ProposedPoint
from lss_cli.model.models import Models
from lss_cli.model.session import Model
from lss_cli.study.study import Study
from lss_cli.text import join_words

Key = tuple[Condition | None, Level | str]


def grade_proposal(
    study: Study,
    proposal: Proposal,
    model: Model | Models,
    conditions: Sequence[Condition] = (),
) -> StudyGrade:
    """Grade what is sure; a row says of each other level why it is not graded.

    Where two slices could be argued for, both are graded, and a warning says if the grades differ.

    Args:
        study: The study, its headers read.
        proposal: Of this study.
        model: What grades.
        conditions: Those wanted; by default all that are proposed and the model may grade.

    Raises:
        ModelError: The model may not grade a condition that is wanted.
        PointsError: No point is proposed for any condition that is wanted.
    """
    models = Models.of(model)
    wanted = proposable_conditions(models, conditions)
    items = proposal.of_conditions(to_be_set(wanted, models))
    sure = [item for item in items if item.sure]
    result = grade_study(study, [item.point for item in sure], (), models, wanted)
    levels: dict[Key, LevelGrade] = {
        (row.condition, row.level): row for row in _compare(study, sure, result, models, wanted)
    }
    for item in items:
        if not item.sure:
            point = item.point
            if CANAL in wanted:
                # The middle of what is to be confirmed is no surer.
                levels[CANAL, point.level] = LevelGrade(CANAL, point.level, reason=UNCONFIRMED)
            levels[point.condition, point.level] = LevelGrade(
                point.condition,
                point.level,
                point.series_id,
                point,
                reason=UNCONFIRMED,
                warnings=item.doubts,
            )
    for condition in wanted:
        for level, reason in proposal.missing.items():
            levels[condition, level] = LevelGrade(condition, level, reason=reason)
    ordered = [
        levels[condition, level]
        for condition in wanted
        for level in Level
        if (condition, level) in levels
    ]
    return replace(
        result,
        levels=tuple(ordered),
        doubts=tuple(dict.fromkeys((*result.doubts, *proposal.doubts))),
        notes=(*_notes(proposal), *result.notes),
    )


def proposable_conditions(
    model: Model | Models, conditions: Iterable[Condition] = ()
) -> list[Condition]:
    """The conditions that are wanted and for which points can be proposed.

    Raises:
        ModelError: The model may not grade one of them.
        PointsError: There is none.
    """
    models, chosen = Models.of(model), list(conditions)
    models.require(chosen)
    proposable = [name for name in CONDITIONS.values() if name in models.conditions]
    proposable += [CANAL] if derives_canal(models) else []
    wanted = [condition for condition in proposable if condition in (chosen or proposable)]
    if not wanted or any(condition not in proposable for condition in chosen):
        raise PointsError(
            f"points are proposed for {join_words(CONDITIONS.values())} alone.",
            todo="Give the others with --coords or --click.",
        )
    return wanted


def _compare(
    study: Study,
    items: Sequence[ProposedPoint],
    result: StudyGrade,
    models: Models,
    conditions: Sequence[Condition],
) -> list[LevelGrade]:
    """The graded rows; with a warning where another slice, as good, has another grade."""
    argued = {item.point.level for item in items if item.alternative}
    # A side without another slice stays where it is, for what is derived from both.
    others = [item.alternative or item.point for item in items if item.point.level in argued]
    beside = {
        (row.condition, row.level): row
        for row in grade_study(study, others, (), models, conditions, check=False).levels
    }
    rows = []
    for row in result.levels:
        other = beside.get((row.condition, row.level))
        if other and other.point and other.grade and row.grade and other.grade is not row.grade:
            text = (
                f"slice {other.point.instance_number} could be meant as well, and is graded "
                f"{other.shown}; look at both."
            )
            row = replace(row, warnings=(*row.warnings, text))  # noqa: PLW2901
        rows.append(row)
    return rows


def _notes(proposal: Proposal) -> list[str]:
    return [f"{used.kind} series {used.series_id}: {used.why}." for used in proposal.series]
