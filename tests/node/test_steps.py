"""The whole way of a study, killed at each step that reaches the disk."""

import os
import threading
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from lss_cli.batch.job import REPORT_FILE, GradingJob
from lss_cli.batch.pool import JobAnswer
from lss_cli.model.models import Models
from lss_cli.model.session import load_model
from lss_cli.node.database import Database
from lss_cli.node.peers import Peer
from lss_cli.node.register import State
from lss_cli.node.send import Sender
from lss_cli.node.spool import FileKey, Spool
from lss_cli.node.work import Work

FILES = [FileKey("1.2", "1.2.3", f"1.2.3.{number}") for number in range(2)]
RESULT = ["1.9.1", "1.9.2"]


class KilledError(BaseException):
    """As if the process ended here."""


@pytest.fixture
def kill_at(monkeypatch):
    """Die at the n-th step that reaches the disk; gives a function that arms this."""
    left = [-1]

    def tick():
        left[0] -= 1
        if left[0] == 0:
            raise KilledError

    def deadly(function):
        def step(*arguments, **options):
            tick()
            return function(*arguments, **options)

        return step

    whole = Database.transaction

    @contextmanager
    def transaction(self):
        tick()
        with whole(self) as database:
            yield database
        # It is on disk, and nobody has heard of it.
        tick()

    for owner, name in ((os, "fsync"), (Path, "replace"), (Path, "mkdir"), (Path, "unlink")):
        monkeypatch.setattr(owner, name, deadly(getattr(owner, name)))
    monkeypatch.setattr(Database, "transaction", transaction)

    def arm(step):
        left[0] = step

    return arm


class Worker:
    """Grades always the same, and writes two objects."""

    def grade(self, job):
        for name, uid in zip(("capture.dcm", REPORT_FILE), RESULT, strict=True):
            ds = Dataset()
            ds.file_meta = FileMetaDataset()
            ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            ds.SOPClassUID, ds.SOPInstanceUID = SecondaryCaptureImageStorage, uid
            ds.SeriesInstanceUID = "1.9"
            ds.save_as(Path(job.dicom) / name, enforce_file_format=True)
        return JobAnswer(job, [{"grade": "Severe", "reason": "", "points": "given"}])


class Tables:
    """Points for every study."""

    def digest_of(self, uid):
        return "points"

    def job_of(self, uid, folder, models):
        return GradingJob(uid, str(folder), (), (), tuple(models.conditions))


class Archive:
    """What it was sent outlives the node."""

    def __init__(self):
        self.taken = []

    def send_c_store(self, dataset):
        self.taken.append(str(dataset.SOPInstanceUID))
        answer = Dataset()
        answer.Status = 0
        return answer


def go(folder, models, archive, acknowledged):
    """A node's life: the sender sends what was not acknowledged; then all goes its way."""
    spool = Spool(folder, 2**20)
    try:
        for key in FILES:
            if key not in acknowledged:
                spool.store(key, [b"content"], digest=key.instance)
                acknowledged.add(key)
        spool.register.settle(2e9, 2e9)
        stop = threading.Event()
        work = Work(spool, Tables(), models, None, False, lambda _: None, stop)
        while work.grade_next(Worker()):
            pass
        sender = Sender("LSS", Peer("PACS", "127.0.0.1", 1), None, spool, lambda _: None)
        sender._associate = lambda objects: nullcontext(archive)
        while sender.send_next():
            pass
        (study,) = spool.register.studies()
        return study
    finally:
        # As the system does for a process that was killed.
        spool.close()


def test_killed_at_any_step_a_study_is_sent_whole_and_under_the_same_uids(
    tmp_path, kill_at, tiny_model
):
    model = load_model(tiny_model)
    model = SimpleNamespace(metadata=model.metadata, path=model.path, card=model.card)
    models = Models((model,))
    for step in range(1, 200):
        archive, acknowledged = Archive(), set()
        kill_at(step)
        try:
            go(tmp_path / str(step), models, archive, acknowledged)
            break
        except KilledError:
            pass
        # Killed once more, early, as it goes on.
        kill_at(3)
        with suppress(KilledError):
            go(tmp_path / str(step), models, archive, acknowledged)
        kill_at(-1)
        study = go(tmp_path / str(step), models, archive, acknowledged)
        assert (study.state, study.files) == (State.SENT, 2), step
        # What a kill cut off was perhaps sent twice, and is the same object.
        assert sorted(set(archive.taken)) == RESULT
        assert len(archive.taken) <= len(RESULT) + 1, step
    assert step > 30, "not every step was tried"
