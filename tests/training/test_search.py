"""Searches that several processes share, without the trainings."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import optuna
import pytest
from optuna.trial import TrialState

from lss_cli.errors import DataError, UsageError
from lss_cli.training import search
from lss_cli.training.search import LOST, open_search, open_storage, returned

WHOLE = [{"x": 0}, {"x": 1}, {"x": 2}]
URLS = ["sqlite:///{}/study.db", "journal:///{}/study.journal"]


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for name, seconds in (("BEAT_S", 0.2), ("LOST_S", 1.0), ("POLL_S", 0.1)):
        monkeypatch.setattr(search, name, seconds)


def opened(url, trials=3, whole=None, about="this"):
    """A process's part in a search."""

    def sampler(count):
        return optuna.samplers.TPESampler(seed=count)

    return open_search(
        open_storage(url), about, trials, whole, sampler, optuna.pruners.NopPruner(), url
    )


def work(part, seconds=0.0):
    """Do all that is left."""
    while trial := part.ask(lambda _: None):
        with part.hold(trial):
            value = trial.suggest_categorical("x", [0, 1, 2])
            time.sleep(seconds)
        part.study.tell(trial, value, skip_if_finished=True)


def complete(part):
    return [trial.params["x"] for trial in part.trials(TrialState.COMPLETE)]


@pytest.mark.parametrize("whole", [WHOLE, None])
@pytest.mark.parametrize("url", URLS)
def test_what_a_dead_process_left_is_taken_back_and_done_once(url, whole, tmp_path):
    dead, alive = (opened(url.format(tmp_path), whole=whole) for _ in range(2))
    trial = dead.ask(lambda _: None)
    left = trial.suggest_categorical("x", [0, 1, 2])
    work(alive)
    assert len(complete(alive)) == 3
    (lost,) = [trial for trial in alive.study.trials if trial.state == TrialState.FAIL]
    assert (lost.number, returned(lost)) == (0, LOST)
    assert left in complete(alive)
    if whole:
        assert sorted(complete(alive)) == [0, 1, 2]


@pytest.mark.parametrize("url", URLS)
def test_a_trial_that_another_process_works_on_is_left_to_it(url, tmp_path):
    slow, quick = (opened(url.format(tmp_path), whole=WHOLE) for _ in range(2))
    thread = threading.Thread(target=work, args=(slow, 2.5))
    thread.start()
    while not quick.trials(TrialState.RUNNING):
        time.sleep(0.05)
    work(quick)
    thread.join()
    # Long after `LOST_S`, nothing was taken from it.
    assert sorted(complete(quick)) == [0, 1, 2]
    assert not quick.trials(TrialState.FAIL)


def test_two_that_ask_for_the_last_one_do_one(tmp_path):
    first, second = (opened(f"sqlite:///{tmp_path}/study.db", trials=1) for _ in range(2))
    mine = first.ask(lambda _: None)
    second._trials = 2  # as if it had asked before the first began
    its = second.study.ask()
    second._trials = 1
    assert not first._is_surplus(mine)
    assert second._is_surplus(its)


def test_the_same_combination_twice_is_done_once(tmp_path):
    part = opened(f"sqlite:///{tmp_path}/study.db", whole=WHOLE)
    for _ in range(2):
        # As two processes do that begin at the same moment.
        part.study.enqueue_trial({"x": 0}, user_attrs={search.WANTED: {"x": 0}})
    work(part)
    assert sorted(complete(part)) == [0, 1, 2]


def test_what_takes_its_process_with_it_each_time_is_given_up(tmp_path):
    url = f"sqlite:///{tmp_path}/study.db"
    for _ in range(search.MOST_LOST):
        part = opened(url, whole=[{"x": 0}])
        trial = part.ask(lambda _: None)
        part.give_back(trial.number, LOST)
    assert opened(url, whole=[{"x": 0}]).ask(lambda _: None) is None


def test_ctrl_c_gives_a_trial_back(tmp_path):
    part = opened(f"sqlite:///{tmp_path}/study.db", whole=WHOLE)
    trial = part.ask(lambda _: None)
    with pytest.raises(KeyboardInterrupt), part.hold(trial):
        raise KeyboardInterrupt
    work(part)
    assert sorted(complete(part)) == [0, 1, 2]


def test_a_search_of_something_else_is_refused(tmp_path):
    url = f"sqlite:///{tmp_path}/study.db"
    opened(url)
    with pytest.raises(UsageError, match="search of other data, options or another space"):
        opened(url, about="that")


PROCESS = """
    import pathlib, sys, time
    import optuna
    from lss_cli.training import search
    search.BEAT_S, search.LOST_S, search.POLL_S = 0.2, 2.0, 0.1
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    whole = [{"x": x} for x in range(6)]
    part = search.open_search(
        search.open_storage(sys.argv[1]), "this", 6, whole,
        lambda count: optuna.samplers.RandomSampler(), optuna.pruners.NopPruner(), "")
    while trial := part.ask(lambda _: None):
        with part.hold(trial):
            value = trial.suggest_categorical("x", list(range(6)))
            # The first trials last until the test lets go.
        while not pathlib.Path(sys.argv[2]).exists():
            time.sleep(0.05)
        part.study.tell(trial, value, skip_if_finished=True)
"""


@pytest.mark.parametrize("url", URLS)
def test_of_two_processes_one_is_killed_and_the_other_does_everything(url, tmp_path):
    url = url.format(tmp_path)
    go = tmp_path / "go"
    command = [sys.executable, "-c", textwrap.dedent(PROCESS), url, go]
    # At the same moment, so that both begin the search.
    processes = [subprocess.Popen(command) for _ in range(2)]
    try:
        path = tmp_path / url.rpartition("/")[2]
        end = time.monotonic() + 60
        part = None
        while part is None or len(part.trials(TrialState.RUNNING)) < 2:
            assert time.monotonic() < end
            time.sleep(0.05)
            if part is None and path.exists() and len(path.read_bytes()) > 2000:
                part = opened(url, 6)
        os.kill(processes[0].pid, signal.SIGKILL)
        go.touch()
        assert processes[1].wait(60) == 0
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert sorted(complete(part)) == list(range(6))
    (lost,) = [trial for trial in part.study.trials if returned(trial) == LOST]
    assert lost.user_attrs[search.WANTED]["x"] in complete(part)


@pytest.mark.parametrize(
    ("url", "kind", "message"),
    [
        ("tuning/study.db", UsageError, "no URL of a database.*There is sqlite:///FILE"),
        ("oracel://me:secret@host/x", UsageError, "no kind of database 'oracel'"),
        ("mysql://me:secret@host/x?password=secret", DataError, "mysqlclient"),
        ("sqlite:////no/such/folder/study.db", DataError, "cannot be used"),
        ("journal:////no/such/folder/study.journal", DataError, "cannot be used"),
    ],
)
def test_a_database_that_cannot_be_opened(url, kind, message):
    with pytest.raises(kind, match=message) as raised:
        open_storage(url)
    assert "secret" not in str(raised.value)


def test_a_file_that_is_no_database_or_no_journal(tmp_path):
    (tmp_path / "study").write_text("something else\n" * 9)
    for kind in ("sqlite", "journal"):
        with pytest.raises(DataError, match=r"cannot be used|no journal"):
            opened(f"{kind}:///{tmp_path}/study")
