"""``lss predict --click``: what its page calls to grade and to show why."""

from collections.abc import Sequence

import typer

from lss_cli.anatomy import Condition
from lss_cli.errors import StudyError
from lss_cli.evidence import gather
from lss_cli.grading import grade_study
from lss_cli.model.session import Model
from lss_cli.output.picture import draw, png
from lss_cli.points.click.marks import Clicked
from lss_cli.points.click.screen import has_screen
from lss_cli.points.click.session import click_points
from lss_cli.result import LevelGrade, StudyGrade
from lss_cli.study.study import Study


def clicked_points(study: Study, model: Model, conditions: Sequence[Condition]) -> Clicked:
    """Have the points set in the browser, for these conditions or all that the model grades."""

    def grade(clicked: Clicked) -> StudyGrade:
        bad = clicked.bad_points(study.id)
        return grade_study(study, clicked.points, bad, model, conditions, remark=clicked.remark)

    def evidence(one: LevelGrade) -> bytes:
        if one.point is None:
            raise StudyError("a level without a point has no evidence.")
        return png(draw(gather(study, one.point, model)))

    # What the model may not grade is refused now, not after the clicks.
    grade(Clicked())
    return click_points(
        study,
        conditions=[one for one in Condition if one in (conditions or model.metadata.conditions)],
        grade=grade,
        # Also under --quiet: without the link there is nothing to be done.
        announce=lambda text: typer.echo(text, err=True),
        open_browser=has_screen(),
        evidence=evidence,
    )
