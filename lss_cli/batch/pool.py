"""Worker processes that may die or hang without harm to more than one study."""

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from lss_cli.batch.job import GradingJob, Row, failed_rows
from lss_cli.child import Child, ChildDiedError, ChildFaultError, ChildTimeoutError
from lss_cli.errors import ModelError
from lss_cli.model.metadata import ModelCard
from lss_cli.model.models import Models
from lss_cli.study.archive import is_archive

# A worker may be killed for reasons that are not the study's, so that a second try is fair.
TRIES = 2

INTERRUPTED = "the report was interrupted."


@dataclass(frozen=True)
class JobAnswer:
    """What became of a job.

    Attributes:
        lost: The worker died or was stopped; a later run may fare better.
    """

    job: GradingJob
    rows: Sequence[Row]
    lost: bool = False


@dataclass(frozen=True)
class Grader:
    """What all workers grade with.

    Attributes:
        files: The model files.
        cards: Of these models; a worker that finds a file of another hash refuses.
        timeout_s: The longest that a study may take; ``None`` for no limit.
    """

    files: tuple[Path, ...]
    cards: tuple[ModelCard, ...]
    timeout_s: float | None = None

    @classmethod
    def of(cls, models: Models, timeout_s: float | None = None) -> "Grader":
        """What grades with these models, wherever it runs."""
        return cls(tuple(path.resolve() for path in models.files), models.cards, timeout_s)

    @property
    def arguments(self) -> list[str]:
        """Of a worker: each file with its hash."""
        pairs = zip(self.files, self.cards, strict=True)
        return [text for path, card in pairs for text in (str(path), card.sha256)]


class StudyGrader(Protocol):
    """Grades one study at a time, here or elsewhere."""

    def grade(self, job: GradingJob) -> JobAnswer:
        """Grade one study; whatever happens meanwhile becomes the reason in its rows.

        Raises:
            ModelError: The model cannot be used.
        """

    def interrupt(self) -> None:
        """End what another thread is grading, for good; that thread then tidies up."""

    def stop(self) -> None:
        """Let go of what is held; the next job takes it again."""


class Worker:
    """One worker process."""

    def __init__(self, grader: Grader) -> None:
        self.grader = grader
        self._child = Child("lss_cli.batch.worker", *grader.arguments)
        self._interrupted = False

    def grade(self, job: GradingJob) -> JobAnswer:
        """Grade one study; whatever happens to the process becomes the reason in its rows.

        Raises:
            ModelError: The worker cannot use the model.
        """
        reason = INTERRUPTED
        for _ in range(TRIES):
            if self._interrupted:
                break
            try:
                with _scratch(job) as scratch:
                    request = replace(job, scratch=scratch).to_json()
                    values, _ = self._child.ask(request, self.grader.timeout_s)
            except ChildFaultError as error:
                raise ModelError(f"a worker cannot use the model: {error}") from error
            except ChildTimeoutError:
                reason = f"it took longer than {self.grader.timeout_s:g} s."
                break
            except ChildDiedError as error:
                reason = f"the process that graded it died ({error})."
            else:
                return JobAnswer(job, values["rows"])
        return JobAnswer(job, failed_rows(job, reason, self.grader.cards), lost=True)

    def interrupt(self) -> None:
        """End what another thread is grading, for good; that thread then tidies up."""
        self._interrupted = True
        self._child.kill()

    def stop(self) -> None:
        """End the process; the next job starts another."""
        self._child.stop()


@contextmanager
def _scratch(job: GradingJob) -> Iterator[str]:
    """A folder to unpack a study's archive in; it is this process that removes it.

    Whatever happens to the worker, and on Ctrl-C as well.
    """
    if not is_archive(Path(job.folder)):
        yield ""
        return
    with TemporaryDirectory(prefix="lss-") as folder:
        yield folder


def grade_locally(jobs: Sequence[GradingJob], grader: Grader, count: int) -> Iterator[JobAnswer]:
    """Grade on this machine, with `count` processes; answers come as they are ready.

    Raises:
        ModelError: A worker cannot use the model.
    """
    waiting: queue.SimpleQueue[GradingJob | None] = queue.SimpleQueue()
    done: queue.Queue[JobAnswer | BaseException] = queue.Queue()
    for job in [*jobs, *[None] * count]:
        waiting.put(job)
    workers = [Worker(grader) for _ in range(count)]

    def work(worker: Worker) -> None:
        try:
            while (job := waiting.get()) is not None:
                done.put(worker.grade(job))
        except BaseException as error:
            done.put(error)

    threads = [threading.Thread(target=work, args=(worker,), daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        for _ in jobs:
            answer = done.get()
            if isinstance(answer, BaseException):
                raise answer
            yield answer
    finally:
        for worker in workers:
            worker.interrupt()
        for thread in threads:
            thread.join()
        for worker in workers:
            worker.stop()
