"""What the page of a study calls: grade, show why, make the result."""

from collections.abc import Sequence
from dataclasses import dataclass

from lss_cli.anatomy import Condition
from lss_cli.annotate.annotations import Annotations
from lss_cli.errors import StudyError
from lss_cli.grading.grade import grade_study
from lss_cli.grading.occlusion import explain_grade
from lss_cli.grading.result import LevelGrade, StudyGrade
from lss_cli.locate.landmarks import Landmarks
from lss_cli.model.models import Models
from lss_cli.output.html import to_html
from lss_cli.output.picture import draw, png
from lss_cli.study.study import Study


@dataclass(frozen=True, eq=False)
class StudyActions:
    """The actions of one study's page.

    Attributes:
        study: The study, its headers read.
        models: What grades it.
        conditions: Those wanted; none for all that the points name and the models may grade.
        landmarks: What the points are held against, where that is known.
    """

    study: Study
    models: Models
    conditions: Sequence[Condition]
    landmarks: Landmarks | None = None

    def grade(self, annotations: Annotations) -> StudyGrade:
        """Grade what is set."""
        return grade_study(
            self.study,
            annotations.points,
            annotations.bad_points(self.study.id),
            self.models,
            self.conditions,
            remark=annotations.remark,
            landmarks=self.landmarks,
        )

    def draw_evidence(self, level: LevelGrade) -> bytes:
        """What stands behind the grade of a level, as a PNG."""
        if level.point is None:
            raise StudyError("a level without a point has no evidence.")
        result = StudyGrade(self.study.id, self.models.cards, (level,))
        model = self.models.by_condition[level.point.condition]
        return png(draw(explain_grade(self.study, level.point, model), result, level))

    def render(self, result: StudyGrade) -> str:
        """The page of a result, which stands alone."""
        return to_html(result, {})
