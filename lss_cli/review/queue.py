"""The queue of studies: what state each is in, and what a person does to it."""

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from lss_cli.annotate.annotations import Annotations
from lss_cli.annotate.draft import Draft
from lss_cli.annotate.pages import OpenPages
from lss_cli.annotate.session import AnnotationSession
from lss_cli.batch.job import GradingJob
from lss_cli.batch.pool import JobAnswer
from lss_cli.errors import LssError, PointsError
from lss_cli.points.point import BadPoint, PointSource
from lss_cli.review.coords import CoordsFile
from lss_cli.review.record import ReviewEntry, ReviewRecord
from lss_cli.text import printable

UNCONFIRMED = "points to be confirmed."
NO_POINT = "no point was set for this level."

# Studies that are kept open: the one that is looked at, those before and after, and those of a
# second tab.
MOST_OPEN = 8


class State(StrEnum):
    """Where a study is in its review.

    Attributes:
        NEW: Nothing is known of its points.
        PROPOSED: Points wait that nobody has confirmed, of a table or of the locator.
        BEGUN: A person has changed something, and not confirmed it.
        CONFIRMED: A person has confirmed its points.
        GRADED: They are graded.
        UNUSABLE: It cannot be used; the reason stands beside.
    """

    NEW = "new"
    PROPOSED = "proposed"
    BEGUN = "begun"
    CONFIRMED = "confirmed"
    GRADED = "graded"
    UNUSABLE = "cannot be used"


OPEN_STATES = (State.NEW, State.PROPOSED, State.BEGUN)


@dataclass(eq=False)
class OpenStudy:
    """A study that was read.

    Attributes:
        session: What its page shows and does.
        files: To be closed when it is no longer looked at, such as an unpacked archive.
    """

    session: AnnotationSession
    files: ExitStack


@dataclass(eq=False)
class QueuedStudy:
    """One study of the queue.

    Attributes:
        job: As it was planned, with the points of the table.
        read: Whether it was opened, so that its state is known.
        changed: The number of its last change in the list.
        answer: What became of the grading of what is confirmed.
        lock: Held while the study is read.
    """

    job: GradingJob
    state: State = State.NEW
    reason: str = ""
    read: bool = False
    changed: int = 0
    answer: JobAnswer | None = None
    open: OpenStudy | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def name(self) -> str:
        """By which its rows are known."""
        return self.job.study_id

    def to_json(self) -> dict[str, Any]:
        """What the list shows of it."""
        rows = self.answer.rows if self.answer and self.state is State.GRADED else ()
        return {
            "name": printable(self.name),
            "state": self.state,
            "reason": printable(self.reason, 300),
            "warnings": sum(bool(row["warnings"]) for row in rows),
            "not_graded": sum(not row["grade"] for row in rows),
        }


# Reads a study: its job, what was set in it before (``None`` where nothing was), and where its
# changes go.
OpensStudy = Callable[[GradingJob, Annotations | None, Draft], OpenStudy]


class ReviewQueue:
    """What the page and the command share.

    Args:
        jobs: The studies, in their order.
        record: What was set in them before, and where changes go.
        coords: The table of all points that a person has set or confirmed.
        open_study: Reads a study.
        grade: Called with the place of a study in the queue that was confirmed.

    Attributes:
        pages: Those that show the queue.
        changes: Counts what has changed in the list.
        current: The study that was shown last.
    """

    def __init__(
        self,
        jobs: Sequence[GradingJob],
        record: ReviewRecord,
        coords: Path,
        open_study: OpensStudy,
        grade: Callable[[int], None],
    ) -> None:
        self.studies = [QueuedStudy(job) for job in jobs]
        self.pages = OpenPages()
        self.changes = 0
        self.current = 0
        self.moved = threading.Event()
        self._record = record
        self._coords = CoordsFile(coords, record.entries.values())
        self._open_study = open_study
        self._grade = grade
        self._lock = threading.RLock()
        self._opened: dict[int, None] = {}
        for index, study in enumerate(self.studies):
            entry = record.entries.get(study.name)
            if entry:
                study.state = State.CONFIRMED if entry.confirmed else State.BEGUN
                if entry.confirmed:
                    grade(index)

    # ---- the studies

    def open(self, index: int, *, keep: bool = True) -> AnnotationSession:
        """Read a study, unless it is open already.

        Args:
            index: Its place in the queue.
            keep: Whether to keep it open, as one that is looked at or will be soon.

        Raises:
            LssError: It cannot be used; its state says so as well.
        """
        study = self.studies[index]
        with study.lock:
            if study.open is None:
                study.open = self._read(index)
            session = study.open.session
            old = self._keep_open(index) if keep else []
            if index not in self._opened:
                self._close(study)
        for other in old:
            with self.studies[other].lock:
                self._close(self.studies[other])
        return session

    def _keep_open(self, index: int) -> list[int]:
        """Count a study as the one that was looked at last; gives those that are to be closed."""
        with self._lock:
            self._opened.pop(index, None)
            self._opened[index] = None
            old = list(self._opened)[:-MOST_OPEN]
            for other in old:
                del self._opened[other]
            return old

    def _read(self, index: int) -> OpenStudy:
        study = self.studies[index]
        entry = self._record.entries.get(study.name)
        draft = _Recorded(lambda annotations: self._keep(index, annotations))
        try:
            opened = self._open_study(study.job, entry.annotations if entry else None, draft)
        except Exception as error:
            if isinstance(error, LssError):
                # Without the path, which may tell more than the study's name.
                failure, reason = error, f"{error.what} {error.todo}".strip()
            else:
                # A fault of ours must not cost the other studies.
                reason = (
                    f"a fault in lss ({type(error).__name__}); try it with lss predict --debug."
                )
                failure = LssError(reason)
            self._set(study, State.UNUSABLE, reason)
            raise failure from error
        study.read = True
        if study.state in {State.NEW, State.UNUSABLE}:
            waits = opened.session.annotations.points
            self._set(study, State.PROPOSED if waits else State.NEW)
        return opened

    def _close(self, study: QueuedStudy) -> None:
        if study.open:
            study.open.files.close()
            study.open = None

    def close(self) -> None:
        """Give back what open studies hold."""
        for study in self.studies:
            with study.lock:
                self._close(study)

    @property
    def fault(self) -> Exception | None:
        """A fault of ours in one of the pages."""
        faults = (study.open.session.fault for study in self.studies if study.open)
        return next((fault for fault in faults if fault), None)

    # ---- what a person does

    def show(self, index: int) -> dict[str, Any]:
        """A study is looked at; gives its line of the list.

        One that cannot be used has its reason there.
        """
        with suppress(LssError):
            self.open(index)
        self.current = index
        self.moved.set()
        return self.studies[index].to_json()

    def ahead(self, index: int) -> int | None:
        """The next study to be looked at, already read; ``None`` where there is none."""
        while (after := self.next_open(index)) not in {None, index}:
            assert after is not None
            with suppress(LssError):
                self.open(after)
                return after
        return None

    def confirm(self, index: int, version: int) -> int | None:
        """A person stands by the points of a study; gives the next one to be looked at.

        Raises:
            OutdatedPageError: Another page has changed the points.
            PointsError: Nothing is set, or something waits for the person's word.
        """
        study = self.studies[index]
        annotations = self.open(index).settled(version)
        if not annotations:
            raise PointsError("nothing is set yet.", todo="Set points, or mark levels not visible.")
        if any(point.source is PointSource.PROPOSED for point in annotations.points):
            raise PointsError("there are points that were not confirmed.")
        entry = ReviewEntry.of(study.name, annotations, confirmed=True)
        with self._lock:
            if self._differs(entry):
                self._put(study, entry, State.CONFIRMED)
                self._grade(index)
        return self.next_open(index)

    def next_open(self, index: int) -> int | None:
        """The next study that is not confirmed and may be usable; ``None`` where all are done."""
        count = len(self.studies)
        after = ((index + step) % count for step in range(1, count + 1))
        return next((other for other in after if self.studies[other].state in OPEN_STATES), None)

    def _keep(self, index: int, annotations: Annotations) -> None:
        """A person has changed something."""
        study = self.studies[index]
        entry = ReviewEntry.of(study.name, annotations, confirmed=False)
        with self._lock:
            if self._differs(entry) and self._differs(replace(entry, confirmed=True)):
                self._put(study, entry, State.BEGUN)

    def _differs(self, entry: ReviewEntry) -> bool:
        before = self._record.entries.get(entry.study_id)
        # Points are the same wherever they came from; a change of that is one all the same.
        return before is None or asdict(before) != asdict(entry)

    def _put(self, study: QueuedStudy, entry: ReviewEntry, state: State) -> None:
        self._set(study, state)
        study.answer = None
        self._record.add(entry)
        self._coords.put(entry)

    # ---- what becomes of it

    def to_job(self, index: int) -> GradingJob:
        """What is to be graded of a study; of one that is not confirmed, nothing."""
        study = self.studies[index]
        entry = self._record.entries.get(study.name)
        if entry is None or not entry.confirmed:
            return replace(study.job, points=(), bad_points=(), no_point=UNCONFIRMED)
        annotations = entry.annotations
        table = Annotations.of_table(study.job.points, study.job.bad_points)
        bad: list[BadPoint] = replace(annotations, bad=table.bad).bad_points(study.name)
        remarked = [replace(point, remark=entry.remark) for point in entry.points]
        absent = [replace(point, remark=entry.remark) for point in bad]
        return replace(
            study.job, points=tuple(remarked), bad_points=tuple(absent), no_point=NO_POINT
        )

    def take(self, index: int, answer: JobAnswer) -> None:
        """A study was graded; what has been changed meanwhile is graded again."""
        study = self.studies[index]
        with self._lock:
            now = asdict(self.to_job(index))
            if study.state is State.CONFIRMED and asdict(answer.job) == now:
                study.answer = answer
                self._set(study, State.GRADED)

    @property
    def confirmed(self) -> int:
        """How many studies are confirmed."""
        return sum(study.state in {State.CONFIRMED, State.GRADED} for study in self.studies)

    def to_json(self, seen: int = -1) -> dict[str, Any]:
        """The list as the page shows it.

        Args:
            seen: Of the changes that the page has; of many studies, only those that changed since
                then are given, by their places.
        """
        with self._lock:
            return {
                "changes": self.changes,
                "studies": {
                    index: study.to_json()
                    for index, study in enumerate(self.studies)
                    if study.changed > seen
                },
                "current": self.current,
            }

    def _set(self, study: QueuedStudy, state: State, reason: str = "") -> None:
        with self._lock:
            study.state, study.reason = state, reason
            self.changes += 1
            study.changed = self.changes


class _Recorded(Draft):
    """Keeps every change in the record of the review."""

    def __init__(self, keep: Callable[[Annotations], None]) -> None:
        super().__init__(None)
        self._keep = keep

    def keep(self, annotations: Annotations) -> None:
        self.latest = annotations
        self._keep(annotations)
