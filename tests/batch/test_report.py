import json
import re
from urllib.parse import unquote

import pandas as pd
import pytest

from lss_cli.anatomy import Severity
from lss_cli.grading.result import shown
from lss_cli.rule import UNCERTAIN_BY_WEIGHT
from tests.batch.studies import (
    DAMAGE,
    LEVELS,
    by_study,
    check_damage,
    copies,
    plant,
    read_report,
)
from tests.models import write_tiny_model


def test_every_study_and_level_has_a_row_whatever_is_wrong(three_phantoms, report, tmp_path):
    names = ["good-1", *DAMAGE, "good-2"]
    studies, coords = copies(three_phantoms, tmp_path, names)
    plant(studies, coords)
    code, out, err = report(studies, coords)
    assert code == 4
    assert "Traceback" not in err
    studies_rows = by_study(tmp_path / "report.csv")
    grades = [
        row["grade"] for row in read_report(tmp_path / "report.csv") if row["level"] == "L4/L5"
    ]
    printed = next(line for line in out.splitlines() if line.startswith("L4/L5"))
    assert printed.split()[1:] == [str(grades.count(severity)) for severity in Severity]
    assert list(studies_rows) == sorted(names)
    check_damage(studies_rows)
    for name in ("good-1", "good-2"):
        assert [row["status"] for row in studies_rows[name]] == ["graded"] * 10
        assert [row["level"] for row in studies_rows[name]] == 2 * LEVELS
    # The reason that no row can carry, since no row of the table could be read.
    assert "'L9' is no level" in " ".join(row["reason"] for row in studies_rows["no-level"])
    assert f"{len(names)} studies" in out
    assert not list(tmp_path.glob("*.unfinished"))


def test_it_says_what_predict_says(three_phantoms, report, lss, tiny_model, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a", "b", "c"])
    assert report(studies, coords)[0] == 0
    rows = []
    for name in ("a", "b", "c"):
        table = tmp_path / f"{name}.csv"
        options = ("--coords", coords, "--model", tiny_model, "--csv", table)
        assert lss("predict", studies / name, *options)[0] == 0
        rows += read_report(table)
    report_rows = read_report(tmp_path / "report.csv")
    assert [{k: v for k, v in row.items() if k != "normal_mild"} for row in report_rows] == [
        {k: v for k, v in row.items() if k != "normal_mild"} for row in rows
    ]


def test_further_formats_and_pages(three_phantoms, report, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a", "=b"])
    more = {kind: tmp_path / f"out.{kind}" for kind in ("html", "jsonl", "parquet")}
    options = [part for kind, path in more.items() for part in (f"--{kind}", path)]
    code, out, _ = report(studies, coords, *options, "--pages")
    assert code == 0
    rows = [json.loads(line) for line in more["jsonl"].read_text().splitlines()]
    assert [row["study_id"] for row in rows] == ["=b"] * 10 + ["a"] * 10
    table = pd.read_parquet(more["parquet"])
    assert table["severe"].tolist() == [row["severe"] for row in rows]
    assert read_report(tmp_path / "report.csv")[0]["study_id"] == "'=b"
    assert 'href="report.pages/a.html"' in more["html"].read_text()
    assert "Study a" in (tmp_path / "report.pages" / "a.html").read_text()
    run = json.loads((tmp_path / "report.json").read_text())
    assert (run["studies"], run["rows"]) == (2, 20)
    # The printed table counts each row of each level once.
    printed = [line.split() for line in out.splitlines() if line.startswith("L")]
    assert [level for level, *_ in printed] == ["Level", *LEVELS]
    assert [sum(map(int, counts)) for _, *counts in printed[1:]] == [4] * len(LEVELS)
    assert len(run["run"]["model"]) == 64


def test_the_overview_links_to_pages_that_are_there(three_phantoms, report, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a", "b & c", "empty"])
    DAMAGE["empty"][0](studies / "empty")
    stale = tmp_path / "report.pages" / "empty.html"
    stale.parent.mkdir()
    stale.write_text("of an earlier report")
    (tmp_path / "sub").mkdir()
    page = tmp_path / "sub" / "o.html"
    assert report(studies, coords, "--html", page, "--pages")[0] == 4
    links = set(re.findall('href="([^"]*)"', page.read_text()))
    assert links == {"../report.pages/a.html", "../report.pages/b%20%26%20c.html"}
    assert all((page.parent / unquote(link)).is_file() for link in links)
    text = page.read_text()
    table = text[text.index('id="studies"') : text.index("Grades by level")]
    assert table.index(">empty<") < table.index(">a</a>")
    assert "the folder is empty. (10 rows)" in table
    assert table.count("<tr>") == 4


def test_a_workbook_is_refused(three_phantoms, report, lss, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a"])
    code, _, err = report(studies, coords, out="report.xlsx")
    assert (code, "--out writes CSV" in err, "report.csv" in err) == (2, True, True)
    options = ("--coords", coords, "--csv", tmp_path / "a.XLSX")
    code, _, err = lss("predict", studies / "a", *options)
    assert (code, "--csv writes CSV" in err) == (2, True)


def test_uncertain_grades_are_graded_and_counted(three_phantoms, lss, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a"])
    weights = (4, 4.001, 4)
    model = write_tiny_model(tmp_path / "unsure.onnx", sure=0.1, grade_weights=weights)
    out, page = tmp_path / "report.csv", tmp_path / "out.html"
    files = ("--out", out, "--html", page, "--jsonl", tmp_path / "out.jsonl")
    code, printed, _ = lss("report", studies, "--coords", coords, "--model", model, *files)
    assert code == 0
    assert "1 studies, 10 rows, 0 not graded, 10 uncertain, 0 with warnings;" in printed
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    words = [shown(row["possible"]) for row in rows]
    assert [row["reason"] for row in read_report(out)] == [f"uncertain: {grade}" for grade in words]
    text = page.read_text()
    marked = [("normal_mild", "moderate", "severe")[Severity(row["grade"]).ordinal] for row in rows]
    shares = [f"{row[name]:.3f}" for row, name in zip(rows, marked, strict=True)]
    assert re.findall(r'class="number likely">(.*?)<', text) == shares
    assert f"Uncertain: 10 rows. {UNCERTAIN_BY_WEIGHT}" in text
    rule = "greatest probability times weight (Normal/Mild 4, Moderate 4.001, Severe 4)"
    assert f"Grade: {rule}." in text
    assert "<h2>Not graded" not in text
    assert all(f'<td class="likely">{grade}</td><td></td>' in text for grade in words)
    run = json.loads((tmp_path / "report.json").read_text())
    assert (run["uncertain"], run["not_graded"], run["grade"]) == (10, {}, rule)


@pytest.mark.slow
def test_a_thousand_studies_with_twenty_kinds_of_damage(three_phantoms, report, tmp_path):
    names = [f"s{n:04d}" for n in range(1000 - len(DAMAGE))]
    studies, coords = copies(three_phantoms, tmp_path, [*names, *DAMAGE])
    plant(studies, coords)
    assert report(studies, coords)[0] == 4
    studies_rows = by_study(tmp_path / "report.csv")
    assert len(studies_rows) == 1000
    check_damage(studies_rows)
    assert all(row["status"] == "graded" for name in names for row in studies_rows[name])
