"""What the tests of the node share: a spool, a node that receives, and dcmtk's programs."""

import os
import shutil
import socket
import subprocess
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest

pytest.importorskip("pynetdicom")

from pydicom.uid import Comprehensive3DSRStorage, SecondaryCaptureImageStorage
from pynetdicom import AE, evt

import lss_cli.batch.cluster
from lss_cli.batch.job import grade_job
from lss_cli.batch.pool import JobAnswer
from lss_cli.model.models import Models
from lss_cli.node.peers import Peer, Senders
from lss_cli.node.receive import Receiver
from lss_cli.node.register import State, StudyRegister
from lss_cli.node.service import NodeOptions, run_node
from lss_cli.node.spool import Spool, register_path
from tests.tables import read_rows, write_rows

HERE = "127.0.0.1"


def program(name: str) -> str:
    """One of Debian's. Not on every developer's machine, but wherever changes are checked."""
    if shutil.which(name):
        return name
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is not installed")
    return pytest.skip(f"{name} is not installed")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        return probe.getsockname()[1]


def send(
    port: int, *paths: Path, caller="PACS", called="LSS", more=()
) -> subprocess.CompletedProcess:
    """Send files with dcmtk's storescu, which proposes what the files need."""
    command = [program("storescu"), "-R", "-v", "-aet", caller, "-aec", called, *more]
    return subprocess.run(
        [*command, HERE, str(port), *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def statuses(run: subprocess.CompletedProcess) -> list[str]:
    """What storescu was answered, file by file."""
    text = run.stdout + run.stderr
    return [line.split("(", 1)[1].rstrip(")") for line in text.splitlines() if "Response (" in line]


def files(study: Path) -> list[Path]:
    return sorted(study.rglob("*.dcm"))


def uid_of(study: Path) -> str:
    return str(pydicom.dcmread(files(study)[0], stop_before_pixels=True).StudyInstanceUID)


@pytest.fixture
def spool(tmp_path):
    spool = Spool(tmp_path / "spool", limit_bytes=2**30)
    yield spool
    spool.close()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def port(spool, said):
    """The port of a node LSS that receives from PACS and MR1 on this machine."""
    senders = Senders([Peer("PACS", HERE), Peer("MR1", HERE), Peer("AWAY", "127.0.0.9")])
    receiver = Receiver("LSS", senders, spool, 2**20, said.append)
    with receiver.listen(HERE, 0, None) as port:
        yield port


class Archive:
    """dcmtk's storescp on a free port; started and stopped at will, on one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen | None = None
        folder.mkdir()

    def start(self) -> "Archive":
        self.process = subprocess.Popen(
            [program("storescp"), "-od", self.folder, "-aet", "PACS", "-pm", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self.answers)
        return self

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HERE, self.port)) == 0

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def objects(self) -> list[pydicom.Dataset]:
        return [pydicom.dcmread(path) for path in sorted(self.folder.iterdir())]


class OddArchive:
    """An archive that answers as it is told; gives what it was sent."""

    def __init__(
        self,
        port,
        classes=(Comprehensive3DSRStorage, SecondaryCaptureImageStorage),
        ssl_context=None,
    ):
        self.taken, self.answers, self.proposed = [], [], []
        self.entity = AE(ae_title="PACS")
        for name in classes:
            self.entity.add_supported_context(name)
        handlers = [(evt.EVT_C_STORE, self.store), (evt.EVT_ACCEPTED, self.count)]
        self.server = self.entity.start_server(
            (HERE, port), block=False, evt_handlers=handlers, ssl_context=ssl_context
        )

    def count(self, event):
        """Presentation contexts, of which an association can hold 128."""
        self.proposed.append(len(event.assoc.requestor.requested_contexts))

    def store(self, event):
        answer = self.answers.pop(0) if self.answers else 0
        if answer == "abort":
            event.assoc.abort()
        elif answer == 0:
            self.taken.append(str(event.request.AffectedSOPInstanceUID))
        return 0 if answer == "abort" else answer


@pytest.fixture
def archive(tmp_path):
    archive = Archive(tmp_path / "archive").start()
    yield archive
    archive.stop()


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return value


class QuickWorker:
    """Grades in this process, which spares each test the start of another."""

    def __init__(self, grader) -> None:
        self.grader = grader
        self.models = Models.load(grader.files)

    def grade(self, job):
        return JobAnswer(job, grade_job(job, self.models))

    def interrupt(self) -> None:
        pass

    stop = interrupt


class Node:
    """A node in this process, as long as a test runs."""

    def __init__(self, folder: Path, models, said: list[str], archive_port: int, coords) -> None:
        self.models, self.said = models, said
        self.options = NodeOptions(
            title="LSS",
            host=HERE,
            port=free_port(),
            archive=Peer("PACS", HERE, archive_port),
            senders=(Peer("PACS", HERE),),
            spool=folder / "spool",
            settle_s=0.3,
            limit_bytes=2**30,
            largest_bytes=2**20,
            coords=(coords,),
            # None; the shipped ones would take their time.
            locators=folder / "locators",
        )
        self.thread: threading.Thread | None = None

    def start(self, **changes) -> "Node":
        self.options = replace(self.options, **changes)
        self.stopping = threading.Event()
        arguments = (self.options, self.models, self.said.append, self.stopping)
        self.thread = threading.Thread(target=run_node, args=arguments)
        self.thread.start()
        wait_for(lambda: any("listens on" in text for text in self.said))
        return self

    def stop(self) -> None:
        if self.thread:
            self.stopping.set()
            self.thread.join()
            self.thread = None
            self.said.append("stopped")

    def send(self, *studies: Path, **how) -> subprocess.CompletedProcess:
        return send(self.options.port, *(path for study in studies for path in files(study)), **how)

    def record(self, study: Path):
        path = register_path(self.options.spool)
        with closing(StudyRegister(path, read_only=True)) as register:
            return register.find(uid_of(study))

    def wait(self, study: Path, state: State):
        def stands():
            record = self.record(study)
            return record if record and record.state is state else None

        return wait_for(stands, seconds=200)


@pytest.fixture
def node(tmp_path, tiny_model, said, archive, study, coords, monkeypatch):
    """A node with the phantom's points, not started yet; `archive` gets what it sends."""
    monkeypatch.setattr(lss_cli.batch.cluster, "Worker", QuickWorker)
    rows = read_rows(coords)
    write_rows(coords, [row | {"study_id": uid_of(study)} for row in rows])
    node = Node(tmp_path, Models.load([tiny_model]), said, archive.port, coords)
    yield node
    node.stop()
