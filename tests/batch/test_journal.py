import json
import os
import subprocess

import pytest

from lss_cli.anatomy import Condition
from lss_cli.batch.job import GradingJob, failed_rows
from lss_cli.batch.journal import Journal
from lss_cli.batch.pool import JobAnswer
from lss_cli.errors import OutputError
from lss_cli.model.metadata import ModelCard
from tests.batch.studies import by_study, command, copies, sabotage
from tests.processes import wait_for


def test_an_unfinished_report_is_not_thrown_away(three_phantoms, report, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a"])
    journal = tmp_path / "report.csv.unfinished"
    journal.write_text('{"run": {"model": "another"}}\n')
    code, _, err = report(studies, coords)
    assert (code, "--resume, or delete" in err) == (3, True)
    code, _, err = report(studies, coords, "--resume")
    assert (code, "another version of lss, model, table of points" in err) == (3, True)
    assert journal.exists()
    journal.unlink()
    assert report(studies, coords, "--resume")[0] == 0


def test_a_line_that_a_power_cut_left_unfinished_is_done_again(three_phantoms, report, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a", "b"])
    assert report(studies, coords)[0] == 0
    whole = (tmp_path / "report.csv").read_bytes()
    assert report([studies / "a"], coords, "--resume", out="half.csv")[0] == 4
    run = json.loads((tmp_path / "report.json").read_text())["run"]
    lines = [json.dumps({"run": run}), '{"study_id": "a", "lost": fal']
    (tmp_path / "report.csv.unfinished").write_text("\n".join(lines))
    assert report(studies, coords, "--resume")[0] == 0
    assert (tmp_path / "report.csv").read_bytes() == whole


def test_of_two_reports_on_one_output_the_second_is_told_who_has_it(
    three_phantoms, report, tiny_model, tmp_path, monkeypatch
):
    studies, coords = copies(three_phantoms, tmp_path, ["a", "b", "endless"])
    monkeypatch.setenv("PYTHONPATH", str(sabotage(tmp_path / "sabotage")), prepend=os.pathsep)
    first = subprocess.Popen(command(studies, coords, tiny_model, tmp_path / "report.csv"))
    journal = tmp_path / "report.csv.unfinished"
    # Two workers: either may be done first.
    wait_for(lambda: journal.exists() and journal.read_bytes().count(b'"lost"') == 2)
    before = journal.read_bytes()
    for more in ([], ["--resume"]):
        code, _, err = report(studies, coords, *more)
        assert code == 3
        assert f"another lss report is writing this: process {first.pid} on " in err
        assert "--resume" not in err
    assert journal.read_bytes() == before
    first.kill()
    first.wait()
    code, _, err = report(studies, coords)
    assert (code, "--resume, or delete" in err) == (3, True)
    code, _, _ = report(studies, coords, "--resume", "--timeout", "1")
    assert code == 4
    assert {name: len(rows) for name, rows in by_study(tmp_path / "report.csv").items()} == {
        "a": 10,
        "b": 10,
        "endless": 10,
    }


def test_a_line_of_another_study_is_noticed(tmp_path):
    card = ModelCard("tiny", 64 * "a", "Apache-2.0", "2026-01-01", {})
    journal = Journal.start(tmp_path / "a.unfinished", {})
    for name in "ab":
        job = GradingJob(name, "/nowhere", (), (), (Condition.LEFT_SUBARTICULAR,))
        journal.add(JobAnswer(job, failed_rows(job, "lost.", (card,))))
    assert [row["study_id"] for row in journal.rows("ba")] == ["b"] * 5 + ["a"] * 5
    journal.offsets["a"] = journal.offsets["b"]
    with pytest.raises(OutputError, match="something else has written to this file"):
        list(journal.rows("a"))
    journal.close()


ODD_LINES = [
    b"[]",
    b"7",
    b"null",
    b"{}",
    b"[" * 100_000,
    b"\xff\xfe\x00",
    b'{"study_id": 7, "lost": false, "rows": []}',
    b'{"study_id": "", "lost": false, "rows": []}',
    b'{"study_id": "a", "lost": "perhaps", "rows": []}',
    b'{"study_id": "a", "lost": false, "rows": {}}',
    b'{"study_id": "a", "lost": false, "rows": [7]}',
    b'{"study_id": "a", "lost": false, "rows": [{}]}',
    b'{"study_id": "a", "lost": false, "rows": [{"study_id": "a", "grade": []}]}',
    b'{"holder"',
]


@pytest.mark.parametrize("line", ODD_LINES)
def test_an_odd_line_is_done_again_and_an_odd_first_line_is_kept(
    three_phantoms, report, tmp_path, line
):
    studies, coords = copies(three_phantoms, tmp_path, ["a"])
    path = tmp_path / "report.csv.unfinished"
    path.write_bytes(line + b"\n")
    code, _, err = report(studies, coords, "--resume")
    assert (code, "this is no unfinished report. Move this file away" in err) == (3, True)
    assert path.read_bytes() == line + b"\n"
    run = {"model": "x"}
    path.write_bytes(json.dumps({"run": run}).encode() + b"\n" + line + b"\n")
    journal = Journal.resume(path, run)
    assert journal.offsets == {}
    journal.close()


def test_two_runs_resumed_at_once_leave_each_study_once(three_phantoms, tiny_model, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, [f"s{n:02d}" for n in range(20)])
    out = tmp_path / "report.csv"
    start = [*command(studies, coords, tiny_model, out), "--resume"]
    runs = [subprocess.Popen(start, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [run.communicate(timeout=120)[1] for run in runs]
    # The slower one is refused, or comes so late that it makes the same report again.
    assert {run.returncode for run in runs} <= {0, 3}
    assert all(
        "another lss report" in err for run, err in zip(runs, errors, strict=True) if run.returncode
    )
    assert {name: len(rows) for name, rows in by_study(out).items()} == {
        f"s{n:02d}": 10 for n in range(20)
    }
