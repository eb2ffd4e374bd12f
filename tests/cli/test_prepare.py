"""Data that nothing is trained on: a hospital judges a model on its own labelled patients."""

import json

import pytest

from lss_cli.anatomy import Level
from lss_cli.dataset.prepared import Prepared
from tests.dataset.handmade import LEFT, RIGHT, image_table, write_csv
from tests.models import SPEC, write_tiny_model
from tests.tables import read_rows

COUNTS = {"Normal/Mild": 6, "Moderate": 3, "Severe": 0}
TEST_ONLY = ("--split", "0:0:100")


@pytest.fixture
def patients(tmp_path):
    """Both sides of three studies; every fourth picture is the slice beside the annotated one."""
    table = image_table(tmp_path / "patients", studies=3, sides=(LEFT, RIGHT))
    rows = read_rows(table)
    for number, row in enumerate(rows):
        row["annotated_instance"] = int(row["instance_number"]) + (number % 4 == 0)
    return write_csv(table, rows)


def test_a_model_is_judged_on_own_patients(patients, tmp_path, lss):
    levels = {str(level): COUNTS for level in Level}
    model = write_tiny_model(tmp_path / "m.onnx", training={"levels": levels})
    own, out = tmp_path / "own", tmp_path / "judged"
    code, _, err = lss("prepare", patients, "--model", model, "--out", own, "--figures")
    assert code == 0, err
    assert f"lss evaluate --model {model} --data {own}" in err
    data = Prepared.open(own)
    assert data.spec == SPEC
    assert set(data.index["split"]) == {"test"}
    assert data.index["condition"].value_counts().to_dict() == {
        "left_subarticular_stenosis": 15,
        "right_subarticular_stenosis": 15,
    }
    assert "Examples of the test part" in (own / "figures" / "index.html").read_text()

    few = ("--out", out, "--resamples", "20", "--no-figures")
    code, shown, err = lss("evaluate", "--model", model, "--data", own, *few)
    assert code == 0, err
    assert "flatter" not in shown
    assert "as its file has them" in shown
    document = json.loads((out / "metrics.json").read_text())
    assert document["baselines_fitted_on"] == "model file"
    # Of (31, 16, 1) / 48 at each level: nothing that is learnt from the rows that are judged.
    p = {"Normal/Mild": 31 / 48, "Moderate": 16 / 48, "Severe": 1 / 48}
    labels = [row["severity"] for row in read_rows(patients)]
    costs = [sum((p[grade] - (grade == label)) ** 2 for grade in p) for label in labels]
    prior = document["figures"]["prior"]["all"]["brier"]["value"]
    assert prior == pytest.approx(sum(costs) / 30)
    figures = document["figures"]["model"]
    assert (figures["left"]["rows"], figures["right"]["rows"]) == (15, 15)
    assert figures["annotated slice"]["rows"] + figures["one slice off"]["rows"] == 30

    written = read_rows(out / "predictions.csv")
    assert len({row["row_id"] for row in written}) == 30
    assert {row["split"] for row in written} == {"test"}
    assert sum(row["distance"] == "1" for row in written) == figures["one slice off"]["rows"]


def test_one_side_alone_can_be_asked_for(patients, tiny_model, tmp_path, lss):
    command = ("prepare", patients, "--model", tiny_model, "--out", tmp_path / "own")
    condition = ("--condition", "right_subarticular_stenosis", "--no-figures")
    code, _, err = lss(*command, *condition)
    assert code == 0, err
    index = Prepared.open(tmp_path / "own").index
    assert set(index["condition"]) == {"right_subarticular_stenosis"}


def test_a_phantom_is_judged_by_the_shipped_model(phantoms, tmp_path, lss):
    command = ("prepare", phantoms, "--model", "default", "--out", tmp_path / "own", "--no-figures")
    code, _, err = lss(*command)
    assert code == 0, err
    few = ("--resamples", "0", "--no-figures", "--out", tmp_path / "judged")
    code, shown, err = lss("evaluate", "--model", "default", "--data", tmp_path / "own", *few)
    assert code == 0, err
    assert "the model was trained on, as its file has them" in " ".join(shown.split())
    index = Prepared.open(tmp_path / "own").index
    assert set(index["distance"]) == {"0"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*TEST_ONLY, "--mirror"), "judged by naming it: --condition"),
        ((*TEST_ONLY, "--folds", "3"), "--folds is about training"),
        ((*TEST_ONLY, "--strategy", "stratified"), "--strategy is about training"),
        ((*TEST_ONLY, "--balance", "equal"), "--balance is about training"),
        (("--split", "0:50:50"), "0:0:100 where nothing is trained"),
        (("--model", "default", "--size", "64"), "--size would contradict --model"),
        (("--model", "default", "--field-mm", "30"), "--field-mm would contradict --model"),
    ],
)
def test_options_that_make_no_sense_are_refused(arguments, said, patients, tmp_path, lss):
    code, _, err = lss("prepare", patients, "--out", tmp_path / "own", *arguments)
    assert code == 2
    assert said in " ".join(err.split())
    assert not (tmp_path / "own").exists()


def test_a_model_that_is_not_there_is_named(patients, lss, tmp_path):
    code, _, err = lss("prepare", patients, "--model", "defualt", "--out", tmp_path / "own")
    assert code == 3
    assert "Did you mean 'default'" in err
