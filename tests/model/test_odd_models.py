"""Model files with damaged or odd descriptions: used, or refused with a message."""

import json
import random

import numpy as np
import onnx
import pytest
from onnx import helper

from lss_cli.anatomy import Level
from lss_cli.errors import ModelError
from lss_cli.model.metadata import METADATA_KEY
from lss_cli.model.ood import OodStatistics
from lss_cli.model.session import load_model
from tests.json_documents import places
from tests.models import SPEC, write_tiny_model

ODD = [
    *(None, True, False, 0, -1, 0.5, 2**63, 10**400, 1e300, -1e300, float("nan"), float("inf")),
    *("", "ü", "x" * 5000, "\ud800", "\x1b[31m", "\0", "\n=1+1", [], {}, [[]], [None], {"a": 1}),
]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    random_images = np.random.default_rng(0).random((20, *SPEC.shape), np.float32)
    ood = OodStatistics.fit([random_images], [str(number) for number in range(20)])
    return write_tiny_model(tmp_path_factory.mktemp("odd") / "odd.onnx", ood=ood).read_bytes()


def with_odd_entries(content, draw):
    model = onnx.ModelProto.FromString(content)
    document = json.loads(model.metadata_props[0].value)
    for _ in range(draw.choice([1, 1, 2])):
        # Of the long lists of numbers only a few places are tried.
        names = [path for path in places(document) if len(path) < 3 or draw.random() < 0.01]
        *path, last = draw.choice(names)
        parent = document
        for key in path:
            parent = parent[key]
        match draw.randrange(4):
            case 0:
                del parent[last]
            case 1 if isinstance(parent, dict):
                parent[draw.choice(["\ud800", "", "test", "validation"])] = draw.choice(ODD)
            case _:
                parent[last] = draw.choice(ODD)
    helper.set_model_props(model, {METADATA_KEY: json.dumps(document)})
    return model.SerializeToString()


def with_odd_bytes(content, draw):
    damaged = bytearray(content)
    # Names, metadata and opsets stand at both ends, the weights between them.
    for _ in range(draw.choice([1, 2, 5])):
        place = draw.choice([draw.randrange(500), len(damaged) - 1 - draw.randrange(3000)])
        match draw.randrange(3):
            case 0:
                damaged[place] = draw.randrange(256)
            case 1:
                del damaged[place : place + draw.randrange(1, 50)]
            case 2:
                damaged[place:place] = draw.randbytes(draw.randrange(1, 20))
    return bytes(damaged)


def use(path):
    """Whatever a command takes from a model."""
    model = load_model(path, threads=1)
    shape = (2, *model.metadata.input.shape)
    if np.prod(shape) < 1e6:
        images = np.zeros(shape, np.float32)
        model.probabilities(images, np.full((2, 2), 0.5, np.float32), [Level.L1_L2] * 2)
        if model.metadata.ood:
            model.metadata.ood.score(images)
    text = [model.card.label, model.card.trained_on, *model.metadata.key_figures]
    "".join([*text, model.card.licence, model.card.created]).encode()


@pytest.mark.parametrize("change", [with_odd_entries, with_odd_bytes])
def test_an_odd_model_is_used_or_refused_with_a_message(original, tmp_path, change, capfd):
    path, refused = tmp_path / "odd.onnx", 0
    for seed in range(500):
        path.write_bytes(change(original, random.Random(seed)))
        try:
            use(path)
        except ModelError:
            refused += 1
        except Exception as fault:
            raise AssertionError(f"seed {seed}") from fault
    assert 100 < refused < 500
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"training":' + "[" * 5000 + "]" * 5000 + "}", "1" * 5000]
)
def test_a_description_that_is_too_deep_or_too_long(original, tmp_path, text):
    model = onnx.ModelProto.FromString(original)
    helper.set_model_props(model, {METADATA_KEY: text})
    (tmp_path / "odd.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="cannot be used"):
        load_model(tmp_path / "odd.onnx")


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "huge.onnx"
    with path.open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(ModelError, match="too large for an ONNX model"):
        load_model(path)
