"""The Dask cluster: a real scheduler and two workers on this machine."""

import os
import signal
import subprocess
import threading

import pytest

from lss_cli.batch.cluster import ClusterWorker, start_workers
from lss_cli.batch.job import GradingJob
from lss_cli.batch.pool import Grader, JobAnswer
from lss_cli.cluster import ClusterGoneError
from lss_cli.model.models import Models
from tests.batch.studies import command, copies
from tests.processes import wait_for


@pytest.fixture
def sixty(three_phantoms, tmp_path):
    return copies(three_phantoms, tmp_path, [f"s{n:03d}" for n in range(60)])


def test_a_cluster_gives_the_same_report_also_when_a_worker_is_killed(
    sixty, tiny_model, tmp_path, cluster
):
    address, workers = cluster
    studies, coords = sixty
    local, remote = tmp_path / "local.csv", tmp_path / "remote.csv"
    subprocess.run(command(studies, coords, tiny_model, local), capture_output=True, check=True)

    run = subprocess.Popen(
        command(studies, coords, tiny_model, remote, "--scheduler", address),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    journal = tmp_path / "remote.csv.unfinished"
    wait_for(lambda: journal.exists() and journal.read_bytes().count(b"\n") > 5)
    os.kill(workers[0].pid, signal.SIGKILL)
    _, err = run.communicate(timeout=120)
    assert run.returncode == 0, err
    assert remote.read_bytes() == local.read_bytes()


def test_no_scheduler_there(sixty, tiny_model, lss, tmp_path, monkeypatch):
    monkeypatch.setattr("lss_cli.cluster.CONNECT_S", 1)
    studies, coords = sixty
    options = ("--coords", coords, "--model", tiny_model, "--out", tmp_path / "out.csv")
    code, _, err = lss("report", studies, *options, "--scheduler", "tcp://127.0.0.1:9")
    assert code == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in err
    assert not list(tmp_path.glob("*.unfinished"))
    assert lss("report", studies, *options)[0] == 0


def test_studies_that_come_one_by_one_are_graded_on_a_cluster_that_comes_and_goes(
    tiny_model, near_cluster, monkeypatch
):
    monkeypatch.setattr("lss_cli.cluster.CONNECT_S", 1)
    waiting, go_on = threading.Event(), threading.Event()

    class SlowWorker:
        def __init__(self, grader):
            self.grader = grader

        def grade(self, job):
            if job.study_id == "slow":
                waiting.set()
                go_on.wait(30)
            return JobAnswer(job, [{"study_id": job.study_id}])

    monkeypatch.setattr("lss_cli.batch.cluster.Worker", SlowWorker)
    address = near_cluster()
    grader = Grader.of(Models.load([tiny_model]))
    (worker,) = start_workers(grader, 5, address)
    assert isinstance(worker, ClusterWorker)
    job = GradingJob("s1", "/s1", (), (), ())
    assert worker.grade(job) == JobAnswer(job, [{"study_id": "s1"}])
    near_cluster.stop()
    with pytest.raises(ClusterGoneError, match="no Dask scheduler answers"):
        worker.grade(job)
    near_cluster(int(address.rpartition(":")[2]))
    assert worker.grade(job).rows
    # Nobody waits for what takes long when the work is to end.
    stopper = threading.Thread(target=lambda: (waiting.wait(30), worker.interrupt()))
    stopper.start()
    assert worker.grade(GradingJob("slow", "/slow", (), (), ())).lost
    go_on.set()
    stopper.join()
