"""The fuzzer finds what it looks for, and a few cases of each quick kind go well.

``make fuzz`` tries many.
"""

import subprocess
import sys

import pytest

from tests.fuzz import mutators, runner
from tests.fuzz.runner import Random, fuzz


def test_faults_crashes_and_hangs_are_found_and_the_other_cases_tried(monkeypatch):
    monkeypatch.setattr(runner, "HANG_S", 2)
    outcome = fuzz("broken", ("tests.fuzz.broken", "broken"), seed=1, seconds=60, most=8)
    assert outcome.cases == 8
    assert outcome.first == {
        "ZeroDivisionError": 1,
        "the process died": 3,
        "it took more than 2 s": 5,
    }


def test_a_case_can_be_repeated():
    def change(seed):
        return [
            mutators.mutate_bytes(Random(seed), bytes(range(200))),
            mutators.mutate_text(Random(seed), "a,b\n1,2\n"),
            mutators.mutate_json(Random(seed), {"a": [1, 2, {"b": "c"}]}),
        ]

    assert all(change(f"1 x {number}") == change(f"1 x {number}") for number in range(200))
    assert change("1 x 1") != change("2 x 1")


@pytest.mark.parametrize("kind", ["points", "unnoticed", "requests"])
def test_a_few_cases_go_well(kind):
    command = [sys.executable, "-m", "tests.fuzz", "--kind", kind, "--cases", "15"]
    ended = subprocess.run(
        [*command, "--minutes", "2"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "15 cases, 0 failed" in ended.stdout
