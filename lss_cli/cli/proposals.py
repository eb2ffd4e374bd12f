"""Points proposed for a command that has no others."""

from collections.abc import Sequence

from lss_cli.anatomy import Condition
from lss_cli.cli.environment import Environment
from lss_cli.errors import ModelError
from lss_cli.grading.proposed import grade_proposal
from lss_cli.grading.result import StudyGrade
from lss_cli.locate.landmarks import Landmarks
from lss_cli.locate.locate import Locators, locate
from lss_cli.locate.proposal import ProposedPoint
from lss_cli.model.session import Model
from lss_cli.study.study import Study


def propose_points(environment: Environment, study: Study) -> tuple[Sequence[ProposedPoint], str]:
    """The points that a person is to confirm or to move, and what is to be said of them."""
    # The page's, of which a command without one has no use.
    from lss_cli.annotate.actions import Proposer

    return Proposer(environment.models).propose(study)


def find_landmarks(environment: Environment, study: Study) -> Landmarks | None:
    """What given points are held against; ``None`` where no networks find it."""
    try:
        return Landmarks(study, Locators.load(environment.models))
    except ModelError:
        return None


def grade_proposed(
    environment: Environment, study: Study, model: Model, conditions: Sequence[Condition]
) -> StudyGrade:
    """Grade the points that the images propose.

    Raises:
        LssError: Nothing can be proposed, or the model may not grade what is wanted.
    """
    proposal = locate(study, Locators.load(environment.models))
    return grade_proposal(study, proposal, model, conditions)
