"""Reports without a table: the points are proposed from the images."""

import csv
import json

import pytest

from lss_cli.locate.proposal import UNCONFIRMED
from tests.locate.studies import plan, write_coded_study, write_locators
from tests.tables import write_rows


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """One that can be numbered, and one that cannot."""
    folder = tmp_path_factory.mktemp("coded") / "studies"
    write_coded_study(folder / "whole", plan(1, slices=3))
    write_coded_study(folder / "straight", plan(0), without=("Sagittal T2/STIR",))
    return folder


@pytest.fixture
def report(lss, studies, tiny_model, tmp_path):
    def run(*more, sure=0.5):
        locators = write_locators(tmp_path / "models", sure=sure)
        options = ("--model", tiny_model, "--out", tmp_path / "report.csv", "--workers", "1")
        return lss("report", studies, *options, *more, models=locators)

    def rows():
        with (tmp_path / "report.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    return run, rows


def test_a_report_without_a_table_grades_what_is_proposed(report, tmp_path):
    run, rows = report
    code, out, _ = run("--html", tmp_path / "report.html", "--pages")
    assert code == 4
    whole = [row for row in rows() if row["study_id"] == "whole"]
    straight = [row for row in rows() if row["study_id"] == "straight"]
    assert len(whole) == len(straight) == 10
    assert {(row["points"], row["status"]) for row in whole} == {("proposed", "graded")}
    assert {row["status"] for row in straight} == {"not graded"}
    assert all("no sagittal series" in row["reason"] for row in straight)
    assert "10 not graded" in out
    assert (
        "nobody has looked at the points" in (tmp_path / "report.pages" / "whole.html").read_text()
    )
    run_report = json.loads((tmp_path / "report.json").read_text())
    assert {name for name in run_report["run"] if name.startswith("network for")} == {
        "network for sagittal pictures",
        "network for axial pictures",
    }


def test_what_is_not_sure_waits_for_a_person(report):
    run, rows = report
    code, out, _ = run(sure=0.9)
    assert code == 4
    whole = [row for row in rows() if row["study_id"] == "whole"]
    assert {row["reason"] for row in whole} == {UNCONFIRMED}
    assert all(row["x"] and "sure" in row["warnings"] for row in whole)
    assert f"10 not graded: {UNCONFIRMED}" in out


def test_without_the_networks_a_report_wants_a_table(lss, studies, tiny_model, tmp_path):
    code, _, err = lss(
        *("report", studies, "--model", tiny_model, "--out", tmp_path / "report.csv"),
        models=tiny_model.parent,
    )
    assert code == 3
    assert "no model that finds points" in err
    assert not list(tmp_path.glob("report*"))


def test_a_report_holds_given_levels_against_the_discs_as_counted(lss, report, tmp_path):
    run, rows = report
    assert run()[0] == 4
    higher = {"L2/L3": "L1/L2", "L3/L4": "L2/L3", "L4/L5": "L3/L4", "L5/S1": "L4/L5"}
    table = [
        row | {"level": higher[row["level"]], "points": "given"}
        for row in rows()
        if row["level"] in higher and row["study_id"] == "whole"
    ]
    write_rows(tmp_path / "coords.csv", table)
    run("--coords", tmp_path / "coords.csv")
    graded = [row for row in rows() if row["grade"]]
    assert len(graded) == 8
    assert all("is L5/S1 as counted on the sagittal pictures" in row["warnings"] for row in graded)
