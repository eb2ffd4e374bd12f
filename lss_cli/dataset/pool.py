"""Studies turned into model inputs by several processes."""

import multiprocessing
import os
import signal
import threading
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from lss_cli.dataset.inputs import Made, study_inputs
from lss_cli.dataset.sources.base import Source
from lss_cli.dataset.store import Entry, Result, Task, stored, write_images
from lss_cli.errors import DataError
from lss_cli.model.spec import InputSpec

STUDIES_PER_WORKER = 4
"""With fewer a further process costs more time than it saves."""
BATCH = 4
"""Studies handed to a process at a time."""

KEPT_BYTES = 2**24


@dataclass(frozen=True)
class Job:
    """What every worker needs to know.

    Attributes:
        source: Where the slices come from.
        spec: How inputs are made.
        folder: The store that they are written to.
    """

    source: Source
    spec: InputSpec
    folder: Path

    here: ClassVar["Job"]
    """In a worker: its job."""

    def run(self, task: Task) -> Entry:
        """Make the inputs of one study and write their images."""
        results: dict[str, Result] = {}

        def images() -> Iterator[tuple[int, bytes]]:
            # Points of one slice follow each other, so that no slice is decoded twice.
            wanted = sorted(task.requests.items(), key=lambda item: item[1].point.slice)
            outcomes = study_inputs(
                self.source, task.study_id, [request for _, request in wanted], self.spec
            )
            for (position, request), made in zip(wanted, outcomes, strict=True):
                if isinstance(made, Made):
                    values = (*made.coords, *made.slice_mm)
                    image = stored(made.image)
                    results[request.key] = Result(position, values, zlib.crc32(image))
                    yield position, image
                else:
                    results[request.key] = Result(position, None, 0, made.reason, made.detail)

        write_images(self.folder, images())
        return Entry(task.study_id, task.files, results)


def run_all(job: Job, tasks: Sequence[Task], workers: int) -> Iterator[Entry]:
    """Run all tasks; entries come as they are done.

    Raises:
        DataError: A worker process died.
    """
    workers = min(workers, len(tasks) // STUDIES_PER_WORKER)
    if workers <= 1:
        yield from map(job.run, tasks)
        return
    with ProcessPoolExecutor(workers, initializer=_begin, initargs=(job,)) as pool:
        try:
            batches = [tasks[at : at + BATCH] for at in range(0, len(tasks), BATCH)]
            for done in as_completed([pool.submit(_run, batch) for batch in batches]):
                yield from done.result()
        except BrokenProcessPool as error:
            raise DataError(
                "a worker process died; most likely the memory was not enough.",
                todo="Run the same command again with fewer --workers; what is done is kept.",
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _begin(job: Job) -> None:
    Job.here = job
    # Having freed one large block, glibc keeps the memory of slices for the next ones, instead of
    # giving it back and having it zeroed again: a tenth of the time.
    np.empty(KEPT_BYTES, np.uint8)
    # Ctrl-C reaches every process of a terminal; the main one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Killed, the main process cannot end its workers, and they would wait for it for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run(tasks: Sequence[Task]) -> list[Entry]:
    return [Job.here.run(task) for task in tasks]
