import json
import os
import random
import signal
import subprocess
import time
from collections import defaultdict
from pathlib import Path

import pandas as pd
import pydicom
import pytest

from lss_cli.grading.result import UNCERTAIN
from tests.batch.studies import DAMAGE, command, copies, plant, read_report, sabotage
from tests.models import write_tiny_model
from tests.tables import read_rows, write_rows

LEVELS = ["L1/L2", "L2/L3", "L3/L4", "L4/L5", "L5/S1"]


@pytest.fixture
def report(lss, tiny_model, tmp_path):
    def run(studies, coords, *more, out="report.csv"):
        paths = studies if isinstance(studies, list) else [studies]
        options = ("--coords", coords, "--model", tiny_model, "--out", tmp_path / out)
        return lss("report", *paths, *options, "--workers", "2", *more)

    return run


def by_study(path):
    found = defaultdict(list)
    for row in read_report(path):
        found[row["study_id"]].append(row)
    return found


def check_damage(found):
    for name, (_, _, reason, cost) in DAMAGE.items():
        bad = [row for row in found[name] if row["status"] == "not graded"]
        complete = [row for row in found[name] if row["level"] in LEVELS]
        assert len(complete) == 10, name
        assert len([row for row in bad if row in complete]) == cost, name
        assert any(reason in row["reason"] for row in bad), (name, bad[0]["reason"])


def test_every_study_and_level_has_a_row_whatever_is_wrong(three_phantoms, report, tmp_path):
    names = ["good-1", *DAMAGE, "good-2"]
    studies, coords = copies(three_phantoms, tmp_path, names)
    plant(studies, coords)
    code, out, err = report(studies, coords)
    assert code == 4
    assert "Traceback" not in err
    found = by_study(tmp_path / "report.csv")
    assert list(found) == sorted(names)
    check_damage(found)
    for name in ("good-1", "good-2"):
        assert [row["status"] for row in found[name]] == ["graded"] * 10
        assert [row["level"] for row in found[name]] == 2 * LEVELS
    # The reason that no row can carry, since no row of the table could be read.
    assert "'L9' is no level" in " ".join(row["reason"] for row in found["no-level"])
    assert f"{len(names)} studies" in out
    assert not list(tmp_path.glob("*.unfinished"))


def test_it_says_what_predict_says(three_phantoms, report, lss, tiny_model, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a", "b", "c"])
    assert report(studies, coords)[0] == 0
    rows = []
    for name in ("a", "b", "c"):
        one = tmp_path / f"{name}.csv"
        options = ("--coords", coords, "--model", tiny_model, "--csv", one)
        assert lss("predict", studies / name, *options)[0] == 0
        rows += read_report(one)
    report_rows = read_report(tmp_path / "report.csv")
    assert [{k: v for k, v in row.items() if k != "normal_mild"} for row in report_rows] == [
        {k: v for k, v in row.items() if k != "normal_mild"} for row in rows
    ]


def test_a_list_and_several_paths_in_the_given_order(three_phantoms, report, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a", "b", "c"])
    (tmp_path / "list.txt").write_text("studies/c\nstudies/a\n\n")
    assert report(tmp_path / "list.txt", coords)[0] == 0
    assert list(by_study(tmp_path / "report.csv")) == ["c", "a"]
    assert report([studies / "b", studies / "a"], coords)[0] == 0
    assert list(by_study(tmp_path / "report.csv")) == ["b", "a"]
    assert report(studies / "b", coords)[0] == 0
    assert list(by_study(tmp_path / "report.csv")) == ["b"]


def test_further_formats_and_pages(three_phantoms, report, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a", "=b"])
    more = {kind: tmp_path / f"out.{kind}" for kind in ("html", "jsonl", "parquet")}
    options = [part for kind, path in more.items() for part in (f"--{kind}", path)]
    assert report(studies, coords, *options, "--pages")[0] == 0
    rows = [json.loads(line) for line in more["jsonl"].read_text().splitlines()]
    assert [row["study_id"] for row in rows] == ["=b"] * 10 + ["a"] * 10
    table = pd.read_parquet(more["parquet"])
    assert table["severe"].tolist() == [row["severe"] for row in rows]
    assert read_report(tmp_path / "report.csv")[0]["study_id"] == "'=b"
    assert 'href="report.pages/a.html"' in more["html"].read_text()
    assert "Study a" in (tmp_path / "report.pages" / "a.html").read_text()
    run = json.loads((tmp_path / "report.json").read_text())
    assert (run["studies"], run["rows"]) == (2, 20)
    assert len(run["run"]["model"]) == 64


def test_uncertain_grades_are_graded_and_counted(three_phantoms, lss, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a"])
    model = write_tiny_model(tmp_path / "unsure.onnx", sure=0.1)
    out, page = tmp_path / "report.csv", tmp_path / "out.html"
    files = ("--out", out, "--html", page, "--jsonl", tmp_path / "out.jsonl")
    code, printed, _ = lss("report", studies, "--coords", coords, "--model", model, *files)
    assert code == 0
    assert "1 studies, 10 rows, 0 not graded, 10 uncertain;" in printed
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    shown = ["/".join(row["possible"]) for row in rows]
    assert [row["reason"] for row in read_report(out)] == [f"uncertain: {one}" for one in shown]
    text = page.read_text()
    assert f"Uncertain: 10 rows. {UNCERTAIN}" in text
    assert "<h2>Not graded" not in text
    assert all(f'<td class="likely">{one}</td><td></td>' in text for one in shown)
    run = json.loads((tmp_path / "report.json").read_text())
    assert (run["uncertain"], run["not_graded"]) == (10, {})


def test_a_study_under_its_name_its_uid_and_as_a_float(three_phantoms, report, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a", "12", "c"])
    uid = pydicom.dcmread(next((studies / "a").rglob("*.dcm"))).StudyInstanceUID
    rows = read_rows(coords)
    own = [row for row in rows if row["study_id"] == "a"]
    # L1/L2 on the left is given for both names, L2/L3 for the UID only.
    own[1]["study_id"] = uid
    floats = [row | {"study_id": "12.0"} for row in rows if row["study_id"] == "12"]
    rest = [row for row in rows if row["study_id"] == "c"]
    write_rows(coords, [*own, own[0] | {"study_id": uid}, *floats, *rest])
    code, out, _ = report(studies, coords)
    assert code == 4
    found = by_study(tmp_path / "report.csv")
    assert {name: len(rows) for name, rows in found.items()} == {"12": 10, "a": 10, "c": 10}
    bad = [row for rows in found.values() for row in rows if row["status"] == "not graded"]
    (one,) = bad
    assert (one["study_id"], one["level"]) == ("a", own[0]["level"])
    assert (
        one["reason"] == f"the level is given for a and {uid}, which are one study. Keep one row."
    )
    assert "have no folder" not in out


def test_a_crash_and_an_endless_study_cost_themselves_only(
    three_phantoms, report, tmp_path, monkeypatch
):
    names = ["a", "crashing", "endless", "unlucky", "z"]
    studies, coords = copies(three_phantoms, tmp_path, names)
    monkeypatch.setenv("PYTHONPATH", str(sabotage(tmp_path / "sabotage")), prepend=os.pathsep)
    code, out, _ = report(studies, coords, "--timeout", "3")
    assert code == 4
    found = by_study(tmp_path / "report.csv")
    reasons = {name: {row["reason"] for row in rows} for name, rows in found.items()}
    assert reasons == {
        "a": {""},
        "crashing": {"the process that graded it died (SIGSEGV)."},
        "endless": {"it took longer than 3 s."},
        # Killed once from outside: a second try is fair.
        "unlucky": {""},
        "z": {""},
    }
    assert found["crashing"][0]["x"]
    assert "10 not graded: it took longer than 3 s." in out


def test_what_cannot_be_reported_at_all(three_phantoms, report, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a"])
    for folder in (tmp_path / "none", tmp_path / "studies" / "a" / "nothing"):
        code, _, err = report(folder, coords)
        assert code == 3
        assert "no study folder" in err
    twin = copies(three_phantoms, tmp_path / "twin", ["a"])[0]
    code, _, err = report([studies / "a", twin / "a"], coords)
    assert (code, "two study folders are named a" in err) == (3, True)
    code, _, err = report(studies, coords, "--condition", "spinal_canal_stenosis")
    assert (code, "may not grade" in err) == (3, True)
    code, _, err = report(studies, coords, "--pages")
    assert (code, "--pages needs --html" in err) == (2, True)
    assert not (tmp_path / "report.csv").exists()


def workers_of(process):
    """The process ids of the grading processes, from the kernel's own list."""
    lists = Path(f"/proc/{process.pid}/task").glob("*/children")
    return [int(one) for path in lists for one in path.read_text().split()]


def kill_somebody(process, chance):
    victims = [process.pid, *workers_of(process)]
    os.kill(chance.choice(victims), signal.SIGKILL)


def check_kills(studies, coords, model, folder, kills, seed):
    """Kill the main process or workers at random moments, go on, and compare the end."""
    chance = random.Random(seed)
    undisturbed, disturbed = folder / "undisturbed.csv", folder / "disturbed.csv"
    subprocess.run(command(studies, coords, model, undisturbed), capture_output=True, check=False)
    for attempt in range(kills + 1):
        process = subprocess.Popen(
            command(studies, coords, model, disturbed, "--resume"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if attempt < kills:
            time.sleep(chance.uniform(0.8, 2.5))
            if process.poll() is None:
                kill_somebody(process, chance)
        process.wait()
        if disturbed.exists():
            break
    assert disturbed.read_bytes() == undisturbed.read_bytes()
    assert not list(folder.glob("*.unfinished"))


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for workers in /proc")
def test_killed_and_resumed_it_ends_in_the_same_bytes(three_phantoms, tiny_model, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, [f"s{n:03d}" for n in range(60)])
    check_kills(studies, coords, tiny_model, tmp_path, kills=4, seed=1)


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
    assert report([studies / "a"], coords, "--resume", out="half.csv")[0] == 0
    run = json.loads((tmp_path / "report.json").read_text())["run"]
    lines = [json.dumps({"run": run}), '{"study_id": "a", "lost": fal']
    (tmp_path / "report.csv.unfinished").write_text("\n".join(lines))
    assert report(studies, coords, "--resume")[0] == 0
    assert (tmp_path / "report.csv").read_bytes() == whole


@pytest.mark.slow
def test_a_thousand_studies_with_twenty_kinds_of_damage(three_phantoms, report, tmp_path):
    names = [f"s{n:04d}" for n in range(1000 - len(DAMAGE))]
    studies, coords = copies(three_phantoms, tmp_path, [*names, *DAMAGE])
    plant(studies, coords)
    assert report(studies, coords)[0] == 4
    found = by_study(tmp_path / "report.csv")
    assert len(found) == 1000
    check_damage(found)
    assert all(row["status"] == "graded" for name in names for row in found[name])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_killed_again_and_again(three_phantoms, tiny_model, tmp_path, seed):
    studies, coords = copies(three_phantoms, tmp_path, [f"s{n:03d}" for n in range(200)])
    check_kills(studies, coords, tiny_model, tmp_path, kills=12, seed=seed)
