"""Folds on a Dask cluster: a real scheduler and two workers on this machine."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from lss_cli.errors import DataError
from lss_cli.training.cluster import train_on_cluster
from lss_cli.training.crossval import train_folds
from tests.processes import wait_for
from tests.training.conftest import TINY, made, quiet

OPTIONS = replace(TINY, epochs=4)
RESULTS = ("predictions.csv", "history.csv")


WORKER = "tests.training.counting_worker"


def counted(path):
    """The numbers that are in a file, and the processes that wrote them."""
    pairs = [pair.split(":") for pair in path.read_text().split()] if path.exists() else []
    return [int(number) for number, _ in pairs], [int(pid) for _, pid in pairs]


def test_the_fold_of_a_worker_that_is_killed_goes_on_at_another(tmp_path, cluster):
    address, workers = cluster
    files = [tmp_path / name for name in "ab"]
    jobs = [{"fold": file.name, "file": str(file)} for file in files]
    told = []

    def kill_one(values):
        told.append((values["fold"], values["number"]))
        # Each worker has a fold by now, and has begun it.
        if len({fold for fold, _ in told}) == 2 and workers[0].poll() is None:
            os.kill(workers[0].pid, signal.SIGKILL)

    train_on_cluster(jobs, address, kill_one, WORKER)
    assert [counted(file)[0] for file in files] == [list(range(20))] * 2
    # Each went on where it was; one of them in another process, the first having ended at once.
    processes = sorted(len(set(counted(file)[1])) for file in files)
    assert processes == [1, 2]
    assert {("a", 0), ("b", 0)} <= set(told)


def test_a_fold_ends_that_nobody_wants_any_more(tmp_path, cluster):
    address, _ = cluster
    file = tmp_path / "a"
    script = (
        "from lss_cli.training.cluster import train_on_cluster as train\n"
        f"train([{{'fold': 'a', 'file': {str(file)!r}}}], {address!r}, lambda _: None, {WORKER!r})"
    )
    command = subprocess.Popen([sys.executable, "-c", script])
    wait_for(lambda: len(counted(file)[0]) > 1)
    command.kill()
    command.wait()
    pid = counted(file)[1][0]
    wait_for(lambda: not is_alive(pid))
    assert len(counted(file)[0]) < 20


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_folds_on_a_cluster_are_those_of_one_machine_also_when_a_worker_is_killed(
    tmp_path, cluster
):
    address, workers = cluster
    data = made(tmp_path / "data", studies=10, folds=3)
    train_folds(data, tmp_path / "local", OPTIONS, quiet)

    told = []

    def kill_one(progress):
        told.append(progress.what)
        if len(told) == 1:
            # Each worker has a fold by now, and one of them an epoch of it.
            os.kill(workers[0].pid, signal.SIGKILL)

    remote = tmp_path / "remote"
    train_folds(data, remote, OPTIONS, kill_one, scheduler=address)
    assert workers[0].wait(10) == -signal.SIGKILL
    assert {what.partition(",")[0] for what in told} == {"fold 0", "fold 1", "fold 2"}
    for path in [f"fold_{fold}/{name}" for fold in range(3) for name in RESULTS]:
        assert (remote / path).read_bytes() == (tmp_path / "local" / path).read_bytes(), path
    assert (remote / "predictions.csv").read_bytes() == (
        tmp_path / "local" / "predictions.csv"
    ).read_bytes()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_folds_of_a_command_that_was_killed_end_and_it_can_be_gone_on_with(tmp_path, cluster):
    address, _ = cluster
    data, out = made(tmp_path / "data", studies=10, folds=2), tmp_path / "run"
    small = ["--filters", "2", "--blocks", "2", "--dense", "4", "--patience", "0"]
    command = subprocess.Popen(
        [
            *(
                sys.executable,
                "-c",
                "from lss_cli.cli.main import main; main()",
                "train",
                "--folds",
            ),
            *("--data", data.folder, "--out", out, "--scheduler", address, "--epochs", "1000"),
            *small,
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: all(checkpoints(out, fold) for fold in (0, 1)), 120)
    finally:
        command.kill()
        command.wait()
    wait_for(lambda: not changes(out), 60)
    # Its last epochs are there, and that is more than enough.
    options = replace(OPTIONS, epochs=1, patience=0)
    train_folds(data, out, options, quiet, resume=True)
    assert (out / "predictions.csv").is_file()


def checkpoints(out, fold):
    return list((out / f"fold_{fold}" / "state").glob("state.npz"))


def changes(folder):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    time.sleep(3)
    return before != {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_what_is_missing_on_a_machine_is_told(tmp_path, cluster):
    address, _ = cluster
    job = {"fold": "0", "data": str(tmp_path / "none"), "out": str(tmp_path), "fingerprint": ""}
    with pytest.raises(DataError, match="prepared data are not here") as raised:
        train_on_cluster([job], address, lambda _: None)
    assert "file system that all machines share" in raised.value.todo


def test_a_cluster_is_for_folds_and_has_to_be_there(tmp_path, lss, monkeypatch):
    data = made(tmp_path / "data", studies=6, folds=2)
    command = ("train", "--data", data.folder, "--out", tmp_path / "run")
    monkeypatch.setattr("lss_cli.cluster.CONNECT_S", 1)
    code, _, err = lss(*command, "--scheduler", "tcp://127.0.0.1:9")
    assert code == 2
    assert "Add --folds." in err
    code, _, err = lss(*command, "--folds", "--scheduler", "tcp://127.0.0.1:9")
    assert code == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in err
    code, _, err = lss(
        *(*command, "--folds", "--scheduler", "tcp://127.0.0.1:9"),
        is_installed=lambda name: name != "distributed",
    )
    assert code == 3
    assert "needs Dask" in err
