import pytest

from lss_cli.errors import ModelError
from lss_cli.model.find import find_model, shipped_models
from tests.models import write_tiny_model


@pytest.fixture
def tiny(tmp_path):
    return write_tiny_model(tmp_path / "tiny.onnx")


def test_finding_models(tiny):
    assert find_model(str(tiny)) == tiny
    for name, path in shipped_models().items():
        assert find_model(name) == path
    with pytest.raises(ModelError, match="there is no model 'defualt'"):
        find_model("defualt")
