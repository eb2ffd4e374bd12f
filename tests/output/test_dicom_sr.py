import csv
import re
import subprocess

import pydicom
import pytest

from lss_cli.phantom.dataset import write_phantoms
from tests.output.conftest import items, tool


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
            pydicom.dcmread(file).SOPInstanceUID: pydicom.dcmread(file).InstanceNumber
            for file in study.rglob("*.dcm")
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
