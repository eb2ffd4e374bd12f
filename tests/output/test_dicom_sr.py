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


def spoil_birth_date(ds):
    ds.PatientBirthDate = "9999-XX"


def spoil_sex(ds):
    ds.PatientSex = "QQ"


def double_date(ds):
    ds.StudyDate = ["20200101", "20200102"]


def lengthen_protocol(ds):
    ds.ProtocolName = "t2" * 60


def empty_class(ds):
    ds.SOPClassUID = ""


def spoil_character_set(ds):
    ds.SpecificCharacterSet = "ISO_IR 999\x1b[2J"


def lengthen_name(ds):
    ds.PatientName = "N" * 400


@pytest.mark.parametrize(
    ("spoil", "keyword"),
    [
        (spoil_birth_date, "PatientBirthDate"),
        (spoil_sex, "PatientSex"),
        (double_date, "StudyDate"),
        # Nothing that a report would say.
        (lengthen_protocol, ""),
        (empty_class, ""),
        (spoil_character_set, ""),
        (lengthen_name, "PatientName"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_what_is_not_valid_is_left_out_of_the_report(predict, study, tmp_path, spoil, keyword):
    for path in study.rglob("*.dcm"):
        ds = pydicom.dcmread(path)
        spoil(ds)
        ds.save_as(path)
    table = tmp_path / "out.csv"
    code, _, err = predict("--dicom-sr", tmp_path / "sr.dcm", "--csv", table)
    assert code == 0
    assert table.exists()
    document = pydicom.dcmread(tmp_path / "sr.dcm")
    assert len(list(items(document, "Measurement Group"))) == 10
    comments = [item.TextValue for item in items(document, "Comment")]
    assert "\x1b" not in err
    assert ("not valid" in err) == bool(keyword)
    if keyword:
        assert not document.get(keyword)
        assert any(keyword in text for text in comments)
        assert f"not valid in the files, so left out here: {keyword}" in err


def test_files_without_a_preamble_have_a_report_too(predict, study, tmp_path):
    for path in study.rglob("*.dcm"):
        path.write_bytes(path.read_bytes()[132:])
    code, _, _ = predict("--dicom-sr", tmp_path / "sr.dcm")
    assert code == 0
    assert pydicom.dcmread(tmp_path / "sr.dcm").PatientID


def test_a_report_that_is_refused_costs_no_other_output(predict, study, tmp_path):
    for path in study.rglob("*.dcm"):
        ds = pydicom.dcmread(path)
        del ds.PatientID
        ds.save_as(path)
    table = tmp_path / "out.csv"
    code, out, err = predict("--dicom-sr", tmp_path / "sr.dcm", "--csv", table)
    assert code == 3
    assert "PatientID (0010,0020)" in err and "--dicom-sr" in err
    assert "L4/L5" in out
    assert table.exists() and not (tmp_path / "sr.dcm").exists()
