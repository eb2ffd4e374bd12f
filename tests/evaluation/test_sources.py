import json

import numpy as np
import pytest

from tests.dataset.handmade import image_table
from tests.models import write_tiny_model

INPUT = ("--size", "32,24", "--field-mm", "40,30", "--shift-mm", "5")
FEW = ("--resamples", "10", "--no-figures")


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def prepared(tmp_path, lss, *options):
    source = image_table(tmp_path / "images", studies=10)
    code, _, err = lss("prepare", source, "--out", tmp_path / "prepared", *options)
    assert code == 0, err
    return tmp_path / "prepared"


def test_a_model_is_run_on_prepared_data(tiny_model, tmp_path, lss):
    data = prepared(tmp_path, lss, *INPUT)
    code, out, err = lss("evaluate", "--model", tiny_model, "--data", data, *FEW)
    assert code == 0, err
    assert out.startswith("tiny: test, ")
    assert "fitted on the training part" in out
    assert "Grade: the likeliest." in out
    # A model that says by which weights it grades is measured by them, unless told otherwise.
    weighted = write_tiny_model(tmp_path / "weighted.onnx", grade_weights=(1, 2, 100))
    measure = ("evaluate", "--model", weighted, "--data", data, "--out", tmp_path / "out", *FEW)
    confusions = []
    for weights in ((), ("--grade-weights", "1,1,1")):
        code, out, err = lss(*measure, *weights)
        assert code == 0, err
        document = json.loads((tmp_path / "out" / "metrics.json").read_text())
        confusions.append(np.array(document["confusion"]["rows_true_columns_grade"]))
        assert document["grade_weights"] == ([1, 1, 1] if weights else [1, 2, 100])
        assert ("Grade: greatest probability times weight (" in out) == (not weights)
    by_weight, likeliest = confusions
    assert by_weight[:, :2].sum() == 0 < likeliest[:, :2].sum()
    code, _, err = lss("evaluate", "--model", tiny_model, "--data", data, "--split", "nothing")
    assert code == 3
    assert "there is no row of the part 'nothing'" in err
    assert "train (40)" in err


def test_the_other_side_is_mirrored_for_a_model_that_wants_it(tiny_model, tmp_path, lss):
    """The right side of mirrored images is graded as the left side of the original ones."""
    from lss_cli.dataset.prepared import Prepared
    from lss_cli.evaluation.sources import run_model
    from lss_cli.model.session import load_model

    source = image_table(tmp_path / "images", studies=10)
    left = prepared(tmp_path, lss, *INPUT)
    text = source.read_text().replace("Left Sub", "Right Sub")
    mirror_pictures(tmp_path / "images")
    source.write_text(text)
    right = tmp_path / "right"
    condition = ("--condition", "right_subarticular_stenosis")
    code, _, err = lss("prepare", source, "--out", right, *INPUT, *condition)
    assert code == 0, err
    model = load_model(tiny_model)
    left_side, right_side = (
        run_model(model, Prepared.open(data), ["all"], lambda done, total: None)
        for data in (left, right)
    )
    assert abs(left_side.probabilities - right_side.probabilities).max() < 5e-3
    assert abs(left_side.probabilities - left_side.probabilities.mean(axis=0)).max() > 0.05


def mirror_pictures(folder):
    from PIL import Image, ImageOps

    for path in folder.glob("*.png"):
        with Image.open(path) as image:
            turned = ImageOps.mirror(image)
        turned.save(path)


def test_a_model_that_wants_other_inputs_is_refused(tiny_model, tmp_path, lss):
    data = prepared(tmp_path, lss, "--size", "16", "--field-mm", "24")
    code, _, err = lss("evaluate", "--model", tiny_model, "--data", data)
    assert code == 3
    assert "size (32, 24), not (16, 16)" in err.replace("[", "(").replace("]", ")")
    assert f"lss prepare SOURCE --model {tiny_model}" in err


def test_the_name_of_a_shipped_model_is_no_folder(tmp_path, lss):
    (tmp_path / "default").mkdir()
    _, _, err = lss("evaluate", "--model", "default")
    assert "prepared: there are no complete prepared data" in err
    _, _, err = lss("evaluate", "--model", "./default")
    assert "no finished run here" in err


def test_prepared_data_that_are_not_there(tiny_model, tmp_path, lss):
    code, _, err = lss("evaluate", "--model", tiny_model, "--data", tmp_path / "none")
    assert code == 3
    assert "lss prepare" in err
