import json
import time

import pydicom

from lss_cli.anatomy import Condition, Level
from lss_cli.batch.job import GradingJob, failed_rows
from lss_cli.batch.plan import plan_jobs
from lss_cli.model.metadata import ModelCard
from lss_cli.points.point import BadPoint, Point
from tests.batch.studies import (
    by_study,
    copies,
    read_report,
    rewrite,
)
from tests.tables import read_rows, write_rows


def test_a_list_and_several_paths_in_the_given_order(three_phantoms, report, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a", "b", "c"])
    (tmp_path / "list.txt").write_text("studies/c\nstudies/a\n\n")
    # The table's studies that are not asked for come last, not graded.
    assert report(tmp_path / "list.txt", coords)[0] == 4
    assert list(by_study(tmp_path / "report.csv")) == ["c", "a", "b"]
    assert report([studies / "b", studies / "a"], coords)[0] == 4
    assert list(by_study(tmp_path / "report.csv")) == ["b", "a", "c"]
    assert report(studies / "b", coords)[0] == 4
    assert list(by_study(tmp_path / "report.csv")) == ["b", "a", "c"]


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
    studies_rows = by_study(tmp_path / "report.csv")
    assert {name: len(rows) for name, rows in studies_rows.items()} == {"12": 10, "a": 10, "c": 10}
    bad = [row for rows in studies_rows.values() for row in rows if row["status"] == "not graded"]
    (row,) = bad
    assert (row["study_id"], row["level"]) == ("a", own[0]["level"])
    assert (
        row["reason"] == f"the level is given for a and {uid}, which are one study. Keep one row."
    )
    assert "have no folder" not in out


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


def test_each_study_gets_its_own_points(tmp_path):
    folders = [tmp_path / name for name in ("a", "b")]
    point = Point("b", "7", 3, Condition.LEFT_SUBARTICULAR, Level.L1_L2, 3.5, 4.0)
    bad = BadPoint("a", None, "L9", "no level")
    conditions = [Condition.LEFT_SUBARTICULAR]
    first, second = plan_jobs(folders, [point], [bad], conditions, tmp_path / "pages")
    assert (first.study_id, first.points, first.bad_points) == ("a", (), (bad,))
    assert (second.study_id, second.points, second.bad_points) == ("b", (point,), ())
    assert second.page == str(tmp_path / "pages" / "b.html")


def test_the_time_limit_holds_for_the_headers_that_planning_reads(three_phantoms, report, tmp_path):
    """Where the table knows a study by its UID, its files are asked before any worker is."""
    studies, coords = copies(three_phantoms, tmp_path, ["a", "b"])
    rows = read_rows(coords)
    uid = pydicom.dcmread(next((studies / "a").rglob("*.dcm"))).StudyInstanceUID
    renamed = [row | {"study_id": uid if row["study_id"] == "a" else "b"} for row in rows]
    write_rows(coords, renamed)
    for path in (studies / "a").rglob("*.dcm"):
        whole = path.read_bytes()
        rewrite(path, whole[: whole.index(b"\x28\x00\x10\x00US")] + bytes(2**23))
    started = time.monotonic()
    code, _, _ = report(studies, coords, "--timeout", "2", "--workers", "1")
    assert time.monotonic() - started < 20
    assert code == 4
    by_id = by_study(tmp_path / "report.csv")
    assert {row["status"] for row in by_id["b"]} == {"graded"}
    assert all(row["reason"].startswith("it took longer than 2 s") for row in by_id["a"])


def test_no_row_of_the_table_vanishes(three_phantoms, report, lss, tiny_model, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a", "b", "gone"])
    rows = read_rows(coords)
    (tmp_path / "elsewhere").mkdir()
    (studies / "gone").rename(tmp_path / "elsewhere" / "gone")
    nameless = [row | {"study_id": ""} for row in rows if row["study_id"] == "a"][:2]
    own = [row for row in rows if row["study_id"] == "a"]
    broken = [own[0] | {"x": "one"}, own[0] | {"y": "two"}, own[0] | {"instance_number": "three"}]
    write_rows(coords, [*nameless, *rows, *broken])
    code, out, _ = report(studies, coords)
    studies_rows = by_study(tmp_path / "report.csv")
    assert code == 4
    assert {name: len(rows) for name, rows in studies_rows.items()} == {
        "a": 13,
        "b": 10,
        "": 2,
        "gone": 10,
    }
    reasons = {
        name: [row["reason"] for row in rows if row["status"] == "not graded"]
        for name, rows in studies_rows.items()
    }
    places = [f"coords.csv, line {line}, column study_id: it is empty here" for line in (2, 3)]
    assert all(map(str.startswith, reasons[""], places))
    assert [row["level"] for row in studies_rows[""]] == [row["level"] for row in nameless]
    assert set(reasons["gone"]) == {"no folder of this study was given."}
    assert studies_rows["gone"][0]["x"]
    assert [reason.split("'")[1] for reason in reasons["a"]] == ["one", "two", "three"]
    assert reasons["b"] == []
    assert "10 not graded: no folder of this study was given." in out
    assert "1 studies of the table have no folder here." in out
    run = json.loads((tmp_path / "report.json").read_text())
    assert (run["studies"], run["rows"], sum(run["not_graded"].values())) == (2, 35, 15)

    # For one study, the rows that name none are not taken either.
    table = tmp_path / "b.csv"
    options = ("--coords", coords, "--model", tiny_model, "--csv", table)
    assert lss("predict", studies / "b", *options)[0] == 4
    assert [row["status"] for row in read_report(table)].count("graded") == 10
    assert [row["reason"] for row in read_report(table) if row["reason"]] == reasons[""]


def test_a_second_table_adds_to_the_first(three_phantoms, report, lss, tiny_model, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a", "b"])
    rows = read_rows(coords)
    more = tmp_path / "more.csv"
    write_rows(coords, rows[:12])
    write_rows(more, [rows[11], rows[0] | {"x": "7"}, *rows[12:]])
    assert report(studies, coords, "--coords", more)[0] == 4
    report_rows = read_report(tmp_path / "report.csv")
    (bad,) = [row for row in report_rows if row["status"] == "not graded"]
    reason = "coords.csv, line 2 and more.csv, line 3: the level is given 2 times. Keep one row."
    assert bad["reason"] == reason
    assert len(report_rows) == 20
    table = tmp_path / "a.csv"
    options = ("--coords", coords, "--coords", more, "--model", tiny_model, "--csv", table)
    assert lss("predict", studies / "a", *options)[0] == 4
    assert [row["reason"] for row in read_report(table) if row["status"] != "graded"] == [reason]
    code, _, err = lss("predict", studies / "a", *options, "--json", more)
    assert (code, "is read, and would be overwritten" in err) == (2, True)


def test_rows_that_could_not_be_read_stay_when_the_study_cannot_be_read_either():
    bad = (
        BadPoint("a", Condition.LEFT_SUBARTICULAR, Level.L1_L2, "no number"),
        BadPoint("a", Condition.LEFT_SUBARTICULAR, Level.L1_L2, "no slice"),
        BadPoint("a", None, "L9", "no level"),
    )
    card = ModelCard("tiny", 64 * "a", "Apache-2.0", "2026-01-01", {})
    job = GradingJob("a", "/nowhere", (), bad, (Condition.LEFT_SUBARTICULAR,))
    reasons = [row["reason"] for row in failed_rows(job, "it died.", (card,))]
    assert reasons == ["no number", "no slice", *4 * ["it died."], "no level"]
