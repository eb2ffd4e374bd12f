"""A report over many studies, from folders to files."""

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args
from urllib.parse import quote

from lss_cli import __version__
from lss_cli.anatomy import Condition
from lss_cli.batch.cluster import grade_on_cluster
from lss_cli.batch.folders import study_folders
from lss_cli.batch.job import GradingJob, Row, unplaced_rows
from lss_cli.batch.journal import Journal
from lss_cli.batch.plan import plan_jobs, plan_unplaced
from lss_cli.batch.pool import Grader, JobAnswer, grade_locally
from lss_cli.batch.summary import ReportSummary, count_grades, summarize
from lss_cli.errors import ModelError, PointsError
from lss_cli.files import check_outputs, check_writable, is_file, make_folder, write_text
from lss_cli.grading.derived import with_derived
from lss_cli.grading.proposed import proposable_conditions
from lss_cli.locate.metadata import Kind
from lss_cli.model.find import find_locator, models_folder
from lss_cli.model.models import Models
from lss_cli.model.network import open_network
from lss_cli.output.report_files import write_report
from lss_cli.points.table import read_points
from lss_cli.study.archive import is_archive
from lss_cli.text import join_words


@dataclass(frozen=True)
class ReportRequest:
    """What is asked for.

    Attributes:
        studies: A folder of study folders; or a text file that lists study folders; or several
            study folders. Zip files of studies count as study folders.
        coords: Tables with the points of all studies; without any, points are proposed.
        out: The CSV file.
        conditions: Those wanted; by default all that the points name and the model may grade.
        workers: Processes on this machine.
        scheduler: Address of a Dask scheduler, which is used instead.
        timeout_s: The longest that a study may take.
        resume: Whether to go on with an unfinished report.
        more: Further files: ``html``, ``jsonl`` or ``parquet``.
        pages: Whether each study gets a page of its own, beside the overview.
        locators: Folder of the networks that propose points and count discs; by default that of
            the shipped ones.
    """

    studies: tuple[Path, ...]
    coords: tuple[Path, ...]
    out: Path
    conditions: tuple[Condition, ...] = ()
    workers: int = 1
    scheduler: str = ""
    timeout_s: float | None = None
    resume: bool = False
    more: Mapping[str, Path] = field(default_factory=dict)
    pages: bool = False
    locators: Path = field(default_factory=models_folder)

    @property
    def lists(self) -> list[Path]:
        """Text files that list study folders."""
        return [path for path in self.studies if path.is_file() and not is_archive(path)]

    @property
    def journal(self) -> Path:
        """The unfinished report."""
        return self.out.with_name(self.out.name + ".unfinished")

    @property
    def run_report(self) -> Path:
        """How the report was made."""
        return self.out.with_suffix(".json")

    @property
    def pages_folder(self) -> Path:
        """Where the studies' own pages lie."""
        return self.out.with_suffix(".pages")


def make_report(
    request: ReportRequest, models: Models, progress: Callable[[int, int], None]
) -> ReportSummary:
    """Grade all studies and write the report; what is finished is on disk at once.

    Args:
        request: What is asked for.
        models: What grades.
        progress: Called with the studies done and their number.

    Raises:
        StudyError: There is no study folder, or two of one name.
        PointsError: The table cannot be used, or names nothing that the model may grade.
        OutputError: A file cannot be written, or the unfinished report is of other inputs.
        ModelError: A worker cannot use the model.
    """
    started = time.monotonic()
    points, bad = read_points(request.coords) if request.coords else ([], [])
    names = {point.study_id for point in points} | {point.study_id for point in bad}
    conditions = _choose_conditions(request, {point.condition for point in points}, models)
    folders = study_folders(request.studies, names, request.pages_folder)
    check_report_outputs(request, [*request.coords, *models.files, *request.lists, *folders])
    pages = make_folder(request.pages_folder) if request.pages else None
    jobs = plan_jobs(folders, points, bad, conditions, pages, request.timeout_s)
    networks = hash_locators(request)
    if networks:
        folder, propose = str(request.locators.absolute()), not request.coords
        jobs = [replace(job, locators=folder, propose=propose) for job in jobs]
    unplaced = plan_unplaced(jobs, points, bad, conditions)
    run = describe_run(request, models, conditions) | networks
    return report_jobs(request, jobs, unplaced, run, models, progress, started=started)


def report_jobs(
    request: ReportRequest,
    jobs: Sequence[GradingJob],
    unplaced: Sequence[GradingJob],
    run: Mapping[str, Any],
    models: Models,
    progress: Callable[[int, int], None],
    *,
    started: float,
    known: Mapping[str, JobAnswer] = MappingProxyType({}),
) -> ReportSummary:
    """Grade what was planned and write the report.

    Args:
        request: What is asked for.
        jobs: The studies, in their order.
        unplaced: What the table of points has beside them.
        run: What the results depend on.
        models: What grades.
        progress: Called with the studies done and their number.
        started: When this began, on the monotonic clock.
        known: What was graded before, by study; of other jobs than these it does not count.

    Raises:
        OutputError: A file cannot be written, or the unfinished report is of other inputs.
        ModelError: A worker cannot use the model.
    """
    open_journal = Journal.resume if request.resume else Journal.start
    with closing(open_journal(request.journal, run)) as journal:
        for job in jobs:
            answer = known.get(job.study_id)
            # Points are the same wherever they came from; here that makes a difference.
            if answer and asdict(answer.job) == asdict(job):
                journal.add(answer)
        left = [job for job in jobs if job.study_id not in journal.offsets]
        for job in left:
            if job.page:
                # One of an earlier report must not stand for what is not graded now.
                Path(job.page).unlink(missing_ok=True)
        for done, answer in enumerate(_answers(left, request, models), start=1):
            journal.add(answer)
            progress(len(jobs) - len(left) + done, len(jobs))

        def rows() -> Iterator[Row]:
            yield from journal.rows(job.study_id for job in jobs)
            for job in unplaced:
                yield from unplaced_rows(job, models.cards)

        seconds, rules = time.monotonic() - started, describe_rules(models)
        summary = summarize(len(jobs), unplaced, rows(), seconds, len(left))
        write_report(
            rows,
            {"csv": request.out, **request.more},
            {
                **asdict(summary),
                "run": run,
                "grades": count_grades(summary),
                "grade": rules,
                "about_uncertain": " ".join(
                    dict.fromkeys(card.rule.uncertain for card in models.cards)
                ),
            },
            _links(jobs, request),
        )
        write_text(
            request.run_report,
            json.dumps(_run_report(request, run, rules, summary), indent=2, ensure_ascii=False)
            + "\n",
        )
        journal.delete()
    return summary


def check_report_outputs(request: ReportRequest, reads: Iterable[Path]) -> None:
    """Say before the work what could not be written after it."""
    outputs = {
        "--out": request.out,
        "the counts beside it": request.run_report,
        "the unfinished report": request.journal,
        **{f"--{kind}": path for kind, path in request.more.items()},
    }
    for path in outputs.values():
        check_writable(path)
    check_outputs({**outputs, "--pages": request.pages_folder if request.pages else None}, reads)


def _links(jobs: Iterable[GradingJob], request: ReportRequest) -> Mapping[str, str]:
    """The addresses of the studies' pages, of those that have one, seen from the overview."""
    if "html" not in request.more:
        return {}
    start = request.more["html"].absolute().parent
    return {
        job.study_id: quote(os.fsencode(os.path.relpath(job.page, start).replace(os.sep, "/")))
        for job in jobs
        if job.page and is_file(Path(job.page))
    }


def _choose_conditions(
    request: ReportRequest, named: set[Condition], models: Models
) -> list[Condition]:
    if not request.coords:
        return proposable_conditions(models, request.conditions)
    models.require(request.conditions)
    gradable = models.conditions
    chosen = request.conditions or with_derived(named, models)
    wanted = [name for name in Condition if name in gradable and name in chosen]
    if not wanted:
        raise PointsError(
            f"the table has no point of {join_words(gradable)}.",
            where=join_words(path.name for path in request.coords),
        )
    return wanted


def describe_run(
    request: ReportRequest, models: Models, conditions: Sequence[Condition]
) -> dict[str, Any]:
    """What the results depend on, named as a person would name what changed."""
    return {
        "version of lss": __version__,
        "model": " ".join(card.sha256 for card in models.cards),
        "table of points": hashlib.sha256(
            b"".join(path.read_bytes() for path in request.coords)
        ).hexdigest(),
        "choice of conditions": [str(condition) for condition in conditions],
        "choice of pages": request.pages,
    }


def describe_rules(models: Models) -> str:
    """How probabilities become a grade; of several rules, for which finding each holds."""
    rules: dict[str, list[str]] = {}
    for condition, model in models.by_condition.items():
        rules.setdefault(model.metadata.rule.text, []).append(condition.finding)
    if len(rules) == 1:
        return next(iter(rules))
    return "; ".join(
        f"{join_words(dict.fromkeys(findings))}: {text}" for text, findings in rules.items()
    )


def hash_locators(request: ReportRequest) -> dict[str, str]:
    """The networks that propose points, and that count discs where points are given.

    Raises:
        ModelError: There are none, and no points either.
    """
    try:
        return {
            f"network for {kind} pictures": open_network(
                find_locator(kind, request.locators)
            ).sha256
            for kind in get_args(Kind)
        }
    except ModelError:
        if not request.coords:
            raise
        return {}


def _answers(
    jobs: Sequence[GradingJob], request: ReportRequest, models: Models
) -> Iterator[JobAnswer]:
    grader = Grader.of(models, request.timeout_s)
    if request.scheduler:
        return grade_on_cluster(jobs, grader, request.scheduler)
    return grade_locally(jobs, grader, min(request.workers, max(1, len(jobs))))


def _run_report(
    request: ReportRequest, run: Mapping[str, Any], rules: str, summary: ReportSummary
) -> Mapping[str, Any]:
    return {
        "program": f"lss {__version__}",
        "python": platform.python_version(),
        "run": run,
        "grade": rules,
        "workers": request.scheduler or request.workers,
        "timeout_s": request.timeout_s,
        "studies": summary.studies,
        "rows": summary.rows,
        "graded": count_grades(summary),
        "uncertain": summary.uncertain,
        "with_warnings": summary.warned,
        "not_graded": dict(summary.reasons),
        "studies_without_folder": summary.without_folder,
        "seconds": round(summary.seconds, 3),
        "studies_in_this_run": summary.done_now,
    }
