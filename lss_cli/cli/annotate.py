"""``lss predict --click``: what its page calls to grade and to show why."""

from collections.abc import Sequence

import typer

from lss_cli.anatomy import Condition
from lss_cli.annotate.annotations import Annotations
from lss_cli.annotate.browser import click_points, has_screen
from lss_cli.errors import StudyError
from lss_cli.grading.grade import grade_study
from lss_cli.grading.occlusion import gather
from lss_cli.grading.result import LevelGrade, StudyGrade
from lss_cli.model.session import Model
from lss_cli.output.picture import draw, png
from lss_cli.study.study import Study


def clicked_points(study: Study, model: Model, conditions: Sequence[Condition]) -> Annotations:
    """Have the points set in the browser, for these conditions or all that the model grades."""

    def grade(clicked: Annotations) -> StudyGrade:
        bad = clicked.bad_points(study.id)
        return grade_study(study, clicked.points, bad, model, conditions, remark=clicked.remark)

    def evidence(one: LevelGrade) -> bytes:
        if one.point is None:
            raise StudyError("a level without a point has no evidence.")
        return png(draw(gather(study, one.point, model)))

    # What the model may not grade is refused now, not after the clicks.
    grade(Annotations())
    return click_points(
        study,
        conditions=[one for one in Condition if one in (conditions or model.metadata.conditions)],
        grade=grade,
        # Also under --quiet: without the link there is nothing to be done.
        announce=lambda text: typer.echo(text, err=True),
        open_browser=has_screen(),
        evidence=evidence,
    )
