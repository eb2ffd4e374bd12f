"""The result of grading: one study, level by level, and the words in which it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from lss_cli.anatomy import Condition, Level, Severity
from lss_cli.model.metadata import ModelCard
from lss_cli.points.point import Point, PointSource
from lss_cli.rule import LIKELIEST, GradeRule
from lss_cli.text import join_words, printable

DISCLAIMER = "Not a medical device. For research; a physician decides."
UNLIKE = "unlike the training images"
# How a warning of it begins.
MISSING_NEIGHBOUR = "a neighbouring slice is missing"
UNFAMILIAR = (
    "the image around the point is unlike those that the model was trained on; check the series "
    "and the point, and do not rely on this grade."
)

PROPOSED = "nobody has looked at the points: they were proposed from the images."


def shown(grades: Sequence[str]) -> str:
    """How grades that are all possible are written, everywhere.

    >>> shown(["Normal/Mild", "Moderate"]), shown(["Normal/Mild", "Moderate", "Severe"])
    ('Normal/Mild or Moderate', 'Normal/Mild, Moderate or Severe')
    """
    *head, last = grades or [""]
    return f"{', '.join(head)} or {last}" if head else last


@dataclass(frozen=True)
class LevelGrade:
    """One row of a result: a level that was graded, or the reason why it was not.

    Attributes:
        series_id: The series that the point names; empty where it could not be found out.
        point: ``None`` where the table's row could not be read.
        probabilities: In the order of `Severity`; ``None`` where the level was not graded.
        rule: By which they become a grade: that of the model.
        reason: Why it was not graded; empty where it was.
        warnings: What a reader should know about a level.
        sop_instance_uid: Of the slice that the point lies in, of a graded level; empty where its
            file has none.
        frame: Index of the slice in a multi-frame file, counted from 0.
        file: The slice's file.
    """

    condition: Condition | None
    level: Level | str
    series_id: str = ""
    point: Point | None = None
    probabilities: tuple[float, float, float] | None = None
    reason: str = ""
    warnings: tuple[str, ...] = ()
    sop_instance_uid: str = ""
    frame: int | None = None
    file: Path | None = None
    rule: GradeRule = LIKELIEST

    @property
    def grade(self) -> Severity | None:
        """What the rule makes of the probabilities."""
        return self.rule.grade(self.probabilities) if self.probabilities else None

    @property
    def possible(self) -> tuple[Severity, ...]:
        """The grade, with all others that may be true if it is not certain; mildest first."""
        return self.rule.possible(self.probabilities) if self.probabilities else ()

    @property
    def uncertain(self) -> bool:
        """Whether several grades are possible."""
        return len(self.possible) > 1

    @property
    def caution(self) -> str:
        """What a table's cell says against relying on a grade; empty for most."""
        texts = [f"uncertain: {self.explained}"] if self.uncertain else []
        texts += [UNLIKE] if UNFAMILIAR in self.warnings else []
        incomplete = any(text.startswith(MISSING_NEIGHBOUR) for text in self.warnings)
        return "; ".join(texts + [MISSING_NEIGHBOUR] * incomplete)

    @property
    def shown(self) -> str:
        """``Moderate``, ``Moderate or Severe`` or ``not graded``: what a reader is to see."""
        return shown(self.possible) or self.status

    @property
    def explained(self) -> str:
        """`shown`, and where the grade is not the likeliest one, why it is the grade."""
        if self.probabilities is None or self.grade is None:
            return self.shown
        likeliest = LIKELIEST.grade(self.probabilities)
        if self.probabilities[likeliest.ordinal] == self.probabilities[self.grade.ordinal]:
            return self.shown
        return f"{self.shown}; {self.grade} by its weight, {likeliest} is likelier"

    @property
    def status(self) -> str:
        """``graded`` or ``not graded``."""
        return "not graded" if self.probabilities is None else "graded"


@dataclass(frozen=True)
class StudyGrade:
    """The result for one study.

    Attributes:
        study_id: The coordinates' name for it, or the folder's.
        models: What grades, each with its conditions; see `graders`.
        levels: By condition, left first, and level.
        notes: What holds for the whole study, such as why a series was chosen.
        doubts: What speaks against relying on any grade of the study; see `warnings_of`.
        remark: What the person who set the points wrote, such as on the numbering of levels.
        graded_on: The day of grading.
    """

    study_id: str
    models: tuple[ModelCard, ...]
    levels: tuple[LevelGrade, ...]
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    remark: str = ""
    graded_on: date = field(default_factory=date.today, compare=False)

    @property
    def cautions(self) -> tuple[str, ...]:
        """What stands above or below all rows: nobody has looked at the points, and `doubts`."""
        proposed = any(
            level.point and level.point.source is PointSource.PROPOSED and level.probabilities
            for level in self.levels
        )
        return (*(PROPOSED,) * proposed, *self.doubts)

    @property
    def complete(self) -> bool:
        """Whether every level was graded."""
        return all(level.probabilities is not None for level in self.levels)

    def models_of(self, condition: Condition | None) -> tuple[ModelCard, ...]:
        """What grades a condition; all, where it could not be read."""
        own = tuple(card for card in self.models if condition in card.conditions)
        return own or self.models

    @property
    def graders(self) -> tuple[ModelCard, ...]:
        """The models that the levels are about."""
        named = {level.condition for level in self.levels}
        return tuple(card for card in self.models if named & {*card.conditions}) or self.models

    @property
    def credits(self) -> tuple[str, ...]:
        """Of each model: what it was trained on, by which rule it grades, and its licence."""
        return tuple(
            f"Model {printable(card.name)}{self._what(card)}, trained on "
            f"{printable(card.trained_on, 160)}. Grade: {card.rule.text}. "
            f"Licence: {printable(card.licence, 160)}."
            for card in self.graders
        )

    def _what(self, card: ModelCard) -> str:
        """What a model grades, where there are several."""
        names = join_words(condition.rsna_name for condition in card.conditions or Condition)
        return f" ({names})" if len(self.graders) > 1 else ""

    def warnings_of(self, level: LevelGrade) -> tuple[str, ...]:
        """All that a reader of this one level should know: what every output says of it."""
        return tuple(dict.fromkeys((*level.warnings, *self.doubts)))
