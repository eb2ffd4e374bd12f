"""What became of the studies of a report, in numbers."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lss_cli.anatomy import Condition
from lss_cli.batch.job import GradingJob, Row
from lss_cli.text import printable


@dataclass(frozen=True)
class ReportSummary:
    """What became of the studies.

    Attributes:
        grades: Rows by finding, level and grade.
        reasons: Rows that were not graded, by reason.
        uncertain: Graded rows for which several grades are possible.
        warned: Graded rows with warnings.
        without_folder: Studies of the table for which no folder was given.
        seconds: How long this run took; a resumed report had more before.
        done_now: Studies graded in this run.
    """

    studies: int
    rows: int
    grades: Mapping[tuple[str, str, str], int]
    reasons: Mapping[str, int]
    uncertain: int
    warned: int
    without_folder: int
    seconds: float
    done_now: int

    @property
    def complete(self) -> bool:
        """Whether every row was graded."""
        return not self.reasons


def summarize(
    studies: int,
    unplaced: Sequence[GradingJob],
    rows: Iterable[Row],
    seconds: float,
    done_now: int,
) -> ReportSummary:
    """Count what became of the studies.

    Args:
        studies: Their number.
        unplaced: What the table has beside them.
        rows: Of the report.
        seconds: How long it took.
        done_now: Studies graded in this run.
    """
    grades: Counter[tuple[str, str, str]] = Counter()
    reasons: Counter[str] = Counter()
    count = uncertain = warned = 0
    for row in rows:
        count += 1
        uncertain += len(row["possible"]) > 1
        warned += bool(row["grade"] and row["warnings"])
        if row["grade"]:
            finding = Condition(row["condition"]).finding
            grades[finding, row["level"], row["grade"]] += 1
        else:
            reasons[printable(row["reason"], 100)] += 1
    return ReportSummary(
        studies=studies,
        rows=count,
        grades=grades,
        reasons=dict(reasons.most_common()),
        uncertain=uncertain,
        warned=warned,
        without_folder=sum(bool(job.study_id) for job in unplaced),
        seconds=seconds,
        done_now=done_now,
    )


def count_grades(summary: ReportSummary) -> dict[str, dict[str, dict[str, int]]]:
    """Graded rows by finding, level and grade; both sides have one finding."""
    order = {condition.finding: place for place, condition in enumerate(Condition)}
    table: dict[str, dict[str, dict[str, int]]] = {}
    for (finding, level, grade), count in sorted(
        summary.grades.items(), key=lambda item: (order[item[0][0]], item[0])
    ):
        table.setdefault(finding, {}).setdefault(level, {})[grade] = count
    return table
