import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from lss_cli.cli.main import main
from lss_cli.phantom.dataset import write_phantoms
from tests.models import write_tiny_model

# How long an example takes says more about what else the machine is doing.
settings.register_profile("lss", deadline=None)
settings.load_profile("lss")


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory) -> Path:
    """An RSNA folder of one small phantom; read only, copy before changing it."""
    folder = tmp_path_factory.mktemp("phantoms") / "rsna"
    write_phantoms(folder, 1, seed=3, sagittal=False, matrix=160, slices=3)
    return folder


@pytest.fixture
def study(phantoms, tmp_path) -> Path:
    """A copy of the phantom's study folder, free to be damaged."""
    original = next((phantoms / "train_images").iterdir())
    return Path(shutil.copytree(original, tmp_path / original.name))


@pytest.fixture
def coords(phantoms, tmp_path) -> Path:
    """A copy of the phantom's points, free to be damaged."""
    return Path(shutil.copy(phantoms / "train_label_coordinates.csv", tmp_path / "coords.csv"))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    """A model file with random weights."""
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture
def lss(capsys):
    """Run a command as a user would; gives exit code, stdout and stderr."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(one) for one in arguments])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.fixture(scope="session")
def rsna() -> Path:
    """The real data, where there is any."""
    folder = os.environ.get("LSS_RSNA_DIR")
    if not folder:
        pytest.skip("LSS_RSNA_DIR is not set")
    return Path(folder)
