"""Small models for tests: fixed random weights, made in memory."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lss_cli.anatomy import Condition
from lss_cli.model.metadata import METADATA_KEY, ModelMetadata
from lss_cli.model.spec import InputSpec

SPEC = InputSpec(size=(32, 24), field_mm=(40, 30), shift_mm=5, neighbours=1)


def metadata(spec: InputSpec = SPEC, **changes) -> ModelMetadata:
    return ModelMetadata(
        **{
            "name": "tiny",
            "conditions": {
                Condition.LEFT_SUBARTICULAR: "as is",
                Condition.RIGHT_SUBARTICULAR: "mirrored",
            },
            "input": spec,
            "training": {"summary": "nothing at all"},
            "metrics": {"test": {"accuracy": 0.5}},
            "licence": "Apache-2.0",
            "intended_use": "tests",
            "created": "2026-01-01",
            "tools": {},
        }
        | changes
    )


def write_canal_model(path: Path, **changes) -> Path:
    """A tiny model that grades the canal on axial slices, fed otherwise than `SPEC`."""
    canal = Condition.SPINAL_CANAL
    described = {
        "name": "tiny canal",
        "conditions": {canal: "as is"},
        "series": {canal: "Axial T2"},
        "input": InputSpec(size=(20, 20), field_mm=(30, 30), neighbours=0),
        "training": {"summary": "hardly anything"},
    }
    return write_tiny_model(path, **described | changes)


def write_tiny_model(
    path: Path, described: ModelMetadata | None = None, sure: float = 1, **changes
) -> Path:
    """A linear network whose answer depends on every pixel, the point and the level.

    The nearer `sure` is to 0, the more alike are the probabilities.
    """
    described = described or metadata(**changes)
    spec = described.input
    pixels = int(np.prod(spec.shape))
    random = np.random.default_rng(0)

    def constant(name: str, values: np.ndarray) -> TensorProto:
        return numpy_helper.from_array(values, name)

    height, width, channels = spec.shape
    inputs = [
        helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", height, width, channels]),
        helper.make_tensor_value_info("coords", TensorProto.FLOAT, ["N", 2]),
    ]
    weights = [
        constant("flat", np.array([-1, pixels], dtype=np.int64)),
        constant("w", (random.normal(size=(pixels, 3)) * 0.1 * sure).astype(np.float32)),
        constant("v", (random.normal(size=(2, 3)) * sure).astype(np.float32)),
    ]
    nodes = [
        helper.make_node("Reshape", ["image", "flat"], ["pixels"]),
        helper.make_node("MatMul", ["pixels", "w"], ["a"]),
        helper.make_node("MatMul", ["coords", "v"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["c"]),
    ]
    if spec.level:
        inputs.append(helper.make_tensor_value_info("level", TensorProto.FLOAT, ["N", 5]))
        weights.append(constant("u", random.normal(size=(5, 3)).astype(np.float32)))
        nodes.append(helper.make_node("MatMul", ["level", "u"], ["d"]))
        nodes.append(helper.make_node("Add", ["c", "d"], ["e"]))
    nodes.append(helper.make_node("Softmax", ["e" if spec.level else "c"], ["prob"], axis=1))
    outputs = [helper.make_tensor_value_info("prob", TensorProto.FLOAT, ["N", 3])]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {METADATA_KEY: described.to_json()})
    onnx.save(model, path)
    return path
