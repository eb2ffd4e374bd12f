from pathlib import Path

import pytest

from lss_cli.dataset.prepare import PrepareOptions, prepare
from lss_cli.dataset.prepared import Prepared
from lss_cli.model.spec import InputSpec
from lss_cli.training.backend import load_backend
from lss_cli.training.options import TrainingOptions
from tests.dataset.handmade import LEFT, RIGHT, image_table

load_backend()

SPEC = InputSpec(size=(16, 16), field_mm=(24, 24))

# TensorFlow takes longer to follow a network than to train it on so few images: a small one.
TINY = TrainingOptions(epochs=1, filters=2, blocks=2, dense=(4,))
TYPED = ("--epochs", "1", "--filters", "2", "--blocks", "2", "--dense", "4")


def quiet(progress) -> None:
    pass


@pytest.fixture(autouse=True)
def _no_internet(monkeypatch):
    """Whatever a test forgets to say of weights, nothing is fetched."""
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


class InterruptionError(Exception):
    """A kill that can be caught."""


def interrupted_after(epochs):
    """Ends a training after so many epochs."""

    def on_progress(progress):
        if progress.epoch and progress.epoch.epoch == epochs:
            raise InterruptionError

    return on_progress


def made(folder: Path, spec: InputSpec = SPEC, studies: int = 20, **options) -> Prepared:
    """Prepared data whose grades can be seen."""
    source = image_table(folder / "in", studies=studies, sides=(LEFT, RIGHT))
    prepare(source, folder / "prepared", PrepareOptions(mirror=True, spec=spec, **options))
    return Prepared.open(folder / "prepared")


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Prepared:
    """Two hundred tiny inputs, 16 × 16 pixels."""
    return made(tmp_path_factory.mktemp("training"))


@pytest.fixture(scope="session")
def larger(tmp_path_factory) -> Prepared:
    """A few inputs of 32 × 32 pixels, which most ready-made backbones want at least."""
    spec = InputSpec(size=(32, 32), field_mm=(24, 24))
    return made(tmp_path_factory.mktemp("larger"), spec, studies=10)


@pytest.fixture(scope="session")
def run(prepared, tmp_path_factory) -> Path:
    """The folder of a short training."""
    from lss_cli.training.train import train

    folder = tmp_path_factory.mktemp("runs") / "one"
    train(prepared, folder, TrainingOptions(epochs=2), quiet)
    return folder


@pytest.fixture(scope="session")
def mobilenet_weights(tmp_path_factory) -> Path:
    """A weights file as Keras publishes it, with random weights."""
    import keras

    path = tmp_path_factory.mktemp("weights") / "mobilenet_notop.weights.h5"
    keras.utils.set_random_seed(5)
    network = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(32, 32, 3))
    network.save_weights(path)
    return path
