"""``lss predict --click``: what its page calls to grade and to show why."""

from collections.abc import Sequence
from pathlib import Path

from lss_cli.anatomy import Condition
from lss_cli.annotate.annotations import Annotations
from lss_cli.annotate.draft import Draft
from lss_cli.cli.environment import Environment
from lss_cli.cli.proposals import propose_points
from lss_cli.errors import StudyError
from lss_cli.grading.grade import grade_study
from lss_cli.grading.occlusion import explain_grade
from lss_cli.grading.result import LevelGrade, StudyGrade
from lss_cli.model.session import Model
from lss_cli.output.html import to_html
from lss_cli.output.picture import draw, png
from lss_cli.points.table import write_points
from lss_cli.study.study import Study


def annotate_study(
    environment: Environment,
    study: Study,
    model: Model,
    conditions: Sequence[Condition],
    *,
    given: Annotations,
    save_coords: Path | None,
    propose: bool = False,
) -> tuple[Annotations, Draft]:
    """Have the points set in the browser, for these conditions or all that the model grades.

    Args:
        environment: Opens the browser, and says where drafts are kept.
        study: The study, its headers read.
        model: Grades on the page.
        conditions: Those wanted.
        given: Points to begin with.
        save_coords: Where the points go when the command is interrupted, too.
        propose: Whether to propose points, to be confirmed or moved.

    Returns:
        What was set, and the draft, to be removed when the result is there.
    """

    def grade(annotations: Annotations) -> StudyGrade:
        bad_points = annotations.bad_points(study.id)
        return grade_study(
            study, annotations.points, bad_points, model, conditions, remark=annotations.remark
        )

    def evidence(level: LevelGrade) -> bytes:
        if level.point is None:
            raise StudyError("a level without a point has no evidence.")
        result = StudyGrade(study.id, model.card, (level,))
        return png(draw(explain_grade(study, level.point, model), result, level))

    # What the model may not grade is refused now, not after the clicks.
    grade(Annotations())
    wanted = [
        condition
        for condition in Condition
        if condition in (conditions or model.metadata.conditions)
    ]
    proposed, note = propose_points(environment, study) if propose else ((), "")
    draft = Draft.of(study, wanted, environment.state)
    try:
        annotations = environment.annotate(
            study,
            conditions=wanted,
            grade=grade,
            # Also under --quiet: without the link there is nothing to be done.
            announce=lambda text: print(text, file=environment.stderr, flush=True),
            open_browser=environment.open_browser,
            draw_evidence=evidence,
            draft=draft,
            given=given,
            proposed=proposed,
            note=note,
            render=lambda result: to_html(result, {}),
        )
    except KeyboardInterrupt:
        latest = draft.latest
        if save_coords and latest:
            write_points(save_coords, latest.points, latest.bad_points(study.id), latest.remark)
            environment.messages.print(f"Written: {save_coords}")
        raise
    return annotations, draft
