"""What a report has to do: one job for each study."""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from lss_cli.anatomy import Condition, Level
from lss_cli.batch.job import NO_POINT, NO_POINTS, GradingJob
from lss_cli.errors import StudyError
from lss_cli.points.point import BadPoint, Point
from lss_cli.points.row import normalize_id
from lss_cli.study.archive import find_uids, is_archive, study_name
from lss_cli.study.headers import ImageFile, scan_folder
from lss_cli.text import join_words, printable


def plan_jobs(
    folders: Sequence[Path],
    points: Iterable[Point],
    bad_points: Iterable[BadPoint],
    conditions: Sequence[Condition],
    pages: Path | None = None,
    timeout_s: float | None = None,
) -> list[GradingJob]:
    """One job per study, in their order.

    Points belong to a study by the folder's name or by the StudyInstanceUID in its files; those of
    a table without studies to the only one. A level that the table gives under both names is not
    usable.

    Args:
        folders: Study folders, and archives of studies.
        points: Of all studies.
        bad_points: Of all studies.
        conditions: Those wanted.
        pages: Folder for a page per study, if wanted.
        timeout_s: The longest that it may take to find out a study's UID; ``None`` for no limit.

    Raises:
        StudyError: Two folders have one name, by which their rows could not be told apart.
    """
    good: dict[str, list[Point]] = defaultdict(list)
    bad: dict[str, list[BadPoint]] = defaultdict(list)
    for point in points:
        good[point.study_id].append(point)
    for bad_point in bad_points:
        bad[bad_point.study_id].append(bad_point)
    folder_names = {normalize_id(study_name(folder)) for folder in folders}
    named = {*good, *bad} - {""}
    others = named - folder_names
    # A study's files are asked for its UID only where the table knows studies by other names, or
    # where one that it does not know may be a copy of another.
    ask = bool(named) and named != folder_names
    # Studies that have points, by UID; and those that have none, with theirs.
    studies: dict[str, str] = {}
    strangers: dict[str, set[str]] = {}
    jobs: dict[str, GradingJob] = {}
    for folder in folders:
        name = study_name(folder)
        if name in jobs:
            raise StudyError(
                f"two study folders are named {printable(name)}.",
                where=str(folder),
                todo="Rename one, since rows are told apart by this name.",
            )
        uids = _uids(folder, timeout_s) if ask else set()
        names = [normalize_id(name), *(sorted(uids & others) if uids else ())]
        if not named and len(folders) == 1:
            names = [""]
        own, twice = _set_apart([point for key in names for point in good.get(key, ())])
        twice += [point for key in names for point in bad.get(key, ())]
        if uids is None and others:
            twice += _not_found_out(name, own, conditions, f"{timeout_s:g}")
        jobs[name] = GradingJob(
            study_id=name,
            folder=str(folder.absolute()),
            points=tuple(own),
            bad_points=tuple(twice),
            conditions=tuple(conditions),
            no_point=NO_POINT if own or twice else NO_POINTS,
            page=str(pages / f"{name}.html") if pages else "",
        )
        if own or twice:
            studies |= dict.fromkeys(uids or (), name)
        elif uids:
            strangers[name] = uids
    for name, uids in strangers.items():
        twin = next((studies[uid] for uid in uids if uid in studies), None)
        if twin:
            jobs[name] = replace(jobs[name], no_point=_copy_of(twin))
    return list(jobs.values())


def plan_unplaced(
    jobs: Sequence[GradingJob],
    points: Iterable[Point],
    bad_points: Iterable[BadPoint],
    conditions: Sequence[Condition],
) -> list[GradingJob]:
    """What the table has beside the planned jobs, by the studies' names, the nameless rows first.

    Args:
        jobs: From `plan_jobs`.
        points: As there.
        bad_points: As there.
        conditions: As there.
    """
    placed = {normalize_id(job.study_id) for job in jobs}
    for job in jobs:
        placed |= {point.study_id for point in job.points}
        placed |= {point.study_id for point in job.bad_points}
    rest: dict[str, tuple[list[Point], list[BadPoint]]] = defaultdict(lambda: ([], []))
    for point in points:
        rest[point.study_id][0].append(point)
    for bad_point in bad_points:
        rest[bad_point.study_id][1].append(bad_point)
    return [
        GradingJob(name, "", tuple(good), tuple(bad), tuple(conditions))
        for name, (good, bad) in sorted(rest.items())
        if name not in placed
    ]


def _uids(folder: Path, timeout_s: float | None) -> set[str] | None:
    """The study's UID and its last component, as far as its first file tells.

    ``None`` where no file had told it in time.
    """
    if is_archive(folder):
        return find_uids(folder, timeout_s)
    started = time.monotonic()
    for file in scan_folder(folder):
        if isinstance(file, ImageFile):
            return {file.study_uid, file.study_uid.rpartition(".")[2]}
        if timeout_s and time.monotonic() - started > timeout_s:
            return None
    return set()


def _not_found_out(
    study_id: str, points: Iterable[Point], conditions: Iterable[Condition], seconds: str
) -> list[BadPoint]:
    """The levels that the table may name by a UID that could not be found out in time."""
    known = {(point.condition, point.level) for point in points}
    reason = f"it took longer than {seconds} s to find out the study's UID."
    return [
        BadPoint(study_id, condition, level, reason)
        for condition in conditions
        for level in Level
        if (condition, level) not in known
    ]


def _copy_of(name: str) -> str:
    return (
        "the table has no point of this name; by its StudyInstanceUID, this study is "
        f"{printable(name)} once more."
    )


def _set_apart(points: Sequence[Point]) -> tuple[list[Point], list[BadPoint]]:
    """Set apart the levels of one study that are given under several of its names."""
    rows: dict[tuple[Condition, Level], list[Point]] = defaultdict(list)
    for point in points:
        rows[point.condition, point.level].append(point)
    bad = []
    for same in rows.values():
        if len(same) > 1:
            names = join_words(printable(point.study_id) for point in same)
            reason = f"the level is given for {names}, which are one study. Keep one row."
            bad += [
                BadPoint(point.study_id, point.condition, point.level, reason) for point in same
            ]
    return [same[0] for same in rows.values() if len(same) == 1], bad
