"""A review from its folders to its report."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from lss_cli.anatomy import Condition
from lss_cli.annotate.actions import StudyActions
from lss_cli.annotate.annotations import Annotations, add_proposals
from lss_cli.annotate.browser import wait_for_pages
from lss_cli.annotate.draft import Draft
from lss_cli.annotate.session import AnnotationSession
from lss_cli.annotate.view import StudyView, choose_clickable
from lss_cli.batch.cluster import start_workers
from lss_cli.batch.folders import study_folders
from lss_cli.batch.job import GradingJob
from lss_cli.batch.plan import plan_jobs, plan_unplaced
from lss_cli.batch.pool import Grader
from lss_cli.batch.report import (
    ReportRequest,
    check_report_outputs,
    describe_run,
    hash_locators,
    report_jobs,
)
from lss_cli.batch.summary import ReportSummary
from lss_cli.errors import OutputError
from lss_cli.files import check_outputs, check_writable, make_folder
from lss_cli.grading.derived import to_be_set, with_derived
from lss_cli.locate.proposer import Proposer
from lss_cli.model.models import Models
from lss_cli.points.table import read_points
from lss_cli.review.notice import places_of, post_notice
from lss_cli.review.queue import OpenStudy, ReviewQueue
from lss_cli.review.record import ReviewRecord
from lss_cli.review.server import make_review_app
from lss_cli.review.workers import BackgroundGrader, ReadAhead
from lss_cli.study.archive import is_archive, unpack
from lss_cli.study.study import read_study
from lss_cli.text import join_words


@dataclass(frozen=True)
class ReviewRequest:
    """What is asked for.

    Attributes:
        report: The report that is written in the end; its tables are points to begin with.
        coords: The table of all points that a person sets or confirms.
    """

    report: ReportRequest
    coords: Path

    @property
    def record(self) -> Path:
        """What is set and confirmed, to go on with."""
        return self.report.out.with_name(self.report.out.name + ".review")


def review(
    request: ReviewRequest,
    models: Models,
    announce: Callable[[str], None],
    open_browser: Callable[[str], bool],
    progress: Callable[[int, int], None],
) -> ReportSummary | None:
    """Have the points of many studies confirmed in the browser, then write their report.

    Every change is on disk at once; the same request goes on where this one ended.

    Args:
        request: What is asked for.
        models: What grades.
        announce: Called with the link and how to open it.
        open_browser: As `annotate_in_browser` takes it.
        progress: Called with the studies of the report that are done, and their number.

    Returns:
        ``None`` where nothing was confirmed, so that there is no report.

    Raises:
        StudyError: There is no study folder, or two of one name.
        PointsError: A table cannot be used.
        OutputError: A file cannot be written, or another review has it.
        ModelError: The model cannot be used.
        ClusterGoneError: No scheduler answers.
    """
    report = request.report
    models.require(report.conditions)
    wanted = report.conditions or models.conditions
    clickable = choose_clickable(to_be_set(wanted, models))
    gradable = with_derived(clickable, models)
    conditions = [name for name in Condition if name in wanted and name in gradable]
    points, bad = read_points(report.coords) if report.coords else ([], [])
    names = {point.study_id for point in points} | {point.study_id for point in bad}
    folders = study_folders(report.studies, names, report.pages_folder)
    _check(request, [*report.coords, *models.files, *report.lists, *folders])
    pages = make_folder(report.pages_folder) if report.pages else None
    jobs = plan_jobs(folders, points, bad, conditions, pages, report.timeout_s)
    networks = hash_locators(replace(report, coords=(request.coords,)))
    if networks:
        jobs = [replace(job, locators=str(report.locators.absolute())) for job in jobs]
    unplaced = plan_unplaced(jobs, points, bad, conditions)
    places = places_of(report.studies, folders)
    # One process of this machine: the person's page comes first.
    workers = start_workers(Grader.of(models, report.timeout_s), 1, report.scheduler)
    with closing(ReviewRecord.open(request.record)) as record, post_notice(places) as others:
        notice = _say_who_else(others)
        if notice:
            announce(notice)
        opener = StudyOpener(models, conditions, Proposer(report.locators))
        grader = BackgroundGrader(workers)
        queue = ReviewQueue(jobs, record, request.coords, opener.open, grader.put)
        with ExitStack() as at_the_end:
            at_the_end.callback(queue.close)
            at_the_end.callback(grader.stop)
            grader.start(queue)
            at_the_end.callback(ReadAhead(queue).stop)
            wait_for_pages(
                make_review_app(queue, report.out.name, notice),
                queue.pages,
                announce,
                open_browser,
                lambda: bool(queue.fault or grader.fault),
            )
        if fault := queue.fault or grader.fault:
            raise fault
        if not queue.confirmed:
            return None
        report = replace(report, coords=(request.coords,))
        # Of a report of this review that was interrupted: other points may be confirmed by now.
        report.journal.unlink(missing_ok=True)
        return report_jobs(
            report,
            [queue.to_job(index) for index in range(len(jobs))],
            unplaced,
            describe_run(report, models, conditions) | networks,
            models,
            progress,
            started=time.monotonic(),
            known={
                study.name: study.answer
                for study in queue.studies
                if study.answer and not study.answer.lost
            },
        )


def _say_who_else(others: Sequence[str]) -> str:
    if not others:
        return ""
    who = join_words(other or "a process that does not tell its name" for other in others)
    return (
        f"Another lss review of these studies is going on, with another --out: {who}. What is "
        "confirmed there is not seen here."
    )


@dataclass(frozen=True, eq=False)
class StudyOpener:
    """Reads studies for their pages.

    Attributes:
        models: Grade on the page.
        conditions: What is graded.
        proposer: Proposes points where none are known, and knows what they are held against.
    """

    models: Models
    conditions: Sequence[Condition]
    proposer: Proposer

    def open(self, job: GradingJob, before: Annotations | None, draft: Draft) -> OpenStudy:
        """Read one study.

        Args:
            job: Says where it is, and what the table knows of it.
            before: What was set in it earlier; ``None`` where nobody has changed anything.
            draft: Where changes go.

        Raises:
            StudyError: It cannot be used.
        """
        files = ExitStack()
        try:
            return OpenStudy(self._begin(job, before, draft, files), files)
        except BaseException:
            files.close()
            raise

    def _begin(
        self, job: GradingJob, before: Annotations | None, draft: Draft, files: ExitStack
    ) -> AnnotationSession:
        folder = Path(job.folder)
        if is_archive(folder):
            scratch = files.enter_context(TemporaryDirectory(prefix="lss-"))
            folder = unpack(folder, Path(scratch, job.study_id))
        study = read_study(folder)
        view = StudyView.of(study)
        table = Annotations.of_table(job.points, job.bad_points)
        proposed, note = ((), "") if table.points else self.proposer.propose(study)
        # What a person took away does not come back.
        given = add_proposals(table, proposed) if before is None else replace(before, bad=table.bad)
        landmarks = self.proposer.landmarks(study)
        actions = StudyActions(study, self.models, self.conditions, landmarks)
        return AnnotationSession(
            view,
            to_be_set(self.conditions, self.models),
            actions.grade,
            actions.draw_evidence,
            draft=draft,
            given=given,
            proposed=proposed,
            note=note,
            landmarks=landmarks,
            queued=True,
        )


def _check(request: ReviewRequest, reads: Sequence[Path]) -> None:
    """Say before the work what could not be written in it or after it."""
    report = request.report
    check_report_outputs(report, reads)
    outputs = {"--out": report.out, "--save-coords": request.coords, "the record": request.record}
    for path in outputs.values():
        check_writable(path)
    check_outputs(outputs, reads)
    if request.record.exists():
        return
    for path, what in (
        (request.coords, "a table of points is here, and would be overwritten."),
        (report.journal, "an unfinished report is here."),
    ):
        if path.exists():
            raise OutputError(what, where=str(path), todo="Move it away, or name another --out.")
