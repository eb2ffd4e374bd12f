"""Models that grade together: both sides and the canal, in one call."""

import json
import shutil
import subprocess

import pydicom
import pytest
from jsonschema import Draft202012Validator

import lss_cli
from lss_cli.batch.report import describe_rules
from lss_cli.model import find
from lss_cli.model.models import Models
from tests.models import write_canal_model
from tests.output.conftest import SCHEMA, Page, items, tool
from tests.tables import read_rows, write_rows

CANAL = "spinal_canal_stenosis"


@pytest.fixture
def predict(lss, study, coords, canal_folder):
    def run(*more):
        return lss("predict", study, "--coords", coords, *more, models=canal_folder)

    return run


@pytest.fixture(scope="module")
def written(lss, phantoms, canal_folder, tmp_path_factory):
    """All outputs of one study, and what was printed."""
    folder = tmp_path_factory.mktemp("outputs")
    study = next((phantoms / "train_images").iterdir())
    code, out, err = lss(
        *("predict", study, "--coords", phantoms / "train_label_coordinates.csv"),
        *("--csv", folder / "out.csv", "--json", folder / "out.json"),
        *("--html", folder / "out.html", "--picture", folder / "pictures"),
        *("--dicom-sr", folder / "sr.dcm", "--dicom-sc", folder / "sc"),
        models=canal_folder,
    )
    assert code == 0, err
    return folder, out


def test_the_table_has_all_three_and_says_which_model_did_what(written):
    out = written[1]
    names = ("Left Subarticular Stenosis", "Right Subarticular Stenosis", "Spinal Canal Stenosis")
    heads = [out.index(f"{name} · study") for name in names]
    assert heads == sorted(heads)
    foot = " ".join(out.split("Note: ")[-1].split())
    assert "Note: The points of spinal canal stenosis are the middle" in " ".join(out.split())
    assert "Model tiny (Left Subarticular Stenosis and Right Subarticular Stenosis)" in foot
    assert "Model tiny canal (Spinal Canal Stenosis), trained on hardly anything." in foot
    assert out.count("Not a medical device") == 1


def test_each_row_names_its_model_and_derived_points(written, canal_folder):
    rows = read_rows(written[0] / "out.csv")
    assert [row["condition"] for row in rows[10:]] == 5 * [CANAL]
    assert {row["points"] for row in rows[:10]} == {"given"}
    assert {row["points"] for row in rows[10:]} == {"derived"}
    sides, canal = Models.load(find.find_models("default", canal_folder)).cards
    assert [row["model"] for row in rows] == 10 * [sides.label] + 5 * [canal.label]


def test_the_document_keeps_to_its_schema(written):
    document = json.loads((written[0] / "out.json").read_text())
    Draft202012Validator(SCHEMA).validate(document)
    assert document["model"]["name"] == "tiny"
    assert [model["conditions"][-1] for model in document["models"]] == [
        "right_subarticular_stenosis",
        CANAL,
    ]


def test_the_page_and_the_pictures_show_all_three(written):
    page = Page((written[0] / "out.html").read_text())
    assert len(page.images) == 15
    text = " ".join(page.text.split())
    assert "left, right and canal" in text
    assert "Spinal Canal Stenosis: model tiny canal (" in text
    assert len(list((written[0] / "pictures").glob(f"{CANAL}_*.png"))) == 5


def test_the_report_names_the_model_of_each_group(written):
    document = pydicom.dcmread(written[0] / "sr.dcm")
    groups = list(items(document, "Measurement Group"))
    assert len(groups) == 15
    names = [next(items(group, "Algorithm Name")).TextValue for group in groups]
    assert names == 10 * ["lss, model tiny"] + 5 * ["lss, model tiny canal"]
    run = subprocess.run(
        [tool("dciodvfy"), written[0] / "sr.dcm"], capture_output=True, text=True, check=False
    )
    assert "Error" not in run.stderr + run.stdout
    assert len(list((written[0] / "sc").iterdir())) == 6


def test_a_named_file_grades_alone(predict, canal_folder, tmp_path):
    table = tmp_path / "out.csv"
    assert predict("--model", canal_folder / "default.onnx", "--csv", table)[0] == 0
    assert len(read_rows(table)) == 10
    code, out, _ = predict("--model", canal_folder / "canal.onnx", "--csv", table)
    assert code == 0
    assert {row["condition"] for row in read_rows(table)} == {CANAL}
    assert "Model tiny canal, trained on" in out
    assert predict("--model", "canal")[0] == 0


def test_a_condition_can_be_chosen(predict, tmp_path):
    table = tmp_path / "out.csv"
    assert predict("--condition", CANAL, "--csv", table)[0] == 0
    assert [row["condition"] for row in read_rows(table)] == 5 * [CANAL]
    code, _, err = predict("--condition", "left_neural_foraminal_narrowing")
    assert code == 3
    assert "the models default.onnx and canal.onnx may not grade left_neural_foraminal" in err


def test_points_of_the_left_alone_are_complete(predict, coords, tmp_path):
    rows = [row for row in read_rows(coords) if row["condition"].startswith("Left")]
    write_rows(coords, rows)
    code, out, _ = predict()
    assert code == 0
    assert "Spinal Canal" not in out


def test_a_program_grades_all_three(study, coords, canal_folder, monkeypatch):
    monkeypatch.setattr(find, "models_folder", lambda: canal_folder)
    assert len(lss_cli.grade(study, coords).levels) == 15
    assert len(lss_cli.grade(study, coords, lss_cli.load_model()).levels) == 10


def test_a_report_has_rows_of_all_three(lss, phantoms, canal_folder, tmp_path):
    """Of two studies the second lacks one right point."""
    studies, table = tmp_path / "studies", tmp_path / "coords.csv"
    rows = read_rows(phantoms / "train_label_coordinates.csv")
    original = next((phantoms / "train_images").iterdir())
    shutil.copytree(original, studies / "1")
    shutil.copytree(original, studies / "2")
    every = [row | {"study_id": name} for name in ("1", "2") for row in rows]
    short = next(row for row in every if row["study_id"] == "2" and row["condition"][0] == "R")
    write_rows(table, [row for row in every if row is not short])
    out, page = tmp_path / "report.csv", tmp_path / "report.html"
    code, _, err = lss(
        *("report", studies, "--coords", table, "--out", out, "--html", page, "--pages"),
        *("--workers", "1"),
        models=canal_folder,
    )
    assert code == 4, err
    written = read_rows(out)
    assert len(written) == 30
    lacking = [row for row in written if row["status"] == "not graded"]
    assert [row["condition"] for row in lacking] == ["right_subarticular_stenosis", CANAL]
    assert lacking[1]["reason"].startswith("the right side has no point")
    assert {row["points"] for row in written if row["condition"] == CANAL} == {"derived", ""}
    hashes = [
        card.sha256[:12] for card in Models.load(find.find_models("default", canal_folder)).cards
    ]
    assert ", ".join(hashes) in page.read_text()
    assert "Spinal Canal Stenosis" in (tmp_path / "report.pages" / "1.html").read_text()
    asked = ("--condition", CANAL, "--workers", "1")
    code, _, _ = lss(
        "report", studies, "--coords", table, "--out", out, *asked, models=canal_folder
    )
    assert code == 4
    assert [row["status"] for row in read_rows(out)].count("graded") == 9


def test_rules_that_differ_are_told_apart(tiny_model, canal_folder, tmp_path):
    same = Models.load(find.find_models("default", canal_folder))
    assert describe_rules(same) == "the likeliest"
    weighed = write_canal_model(tmp_path / "canal.onnx", grade_weights=(1, 2, 4))
    models = Models.load([tiny_model, weighed])
    canal = models.cards[1].rule.text
    assert "Severe 4" in canal
    told = f"Subarticular Stenosis: the likeliest; Spinal Canal Stenosis: {canal}"
    assert describe_rules(models) == told


def test_doctor_and_models_list_both(lss, canal_folder):
    _, out, _ = lss("doctor", models=canal_folder)
    lines = [line for line in out.splitlines() if "shipped model" in line]
    assert ["left and right" in lines[0], "canal" in lines[1]] == [True, True]
    _, out, _ = lss("models", models=canal_folder)
    assert "tiny" not in out.splitlines()[0]
    assert f"grades: {CANAL}" in out


def test_a_canal_model_that_cannot_be_used_is_said(lss, study, coords, tiny_model, tmp_path):
    shutil.copy(tiny_model, tmp_path / "default.onnx")
    write_canal_model(tmp_path / "canal.onnx").write_bytes(b"no model")
    code, _, err = lss("predict", study, "--coords", coords, models=tmp_path)
    assert code == 3
    assert "canal.onnx: this is no ONNX model" in err
    code, out, _ = lss("doctor", models=tmp_path)
    assert code == 3
    assert "canal.onnx" in out
