"""The node as a whole: it receives, grades and sends until it is stopped."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from lss_cli.batch.cluster import start_workers
from lss_cli.batch.pool import StudyGrader
from lss_cli.errors import LssError, ModelError
from lss_cli.model.find import models_folder
from lss_cli.model.models import Models
from lss_cli.node.peers import Certificates, Peer, Senders
from lss_cli.node.points import PointTables
from lss_cli.node.receive import Receiver
from lss_cli.node.register import DELETED
from lss_cli.node.send import Sender
from lss_cli.node.spool import Spool
from lss_cli.node.work import Work

# How often the parts look for something to do.
LOOK_S = 0.25
# How often it looks for what is to be deleted.
SWEEP_S = 60.0
# How long a part rests after what nobody foresaw.
PAUSE_S = 30.0

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class NodeOptions:
    """What is asked for.

    Attributes:
        title: Our AE title.
        host: Address to listen on.
        port: To listen on; 0 for any that is free.
        archive: Who gets the results.
        senders: Who may send.
        spool: Folder for received files, results and states.
        settle_s: A study is complete when nothing came for so long.
        limit_bytes: What all received files may take.
        largest_bytes: Of one object.
        unattended: Whether grades at proposed points are sent without anybody having looked.
        coords: Tables of points.
        locators: Folder of the networks that propose points and count discs.
        workers: Processes that grade.
        scheduler: Address of a Dask scheduler, whose cluster grades instead.
        timeout_s: The longest that grading a study may take.
        certificates: For TLS, to all peers.
        keep_s: Files of studies that were sent are deleted after so long; ``None`` for never.
    """

    title: str
    host: str
    port: int
    archive: Peer
    senders: tuple[Peer, ...]
    spool: Path
    settle_s: float
    limit_bytes: int
    largest_bytes: int
    unattended: bool = False
    coords: tuple[Path, ...] = ()
    locators: Path = field(default_factory=models_folder)
    workers: int = 1
    scheduler: str = ""
    timeout_s: float | None = None
    certificates: Certificates | None = None
    keep_s: float | None = None


def run_node(
    options: NodeOptions, models: Models, say: Callable[[str], None], stop: threading.Event
) -> None:
    """Be a node until `stop` is set.

    Whatever ends it, a node that is started again on the same spool goes on where it stood.

    Args:
        options: What is asked for.
        models: What grades.
        say: Hears what happens, without names of patients.
        stop: Ends it.

    Raises:
        OutputError: The spool or the port cannot be used.
        PointsError: A table of points cannot be used.
        UsageError: A host or a certificate cannot be used.
        ModelError: A worker cannot use the model.
        ClusterGoneError: No scheduler answers.
    """
    # It would print what peers send; what matters is said by us.
    logging.getLogger("pynetdicom").propagate = False
    senders = Senders(options.senders)
    tables = PointTables(options.coords, options.locators, say)
    with closing(Spool(options.spool, options.limit_bytes)) as spool, ExitStack() as running:
        work = Work(spool, tables, models, options.timeout_s, options.unattended, say, stop)
        sender = Sender(options.title, options.archive, options.certificates, spool, say)
        receiver = Receiver(options.title, senders, spool, options.largest_bytes, say)
        started = time.time()
        port = running.enter_context(
            receiver.listen(options.host, options.port, options.certificates)
        )
        say(f"{options.title} listens on {options.host}:{port}.")
        parts = _Parts(stop, say)
        workers = start_workers(work.grader, options.workers, options.scheduler)
        running.callback(parts.end, workers)
        for worker in workers:
            parts.start(partial(work.grade_next, worker), worker.stop)
        parts.start(sender.send_next)

        def look_around() -> bool:
            now = time.time()
            # What is not complete yet gets its quiet time anew: its sender may have been cut off.
            if now - started >= options.settle_s:
                for study in spool.register.settle(now - options.settle_s, now):
                    say(f"{study.uid}: {study.state}, {study.files} files")
            work.look_again()
            return False

        def sweep() -> bool:
            assert options.keep_s is not None
            for study in spool.register.sent_before(time.time() - options.keep_s):
                if spool.forget(study):
                    say(f"{study.uid}: {DELETED}")
            return False

        parts.start(look_around)
        if options.keep_s is not None:
            parts.start(sweep, rest_s=SWEEP_S)
        stop.wait()
    parts.raise_failure()


class _Parts:
    """Threads that do one thing over and over until all are stopped."""

    def __init__(self, stop: threading.Event, say: Callable[[str], None]) -> None:
        self._stop = stop
        self._say = say
        self._threads: list[threading.Thread] = []
        self._failure: ModelError | None = None

    def start(
        self,
        step: Callable[[], bool],
        end: Callable[[], None] = lambda: None,
        rest_s: float = LOOK_S,
    ) -> None:
        """Do `step` again at once where it had something to do, else after a while."""

        def run() -> None:
            try:
                while not self._stop.is_set():
                    self._stop.wait(self._try(step, rest_s))
            except ModelError as error:
                # The others must not go on as if it were still there.
                self._failure = self._failure or error
                self._stop.set()
            finally:
                end()

        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _try(self, step: Callable[[], bool], rest_s: float) -> float:
        """Do a step; how long to wait before the next, in seconds."""
        try:
            return 0 if step() else rest_s
        except ModelError:
            raise
        except Exception as error:
            # Such as a full disk. What was not done is not lost.
            what = str(error) if isinstance(error, LssError) else type(error).__name__
            self._say(f"Interrupted ({what}); going on in {PAUSE_S:g} s.")
            LOGGER.debug("interrupted", exc_info=True)
            return PAUSE_S

    def end(self, workers: Sequence[StudyGrader]) -> None:
        """Stop all, also what workers are at, and wait until they have ended."""
        self._stop.set()
        for worker in workers:
            worker.interrupt()
        for thread in self._threads:
            thread.join()

    def raise_failure(self) -> None:
        """What a part could not go on after."""
        if self._failure:
            raise self._failure
