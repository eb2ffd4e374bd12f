"""What goes on beside the page: reading ahead, and grading what is confirmed."""

import queue
import threading
from collections.abc import Sequence
from contextlib import suppress

from lss_cli.batch.pool import StudyGrader
from lss_cli.cluster import ClusterGoneError
from lss_cli.errors import LssError
from lss_cli.review.queue import OPEN_STATES, ReviewQueue

# Studies that are kept open ahead of the person.
AHEAD = 2


class ReadAhead:
    """Reads the next studies before they are asked for, and all others once, for their state.

    Args:
        studies: The queue.
    """

    def __init__(self, studies: ReviewQueue) -> None:
        self._queue = studies
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="lss reads ahead", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, after the study that is being read."""
        self._stopped.set()
        self._queue.moved.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stopped.is_set():
            self._queue.moved.clear()
            for index in self._near():
                if self._stopped.is_set():
                    return
                self._read(index, keep=True)
            other = next(
                (
                    index
                    for index, study in enumerate(self._queue.studies)
                    if not study.read and study.state in OPEN_STATES
                ),
                None,
            )
            if other is None:
                self._queue.moved.wait()
            else:
                self._read(other, keep=False)

    def _near(self) -> list[int]:
        index = self._queue.current
        near = []
        for _ in range(AHEAD):
            after = self._queue.next_open(index)
            if after is None or after in near:
                break
            near.append(after)
            index = after
        return near

    def _read(self, index: int, *, keep: bool) -> None:
        # What is wrong with it is its state from then on.
        with suppress(LssError):
            self._queue.open(index, keep=keep)


class BackgroundGrader:
    """Grades studies that are confirmed, as they come.

    Args:
        workers: Each grades one at a time.

    Attributes:
        fault: What ended it before its time.
    """

    def __init__(self, workers: Sequence[StudyGrader]) -> None:
        self.fault: Exception | None = None
        self._workers = workers
        self._waiting: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._stopped = False

    def put(self, index: int) -> None:
        """A study was confirmed."""
        self._waiting.put(index)

    def start(self, studies: ReviewQueue) -> None:
        """Begin with what waits."""
        for worker in self._workers:
            thread = threading.Thread(
                target=self._work, args=(studies, worker), name="lss grades", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """End at once; what is being graded is graded again later."""
        self._stopped = True
        for worker in self._workers:
            self._waiting.put(None)
            worker.interrupt()
        for thread in self._threads:
            thread.join()
        for worker in self._workers:
            worker.stop()

    def _work(self, studies: ReviewQueue, worker: StudyGrader) -> None:
        try:
            while (index := self._waiting.get()) is not None and not self._stopped:
                # Without its cluster, it is graded in the end.
                with suppress(ClusterGoneError):
                    studies.take(index, worker.grade(studies.to_job(index)))
        except Exception as error:
            self.fault = error
