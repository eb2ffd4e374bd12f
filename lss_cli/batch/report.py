"""A report over many studies, from folders to files."""

import hashlib
import json
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lss_cli import __version__
from lss_cli.anatomy import Condition
from lss_cli.batch.cluster import grade_on_cluster
from lss_cli.batch.job import Job, plan
from lss_cli.batch.journal import Journal
from lss_cli.batch.pool import Answer, Grader, grade_locally
from lss_cli.errors import PointsError, StudyError
from lss_cli.files import check_writable, make_folder, write_text
from lss_cli.model.session import Model
from lss_cli.output.report_files import write_report
from lss_cli.points.table import read_points
from lss_cli.text import join_words, printable


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        studies: A folder of study folders; or a text file that lists study folders; or several
            study folders.
        coords: Points of all studies.
        out: The CSV file.
        conditions: Those wanted; by default all that the points name and the model may grade.
        workers: Processes on this machine.
        scheduler: Address of a Dask scheduler, which is used instead.
        timeout_s: The longest that a study may take.
        resume: Whether to go on with an unfinished report.
        more: Further files: ``html``, ``jsonl`` or ``parquet``.
        pages: Whether each study gets a page of its own, beside the overview.
    """

    studies: tuple[Path, ...]
    coords: Path
    out: Path
    conditions: tuple[Condition, ...] = ()
    workers: int = 1
    scheduler: str = ""
    timeout_s: float | None = None
    resume: bool = False
    more: Mapping[str, Path] = field(default_factory=dict)
    pages: bool = False


@dataclass(frozen=True)
class Summary:
    """What became of the studies.

    Attributes:
        grades: Rows by level and grade.
        reasons: Rows that were not graded, by reason.
        uncertain: Graded rows for which two grades are possible.
        without_folder: Studies of the table for which no folder was given.
        seconds: How long this run took; a resumed report had more before.
        done_now: Studies graded in this run.
    """

    studies: int
    rows: int
    grades: Mapping[tuple[str, str], int]
    reasons: Mapping[str, int]
    uncertain: int
    without_folder: int
    seconds: float
    done_now: int

    @property
    def complete(self) -> bool:
        """Whether every row was graded."""
        return not self.reasons


def make_report(request: Request, model: Model, progress: Callable[[int, int], None]) -> Summary:
    """Grade all studies and write the report; what is finished is on disk at once.

    Args:
        request: What is asked for.
        model: What grades.
        progress: Called with the studies done and their number.

    Raises:
        StudyError: There is no study folder, or two of one name.
        PointsError: The table cannot be used, or names nothing that the model may grade.
        OutputError: A file cannot be written, or the unfinished report is of other inputs.
        ModelError: A worker cannot use the model.
    """
    started = time.monotonic()
    for path in (request.out, *request.more.values()):
        check_writable(path)
    points, bad = read_points(request.coords)
    names = {one.study_id for one in points} | {one.study_id for one in bad}
    conditions = _conditions(request, {one.condition for one in points}, model)
    folders = study_folders(request.studies, names)
    pages = make_folder(request.out.with_suffix(".pages")) if request.pages else None
    jobs = plan(folders, points, bad, conditions, pages)
    run = _run(request, model, conditions)
    journal_path = request.out.with_name(request.out.name + ".unfinished")
    open_journal = Journal.resume if request.resume else Journal.start
    with closing(open_journal(journal_path, run)) as journal:
        left = [job for job in jobs if job.study_id not in journal.offsets]
        for done, answer in enumerate(_answers(left, request, model), start=1):
            journal.add(answer)
            progress(len(jobs) - len(left) + done, len(jobs))
        summary = _summary(jobs, journal, names, time.monotonic() - started, len(left))
        write_report(
            lambda: journal.rows(job.study_id for job in jobs),
            {"csv": request.out, **request.more},
            {**asdict(summary), "run": run, "grades": _by_level(summary)},
            {job.study_id: f"{pages.name}/{Path(job.page).name}" for job in jobs} if pages else {},
        )
        write_text(
            request.out.with_suffix(".json"),
            json.dumps(_run_report(request, run, summary), indent=2, ensure_ascii=False) + "\n",
        )
        journal.delete()
    return summary


def study_folders(paths: Sequence[Path], names: set[str]) -> list[Path]:
    """The study folders that are meant.

    Args:
        paths: One folder of study folders, or one study folder whose name the table knows; one
            text file with a folder per line (relative to it); or several study folders.
        names: Names of studies in the table.

    Raises:
        StudyError: There is none.
    """
    if len(paths) > 1:
        folders = list(paths)
    elif paths[0].is_file():
        lines = paths[0].read_text(encoding="utf-8").splitlines()
        folders = [paths[0].parent / line.strip() for line in lines if line.strip()]
    else:
        inner = sorted(one for one in paths[0].glob("*") if one.is_dir())
        alone = paths[0].resolve().name in names and not any(one.name in names for one in inner)
        folders = list(paths) if alone else inner
    if not folders:
        raise StudyError(
            "no study folder was found.",
            where=str(paths[0]),
            todo="Name a folder of study folders, a text file that lists them, or several.",
        )
    return folders


def _conditions(request: Request, named: set[Condition], model: Model) -> list[Condition]:
    gradable = model.metadata.conditions
    refused = [one for one in request.conditions if one not in gradable]
    if refused:
        raise PointsError(
            f"the model {model.path.name} may not grade {join_words(refused)}.",
            todo=f"It may grade {join_words(gradable)}.",
        )
    wanted = [one for one in Condition if one in gradable and one in (request.conditions or named)]
    if not wanted:
        raise PointsError(
            f"the table has no point of {join_words(gradable)}.", where=request.coords.name
        )
    return wanted


def _run(request: Request, model: Model, conditions: Sequence[Condition]) -> Mapping[str, Any]:
    """What the results depend on, named as a person would name what changed."""
    return {
        "version of lss": __version__,
        "model": model.sha256,
        "table of points": hashlib.sha256(request.coords.read_bytes()).hexdigest(),
        "choice of conditions": [str(one) for one in conditions],
        "choice of pages": request.pages,
    }


def _answers(jobs: Sequence[Job], request: Request, model: Model) -> Iterator[Answer]:
    name = f"{model.metadata.name} {model.sha256[:12]}"
    grader = Grader(model.path.resolve(), model.sha256, name, request.timeout_s)
    if request.scheduler:
        return grade_on_cluster(jobs, grader, request.scheduler)
    return grade_locally(jobs, grader, min(request.workers, max(1, len(jobs))))


def _summary(
    jobs: Sequence[Job], journal: Journal, names: set[str], seconds: float, done_now: int
) -> Summary:
    grades: Counter[tuple[str, str]] = Counter()
    reasons: Counter[str] = Counter()
    count = uncertain = 0
    for row in journal.rows(job.study_id for job in jobs):
        count += 1
        uncertain += len(row["possible"]) > 1
        if row["grade"]:
            grades[row["level"], row["grade"]] += 1
        else:
            reasons[printable(row["reason"], 100)] += 1
    known = {one for job in jobs for one in (job.study_id, *_ids(job))}
    return Summary(
        studies=len(jobs),
        rows=count,
        grades=grades,
        reasons=dict(reasons.most_common()),
        uncertain=uncertain,
        without_folder=len(names - known - {""}),
        seconds=seconds,
        done_now=done_now,
    )


def _ids(job: Job) -> Iterator[str]:
    return (str(one["study_id"]) for one in (*job.points, *job.bad_points))


def _by_level(summary: Summary) -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = {}
    for (level, grade), count in sorted(summary.grades.items()):
        table.setdefault(level, {})[grade] = count
    return table


def _run_report(request: Request, run: Mapping[str, Any], summary: Summary) -> Mapping[str, Any]:
    return {
        "program": f"lss {__version__}",
        "python": platform.python_version(),
        "run": run,
        "workers": request.scheduler or request.workers,
        "timeout_s": request.timeout_s,
        "studies": summary.studies,
        "rows": summary.rows,
        "graded": _by_level(summary),
        "uncertain": summary.uncertain,
        "not_graded": dict(summary.reasons),
        "studies_without_folder": summary.without_folder,
        "seconds": round(summary.seconds, 3),
        "studies_in_this_run": summary.done_now,
    }
