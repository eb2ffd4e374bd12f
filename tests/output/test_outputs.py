import csv
import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pydicom
import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from lss_cli.grading.result import UNCERTAIN
from lss_cli.phantom.dataset import write_phantoms
from tests.models import write_tiny_model
from tests.tables import read_rows, write_rows

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "predict.schema.json").read_text())


@pytest.fixture
def predict(lss, study, coords, tiny_model):
    def run(*more, folder=study):
        return lss("predict", folder, "--coords", coords, "--model", tiny_model, *more)

    return run


def spoil(coords):
    rows = read_rows(coords)
    rows[0]["x"], rows[1]["level"] = "abc", "<script>alert(1)</script>"
    write_rows(coords, rows)


def test_json_follows_its_documented_schema(predict, coords):
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(json.loads(predict("--json", "-")[1]))
    spoil(coords)
    code, out, _ = predict("--json", "-")
    assert code == 4
    Draft202012Validator(SCHEMA).validate(json.loads(out))


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.images, self.links, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.links += [found[name] for name in ("src", "href") if name in found]
        if tag == "img":
            self.images.append(found["src"])

    def handle_data(self, data):
        self.text += data


def test_the_page_holds_everything_and_needs_nothing_else(predict, coords, tmp_path):
    spoil(coords)
    code, *_ = predict("--html", tmp_path / "out.html")
    assert code == 4
    text = (tmp_path / "out.html").read_text()
    page = Page(text)
    assert len(page.images) == 8
    assert all(link.startswith("data:image/png;base64,") for link in page.links)
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    for word in ("L5/S1", "not graded", "'abc' is not a number", "Not a medical device", "tiny"):
        assert word in page.text


def test_one_picture_per_level(predict, tmp_path):
    code, _, err = predict("--picture", tmp_path / "pictures")
    assert code == 0
    names = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert len(names) == 10
    assert names[0] == "left_subarticular_stenosis_l1_l2.png"
    assert err.count("Written: ") == 10
    with Image.open(tmp_path / "pictures" / names[0]) as image:
        assert np.asarray(image.convert("L")).std() > 20


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
    assert max(map(len, lines)) <= 80
    document = json.loads(out["json"].read_text())
    Draft202012Validator(SCHEMA).validate(document)
    page = Page(out["html"].read_text()).text
    assert [UNCERTAIN in text for text in (printed, page)] == 2 * [bool(uncertain)]
    words = ["/".join(level["possible"]) for level in document["levels"]]
    assert all(line.endswith(f" {word}") for line, word in zip(lines, words, strict=True))
    assert all(f" · {word}\n" in page for word in words)
    with out["csv"].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["status"] for row in rows} == {"graded"}
    assert [row["grade"] for row in rows] == [level["grade"] for level in document["levels"]]
    given = [f"uncertain: {word}" for word in words] if uncertain else 10 * [""]
    assert [row["reason"] for row in rows] == given
    report = pydicom.dcmread(out["dicom-sr"])
    assert len(list(items(report, "Grade that is possible too"))) == uncertain
    run = subprocess.run(
        [tool("dciodvfy"), out["dicom-sr"]], capture_output=True, text=True, check=False
    )
    assert "Error" not in run.stderr + run.stdout


def tool(name):
    if shutil.which(name):
        return name
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is not installed")
    return pytest.skip(f"{name} is not installed")


@pytest.fixture(scope="module")
def report(tmp_path_factory, tiny_model):
    """A structured report, the rows it was made of, and the study's folder."""
    from lss_cli.cli.main import main

    folder = tmp_path_factory.mktemp("sr")
    write_phantoms(folder / "rsna", 1, seed=3, sagittal=False, matrix=160, slices=3)
    (study,) = (folder / "rsna" / "train_images").iterdir()
    coords = folder / "rsna" / "train_label_coordinates.csv"
    outputs = ["--dicom-sr", str(folder / "sr.dcm"), "--csv", str(folder / "out.csv")]
    with pytest.raises(SystemExit) as ended:
        main(["predict", str(study), "--coords", str(coords), "--model", str(tiny_model), *outputs])
    assert not ended.value.code
    with (folder / "out.csv").open(newline="") as file:
        return folder / "sr.dcm", list(csv.DictReader(file)), study


def test_dciodvfy_finds_no_error_in_the_report(report):
    run = subprocess.run([tool("dciodvfy"), report[0]], capture_output=True, text=True, check=False)
    assert "Comprehensive3DSR" in run.stderr + run.stdout
    assert "Error" not in run.stderr + run.stdout


def test_dcmtk_reads_the_report(report):
    run = subprocess.run([tool("dsrdump"), report[0]], capture_output=True, text=True, check=False)
    assert run.returncode == 0
    assert run.stdout.count('"Finding Site")=(84020006,SCT,"L4/L5 disc")') == 2
    assert run.stdout.count('(7771000,SCT,"Left")') == 5
    assert "UNVERIFIED" in run.stdout
    assert "not a medical device" in run.stdout
    assert run.stdout.count("licence of the model") == 10


def items(dataset, meaning):
    """All content items below, whose concept has this meaning."""
    for item in dataset.get("ContentSequence", []):
        names = item.get("ConceptNameCodeSequence")
        if names and names[0].CodeMeaning == meaning:
            yield item
        yield from items(item, meaning)


def test_the_report_says_what_the_table_says(report):
    path, rows, study = report
    document = pydicom.dcmread(path)
    source = pydicom.dcmread(next(study.rglob("*.dcm")))
    assert document.PatientID == source.PatientID
    assert document.PatientName == source.PatientName
    assert document.StudyInstanceUID == source.StudyInstanceUID
    groups = list(items(document, "Measurement Group"))
    assert len(groups) == len(rows) == 10
    for group, row in zip(groups, rows, strict=True):
        (region,) = items(group, "Image Region")
        x, y = region.GraphicData
        assert (x - 0.5, y - 0.5) == pytest.approx((float(row["x"]), float(row["y"])), abs=1e-4)
        values = [
            float(item.MeasuredValueSequence[0].NumericValue)
            for item in items(group, "Probability")
        ]
        wanted = [float(row[name]) for name in ("normal_mild", "moderate", "severe")]
        assert values == pytest.approx(wanted, abs=1e-6)
        grade = [
            item.ConceptCodeSequence[0].CodeMeaning
            for item in items(group, "Grade of stenosis")
            if item.RelationshipType == "CONTAINS"
        ]
        assert grade[0].lower().startswith(row["grade"].lower().replace("/", " or "))
        referenced = region.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        number = {
            pydicom.dcmread(one).SOPInstanceUID: pydicom.dcmread(one).InstanceNumber
            for one in study.rglob("*.dcm")
        }[referenced]
        assert number == int(row["instance_number"])


def test_no_report_without_the_tags_that_it_needs(predict, study, tmp_path):
    for path in study.rglob("*.dcm"):
        ds = pydicom.dcmread(path)
        del ds.SOPClassUID, ds.PatientName
        ds.save_as(path)
    code, _, err = predict("--dicom-sr", tmp_path / "sr.dcm")
    assert code == 3
    assert re.search(r"has no SOPClassUID \(0008,0016\) and PatientName \(0010,0010\)", err)
    assert not (tmp_path / "sr.dcm").exists()
