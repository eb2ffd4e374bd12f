"""Worker processes that may die or hang without harm to more than one study."""

import contextlib
import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lss_cli.batch.job import GradingJob, Row, failed_rows
from lss_cli.errors import ModelError
from lss_cli.model.metadata import ModelCard

TRIES = 2
"""A worker may be killed for reasons that are not the study's, so that a second try is fair."""


@dataclass(frozen=True)
class Answer:
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
        model: The model file.
        card: Of that model; a worker that finds a file of another hash refuses.
        timeout_s: The longest that a study may take; ``None`` for no limit.
    """

    model: Path
    card: ModelCard
    timeout_s: float | None = None


@dataclass
class Worker:
    """One worker process; started when it is needed, and again after it died."""

    grader: Grader
    process: subprocess.Popen[str] | None = field(default=None, init=False)
    closed: bool = field(default=False, init=False)

    def grade(self, job: GradingJob) -> Answer:
        """Grade one study; whatever happens to the process becomes the reason in its rows.

        Raises:
            ModelError: The worker cannot use the model.
        """
        reason = ""
        for _ in range(TRIES):
            answer, reason, final = self._try(job)
            if answer is not None:
                return Answer(job, answer)
            if final:
                break
        return Answer(job, failed_rows(job, reason, self.grader.card), lost=True)

    def interrupt(self) -> None:
        """End what another thread is grading, for good; that thread then tidies up."""
        self.closed = True
        process = self.process
        if process:
            process.kill()

    def stop(self) -> None:
        """End the process; the next job starts another."""
        process, self.process = self.process, None
        if process:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    if stream:
                        stream.close()

    def _try(self, job: GradingJob) -> tuple[Sequence[Row] | None, str, bool]:
        """Rows; or why there are none, and whether another try would be in vain."""
        if self.closed:
            return None, "the report was interrupted.", True
        process = self._running()
        assert process.stdin and process.stdout
        stopped = threading.Event()

        def stop() -> None:
            stopped.set()
            process.kill()

        timer = threading.Timer(self.grader.timeout_s or 0, stop)
        if self.grader.timeout_s:
            timer.start()
        # A process that died breaks the pipe when it is written to, or ends it when read.
        try:
            process.stdin.write(json.dumps(job.to_json()) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except (OSError, ValueError):
            line = ""
        finally:
            timer.cancel()
        if line:
            return json.loads(line)["rows"], "", True
        self.stop()
        if stopped.is_set():
            return None, f"it took longer than {self.grader.timeout_s:g} s.", True
        return None, f"the process that graded it died ({_cause(process.returncode)}).", self.closed

    def _running(self) -> subprocess.Popen[str]:
        if self.process is None:
            command = [sys.executable, "-m", "lss_cli.batch.worker"]
            self.process = subprocess.Popen(
                [*command, str(self.grader.model), self.grader.card.sha256],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                # Ctrl-C goes to the main process, which then stops its workers.
                start_new_session=True,
            )
            assert self.process.stdout
            first: dict[str, Any] = json.loads(self.process.stdout.readline() or "{}")
            if "fault" in first:
                self.stop()
                raise ModelError(f"a worker cannot use the model: {first['fault']}")
        return self.process


def _cause(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


def grade_locally(jobs: Sequence[GradingJob], grader: Grader, workers: int) -> Iterator[Answer]:
    """Grade on this machine, with `workers` processes; answers come as they are ready.

    Raises:
        ModelError: A worker cannot use the model.
    """
    waiting: queue.SimpleQueue[GradingJob | None] = queue.SimpleQueue()
    done: queue.Queue[Answer | BaseException] = queue.Queue()
    for job in [*jobs, *[None] * workers]:
        waiting.put(job)
    processes = [Worker(grader) for _ in range(workers)]

    def serve(worker: Worker) -> None:
        try:
            while (job := waiting.get()) is not None:
                done.put(worker.grade(job))
        except BaseException as error:
            done.put(error)

    threads = [threading.Thread(target=serve, args=(one,), daemon=True) for one in processes]
    for thread in threads:
        thread.start()
    try:
        for _ in jobs:
            answer = done.get()
            if isinstance(answer, BaseException):
                raise answer
            yield answer
    finally:
        for one in processes:
            one.interrupt()
        for thread in threads:
            thread.join()
        for one in processes:
            one.stop()
