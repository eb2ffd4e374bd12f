"""Points proposed for a command that has no others."""

from collections.abc import Sequence

from lss_cli.anatomy import Condition
from lss_cli.cli.environment import Environment
from lss_cli.grading.proposed import grade_proposal
from lss_cli.grading.result import StudyGrade
from lss_cli.locate.locate import Locators, locate
from lss_cli.model.models import Models
from lss_cli.study.study import Study


def grade_proposed(
    environment: Environment, study: Study, models: Models, conditions: Sequence[Condition]
) -> StudyGrade:
    """Grade the points that the images propose.

    Raises:
        LssError: Nothing can be proposed, or the model may not grade what is wanted.
    """
    proposal = locate(study, Locators.load(environment.models))
    return grade_proposal(study, proposal, models, conditions)
