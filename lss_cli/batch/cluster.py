"""The same work on a Dask cluster, study by study."""

import threading
from collections.abc import Iterator, Sequence
from typing import Any

from lss_cli.batch.job import GradingJob, failed_rows
from lss_cli.batch.pool import Grader, JobAnswer, Worker
from lss_cli.cluster import RETRIES, connect
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
        UsageError: No scheduler answers there.
    """
    from distributed import as_completed

    with connect(address) as client:
        futures: dict[Any, GradingJob] = {
            client.submit(_grade, job.to_json(), grader, retries=RETRIES, pure=False): job
            for job in jobs
        }
        for future in as_completed(list(futures)):  # type: ignore[no-untyped-call]
            job = futures.pop(future)
            failure = future.exception()
            if isinstance(failure, LssError):
                raise failure
            if failure is None:
                yield future.result()
            else:
                reason = f"the cluster lost it ({type(failure).__name__})."
                yield JobAnswer(job, failed_rows(job, reason, grader.card), lost=True)
            future.release()


_own = threading.local()


def _grade(job: dict[str, Any], grader: Grader) -> JobAnswer:
    """Run on a Dask worker: each of its threads keeps a grading process from task to task."""
    worker: Worker | None = getattr(_own, "worker", None)
    if worker is None or worker.grader != grader:
        if worker:
            worker.stop()
        worker = _own.worker = Worker(grader)
    return worker.grade(GradingJob.from_json(job))
