import os
import shutil
from pathlib import Path

import pytest

from lss_cli.errors import OutputError
from lss_cli.node.register import State, StudyRegister
from lss_cli.node.spool import BadUidError, FileKey, Spool, register_path

KEY = FileKey("1.2", "1.2.3", "1.2.3.4")
LIMIT = 2**20


class KilledError(BaseException):
    """As if the process ended here."""


@pytest.fixture
def kill_at(monkeypatch):
    """Die at the n-th step that reaches the disk; gives a function that arms this."""
    left = [-1]

    def deadly(function):
        def step(*arguments, **options):
            left[0] -= 1
            if left[0] == 0:
                raise KilledError
            return function(*arguments, **options)

        return step

    for owner, name in ((os, "fsync"), (Path, "replace"), (Path, "mkdir"), (Path, "unlink")):
        monkeypatch.setattr(owner, name, deadly(getattr(owner, name)))
    for name in ("note_file", "note_repeat"):
        monkeypatch.setattr(StudyRegister, name, deadly(getattr(StudyRegister, name)))

    def arm(step):
        left[0] = step

    return arm


def read(spool):
    path = spool.study_folder(KEY.study) / KEY.series / f"{KEY.instance}.dcm"
    return path.read_bytes() if path.exists() else None


@pytest.mark.parametrize("before", [None, b"old"])
def test_killed_at_any_step_a_file_is_there_whole_or_not_at_all(tmp_path, kill_at, before):
    acknowledged = []
    for step in range(1, 30):
        spool = Spool(tmp_path / f"spool{step}", LIMIT)
        if before:
            spool.store(KEY, [before], digest="old")
        kill_at(step)
        try:
            spool.store(KEY, [b"new", b"er"], digest="new")
            acknowledged.append(step)
        except KilledError:
            pass
        kill_at(-1)
        # A killed process lets go of its locks; nothing else is tidied up.
        spool.close()
        spool = Spool(tmp_path / f"spool{step}", LIMIT)
        digest = spool.register.digest(KEY.study, KEY.series, KEY.instance)
        # Not acknowledged, it may lie there or not; acknowledged, it must.
        assert digest in ({"new"} if step in acknowledged else {"new", "old" if before else ""})
        assert read(spool) in ({b"newer"} if digest == "new" else {before, b"newer"})
        assert (read(spool) is None) == (digest == "")
        assert not list((spool.folder / "incoming").iterdir())
        # The sender, who heard nothing, tries again.
        spool.store(KEY, [b"newer"], digest="new")
        (study,) = spool.register.studies()
        assert (read(spool), study.state, study.files) == (b"newer", State.RECEIVED, 1)
        spool.close()
        if acknowledged:
            break
    assert acknowledged and step > 5, "not every step was tried"


def test_killed_while_it_deletes_what_was_sent_a_node_goes_on_with_that(tmp_path, monkeypatch):
    spool = Spool(tmp_path, LIMIT)
    spool.store(KEY, [b"content"], digest="a")
    spool.register.settle(2e9, 2e9)
    (study,) = spool.register.studies()
    (spool.result_folder(study) / "report.dcm").write_bytes(b"report")
    spool.register.move(study, State.SENDING)

    def die(_):
        raise KilledError

    monkeypatch.setattr(shutil, "rmtree", die)
    with pytest.raises(KilledError):
        spool.forget(*spool.register.studies())
    monkeypatch.undo()
    spool.close()
    spool = Spool(tmp_path, LIMIT)
    assert not [*(tmp_path / "received").iterdir(), *(tmp_path / "results").iterdir()]
    (study,) = spool.register.studies()
    assert (study.state, study.reason) == (State.SENT, "its files are deleted.")
    # The same once more is new, since it is not here.
    assert spool.store(KEY, [b"content"], digest="a")
    assert read(spool) == b"content"
    assert not spool.forget(study)
    spool.close()


@pytest.mark.parametrize("uid", ["..", "1..2", "1/2", "", "1.2.", "1" * 65, "1.2\0", "٣.4"])
def test_nothing_but_a_uid_names_a_file(uid):
    with pytest.raises(BadUidError):
        FileKey("1.2", uid, "1.2.3")


def test_a_full_disk_leaves_no_half_file(tmp_path, monkeypatch):
    spool = Spool(tmp_path, LIMIT)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Exception, match=r"cannot be stored \(No space left on device\)"):
        spool.store(KEY, [b"new"], digest="new")
    monkeypatch.undo()
    assert read(spool) is None and not list((tmp_path / "incoming").iterdir())
    spool.close()


def test_what_is_no_register_is_not_touched(tmp_path):
    register_path(tmp_path).write_bytes(b"something else, for certain" * 100)
    with pytest.raises(OutputError, match="register"):
        Spool(tmp_path, LIMIT)
    assert register_path(tmp_path).read_bytes().startswith(b"something else")


def test_the_limit_holds_over_restarts_and_counts_a_replaced_file_once(tmp_path):
    for content in (b"a" * 600, b"b" * 900, b"c" * 1000):
        spool = Spool(tmp_path, 1900)
        spool.store(KEY, [content], digest=content[:1].decode())
        spool.close()
    spool = Spool(tmp_path, 1900)
    with pytest.raises(Exception, match="the spool is full"):
        spool.store(FileKey("1.3", "1.3.3", "1.3.3.4"), [b"d" * 901], digest="d")
    spool.close()
    shutil.rmtree(tmp_path)
