import re
import tomllib
from pathlib import Path

from lss_cli.extras import is_installed
from tests.models import write_tiny_model


def test_doctor_says_what_works(lss):
    code, out, _ = lss("doctor")
    assert code == 0
    assert "pydicom" in out
    assert "decoder for JPEG 2000" in out
    assert "shipped model" in out
    assert "MISSING" not in out


def all_but(name):
    """Everything is installed but this."""
    return lambda package: package != name and is_installed(package)


def test_doctor_names_what_is_missing_and_how_to_get_it(lss):
    code, out, _ = lss("doctor", is_installed=all_but("jpeg_ls"))
    assert code == 3
    assert "pip install pyjpegls" in out


def test_training_is_optional(lss):
    code, out, _ = lss("doctor", is_installed=all_but("tensorflow"))
    assert code == 0
    line = next(line for line in out.splitlines() if line.startswith("MISSING training"))
    assert "without tensorflow: " in line
    assert "[train]" in line


def test_doctor_lists_every_part(lss):
    """All that the package says to need, required or not."""
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *extras["train"], *extras["cluster"], *extras["parquet"]]
    names = {re.split("[^A-Za-z0-9_-]", text)[0] for text in needed}
    _, out, _ = lss("doctor")
    listed = out.replace("tomli_w", "tomli-w")
    assert {name for name in names if name not in listed} <= {"onnxruntime", "onnxruntime-gpu"}
    assert "onnxruntime" in listed


def test_doctor_finds_a_broken_model(lss, tmp_path):
    code, out, _ = lss("doctor", models=tmp_path)
    assert code == 3
    assert "there is no model 'default'" in out


def test_models_are_listed_with_their_key_figures(lss, tmp_path):
    write_tiny_model(tmp_path / "mine.onnx")
    code, out, _ = lss("models", models=tmp_path)
    assert code == 0
    for word in ("mine", "left_subarticular", "nothing at all", "accuracy 0.500", "Apache-2.0"):
        assert word in out
