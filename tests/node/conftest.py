"""What the tests of the node share: a spool, a node that receives, and dcmtk's programs."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pydicom
import pytest

pytest.importorskip("pynetdicom")

from lss_cli.node.peers import Peer, Senders
from lss_cli.node.receive import Receiver
from lss_cli.node.spool import Spool

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
