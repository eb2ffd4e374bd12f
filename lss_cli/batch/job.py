"""One study's work: what goes to a worker, and the rows that come back."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import pydantic.dataclasses
from pydantic import PlainValidator, field_validator

from lss_cli.anatomy import Condition, Level
from lss_cli.errors import LssError
from lss_cli.grading.derived import to_be_set
from lss_cli.grading.grade import grade_study
from lss_cli.grading.proposed import grade_proposal
from lss_cli.grading.result import LevelGrade, StudyGrade
from lss_cli.locate.landmarks import Landmarks
from lss_cli.locate.locate import Locators, locate
from lss_cli.model.metadata import ModelCard
from lss_cli.model.models import Models
from lss_cli.output.earlier import EarlierReport
from lss_cli.output.outputs import Outputs
from lss_cli.output.rows import rows
from lss_cli.points.point import BadPoint, Point, join_remarks
from lss_cli.study.archive import unpack
from lss_cli.study.study import read_study
from lss_cli.validation import read_document

# A row of the report, as `lss_cli.output.rows.rows` gives it.
Row = Mapping[str, Any]

# Among the DICOM objects of a result.
REPORT_FILE = "report.dcm"

NO_POINT = "the table has no point for this level."
NO_POINTS = "the table has no point of this study, by its name or its StudyInstanceUID."
NO_FOLDER = "no folder of this study was given."
NO_STUDY = "the table does not say of which study this is."


def _check_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("text is wanted")
    return value


# A path as Python has it, also where its bytes are no UTF-8, which pydantic refuses (PEP 383).
PathText = Annotated[str, PlainValidator(_check_text)]


@pydantic.dataclasses.dataclass(frozen=True)
class GradingJob:
    """One study to be graded. Plain values only, so that it can travel as JSON.

    Attributes:
        folder: Of the study, or an archive of it; empty where none was given.
        points: Of this study.
        bad_points: Of this study.
        conditions: A row is wanted for each of these and each level.
        page: Where to write the study's own page; empty for none.
        dicom: Folder for the result's DICOM objects; empty for none.
        no_point: Why a level without a point has none.
        scratch: An empty folder in which an archive may be unpacked.
        locators: The folder of the networks that count discs and propose points; empty for none.
        propose: Whether points are proposed; no table has any then.
        earlier: Reports on the study that an archive has, in their order.
    """

    study_id: str
    folder: PathText
    points: tuple[Point, ...]
    bad_points: tuple[BadPoint, ...]
    conditions: tuple[Condition, ...]
    page: PathText = ""
    dicom: PathText = ""
    no_point: str = NO_POINT
    scratch: PathText = ""
    locators: PathText = ""
    propose: bool = False
    earlier: tuple[EarlierReport, ...] = ()

    @property
    def remark(self) -> str:
        """Of the person who set the points."""
        return join_remarks((*self.points, *self.bad_points))

    def to_json(self) -> Mapping[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "GradingJob":
        """The job that `to_json` described.

        Raises:
            ValueError: It described no job.
        """
        return read_document(cls, values)

    @field_validator("bad_points")
    @classmethod
    def _read_levels(cls, points: tuple[BadPoint, ...]) -> tuple[BadPoint, ...]:
        """A level that could be read is one again, not its text."""
        return tuple(
            replace(point, level=Level(point.level)) if point.level in list(Level) else point
            for point in points
        )


def grade_job(job: GradingJob, models: Models) -> list[Row]:
    """Grade one study: a row for each condition and level, then rows whose level is unknown.

    Whatever is wrong with the study becomes the reason in its rows.
    """
    of_use = {*job.conditions, *to_be_set(job.conditions, models)}
    points = [point for point in job.points if point.condition in of_use]
    result = StudyGrade(job.study_id, models.cards, (), remark=job.remark)
    try:
        # Also without points: what is wrong with the study is the truer reason.
        study = read_study(_unpack(job))
        locators = _load_locators(job.locators) if job.locators else None
        if job.propose and locators:
            result = grade_proposal(study, locate(study, locators), models, job.conditions)
        elif points or job.bad_points:
            landmarks = Landmarks(study, locators) if locators else None
            result = grade_study(
                study, points, job.bad_points, models, job.conditions, landmarks=landmarks
            )
        if result.levels:
            for done in _outputs(job, result).write(study, result, models):
                if isinstance(done, Exception):
                    raise done
    except LssError as error:
        # Without the path, which may tell more than the study's name.
        reason = f"{error.what} {error.todo}".strip()
        if not job.points and not job.bad_points:
            return failed_rows(job, reason, models.cards)
        result = replace(result, levels=_not_graded(job, reason))
    levels = _complete(result.levels, job.conditions, job.no_point)
    return rows(replace(result, study_id=job.study_id, levels=levels, remark=job.remark))


@cache
def _load_locators(folder: str) -> Locators:
    """Once in each process; like the model, they keep to one core."""
    return Locators.load(Path(folder), threads=1)


def _outputs(job: GradingJob, result: StudyGrade) -> Outputs:
    # Where nothing was graded, the rows say why, and there is nothing to be sent.
    graded = any(level.probabilities for level in result.levels)
    dicom = Path(job.dicom) if job.dicom and graded else None
    return Outputs(
        html=Path(job.page) if job.page else None,
        dicom_sr=dicom / REPORT_FILE if dicom else None,
        dicom_sc=dicom,
        earlier=job.earlier,
    )


def _unpack(job: GradingJob) -> Path:
    """The folder of a study, which an archive has to be unpacked into."""
    folder = Path(job.folder)
    return unpack(folder, Path(job.scratch, job.study_id)) if job.scratch else folder


def unplaced_rows(job: GradingJob, cards: tuple[ModelCard, ...]) -> list[Row]:
    """The rows of a study without a folder; or, of no study, those of the table alone."""
    if job.study_id:
        return failed_rows(job, NO_FOLDER, cards)
    return rows(StudyGrade("", cards, _not_graded(job, NO_STUDY)))


def failed_rows(job: GradingJob, reason: str, cards: tuple[ModelCard, ...]) -> list[Row]:
    """The rows of a study that could not even be tried.

    Args:
        job: The study's work.
        reason: Why.
        cards: Of the models that were to grade it.
    """
    levels = _complete(_not_graded(job, reason), job.conditions, reason)
    return rows(StudyGrade(job.study_id, cards, levels, remark=job.remark))


def _not_graded(job: GradingJob, reason: str) -> tuple[LevelGrade, ...]:
    """All rows of the table; those that could not be read keep their own reason."""
    points = [
        LevelGrade(point.condition, point.level, point.series_id, point, reason=reason)
        for point in job.points
        if point.condition in job.conditions
    ]
    bad = [
        LevelGrade(point.condition, point.level, reason=point.reason)
        for point in job.bad_points
        if point.condition is None or point.condition in job.conditions
    ]
    return (*points, *bad)


def _complete(
    levels: Iterable[LevelGrade], conditions: Sequence[Condition], reason: str
) -> tuple[LevelGrade, ...]:
    """In order, with a row that says the reason for each level that has none."""
    rest: dict[tuple[Condition | None, Level | str], list[LevelGrade]] = defaultdict(list)
    # What several rows of the table have in common, such as a level given twice, is said once.
    for level in dict.fromkeys(levels):
        rest[level.condition, level.level].append(level)
    ordered = [
        row
        for condition in conditions
        for level in Level
        for row in rest.pop((condition, level), [LevelGrade(condition, level, reason=reason)])
    ]
    return (*ordered, *chain.from_iterable(rest.values()))
