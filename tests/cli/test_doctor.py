import importlib.util

import pytest

from tests.models import write_tiny_model


def test_doctor_says_what_works(lss):
    code, out, _ = lss("doctor")
    assert code == 0
    assert "pydicom" in out
    assert "decoder for JPEG 2000" in out
    assert "shipped model" in out
    assert "MISSING" not in out


@pytest.fixture
def missing(monkeypatch):
    def hide(*names):
        real = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util,
            "find_spec",
            lambda name, *more: None if name in names else real(name, *more),
        )

    return hide


def test_doctor_names_what_is_missing_and_how_to_get_it(lss, missing):
    missing("jpeg_ls")
    code, out, _ = lss("doctor")
    assert code == 3
    assert "pip install pyjpegls" in out


def test_training_is_optional(lss, missing):
    missing("tensorflow")
    code, out, _ = lss("doctor")
    assert code == 0
    assert "pip install 'lss-cli[train]'" in out


def test_doctor_finds_a_broken_model(lss, monkeypatch, tmp_path):
    monkeypatch.setattr("lss_cli.model.find.models_folder", lambda: tmp_path)
    code, out, _ = lss("doctor")
    assert code == 3
    assert "there is no model 'default'" in out


def test_models_are_listed_with_their_key_figures(lss, monkeypatch, tmp_path):
    write_tiny_model(tmp_path / "mine.onnx")
    monkeypatch.setattr("lss_cli.model.find.models_folder", lambda: tmp_path)
    code, out, _ = lss("models")
    assert code == 0
    for word in ("mine", "left_subarticular", "nothing at all", "accuracy 0.500", "Apache-2.0"):
        assert word in out
