import time

import pydicom

from lss_cli.anatomy import Condition, Level
from lss_cli.batch.plan import plan_jobs, study_folders
from lss_cli.points.point import BadPoint, Point
from tests.batch.studies import (
    by_study,
    copies,
)
from tests.tables import read_rows, write_rows


def test_a_list_and_several_paths_in_the_given_order(three_phantoms, report, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a", "b", "c"])
    (tmp_path / "list.txt").write_text("studies/c\nstudies/a\n\n")
    assert report(tmp_path / "list.txt", coords)[0] == 0
    assert list(by_study(tmp_path / "report.csv")) == ["c", "a"]
    assert report([studies / "b", studies / "a"], coords)[0] == 0
    assert list(by_study(tmp_path / "report.csv")) == ["b", "a"]
    assert report(studies / "b", coords)[0] == 0
    assert list(by_study(tmp_path / "report.csv")) == ["b"]


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


def test_a_study_is_found_by_the_name_that_the_table_knows(tmp_path):
    for name in ("a", "b", "a/inner"):
        (tmp_path / name).mkdir()
    assert study_folders([tmp_path], {"a"}) == [tmp_path / "a", tmp_path / "b"]
    assert study_folders([tmp_path / "a"], {"a"}) == [tmp_path / "a"]
    assert study_folders([tmp_path / "a"], {"inner"}) == [tmp_path / "a" / "inner"]


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
        path.write_bytes(whole[: whole.index(b"\x28\x00\x10\x00US")] + bytes(2**23))
    started = time.monotonic()
    code, _, _ = report(studies, coords, "--timeout", "2", "--workers", "1")
    assert time.monotonic() - started < 20
    assert code == 4
    by_id = by_study(tmp_path / "report.csv")
    assert {row["status"] for row in by_id["b"]} == {"graded"}
    assert all(row["reason"].startswith("it took longer than 2 s") for row in by_id["a"])
