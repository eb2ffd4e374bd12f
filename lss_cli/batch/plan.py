"""What a report has to do: the study folders, and one job for each."""

import codecs
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from lss_cli.anatomy import Condition, Level
from lss_cli.batch.job import GradingJob
from lss_cli.errors import StudyError
from lss_cli.files import own_name
from lss_cli.points.point import BadPoint, Point
from lss_cli.points.table import normalize_id
from lss_cli.study.headers import ImageFile, scan_folder
from lss_cli.text import encodable, join_words, printable


def study_folders(paths: Sequence[Path], names: set[str], pages: Path | None = None) -> list[Path]:
    """The study folders that are meant.

    Args:
        paths: One folder of study folders, or one study folder whose name the table knows; one
            text file with a folder per line (relative to it); or several study folders.
        names: Names of studies in the table.
        pages: Folder of the studies' own pages, which may lie among them after an earlier run.

    Raises:
        StudyError: There is none.
    """
    if len(paths) > 1:
        folders = list(paths)
    elif paths[0].is_file():
        folders = _read_list(paths[0])
    else:
        inner = sorted(path for path in paths[0].glob("*") if path.is_dir())
        inner = [path for path in inner if pages is None or not _is_same(path, pages)]
        alone = own_name(paths[0]) in names and not any(own_name(path) in names for path in inner)
        folders = list(paths) if alone else inner
    if not folders:
        raise StudyError(
            "no study folder was found.",
            where=str(paths[0]),
            todo="Name a folder of study folders, a text file that lists them, or several.",
        )
    return folders


def _is_same(path: Path, other: Path) -> bool:
    return path.name == other.name and path.absolute() == other.absolute()


def _read_list(path: Path) -> list[Path]:
    """The folders that a text file lists: in UTF-8 or UTF-16, or as the system's own bytes.

    Raises:
        StudyError: It is no text, or has names in an encoding that this system does not use.
    """
    try:
        content = path.read_bytes()
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            # Windows PowerShell writes it.
            content = content.decode("utf-16").encode()
    except OSError as error:
        raise StudyError(f"it cannot be read ({error.strerror}).", where=str(path)) from error
    except UnicodeDecodeError:
        content = b"\0"
    if b"\0" in content:
        raise StudyError(
            "this is no text file that lists study folders.",
            where=str(path),
            todo="Save the list as UTF-8, or name the folders.",
        )
    folders = []
    for number, line in enumerate(content.removeprefix(codecs.BOM_UTF8).splitlines(), start=1):
        try:
            name = os.fsdecode(line.strip())
            # What is not UTF-8 may be a name all the same, or one in another encoding.
            if encodable(name) != name and not Path(path.parent, name).is_dir():
                raise ValueError("there is no such folder")
        except ValueError:
            raise StudyError(
                "this line is not UTF-8, and names no folder.",
                where=f"{path}, line {number}",
                todo="Save the list as UTF-8.",
            ) from None
        if name:
            folders.append(path.parent / name)
    return folders


def plan_jobs(
    folders: Sequence[Path],
    points: Iterable[Point],
    bad_points: Iterable[BadPoint],
    conditions: Sequence[Condition],
    pages: Path | None = None,
    timeout_s: float | None = None,
) -> list[GradingJob]:
    """One job per study folder, in their order.

    Points belong to a study by the folder's name or by the StudyInstanceUID in its files. A level
    that the table gives under both is not usable.

    Args:
        folders: Study folders.
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
    folder_names = {normalize_id(own_name(folder)) for folder in folders}
    # A study's files are asked for its UID only where the table knows studies by other names.
    others = {*good, *bad} - folder_names - {""}
    jobs: dict[str, GradingJob] = {}
    for folder in folders:
        name = own_name(folder)
        if name in jobs:
            raise StudyError(
                f"two study folders are named {printable(name)}.",
                where=str(folder),
                todo="Rename one, since rows are told apart by this name.",
            )
        uids = _uids(folder, timeout_s) if others else set()
        names = [normalize_id(name), *(sorted(uids & others) if uids else ())]
        own, twice = _set_apart([point for key in names for point in good.get(key, ())])
        twice += [point for key in names for point in bad.get(key, ())]
        if uids is None:
            twice += _not_found_out(name, own, conditions, f"{timeout_s:g}")
        jobs[name] = GradingJob(
            study_id=name,
            folder=str(folder.absolute()),
            points=tuple(own),
            bad_points=tuple(twice),
            conditions=tuple(conditions),
            page=str(pages / f"{name}.html") if pages else "",
        )
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
        if not name or name not in placed
    ]


def _uids(folder: Path, timeout_s: float | None) -> set[str] | None:
    """The study's UID and its last component, as far as its first file tells.

    ``None`` where no file had told it in time.
    """
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
