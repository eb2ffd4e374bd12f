"""The same work on a Dask cluster, study by study."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from typing import Any

from lss_cli.batch.job import GradingJob, failed_rows
from lss_cli.batch.pool import INTERRUPTED, Grader, JobAnswer, StudyGrader, Worker
from lss_cli.cluster import RETRIES, ClusterGoneError, connect
from lss_cli.errors import LssError


def grade_on_cluster(
    jobs: Sequence[GradingJob], grader: Grader, address: str
) -> Iterator[JobAnswer]:
    """Grade on a cluster; answers come as they are ready.

    Each Dask worker keeps one grading process of ours, so that timeouts and crashes mean the same
    as on one machine. Studies and the model must have the same paths on all machines.

    Args:
        jobs: The work.
        grader: What to grade with.
        address: Of the scheduler, such as ``tcp://host:8786``.

    Raises:
        ClusterGoneError: No scheduler answers there, or not any more.
        ModelError: A worker cannot use the model.
    """
    from distributed import as_completed

    with connect(address) as client:
        futures = {_submit(client, job, grader): job for job in jobs}
        for future in as_completed(list(futures)):  # type: ignore[no-untyped-call]
            yield _answer(future, futures.pop(future), grader)
            future.release()


def start_workers(grader: Grader, count: int, address: str = "") -> list[StudyGrader]:
    """What grades studies that come one by one.

    Args:
        grader: What to grade with.
        count: Processes on this machine.
        address: Of a Dask scheduler, whose cluster is used instead: as many studies at a time as it
            has threads by now.

    Raises:
        ClusterGoneError: No scheduler answers there.
    """
    if not address:
        return [Worker(grader) for _ in range(count)]
    with connect(address) as client:
        count = max(1, sum(client.nthreads().values()))
    return [ClusterWorker(grader, address) for _ in range(count)]


class ClusterWorker:
    """Has studies graded on a cluster, one at a time.

    Each study connects anew, so that a scheduler that was away does not matter later.
    """

    def __init__(self, grader: Grader, address: str) -> None:
        self._grader = grader
        self._address = address
        self._interrupted = False
        # That the study is graded, or that nobody waits for it any more.
        self._ended = threading.Event()

    def grade(self, job: GradingJob) -> JobAnswer:
        """Grade one study.

        Raises:
            ClusterGoneError: No scheduler answers there, or not any more.
            ModelError: A worker cannot use the model.
        """
        with connect(self._address) as client:
            self._ended.clear()
            future = _submit(client, job, self._grader)
            future.add_done_callback(lambda _: self._ended.set())
            if not self._interrupted:
                self._ended.wait()
            if future.done():
                return _answer(future, job, self._grader)
        return JobAnswer(job, failed_rows(job, INTERRUPTED, self._grader.cards), lost=True)

    def interrupt(self) -> None:
        """Call off what another thread waits for, for good."""
        self._interrupted = True
        self._ended.set()

    def stop(self) -> None:
        """Nothing is left of a study that was graded."""


def _submit(client: Any, job: GradingJob, grader: Grader) -> Any:
    return client.submit(_grade, job.to_json(), grader, retries=RETRIES, pure=False)


def _answer(future: Any, job: GradingJob, grader: Grader) -> JobAnswer:
    """What became of a job whose future is done."""
    try:
        answer: JobAnswer = future.result()
    except LssError:
        raise
    except CancelledError as error:
        raise ClusterGoneError("the Dask scheduler was lost.") from error
    except Exception as failure:
        reason = f"the cluster lost it ({type(failure).__name__})."
        return JobAnswer(job, failed_rows(job, reason, grader.cards), lost=True)
    return answer


_own = threading.local()


def _grade(job: dict[str, Any], grader: Grader) -> JobAnswer:
    """Run on a Dask worker: each of its threads keeps a grading process from task to task."""
    worker: Worker | None = getattr(_own, "worker", None)
    if worker is None or worker.grader != grader:
        if worker:
            worker.stop()
        worker = _own.worker = Worker(grader)
    return worker.grade(GradingJob.from_json(job))
