"""What is known about a level reaches every output."""

import csv
import json
import subprocess
from collections import Counter

import pandas as pd
import pydicom
import pytest

from lss_cli.grading.result import MISSING_NEIGHBOUR, PROPOSED
from lss_cli.points.point import NOT_VISIBLE
from tests.output.conftest import Page, items, tool
from tests.tables import read_rows, write_rows


@pytest.fixture
def doubtful(study, coords):
    """The study: a point's neighbouring slice truncated, a row spoilt, a file left out."""
    rows = read_rows(coords)
    rows[-1]["x"] = "abc"
    write_rows(coords, rows)
    row = rows[0]
    series = study / row["series_id"]
    neighbour = series / f"{int(row['instance_number']) + 1}.dcm"
    neighbour.write_bytes(neighbour.read_bytes()[:-500])
    skipped = pydicom.dcmread(neighbour.with_name("1.dcm"))
    skipped.HighBit, skipped.InstanceNumber, skipped.SOPInstanceUID = 3, 99, "1.2.3"
    skipped.save_as(series / "99.dcm")
    return study


def said(texts):
    """How often each of both warnings is said."""
    text = " ".join(" ".join(texts).split())
    return text.count(MISSING_NEIGHBOUR), text.count("were left out")


def test_every_output_of_a_study_carries_every_warning(predict, doubtful, tmp_path):
    out = {kind: tmp_path / f"out.{kind}" for kind in ("csv", "json", "html", "dicom-sr")}
    options = [part for kind, path in out.items() for part in (f"--{kind}", path)]
    code, printed, _ = predict(*options)
    assert code == 4
    with out["csv"].open(newline="") as file:
        rows = list(csv.DictReader(file))
    levels = json.loads(out["json"].read_text())["levels"]
    assert [row["warnings"] for row in rows] == [" | ".join(lvl["warnings"]) for lvl in levels]
    # What holds for the study stands in each of its rows.
    assert all("were left out" in row["warnings"] for row in rows)
    marked = [MISSING_NEIGHBOUR in row["warnings"] for row in rows]
    assert any(marked) and not all(marked)
    # The table says once what holds for all.
    assert said([printed]) == (sum(marked), 1)
    # On the page: the study's head, the summary table and the level's own part.
    graded = [row["status"] == "graded" for row in rows]
    assert said([Page(out["html"].read_text()).text]) == (2 * sum(marked), 1 + 2 * len(rows))
    report = pydicom.dcmread(out["dicom-sr"])
    groups = list(items(report, "Measurement Group"))
    comments = [[item.TextValue for item in items(group, "Comment")] for group in groups]
    wanted = [lvl["warnings"] for lvl, is_graded in zip(levels, graded, strict=True) if is_graded]
    assert comments == wanted
    whole = " ".join(
        item.TextValue for item in report.ContentSequence if item.get("ValueType") == "TEXT"
    )
    reasons = [row["reason"] for row in rows if row["status"] != "graded"]
    assert reasons and all(reason in whole for reason in reasons)
    for program in ("dciodvfy", "dsrdump"):
        run = subprocess.run(
            [tool(program), out["dicom-sr"]], capture_output=True, text=True, check=False
        )
        assert "Error" not in run.stderr + run.stdout, run.stderr


def test_every_output_of_a_report_carries_every_warning(
    lss, predict, doubtful, coords, tiny_model, tmp_path
):
    out = {kind: tmp_path / f"report.{kind}" for kind in ("html", "jsonl", "parquet")}
    options = [part for kind, path in out.items() for part in (f"--{kind}", path)]
    table = tmp_path / "report.csv"
    command = ("report", doubtful, "--coords", coords, "--model", tiny_model, "--workers", 1)
    code, printed, _ = lss(*command, "--out", table, *options)
    assert code == 4
    levels = json.loads(predict("--json", "-")[1])["levels"]
    rows = [json.loads(line) for line in out["jsonl"].read_text().splitlines()]
    # The checks of `lss predict`, none left out.
    assert [row["warnings"] for row in rows] == [level["warnings"] for level in levels]
    cells = [" | ".join(row["warnings"]) for row in rows]
    with table.open(newline="") as file:
        assert [row["warnings"] for row in csv.DictReader(file)] == cells
    assert pd.read_parquet(out["parquet"])["warnings"].map(list).tolist() == [
        row["warnings"] for row in rows
    ]
    text = Page(out["html"].read_text()).text
    for warning, times in Counter(text for row in rows for text in row["warnings"]).items():
        # Beside the level, and once in the study's line.
        assert text.count(warning) == times + 1
    warned = sum(row["status"] == "graded" and bool(row["warnings"]) for row in rows)
    assert f"{warned} with warnings" in printed
    assert json.loads((tmp_path / "report.json").read_text())["with_warnings"] == warned


def test_the_remark_and_what_is_not_visible_reach_every_output(lss, predict, coords, tmp_path):
    rows = read_rows(coords)
    for row in rows:
        row |= {"remark": "six lumbar vertebrae", "not_visible": ""}
    rows[0] |= {"x": "", "y": "", "not_visible": "yes"}
    write_rows(coords, rows)
    out = {kind: tmp_path / f"out.{kind}" for kind in ("csv", "json", "html", "dicom-sr")}
    code, printed, _ = predict(
        *(part for kind, path in out.items() for part in (f"--{kind}", path))
    )
    assert code == 4
    report = pydicom.dcmread(out.pop("dicom-sr"))
    comments = " ".join(item.TextValue for item in items(report, "Comment"))
    for text in (printed, comments, *(path.read_text() for path in out.values())):
        assert "six lumbar vertebrae" in text
        assert NOT_VISIBLE in text


def test_the_remark_and_what_is_not_visible_reach_the_report(
    lss, study, coords, tiny_model, tmp_path
):
    rows = read_rows(coords)
    for row in rows:
        row |= {"remark": "six lumbar vertebrae", "not_visible": ""}
    rows[0] |= {"x": "", "y": "", "not_visible": "yes"}
    write_rows(coords, rows)
    table, page = tmp_path / "report.csv", tmp_path / "report.html"
    command = ("report", study, "--coords", coords, "--model", tiny_model, "--workers", 1)
    assert lss(*command, "--out", table, "--html", page)[0] == 4
    got = read_rows(table)
    assert {row["remark"] for row in got} == {"six lumbar vertebrae"}
    assert [row["reason"] for row in got].count(NOT_VISIBLE) == 1
    assert page.read_text().count("Remark: six lumbar vertebrae") == 10
    assert NOT_VISIBLE in page.read_text()


def test_every_output_says_that_points_were_proposed(predict, coords, tmp_path):
    rows = read_rows(coords)
    write_rows(coords, [row | {"points": "proposed"} for row in rows])
    out = {kind: tmp_path / f"out.{kind}" for kind in ("csv", "json", "html", "dicom-sr")}
    code, printed, _ = predict(
        *(part for kind, path in out.items() for part in (f"--{kind}", path))
    )
    assert code == 0
    assert printed.count("· proposed points") == 2
    report = pydicom.dcmread(out.pop("dicom-sr"))
    assert report.VerificationFlag == "UNVERIFIED"
    comments = " ".join(item.TextValue for item in items(report, "Comment"))
    for text in (printed, comments, out["json"].read_text(), out["html"].read_text()):
        assert PROPOSED in text
    assert {row["points"] for row in read_rows(out["csv"])} == {"proposed"}
