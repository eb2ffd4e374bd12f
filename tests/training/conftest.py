from pathlib import Path

import pytest

from lss_cli.dataset.cache import Prepared
from lss_cli.dataset.prepare import Options, prepare
from lss_cli.input_spec import InputSpec
from lss_cli.training.backend import load_backend
from tests.dataset.sources import LEFT, RIGHT, image_table

load_backend()

SPEC = InputSpec(size=(16, 16), field_mm=(24, 24))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Prepared:
    """A hundred tiny inputs whose grades can be seen; 16 × 16 pixels."""
    folder = tmp_path_factory.mktemp("training")
    source = image_table(folder / "in", studies=20, sides=(LEFT, RIGHT))
    prepare(source, folder / "prepared", Options(mirror=True, spec=SPEC))
    return Prepared.open(folder / "prepared")


@pytest.fixture(scope="session")
def run(prepared, tmp_path_factory) -> Path:
    """The folder of a short training."""
    from lss_cli.training.fit import Options, train

    folder = tmp_path_factory.mktemp("runs") / "one"
    train(prepared, folder, Options(epochs=2), lambda line: None)
    return folder
