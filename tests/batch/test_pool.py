import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.batch.studies import (
    DAMAGE,
    by_study,
    check_damage,
    command,
    copies,
    plant,
    sabotage,
)
from tests.processes import wait_for


def test_a_crash_and_an_endless_study_cost_themselves_only(
    three_phantoms, report, tmp_path, monkeypatch
):
    names = ["a", "crashing", "endless", "unlucky", "z"]
    studies, coords = copies(three_phantoms, tmp_path, names)
    monkeypatch.setenv("PYTHONPATH", str(sabotage(tmp_path / "sabotage")), prepend=os.pathsep)
    code, out, _ = report(studies, coords, "--timeout", "3")
    assert code == 4
    studies_rows = by_study(tmp_path / "report.csv")
    reasons = {name: {row["reason"] for row in rows} for name, rows in studies_rows.items()}
    assert reasons == {
        "a": {""},
        "crashing": {"the process that graded it died (SIGSEGV)."},
        "endless": {"it took longer than 3 s."},
        # Killed once from outside: a second try is fair.
        "unlucky": {""},
        "z": {""},
    }
    assert studies_rows["crashing"][0]["x"]
    assert "10 not graded: it took longer than 3 s." in out


def workers_of(process):
    """The process ids of the grading processes, from the kernel's own list."""
    lists = Path(f"/proc/{process.pid}/task").glob("*/children")
    return [int(pid) for path in lists for pid in path.read_text().split()]


def kill_somebody(process, chance):
    victims = [process.pid, *workers_of(process)]
    os.kill(chance.choice(victims), signal.SIGKILL)


def check_kills(studies, coords, model, folder, kills, seed, at_once=1, seconds=(0.8, 2.5)):
    """Kill the main process or workers at random moments, go on, and compare the end.

    Of several reports at once on one output, one works and the others are told so.
    """
    chance = random.Random(seed)
    undisturbed, disturbed = folder / "undisturbed.csv", folder / "disturbed.csv"
    subprocess.run(command(studies, coords, model, undisturbed), capture_output=True, check=False)
    for attempt in range(kills + 1):
        processes = [
            subprocess.Popen(
                command(studies, coords, model, disturbed, "--resume"),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            for _ in range(at_once)
        ]
        if attempt < kills:
            time.sleep(chance.uniform(*seconds))
            for process in processes:
                if process.poll() is None:
                    kill_somebody(process, chance)
        errors = [process.communicate()[1] for process in processes]
        told = [b"another lss report" in error for error in errors]
        assert sum(told) < at_once
        if disturbed.exists():
            break
    assert disturbed.read_bytes() == undisturbed.read_bytes()
    assert not list(folder.glob("*.unfinished"))


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for workers in /proc")
@pytest.mark.parametrize("end", ["SIGTERM", "SIGHUP", "SIGKILL"])
def test_workers_end_with_the_report_in_the_midst_of_a_study(
    three_phantoms, tiny_model, tmp_path, monkeypatch, end
):
    studies, coords = copies(three_phantoms, tmp_path, ["endless", "z"])
    monkeypatch.setenv("PYTHONPATH", str(sabotage(tmp_path / "sabotage")), prepend=os.pathsep)
    out = tmp_path / "report.csv"
    # Under nohup, the tests themselves are deaf to SIGHUP, and what they start would be too.
    process = subprocess.Popen(
        command(studies, coords, tiny_model, out),
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # noqa: PLW1509
    )
    journal = tmp_path / "report.csv.unfinished"
    wait_for(lambda: journal.exists() and b'"z"' in journal.read_bytes())
    workers = workers_of(process)
    assert workers
    process.send_signal(signal.Signals[end])
    assert process.wait() == -signal.Signals[end]
    wait_for(lambda: not any(is_running(worker) for worker in workers))


def is_running(pid):
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for workers in /proc")
def test_killed_and_resumed_it_ends_in_the_same_bytes(three_phantoms, tiny_model, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, [f"s{n:03d}" for n in range(60)])
    check_kills(studies, coords, tiny_model, tmp_path, kills=4, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_killed_again_and_again(three_phantoms, tiny_model, tmp_path, seed):
    studies, coords = copies(three_phantoms, tmp_path, [f"s{n:03d}" for n in range(200)])
    check_kills(studies, coords, tiny_model, tmp_path, kills=12, seed=seed)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_thousand_damaged_studies_two_reports_at_once_and_kills(
    three_phantoms, tiny_model, tmp_path
):
    names = [f"s{n:04d}" for n in range(1000 - len(DAMAGE))]
    studies, coords = copies(three_phantoms, tmp_path, [*names, *DAMAGE])
    plant(studies, coords)
    check_kills(studies, coords, tiny_model, tmp_path, kills=12, seed=1, at_once=2, seconds=(2, 15))
    rows = by_study(tmp_path / "disturbed.csv")
    assert len(rows) == 1000
    check_damage(rows)
