"""One study's work: what goes to a worker, and the rows that come back."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lss_cli.anatomy import Condition, Level
from lss_cli.errors import LssError, StudyError
from lss_cli.grading.grade import grade_study
from lss_cli.grading.result import LevelGrade, StudyGrade
from lss_cli.model.session import Model
from lss_cli.output.outputs import Outputs
from lss_cli.output.rows import COLUMNS, rows
from lss_cli.points.point import BadPoint, Point
from lss_cli.points.table import normalize_id
from lss_cli.study.headers import ImageFile, scan_folder
from lss_cli.study.study import read_study
from lss_cli.text import join_words, printable

Row = Mapping[str, Any]
"""A row of the report, as `lss_cli.output.rows.rows` gives it."""

NO_POINT = "the table has no point for this level."


@dataclass(frozen=True)
class Job:
    """One study to be graded. Plain values only, so that it can travel as JSON.

    Attributes:
        folder: Of the study.
        points: Of this study, as `Point` has them.
        bad_points: Of this study, as `BadPoint` has them.
        conditions: A row is wanted for each of these and each level.
        page: Where to write the study's own page; empty for none.
    """

    study_id: str
    folder: str
    points: tuple[Mapping[str, Any], ...]
    bad_points: tuple[Mapping[str, Any], ...]
    conditions: tuple[str, ...]
    page: str = ""

    def to_json(self) -> Mapping[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Job":
        """The job that `to_json` described."""
        lists = {name: tuple(values[name]) for name in ("points", "bad_points", "conditions")}
        return cls(**{**values, **lists})


def plan(
    folders: Sequence[Path],
    points: Iterable[Point],
    bad_points: Iterable[BadPoint],
    conditions: Sequence[Condition],
    pages: Path | None = None,
) -> list[Job]:
    """One job per study folder, in their order.

    Points belong to a study by the folder's name or by the StudyInstanceUID in its files. A level
    that the table gives under both is not usable.

    Args:
        folders: Study folders.
        points: Of all studies.
        bad_points: Of all studies.
        conditions: Those wanted.
        pages: Folder for a page per study, if wanted.

    Raises:
        StudyError: Two folders have one name, by which their rows could not be told apart.
    """
    good: dict[str, list[Point]] = defaultdict(list)
    bad: dict[str, list[BadPoint]] = defaultdict(list)
    for point in points:
        good[point.study_id].append(point)
    for one in bad_points:
        bad[one.study_id].append(one)
    folder_names = {normalize_id(folder.resolve().name) for folder in folders}
    # A study's files are asked for its UID only where the table knows studies by other names.
    others = {*good, *bad} - folder_names - {""}
    jobs: dict[str, Job] = {}
    for folder in folders:
        name = folder.resolve().name
        if name in jobs:
            raise StudyError(
                f"two study folders are named {printable(name)}.",
                where=str(folder),
                todo="Rename one, since rows are told apart by this name.",
            )
        names = [normalize_id(name), *(sorted(_uids(folder) & others) if others else ())]
        own, twice = _apart([one for key in names for one in good.get(key, ())])
        twice += [one for key in names for one in bad.get(key, ())]
        jobs[name] = Job(
            study_id=name,
            folder=str(folder.resolve()),
            points=tuple(asdict(one) for one in own),
            bad_points=tuple(asdict(one) for one in twice),
            conditions=tuple(str(one) for one in conditions),
            page=str(pages / f"{name}.html") if pages else "",
        )
    return list(jobs.values())


def _uids(folder: Path) -> set[str]:
    """The study's UID and its last component, as far as its first file tells."""
    first = next((one for one in scan_folder(folder) if isinstance(one, ImageFile)), None)
    uid = first.study_uid if first else ""
    return {uid, uid.rpartition(".")[2]}


def _apart(points: Sequence[Point]) -> tuple[list[Point], list[BadPoint]]:
    """Set apart the levels of one study that are given under several of its names."""
    rows: dict[tuple[Condition, Level], list[Point]] = defaultdict(list)
    for one in points:
        rows[one.condition, one.level].append(one)
    bad = []
    for same in rows.values():
        if len(same) > 1:
            names = join_words(printable(one.study_id) for one in same)
            reason = f"the level is given for {names}, which are one study. Keep one row."
            bad += [BadPoint(one.study_id, one.condition, one.level, reason) for one in same]
    return [same[0] for same in rows.values() if len(same) == 1], bad


def grade_job(job: Job, model: Model) -> list[Row]:
    """Grade one study: a row for each condition and level, then rows whose level is unknown.

    Whatever is wrong with the study becomes the reason in its rows.
    """
    conditions = [Condition(one) for one in job.conditions]
    points = [one for one in map(_point, job.points) if one.condition in conditions]
    bad = [_bad_point(one) for one in job.bad_points]
    result = StudyGrade(job.study_id, model, ())
    try:
        if points or bad:
            study = read_study(Path(job.folder))
            result = grade_study(study, points, bad, model, conditions, check=bool(job.page))
            if job.page:
                Outputs(html=Path(job.page)).write(study, result)
    except LssError as error:
        # Without the path, which may tell more than the study's name.
        reason = f"{error.what} {error.todo}".strip()
        levels = [LevelGrade(one.condition, one.level, one.series_id, one) for one in points]
        result = replace(result, levels=tuple(replace(one, reason=reason) for one in levels))
    return rows(replace(result, study_id=job.study_id, levels=_complete(result, conditions)))


def failed_rows(job: Job, reason: str, model: str) -> list[Row]:
    """The rows of a study that could not even be tried.

    Args:
        job: The study's work.
        reason: Why.
        model: As the column ``model`` has it.
    """
    empty: Row = dict.fromkeys(COLUMNS)
    names = ("series_id", "instance_number", "x", "y")
    points = {(str(one["condition"]), str(one["level"])): one for one in job.points}
    return [
        {
            **empty,
            **{name: points.get((condition, level), {}).get(name) for name in names},
            "study_id": job.study_id,
            "condition": condition,
            "level": str(level),
            "status": "not graded",
            "reason": reason,
            "model": model,
            "possible": [],
        }
        for condition in job.conditions
        for level in Level
    ]


def _complete(result: StudyGrade, conditions: Sequence[Condition]) -> tuple[LevelGrade, ...]:
    """With a row for what the table does not name, in order."""
    found = {(one.condition, one.level): one for one in result.levels}
    ordered = [
        found.pop((condition, level), LevelGrade(condition, level, reason=NO_POINT))
        for condition in conditions
        for level in Level
    ]
    return (*ordered, *found.values())


def _point(values: Mapping[str, Any]) -> Point:
    level, condition = Level(values["level"]), Condition(values["condition"])
    return Point(**{**values, "level": level, "condition": condition})


def _bad_point(values: Mapping[str, Any]) -> BadPoint:
    condition = Condition(values["condition"]) if values["condition"] else None
    level = values["level"]
    known = Level(level) if level in list(Level) else level
    return BadPoint(**{**values, "level": known, "condition": condition})
