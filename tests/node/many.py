"""Many studies from several senders at once, into a node that is killed again and again."""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pydicom

from lss_cli.node.register import State, StudyRegister
from lss_cli.node.spool import register_path
from tests.node.conftest import HERE, Archive, files, free_port, program, uid_of, wait_for
from tests.tables import read_rows, write_rows


def make_studies(phantoms: Path, folder: Path, count: int) -> tuple[list[Path], Path]:
    """Copies of the phantoms in turn, each a study of its own, and one table of all points."""
    originals = sorted((phantoms / "train_images").iterdir())
    rows = read_rows(phantoms / "train_label_coordinates.csv")
    studies, table = [], []
    for index in range(count):
        original = originals[index % len(originals)]
        study = folder / "studies" / f"study{index}"
        shutil.copytree(original, study)
        uid = f"1.2.826.0.1.3680043.8.498.77.{index}"
        for path in files(study):
            ds = pydicom.dcmread(path)
            number = ds.SeriesInstanceUID.rpartition(".")[2]
            ds.StudyInstanceUID, ds.SeriesInstanceUID = uid, f"{uid}.{number}"
            ds.SOPInstanceUID = f"{uid}.{number}.{ds.InstanceNumber}"
            ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
            ds.PatientID, ds.PatientName = f"SECRET{index}", f"Hidden^Patient{index}"
            ds.save_as(path)
        studies.append(study)
        table += [row | {"study_id": uid} for row in rows if row["study_id"] == original.name]
    write_rows(folder / "coords.csv", table)
    return studies, folder / "coords.csv"


@dataclass
class NodeProcess:
    """``lss node`` as a user starts it, to be killed and started again."""

    folder: Path
    archive: int
    coords: Path
    model: Path
    port: int = field(default_factory=free_port)
    settle: float = 2
    workers: int = 2
    process: subprocess.Popen | None = None
    processor_s: float = 0

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    @property
    def log(self) -> Path:
        return self.folder / "node.log"

    def start(self) -> None:
        code = "from lss_cli.cli.main import main; main()"
        options = ["--archive", f"PACS@{HERE}:{self.archive}", "--port", self.port]
        options += ["--spool", self.spool, "--settle", self.settle, "--workers", self.workers]
        options += ["--coords", self.coords, "--model", self.model]
        for sender in range(4):
            options += ["--from", f"SCU{sender}@{HERE}"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code, "node", *map(str, options)], stderr=log
            )

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        """As a service manager ends it; notes what processor time it took, with its workers."""
        assert self.process
        before = os.times()
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGTERM)
        code = self.process.wait()
        after = os.times()
        self.processor_s = sum(after[2:4]) - sum(before[2:4])
        return code

    def states(self) -> Counter:
        if not register_path(self.spool).exists():
            return Counter()
        with closing(StudyRegister(register_path(self.spool), read_only=True)) as register:
            return Counter(study.state for study in register.studies())


def send_until_taken(sender: int, port: int, studies: list[Path]) -> None:
    """As an archive does: what was not acknowledged is sent again."""
    for study in studies:
        command = [program("storescu"), "-R", "-aet", f"SCU{sender}", "-aec", "LSS", HERE]
        command += [str(port), *map(str, files(study))]
        while subprocess.run(command, capture_output=True, check=False).returncode:
            time.sleep(0.2)


def run_many(
    folder: Path, phantoms: Path, model: Path, count: int, kills: int, seed: int, seconds: float
) -> tuple[float, float]:
    """Send, kill, and check that every study is sent once.

    Args:
        folder: Empty.
        phantoms: An RSNA folder.
        model: That grades.
        count: Studies, sent by four senders at once.
        kills: How often the node is killed while they come and are worked on.
        seed: Of the moments.
        seconds: Between two kills, at most.

    Returns:
        How long it took, and the processor time of the last node and its workers, in seconds.
    """
    studies, coords = make_studies(phantoms, folder, count)
    chance = random.Random(seed)
    archive = Archive(folder / "archive").start()
    node = NodeProcess(folder, archive.port, coords, model)
    started = time.monotonic()
    senders = [
        threading.Thread(target=send_until_taken, args=(sender, node.port, studies[sender::4]))
        for sender in range(4)
    ]
    try:
        node.start()
        for sender in senders:
            sender.start()
        for _ in range(kills):
            time.sleep(chance.uniform(0.1, seconds))
            node.kill()
            node.start()
        for sender in senders:
            sender.join()
        wait_for(lambda: node.states() == {State.SENT: count}, seconds=3600)
        took = time.monotonic() - started
        assert node.end() == 0
    finally:
        node.kill()
        archive.stop()
    _check(archive, node, studies)
    return took, node.processor_s


def _check(archive: Archive, node: NodeProcess, studies: list[Path]) -> None:
    """All that was promised: nothing lost, nothing twice, nobody named."""
    objects = [pydicom.dcmread(path, stop_before_pixels=True) for path in archive.folder.iterdir()]
    by_study = Counter(str(made.StudyInstanceUID) for made in objects)
    assert by_study == {uid_of(study): 7 for study in studies}
    assert len({made.SOPInstanceUID for made in objects}) == len(objects)
    reports = Counter(str(made.StudyInstanceUID) for made in objects if made.Modality == "SR")
    assert reports == {uid_of(study): 1 for study in studies}
    log = node.log.read_text()
    assert "SECRET" not in log and "Hidden" not in log
    assert not list((node.spool / "incoming").iterdir())
