"""One line per study of a report: its worst grade, and what speaks against relying on it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lss_cli.anatomy import Condition, Severity
from lss_cli.grading.result import shown

ORDER = {str(severity): severity.ordinal + 1 for severity in Severity}


@dataclass
class StudyLine:
    """What a reader looks for first.

    Attributes:
        worst: The most severe grade that is possible, as it is shown; empty where none is graded.
        order: Of its most severe part, 0 to 3.
        certainty: Of `worst`, 1 where it is the only possible grade.
        places: By condition, the levels where the study is that severe, or may be; and whether
            nothing else is possible there.
        graded: Rows with a grade.
        not_graded: Rows without.
        uncertain: Rows for which several grades are possible.
        reasons: Why rows have no grade, and how many have none for it.
        warnings: How many rows have each.
    """

    study_id: str
    worst: str = ""
    order: int = 0
    certainty: float = 0
    places: dict[str, list[tuple[str, bool]]] = field(default_factory=dict)
    graded: int = 0
    not_graded: int = 0
    uncertain: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)

    @property
    def doubts(self) -> str:
        """What a person has to look at again; empty where nothing is."""
        counts = {
            "not graded": self.not_graded,
            "uncertain": self.uncertain,
            "warnings": self.warnings.total(),
        }
        return ", ".join(f"{count} {what}" for what, count in counts.items() if count)

    @property
    def doubt_count(self) -> int:
        """By which studies are sorted."""
        return self.not_graded + self.uncertain + self.warnings.total()

    @property
    def where(self) -> Mapping[str, str]:
        """The places in words."""
        return {
            condition: ", ".join(
                level if certain or self.certainty < 1 else f"{level} (possible)"
                for level, certain in levels
            )
            for condition, levels in self.places.items()
        }

    def add(self, row: Mapping[str, Any]) -> None:
        """Count a row of the study."""
        self.warnings.update(row["warnings"])
        if not row["grade"]:
            self.not_graded += 1
            self.reasons[row["reason"]] += 1
            return
        self.graded += 1
        self.uncertain += len(row["possible"]) > 1
        possible = row["possible"]
        order = max(ORDER[grade] for grade in possible)
        if order < self.order:
            return
        if order > self.order:
            self.order, self.certainty, self.places = order, 0, {}
        if 1 / len(possible) > self.certainty:
            self.worst, self.certainty = shown(possible), 1 / len(possible)
        levels = self.places.setdefault(Condition(row["condition"]).rsna_name, [])
        levels.append((row["level"], len(possible) == 1))


def study_lines(rows: Iterable[Mapping[str, Any]]) -> list[StudyLine]:
    """The studies of a report: doubtful ones first, in each part the most severe first."""
    lines: dict[str, StudyLine] = {}
    for row in rows:
        lines.setdefault(row["study_id"], StudyLine(row["study_id"])).add(row)
    return sorted(
        lines.values(),
        key=lambda line: (not line.doubt_count, bool(line.order), -line.order),
    )
