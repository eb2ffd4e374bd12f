import pytest

from lss_cli.model.session import load_model


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
    assert "There is: custom" in err


@pytest.mark.parametrize("command", ["train", "export-onnx"])
def test_a_missing_extra_is_named_with_its_cure(prepared, run, tmp_path, lss, monkeypatch, command):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    options = {
        "train": ("--data", prepared.folder, "--out", tmp_path / "run"),
        "export-onnx": (run, "--out", tmp_path / "m.onnx"),
    }
    code, _, err = lss(command, *options[command])
    assert code == 3
    assert "pip install 'lss-cli[train]'" in err
