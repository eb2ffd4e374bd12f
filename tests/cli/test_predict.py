import csv
import io
import json

import pydicom
import pytest

from lss_cli import __version__
from tests.processes import imported_modules, lss_code
from tests.tables import read_rows, write_rows

HEAVY = ("tensorflow", "keras", "matplotlib", "scipy", "sklearn", "pandas")


@pytest.fixture
def predict(lss, study, coords, tiny_model):
    def run(*more):
        return lss("predict", study, "--coords", coords, "--model", tiny_model, *more)

    return run


def change(path, **cells):
    """Change the first row of a table."""
    rows = read_rows(path)
    rows[0].update(cells)
    write_rows(path, rows)


def test_the_table_has_a_row_per_level_left_first(predict):
    code, out, _ = predict()
    assert code == 0
    assert out.index("Left Subarticular") < out.index("Right Subarticular")
    rows = [line for line in out.splitlines() if line.startswith("L") and "▸" in line]
    assert [row.split()[0] for row in rows] == 2 * ["L1/L2", "L2/L3", "L3/L4", "L4/L5", "L5/S1"]
    assert max(map(len, rows)) <= 80
    assert "Model tiny, trained on nothing at all" in out
    assert out.count("Not a medical device") == 1


def test_one_condition(predict):
    code, out, _ = predict("--condition", "right_subarticular_stenosis")
    assert code == 0
    assert "Left Subarticular" not in out
    code, _, err = predict("--condition", "spinal_canal_stenosis")
    assert (code, "may not grade spinal_canal_stenosis" in err) == (3, True)
    code, _, err = predict("--condition", "knee")
    assert (code, "'knee' is no condition" in err) == (2, True)


def test_csv_and_json_say_what_the_table_says(predict, tmp_path):
    files = tmp_path / "out.csv", tmp_path / "out.json"
    code, _, err = predict("--csv", files[0], "--json", files[1])
    assert code == 0
    assert f"Written: {files[0]}" in err
    with files[0].open(newline="") as file:
        rows = list(csv.DictReader(file))
    document = json.loads(files[1].read_text())
    assert len(rows) == len(document["levels"]) == 10
    for row, level in zip(rows, document["levels"], strict=True):
        assert row["grade"] == level["grade"] in {"Normal/Mild", "Moderate", "Severe"}
        prob = [float(row[name]) for name in ("normal_mild", "moderate", "severe")]
        assert sum(prob) == pytest.approx(1, abs=1e-5)
        assert prob[0] == pytest.approx(level["normal_mild"], abs=1e-6)
        assert row["status"] == "graded"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".lss-")]


def test_json_alone_on_stdout(predict):
    code, out, _ = predict("--json", "-")
    assert code == 0
    assert len(json.loads(out)["levels"]) == 10


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"x": "abc"}, "coords.csv, line 2, column x: 'abc' is not a number"),
        ({"x": "9999"}, "lies outside the slice of 160 × 160 pixels"),
        ({"instance_number": "77"}, "has no instance 77; it has 1 to 15"),
        ({"series_id": "5"}, "no series '5'"),
        ({"level": "L7/L8"}, "column level: 'L7/L8' is no level"),
        ({"level": "L5/S1"}, "the level is given 2 times"),
    ],
)
def test_a_bad_level_costs_no_other(predict, coords, cells, reason):
    rows = [row for row in read_rows(coords) if row["condition"].startswith("Left")]
    rows[0].update(cells)
    write_rows(coords, rows)
    code, out, _ = predict("--json", "-")
    levels = json.loads(out)["levels"]
    bad = [level for level in levels if level["status"] == "not graded"]
    assert code == 4
    assert len(bad) == 1
    assert reason in bad[0]["reason"]
    assert len(levels) - len(bad) == (3 if "twice" in reason or "2 times" in reason else 4)
    code, out, _ = predict()
    assert (code, "not graded" in out) == (4, True)


def test_a_damaged_slice_costs_its_level_only(predict, study, coords):
    row = read_rows(coords)[0]
    path = study / row["series_id"] / f"{row['instance_number']}.dcm"
    path.write_bytes(path.read_bytes()[:-500])
    code, out, _ = predict("--json", "-", "--condition", "left_subarticular_stenosis")
    levels = json.loads(out)["levels"]
    assert code == 4
    assert [level["status"] for level in levels] == ["not graded"] + 4 * ["graded"]
    assert "truncated" in levels[0]["reason"]


def test_inputs_that_cannot_be_used_at_all(lss, study, coords, tiny_model, tmp_path):
    def code(study=study, coords=coords, model=tiny_model, *more):
        code, out, err = lss("predict", study, "--coords", coords, "--model", model, *more)
        assert out == ""
        assert err.startswith("lss: ")
        assert "Traceback" not in err
        return code

    empty = tmp_path / "empty"
    empty.mkdir()
    assert code(study=empty) == 3
    assert code(study=tmp_path / "none") == 3
    assert code(coords=tmp_path / "none.csv") == 3
    assert code(model="no-such-model") == 3
    assert code(model=coords) == 3
    assert code(study, coords, tiny_model, "--csv", tmp_path / "none" / "out.csv") == 3
    assert code(study, coords, tiny_model, "--csv", tmp_path) == 3
    change(coords, study_id="other")
    rows = read_rows(coords)
    write_rows(coords, [row | {"study_id": "other"} for row in rows])
    assert code() == 3


def test_no_axial_t2_and_no_series_named(lss, study, coords, tiny_model):
    for path in study.rglob("*.dcm"):
        ds = pydicom.dcmread(path)
        ds.SeriesDescription, ds.EchoTime = "AX T1", "10"
        ds.save_as(path)
    write_rows(coords, [row | {"series_id": ""} for row in read_rows(coords)])
    code, out, err = lss("predict", study, "--coords", coords, "--model", tiny_model)
    assert (code, out) == (3, "")
    assert "no axial T2 series" in err


def test_wrong_usage(lss):
    assert lss("predict")[0] == 2
    assert lss("predikt")[0] == 2
    assert lss("--version")[:2] == (0, f"lss {__version__}\n")


def test_spreadsheet_formulas_in_names_are_quoted(lss, study, coords, tiny_model, tmp_path):
    renamed = study.rename(study.parent / "=1+1")
    write_rows(coords, [row | {"study_id": ""} for row in read_rows(coords)])
    out = tmp_path / "out.csv"
    code, *_ = lss("predict", renamed, "--coords", coords, "--model", tiny_model, "--csv", out)
    assert code == 0
    assert {row["study_id"] for row in csv.DictReader(io.StringIO(out.read_text()))} == {"'=1+1"}


def test_terminal_codes_in_dicom_text_are_not_printed(predict, study, coords):
    for path in study.rglob("*.dcm"):
        ds = pydicom.dcmread(path)
        ds.SeriesDescription = "T2 \x1b[2J"
        ds.save_as(path)
    write_rows(coords, [row | {"series_id": ""} for row in read_rows(coords)])
    code, out, _ = predict()
    assert code == 0
    assert "T2 by its description" in out
    assert "\x1b" not in out


def test_no_patient_name_id_or_date_in_any_output(predict, study, tmp_path):
    for path in study.rglob("*.dcm"):
        ds = pydicom.dcmread(path)
        ds.PatientName, ds.PatientID, ds.StudyDate = "Doe^Jane", "MRN4711", "20240131"
        ds.PatientBirthDate, ds.AccessionNumber = "19700102", "ACC0815"
        ds.save_as(path)
    path.write_bytes(path.read_bytes()[:-100])
    _, out, err = predict("--csv", tmp_path / "o.csv", "--json", tmp_path / "o.json", "--debug")
    everything = out + err + (tmp_path / "o.csv").read_text() + (tmp_path / "o.json").read_text()
    for secret in ("Doe", "Jane", "MRN4711", "20240131", "19700102", "ACC0815"):
        assert secret not in everything


def test_a_fault_of_ours_is_one_line_and_a_traceback_only_when_asked(lss, study, tiny_model):
    def broken(*_, **__):
        raise ZeroDivisionError

    command = ("predict", study, "--click", "--model", tiny_model)
    code, _, err = lss(*command, annotate=broken)
    assert code == 1
    assert "a fault in lss" in err
    assert "Traceback" not in err
    assert "Traceback" in lss(*command, "--debug", annotate=broken)[2]


def test_ctrl_c_ends_with_130(lss, study, tiny_model):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    command = ("predict", study, "--click", "--model", tiny_model)
    assert lss(*command, annotate=interrupted)[0] == 130


def test_help_imports_nothing_heavy():
    light = {*HEAVY, "onnxruntime", "numpy", "pydicom", "pydantic", "rich"}
    assert not imported_modules(lss_code("--help")) & light


def test_predict_imports_nothing_heavy(study, coords, tiny_model):
    modules = imported_modules(
        lss_code("predict", study, "--coords", coords, "--model", tiny_model)
    )
    assert not modules & set(HEAVY)
    assert "onnxruntime" in modules
