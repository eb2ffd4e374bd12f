"""Grading complete studies, in the same worker processes as `lss report`."""

import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pydicom

from lss_cli.batch.job import REPORT_FILE, Row
from lss_cli.batch.pool import Grader, StudyGrader
from lss_cli.errors import LssError
from lss_cli.locate.proposal import UNCONFIRMED
from lss_cli.model.models import Models
from lss_cli.node.points import TO_BE_SET, PointTables
from lss_cli.node.register import ResultObject, State, StudyRecord
from lss_cli.node.spool import Spool
from lss_cli.points.point import PointSource
from lss_cli.text import printable

GONE = "some of its files were deleted after it was sent. Send the whole study again."
NOT_HERE = (
    "the result is not in the spool, which needs the same path on all machines of the cluster."
)

LOGGER = logging.getLogger(__name__)


class Work:
    """What becomes of complete studies.

    Args:
        spool: Where they lie.
        tables: Points that people have set.
        models: What grades.
        timeout_s: The longest that a study may take.
        unattended: Whether grades at proposed points are sent without anybody having looked.
        say: Hears what became of each study.
        stop: Whether all is to end, with grading interrupted.
    """

    def __init__(
        self,
        spool: Spool,
        tables: PointTables,
        models: Models,
        timeout_s: float | None,
        unattended: bool,
        say: Callable[[str], None],
        stop: threading.Event,
    ) -> None:
        self._spool = spool
        self._tables = tables
        self._models = models
        self._unattended = unattended
        self._say = say
        self._stop = stop
        self._lock = threading.Lock()
        self._in_hand: set[str] = set()
        self.grader = Grader.of(models, timeout_s)

    def grade_next(self, worker: StudyGrader) -> bool:
        """Grade the study that has waited longest; whether there was one.

        Raises:
            ModelError: The worker cannot use the model.
        """
        study = self._take()
        if study is None:
            return False
        try:
            self._grade(study, worker)
        finally:
            with self._lock:
                self._in_hand.remove(study.uid)
        return True

    def look_again(self) -> None:
        """Grade studies anew of which a table says something else than when they were graded."""
        if self._tables.refresh():
            register = self._spool.register
            for state in (State.WAITING, State.FAILED, State.SENT):
                for study in register.studies(state):
                    if self._tables.digest_of(study.uid) not in {"", study.points}:
                        register.move(study, State.COMPLETE)

    def _take(self) -> StudyRecord | None:
        if not self._spool.has_room_for_results():
            return None
        with self._lock:
            for study in self._spool.register.studies(State.COMPLETE):
                if study.uid not in self._in_hand:
                    self._in_hand.add(study.uid)
                    return replace(study, points=self._tables.digest_of(study.uid))
        return None

    def _grade(self, study: StudyRecord, worker: StudyGrader) -> None:
        try:
            outcome = self._try(study, worker)
        except (LssError, OSError, sqlite3.Error):
            # Not the study's fault: it stays complete.
            raise
        except Exception as error:
            LOGGER.debug("grading", exc_info=True)
            outcome = State.FAILED, f"a fault in lss ({type(error).__name__}).", []
        if outcome is None:
            return
        state, reason, result = outcome
        if self._spool.register.move(study, state, reason, result):
            self._say(f"{study.uid}: {state}" + (f", {reason}" if reason else ""))

    def _try(
        self, study: StudyRecord, worker: StudyGrader
    ) -> tuple[State, str, Sequence[ResultObject]] | None:
        """Where a study goes on, why, and with what; ``None`` where grading was interrupted."""
        if study.files < study.gone:
            return State.FAILED, GONE, []
        folder = self._spool.result_folder(study)
        earlier = tuple(self._spool.register.earlier_reports(study.uid))
        job = self._tables.job_of(study.uid, self._spool.study_folder(study.uid), self._models)
        answer = worker.grade(replace(job, dicom=str(folder.absolute()), earlier=earlier))
        if answer.lost and self._stop.is_set():
            return None
        state, reason = judge(answer.rows, unattended=self._unattended)
        if state is not State.SENDING:
            return state, reason, []
        if not (folder / REPORT_FILE).is_file():
            return State.FAILED, NOT_HERE, []
        self._spool.keep_result(folder)
        return state, reason, self._objects(folder)

    def _objects(self, folder: Path) -> list[ResultObject]:
        objects = []
        for path in sorted(folder.iterdir()):
            header = pydicom.dcmread(path, stop_before_pixels=True)
            file = str(path.relative_to(self._spool.folder))
            objects.append(
                ResultObject(
                    header.SOPInstanceUID, header.SOPClassUID, header.SeriesInstanceUID, file
                )
            )
        return objects


def judge(rows: Sequence[Row], *, unattended: bool) -> tuple[State, str]:
    """Where a study goes on from its rows, and why.

    Args:
        rows: Of its report.
        unattended: Whether what was graded at proposed points is sent without anybody having
            looked. Points that are not sure have no grade in any case.
    """
    reasons = dict.fromkeys(printable(row["reason"], 300) for row in rows)
    if not any(row["grade"] for row in rows):
        for reason in (UNCONFIRMED, TO_BE_SET):
            if reason in reasons:
                return State.WAITING, reason
        return State.FAILED, next(iter(reasons), "nothing was graded.")
    if not unattended and any(row["points"] == PointSource.PROPOSED for row in rows):
        return State.WAITING, UNCONFIRMED
    return State.SENDING, ""
