"""Folds side by side on a Dask cluster, each in a process of its own beside a worker.

A process of its own, since TensorFlow and the seeds belong to a whole process, and since it can be
ended when nobody wants the fold any more. This module is imported by Dask's workers, and does
without TensorFlow.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from lss_cli.child import Child, ChildDiedError
from lss_cli.cluster import RETRIES, connect
from lss_cli.errors import DataError

# Between two looks at whether a fold is still wanted.
WANTED_S = 1.0

# A fold to be trained, as plain values; see `lss_cli.training.fold_worker`.
Job = Mapping[str, Any]


def train_on_cluster(
    jobs: Sequence[Job],
    address: str,
    tell: Callable[[Mapping[str, Any]], None],
    module: str = "lss_cli.training.fold_worker",
) -> None:
    """Train folds on a cluster; the fold of a worker that is lost goes on at another.

    Prepared data and run folder must have the same paths on all machines.

    Args:
        jobs: The folds.
        address: Of the scheduler.
        tell: Called with what the processes tell, as plain values, from another thread.
        module: Of the processes.

    Raises:
        UsageError: No scheduler answers there.
        DataError: A fold cannot be trained, or the cluster lost it; the others are finished.
    """
    from distributed import as_completed

    topic = f"lss-{uuid4()}"
    lost: list[str] = []
    with connect(address) as client:
        client.subscribe_topic(topic, lambda event: tell(event[1]["told"]))
        futures = {
            client.submit(_train_fold, module, dict(job), topic, retries=RETRIES, pure=False): job
            for job in jobs
        }
        for future in as_completed(list(futures)):  # type: ignore[no-untyped-call]
            failure = future.exception()
            if failure is not None:
                lost.append(f"fold {futures[future]['fold']} ({type(failure).__name__})")
            elif error := future.result():
                raise DataError(**error)
    if lost:
        raise DataError(
            f"the cluster lost {', '.join(lost)}.",
            where=address,
            todo="Have the same lss-cli[train,cluster] on all machines, and go on with --resume.",
        )


def _train_fold(module: str, job: dict[str, Any], topic: str) -> dict[str, str]:
    """Run on a Dask worker.

    Returns:
        What is wrong, as of an `LssError`; nothing if the fold is trained.

    Raises:
        ChildDiedError: The process died over it.
    """
    from distributed import get_worker

    worker: Any = get_worker()
    key = worker.get_current_task()
    child, ended = Child(module), threading.Event()

    def watch() -> None:
        while not ended.wait(WANTED_S):
            task = worker.state.tasks.get(key)
            if task is None or task.state != "executing":
                # The command was interrupted; Dask never stops a task that has begun.
                child.kill()

    threading.Thread(target=watch, daemon=True).start()
    try:
        # Dask adds to what is logged.
        answer, _ = child.ask(
            job, on_progress=lambda told: worker.log_event(topic, {"told": dict(told)})
        )
        return dict(answer)
    except ChildDiedError as error:
        raise RuntimeError(f"the training died ({error})") from error
    finally:
        ended.set()
        child.stop()
