import json
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lss_cli.anatomy import Level
from lss_cli.errors import ModelError
from lss_cli.model import network
from lss_cli.model.metadata import METADATA_KEY
from lss_cli.model.session import apply_temperature, load_model
from lss_cli.model.spec import InputSpec
from tests.models import SPEC, write_tiny_model


@pytest.fixture
def tiny(tmp_path):
    return write_tiny_model(tmp_path / "tiny.onnx")


def problem(path):
    with pytest.raises(ModelError) as caught:
        load_model(path)
    return str(caught.value)


def changed(path, change):
    model = onnx.load(path)
    change(model)
    onnx.save(model, path)
    return path


def described(path, **changes):
    def change(model):
        document = json.loads(model.metadata_props[0].value) | changes
        helper.set_model_props(model, {METADATA_KEY: json.dumps(document)})

    return changed(path, change)


def test_a_model_runs_on_any_number_of_inputs(tiny):
    model = load_model(tiny)
    images = np.random.default_rng(0).random((7, *SPEC.shape), dtype=np.float32)
    prob = model.probabilities(images, np.full((7, 2), 0.5, np.float32), [Level.L1_L2] * 7)
    assert prob.shape == (7, 3)
    np.testing.assert_allclose(prob.sum(axis=1), 1, atol=1e-6)
    assert model.device in {"CPU", "CUDA"}


def test_a_model_that_takes_the_level_gets_it(tmp_path):
    spec = InputSpec(size=(16, 16), neighbours=0, level=True)
    model = load_model(write_tiny_model(tmp_path / "level.onnx", input=spec))
    image, coords = np.zeros((2, 16, 16, 1), np.float32), np.zeros((2, 2), np.float32)
    prob = model.probabilities(image, coords, [Level.L1_L2, Level.L5_S1])
    assert np.abs(prob[0] - prob[1]).max() > 0.01


def add_nodes(*nodes, **constants):
    """Add what the answer waits for, named ``waste``, and does not depend on."""

    def change(model):
        graph = model.graph
        graph.initializer.extend(
            numpy_helper.from_array(values, name) for name, values in constants.items()
        )
        graph.initializer.append(numpy_helper.from_array(np.zeros(1, np.float32), "nought"))
        graph.node[-1].output[0] = "answer"
        graph.node.extend(
            [
                *nodes,
                helper.make_node("ReduceSum", ["waste"], ["sum"], keepdims=0),
                helper.make_node("Mul", ["sum", "nought"], ["nothing"]),
                helper.make_node("Add", ["answer", "nothing"], ["prob"]),
            ]
        )

    return change


HUGE = np.array([600_000_000], np.int64)
linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")


@linux
def test_a_small_file_that_asks_for_much_memory_is_refused(tiny):
    one = helper.make_tensor("value", TensorProto.FLOAT, [1], [1.0])
    constant = helper.make_node("ConstantOfShape", ["huge"], ["waste"], value=one)
    assert "more memory than" in problem(changed(tiny, add_nodes(constant, huge=HUGE)))


def run_once(path):
    image, coords = np.zeros((1, *SPEC.shape), np.float32), np.zeros((1, 2), np.float32)
    return load_model(path).probabilities(image, coords, [Level.L1_L2])


@linux
def test_a_graph_that_asks_for_much_memory_is_stopped(tiny):
    first = helper.make_node("ReduceSum", ["coords"], ["first"], keepdims=0)
    changed(
        tiny, add_nodes(first, helper.make_node("Expand", ["first", "huge"], ["waste"]), huge=HUGE)
    )
    with pytest.raises(ModelError, match="more memory than"):
        run_once(tiny)


def test_a_graph_that_never_ends_is_stopped(tiny, monkeypatch):
    monkeypatch.setattr(network, "MOST_SECONDS", 0.2)
    monkeypatch.setattr(network, "MOST_SECONDS_PER_IMAGE", 0.2)
    info = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go_on"], ["goes_on"]),
            helper.make_node("Sin", ["before"], ["after"]),
        ],
        "body",
        [
            info("turn", TensorProto.INT64, []),
            info("go_on", TensorProto.BOOL, []),
            info("before", TensorProto.FLOAT, None),
        ],
        [info("goes_on", TensorProto.BOOL, []), info("after", TensorProto.FLOAT, None)],
    )
    loop = helper.make_node("Loop", ["", "always", "coords"], ["waste"], body=body)
    changed(tiny, add_nodes(loop, always=np.array(True)))
    with pytest.raises(ModelError, match="takes longer than"):
        run_once(tiny)


def test_the_temperature_is_applied(tmp_path):
    plain = load_model(write_tiny_model(tmp_path / "a.onnx"))
    warm = load_model(write_tiny_model(tmp_path / "b.onnx", temperature=3.0))
    image = np.random.default_rng(0).random((1, *SPEC.shape), dtype=np.float32)
    inputs = (image, np.full((1, 2), 0.5, np.float32), [Level.L1_L2])
    prob = plain.probabilities(*inputs) ** (1 / 3)
    np.testing.assert_allclose(warm.probabilities(*inputs), prob / prob.sum(), rtol=1e-4)


def test_temperature_one_changes_nothing():
    prob = np.array([[0.2, 0.3, 0.5], [1, 0, 0]], np.float32)
    np.testing.assert_allclose(apply_temperature(prob, 1.0), prob, atol=1e-6)


def test_what_is_no_model(tmp_path):
    path = tmp_path / "x.onnx"
    assert "cannot be read" in problem(path)
    path.write_bytes(b"")
    assert "no ONNX model" in problem(path)
    path.write_bytes(b"\x80\x04not a model")
    assert "no ONNX model" in problem(path)


def test_a_foreign_model(tiny):
    changed(tiny, lambda model: model.ClearField("metadata_props"))
    assert "not one of lss" in problem(tiny)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"format_version": 99}, "format version is 99"),
        ({"classes": ["a", "b", "c"]}, "its classes are"),
        ({"conditions": {}}, "conditions: dictionary should have at least 1 item"),
        (
            {"conditions": {"left_subarticular_stenosis": "upside down"}},
            "input should be 'as is' or 'mirrored', not 'upside down'",
        ),
        ({"conditions": {"left_knee": "as is"}}, "is no condition"),
        ({"input": {"view": "crop"}}, "input: missing keys: size, field_mm"),
        (
            {"input": SPEC.to_json() | {"size": [4, 4]}},
            "size.0: input should be greater than or equal to 8",
        ),
        ({"input": SPEC.to_json() | {"size": "big"}}, "size"),
        ({"temperature": 0}, "temperature"),
        ({"format_version": True}, "format version is True"),
        ({"name": 5}, "name: input should be a valid string, not 5"),
        ({"training": None}, "training: input should be a valid dictionary"),
        ({"input": SPEC.to_json() | {"neighbours": 1e999}}, "cannot be used"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_description_that_is_not_understood(tiny, changes, what):
    assert what in problem(described(tiny, **changes))


def test_a_description_that_does_not_fit_the_network(tiny):
    described(tiny, input=SPEC.to_json() | {"neighbours": 0})
    assert "inputs and output are not those" in problem(tiny)


def test_data_outside_of_the_file_is_not_read(tiny, tmp_path):
    model = onnx.load(tiny)
    onnx.save(model, tiny, save_as_external_data=True, location="w.bin", size_threshold=0)
    assert (tmp_path / "w.bin").exists()
    assert "data in other files" in problem(tiny)


def test_data_outside_of_the_file_is_not_read_however_it_is_written(tiny, tmp_path, monkeypatch):
    model = onnx.load(tiny)
    onnx.save(model, tiny, save_as_external_data=True, location="w.bin", size_threshold=0)
    # As if the first line of defence had been got round by an unusual encoding.
    monkeypatch.setattr("lss_cli.model.network.EXTERNAL_DATA", b"never there")
    monkeypatch.chdir(tmp_path)
    assert (tmp_path / "w.bin").exists()
    assert "no ONNX model" in problem(tiny)
