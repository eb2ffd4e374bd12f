import json
import shutil
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from lss_cli.errors import DataError
from lss_cli.model.session import load_model
from lss_cli.training.run import Run, begin
from tests.training.conftest import TINY, TYPED, made


def test_from_prepared_data_to_a_model_file(prepared, tmp_path, lss):
    run, model = tmp_path / "run", tmp_path / "small.onnx"
    code, out, err = lss("train", "--data", prepared.folder, "--out", run, "--epochs", "1")
    assert code == 0
    assert "prior by level" in out
    assert "epoch 1/1: loss" in err

    code, out, err = lss("export-onnx", run, "--out", model, "--licence", "none")
    assert code == 0
    assert "largest difference" in err
    metadata = load_model(model).metadata
    assert (metadata.name, metadata.licence) == ("small", "none")

    code, _, err = lss("train", "--data", prepared.folder, "--out", run)
    assert code == 3
    assert "already holds a run" in err


def test_training_without_prepared_data_names_the_command_that_makes_them(tmp_path, lss):
    code, out, err = lss("train", "--data", tmp_path / "none", "--out", tmp_path / "run")
    assert code == 3
    assert "lss prepare SOURCE --out" in err
    assert not out
    assert not list(tmp_path.iterdir())


def test_an_unknown_backbone_is_wrong_usage(prepared, tmp_path, lss):
    code, _, err = lss(
        "train", "--data", prepared.folder, "--out", tmp_path / "run", "--backbone", "vgg"
    )
    assert code == 2
    assert "There is: custom" in err or "densenet121" in err


def test_options_come_from_a_file_and_what_is_typed_goes_first(prepared, tmp_path, lss):
    config, run = tmp_path / "o.toml", tmp_path / "run"
    config.write_text('epochs = 1\nfilters = 4\ndense = [8]\nactivation = "tanh"\n')
    code, _, err = lss(
        *("train", "--data", prepared.folder, "--config", config, "--out", run),
        *("--filters", "2", "--coordinates", "3,3", "--batch-size", "64"),
    )
    assert code == 0, err
    told = json.loads((run / "config.json").read_text())["options"]
    assert (told["epochs"], told["filters"], told["activation"]) == (1, 2, "tanh")
    assert (told["dense"], told["coordinates"], told["batch_size"]) == ([8], [3, 3], 64)


@pytest.mark.parametrize("command", ["train", "tune"])
def test_a_key_that_does_not_exist_is_named_with_the_nearest(prepared, tmp_path, lss, command):
    (tmp_path / "o.toml").write_text("dropuot = 0.5\n")
    code, _, err = lss(command, "--data", prepared.folder, "--config", tmp_path / "o.toml")
    assert code == 2
    assert "no option 'dropuot'. Did you mean 'dropout'" in err


@pytest.mark.slow
def test_a_killed_training_goes_on_and_ends_as_it_would_have(prepared, tmp_path, lss):
    """SIGKILL, which nothing can catch, after the first epoch."""
    options = ("--data", prepared.folder, "--epochs", "3", "--dropout", "0.2")
    code, _, _ = lss("train", *options, "--out", tmp_path / "whole")
    assert code == 0
    killed = tmp_path / "killed"
    command = [sys.executable, "-c", "from lss_cli.cli.main import main; main()"]
    command += ["train", *map(str, options), "--out", str(killed)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch 1/3"):
            process.send_signal(signal.SIGKILL)
            break
    process.communicate()
    assert process.returncode == -signal.SIGKILL

    code, _, err = lss("export-onnx", killed)
    assert code == 3
    assert "--resume" in err
    code, _, err = lss("train", "--data", prepared.folder, "--resume", "--out", killed)
    assert code == 0, err
    assert "epoch 1/3" not in err
    for name in ("history.csv", "predictions.csv"):
        assert (killed / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_folds_are_trained_one_by_one_and_collected(tmp_path, lss):
    data = made(tmp_path, studies=12, folds=2)
    run = tmp_path / "run"
    code, out, err = lss("train", "--data", data.folder, "--folds", *TYPED, "--out", run)
    assert code == 0, err
    assert "out of fold" in out
    assert "fold 0, epoch 1/1" in err
    table = pd.read_csv(run / "predictions.csv", dtype={"study_id": str})
    index = data.index
    answered = index[(index["fold"] != "") | (index["split"] == "test")]
    assert table["row_id"].tolist() == answered["row_id"].tolist()
    assert table["row_id"].str.contains("right").any()
    assert set(table["split"]) == {"out_of_fold", "test"}
    trained = data.index[data.index["fold"] == "0"]["study_id"]
    first = pd.read_csv(run / "fold_0" / "predictions.csv", dtype={"study_id": str})
    held = first[first["split"] == "validation"]
    assert set(held["study_id"]) == set(trained)
    assert not set(held["study_id"]) & set(first[first["split"] == "train"]["study_id"])
    merged = table.merge(held, on=["row_id", "condition"], suffixes=("", "_fold"))
    assert len(merged) == len(held) > 0
    # Another temperature, the other fold's: all differences of logits by one factor.
    logits = [np.log(merged[f"severe{end}"] / merged[f"moderate{end}"]) for end in ("", "_fold")]
    assert (logits[0] / logits[1]).std() == pytest.approx(0, abs=0.05)

    folds = [json.loads((run / f"fold_{n}" / "config.json").read_text()) for n in range(2)]
    assert folds[0]["options"]["seed"] != folds[1]["options"]["seed"]
    assert json.loads((run / "config.json").read_text())["options"]["seed"] == 0

    # As if it had been killed after the first fold: the others come anew, with the same options.
    before = (run / "predictions.csv").read_bytes()
    for name in ("config.json", "predictions.csv", "fold_1"):
        path = run / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    begin(run, data, TINY)
    code, _, err = lss("train", "--data", data.folder, "--folds", "--resume", "--out", run)
    assert code == 0, err
    assert "fold 0" not in err
    assert (run / "predictions.csv").read_bytes() == before

    with pytest.raises(DataError, match=r"has folds, a network each.*fold_0, fold_1"):
        Run.open(run)
    test = (table["split"] == "test").to_numpy()
    for folder in (run, run / "fold_0"):
        code, _, err = lss("export-onnx", folder)
        assert code == 0, err
    # The model file of all folds says what the run says of studies that none was trained on.
    model = load_model(run / "model.onnx")
    assert model.metadata.training["networks"] == 2
    assert model.metadata.training["parts"]["validation"]["rows"] == 0
    assert set(model.metadata.metrics) == {"out_of_fold", "test"}
    inputs = data.inputs(data.rows("test"))
    got = model.probabilities(inputs["image"], inputs["coords"], [])
    shown = table[test][["normal_mild", "moderate", "severe"]].to_numpy()
    assert got == pytest.approx(shown, abs=1e-4)
    code, _, err = lss("train", "--data", data.folder, "--folds", "--out", run)
    assert code == 3
    assert "already holds a run" in err

    # Two runs make one model; data may have moved since.
    other, moved, said = tmp_path / "other", tmp_path / "moved", tmp_path / "said.csv"
    options = (*TYPED, "--seed", "1", "--folds")
    code, _, err = lss("train", "--data", data.folder, *options, "--out", other)
    assert code == 0, err
    data.folder.rename(moved)
    joint = tmp_path / "joint.onnx"
    command = ("export-onnx", run, other, "--out", joint, "--predictions", said)
    chosen = ("--grade-weights", "1,2,4", "--calibration", "dirichlet")
    code, _, err = lss(*command, "--data", moved, *chosen)
    assert code == 0, err
    model = load_model(joint)
    assert model.metadata.training["networks"] == 4
    assert model.metadata.training["calibration"] == "dirichlet"
    assert model.metadata.temperature == 1
    got = model.probabilities(inputs["image"], inputs["coords"], [])
    table = pd.read_csv(said)
    # Its figures are those of the grades that it gives.
    assert model.metadata.grade_weights == (1, 2, 4)
    held_out = table[table["split"] == "out_of_fold"]
    products = held_out[["normal_mild", "moderate", "severe"]].to_numpy() * [1, 2, 4]
    names = ["Normal/Mild", "Moderate", "Severe"]
    true = held_out["severity"].map(names.index).to_numpy()
    accuracy = model.metadata.metrics["out_of_fold"]["model"]["accuracy"]
    assert accuracy == pytest.approx((products.argmax(axis=1) == true).mean())
    shown = table[table["split"] == "test"][["normal_mild", "moderate", "severe"]].to_numpy()
    assert got == pytest.approx(shown, abs=1e-4)
    code, _, err = lss("export-onnx", run, run / "fold_0", "--out", joint)
    assert code == 3
    assert "lss train --folds" in err
    alone = ("export-onnx", run / "fold_1", "--data", moved)
    code, _, err = lss(*alone, "--predictions", said)
    assert code == 3
    assert "lss train --folds" in err
    code, _, err = lss(*alone, "--calibration", "dirichlet")
    assert code == 2
    assert "lss train --folds" in err
    assert not (run / "fold_1" / "model.onnx").exists()


def test_folds_want_data_with_folds(prepared, tmp_path, lss):
    code, _, err = lss("train", "--data", prepared.folder, "--folds", "--out", tmp_path / "run")
    assert code == 3
    assert "lss prepare --folds" in err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", ["train", "tune", "export-onnx"])
def test_a_missing_extra_is_named_with_its_cure(prepared, run, tmp_path, lss, command):
    options = {
        "train": ("--data", prepared.folder, "--out", tmp_path / "run"),
        "tune": ("--data", prepared.folder, "--out", tmp_path / "tuning"),
        "export-onnx": (run, "--out", tmp_path / "m.onnx"),
    }
    code, _, err = lss(command, *options[command], is_installed=lambda package: False)
    assert code == 3
    assert "[train]" in err
