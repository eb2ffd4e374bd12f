"""What the page of a study calls: grade, show why, make the result; and what it proposes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lss_cli.anatomy import Condition
from lss_cli.annotate.annotations import Annotations
from lss_cli.errors import LssError, StudyError
from lss_cli.grading.grade import grade_study
from lss_cli.grading.occlusion import explain_grade
from lss_cli.grading.result import LevelGrade, StudyGrade
from lss_cli.locate.locate import Locators, locate
from lss_cli.locate.proposal import Proposal, ProposedPoint
from lss_cli.model.session import Model
from lss_cli.output.html import to_html
from lss_cli.output.picture import draw, png
from lss_cli.study.study import Study


@dataclass(frozen=True, eq=False)
class StudyActions:
    """The actions of one study's page.

    Attributes:
        study: The study, its headers read.
        model: What grades it.
        conditions: Those wanted; none for all that the points name and the model may grade.
    """

    study: Study
    model: Model
    conditions: Sequence[Condition]

    def grade(self, annotations: Annotations) -> StudyGrade:
        """Grade what is set."""
        return grade_study(
            self.study,
            annotations.points,
            annotations.bad_points(self.study.id),
            self.model,
            self.conditions,
            remark=annotations.remark,
        )

    def draw_evidence(self, level: LevelGrade) -> bytes:
        """What stands behind the grade of a level, as a PNG."""
        if level.point is None:
            raise StudyError("a level without a point has no evidence.")
        result = StudyGrade(self.study.id, self.model.card, (level,))
        return png(draw(explain_grade(self.study, level.point, self.model), result, level))

    def render(self, result: StudyGrade) -> str:
        """The page of a result, which stands alone."""
        return to_html(result, {})


class Proposer:
    """Proposes points for a person to confirm or to move; whatever stands in the way costs no more.

    Args:
        models: Folder of the networks that find them.
    """

    def __init__(self, models: Path) -> None:
        self._locators: Locators | None = None
        self._reason = ""
        try:
            self._locators = Locators.load(models)
        except LssError as error:
            self._reason = error.what

    def propose(self, study: Study) -> tuple[Sequence[ProposedPoint], str]:
        """The points of a study, and what is to be said of them or of their lack."""
        reason = self._reason
        if self._locators is not None:
            try:
                return _describe(locate(study, self._locators))
            except LssError as error:
                reason = error.what
        return (), f"No points are proposed: {reason}"


def _describe(proposal: Proposal) -> tuple[Sequence[ProposedPoint], str]:
    reasons: dict[str, list[str]] = {}
    for level, reason in proposal.missing.items():
        reasons.setdefault(reason, []).append(str(level))
    texts = [f"{', '.join(levels)}: {reason}" for reason, levels in reasons.items()]
    return proposal.points, " ".join((*proposal.doubts, *texts))
