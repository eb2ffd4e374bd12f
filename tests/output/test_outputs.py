import csv
import json
import subprocess

import numpy as np
import pydicom
import pytest
from jsonschema import Draft202012Validator

from lss_cli.anatomy import Severity
from lss_cli.grading.result import shown
from lss_cli.output import outputs
from lss_cli.rule import UNCERTAIN, UNCERTAIN_BY_WEIGHT
from tests.models import write_tiny_model
from tests.output.conftest import SCHEMA, Page, items, tool


def test_two_outputs_of_one_name_and_places_that_cannot_be_written(predict, tmp_path):
    same = tmp_path / "out"
    code, out, err = predict("--csv", same, "--html", same)
    assert (code, out) == (2, "")
    assert "same file name" in err
    (tmp_path / "file").touch()
    code, out, _ = predict("--picture", tmp_path / "file")
    assert (code, out) == (3, "")


@pytest.mark.parametrize(("sure", "uncertain"), [(0.1, 10), (1, 0)])
def test_an_uncertain_grade_reads_the_same_everywhere(
    lss, study, coords, tmp_path, sure, uncertain
):
    model = write_tiny_model(tmp_path / "model.onnx", sure=sure)
    out = {kind: tmp_path / f"out.{kind}" for kind in ("csv", "json", "html", "dicom-sr")}
    options = [part for kind, path in out.items() for part in (f"--{kind}", path)]
    code, printed, _ = lss("predict", study, "--coords", coords, "--model", model, *options)
    assert code == 0
    lines = [line.rstrip(" *") for line in printed.splitlines() if "▸" in line]
    assert max(map(len, lines)) <= 90
    document = json.loads(out["json"].read_text())
    Draft202012Validator(SCHEMA).validate(document)
    page = Page(out["html"].read_text()).text
    texts = [" ".join(text.split()) for text in (printed, page)]
    assert [UNCERTAIN in text for text in texts] == 2 * [bool(uncertain)]
    words = [shown(level["possible"]) for level in document["levels"]]
    assert all(line.endswith(f" {word}") for line, word in zip(lines, words, strict=True))
    assert all(f" · {word}\n" in page for word in words)
    with out["csv"].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["status"] for row in rows} == {"graded"}
    assert [row["grade"] for row in rows] == [level["grade"] for level in document["levels"]]
    given = [f"uncertain: {word}" for word in words] if uncertain else 10 * [""]
    assert [row["reason"] for row in rows] == given
    report = pydicom.dcmread(out["dicom-sr"])
    more = sum(len(level["possible"]) - 1 for level in document["levels"])
    assert len(list(items(report, "Grade that is possible too"))) == more >= uncertain
    run = subprocess.run(
        [tool("dciodvfy"), out["dicom-sr"]], capture_output=True, text=True, check=False
    )
    assert "Error" not in run.stderr + run.stdout


def test_a_grade_by_weight_reads_the_same_everywhere(lss, study, coords, tmp_path):
    """All outputs name the rule, the grade, and the likeliest beside it; probabilities stay."""
    weighted, plain = (
        write_tiny_model(tmp_path / f"{weights[2]}.onnx", sure=-0.2, grade_weights=weights)
        for weights in ((1, 2, 4), (1, 1, 1))
    )
    out = {kind: tmp_path / f"out.{kind}" for kind in ("csv", "json", "html", "dicom-sr")}
    options = [part for kind, path in out.items() for part in (f"--{kind}", path)]
    grade = ("predict", study, "--coords", coords, "--model")
    code, printed, err = lss(*grade, weighted, *options)
    assert code == 0, err
    document = json.loads(out["json"].read_text())
    Draft202012Validator(SCHEMA).validate(document)
    assert document["model"]["grade_weights"] == [1, 2, 4]
    levels = document["levels"]
    likeliest = json.loads(lss(*grade, plain, "--json", "-")[1])["levels"]
    probabilities = ("normal_mild", "moderate", "severe")
    given = []
    for level, other in zip(levels, likeliest, strict=True):
        prob = [level[name] for name in probabilities]
        assert prob == [other[name] for name in probabilities]
        assert Severity(level["grade"]).ordinal == (np.array(prob) * [1, 2, 4]).argmax()
        assert {level["grade"], other["grade"]} <= set(level["possible"])
        given.append(f"uncertain: {shown(level['possible'])}")
        if level["grade"] != other["grade"]:
            given[-1] += f"; Severe by its weight, {other['grade']} is likelier"
    assert 0 < sum("by its weight" in text for text in given) < len(given)
    with out["csv"].open(newline="") as file:
        reasons = [row["reason"] for row in csv.DictReader(file)]
    assert reasons == given
    page = Page(out["html"].read_text()).text
    rule = "Grade: greatest probability times weight (Normal/Mild 1, Moderate 2, Severe 4)."
    for text in (printed, page):
        words = " ".join(text.split())
        assert rule in words
        assert UNCERTAIN_BY_WEIGHT in words
        assert UNCERTAIN not in words
    report = pydicom.dcmread(out["dicom-sr"])
    values = {item.TextValue for item in items(report, "Algorithm Parameters")}
    assert rule.replace("Grade", "grade").rstrip(".") in values


def test_no_output_holds_the_name_of_a_file(predict, study, tmp_path):
    """It is often the patient's; series and instance number tell which file is meant."""
    for path in [*study.rglob("*.dcm")]:
        path.rename(path.with_name(f"DOE^JANE {path.name}"))
    (truncated,) = study.rglob("* 2.dcm")
    truncated.write_bytes(truncated.read_bytes()[:-5000])
    (skipped,) = study.rglob("* 15.dcm")
    ds = pydicom.dcmread(skipped)
    series = ds.SeriesInstanceUID.rpartition(".")[2]
    ds.HighBit = 3
    ds.save_as(skipped)
    outputs = {name: tmp_path / f"out.{name}" for name in ("csv", "json", "html")}
    options = [word for name, path in outputs.items() for word in (f"--{name}", path)]
    code, out, err = predict(*options)
    assert code == 4
    texts = [out, err, *(path.read_text() for path in outputs.values())]
    assert not any("^JANE" in text for text in texts)
    for text in (out, outputs["json"].read_text(), outputs["html"].read_text()):
        words = " ".join(text.split())
        assert "instance 2: the pixels are truncated" in words
        assert f"series {series}, instance 15" in words
    assert "DOE^JANE 15.dcm" in predict("--debug")[2]


def test_no_output_is_lost_for_another(predict, study, tmp_path, monkeypatch):
    monkeypatch.setattr(outputs, "draw_levels", lambda *_: 1 / 0)
    for path in study.rglob("*.dcm"):
        ds = pydicom.dcmread(path)
        del ds.PatientID
        ds.save_as(path)
    table, document, page = (tmp_path / f"out.{kind}" for kind in ("csv", "json", "html"))
    (tmp_path / "sr").mkdir()
    files = ("--csv", table, "--json", document, "--html", page)
    code, out, err = predict(*files, "--dicom-sr", tmp_path / "sr" / "sr.dcm")
    # What is missing for the report is said, and so is the fault of ours.
    assert (code, "PatientID" in err, "fault in lss" in err) == (1, True, True)
    assert out.count("▸") == 10
    assert table.exists()
    assert document.exists()
    assert not page.exists()
