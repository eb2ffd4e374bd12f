from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from lss_cli.training.graph import merge_normalisations

CHANNELS = 3


def network(factor: list[float], *, pooled: bool, read_twice: bool = False) -> onnx.ModelProto:
    """Activation, factor, summand, and a pooling or not."""
    shape = (1, CHANNELS, 1, 1)
    constants = {"factor": factor, "summand": [0.3, -7.0, 0.1]}
    nodes = [
        helper.make_node("Relu", ["image"], ["active"]),
        helper.make_node("Mul", ["active", "factor"], ["scaled"]),
        helper.make_node("Add", ["summand", "scaled"], ["normalised"]),
    ]
    last = "normalised"
    if pooled:
        nodes.append(
            helper.make_node("MaxPool", [last], ["pool"], kernel_shape=[2, 2], strides=[2, 2])
        )
        last = "pool"
    outputs = [last]
    if read_twice:
        nodes.append(helper.make_node("Identity", ["scaled"], ["again"]))
        outputs.append("again")
    dims = ["batch", CHANNELS, None, None]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, dims)],
        [helper.make_tensor_value_info(out, onnx.TensorProto.FLOAT, dims) for out in outputs],
        [
            numpy_helper.from_array(np.array(values, np.float32).reshape(shape), name)
            for name, values in constants.items()
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8)


def answer(model: onnx.ModelProto) -> list[Any]:
    image = np.random.default_rng(0).normal(size=(2, CHANNELS, 6, 4)).astype(np.float32)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return list(session.run(None, {"image": image}))


@pytest.mark.parametrize(
    ("factor", "pooled", "read_twice", "kinds"),
    [
        ([1.5, 0.0, 2.0], False, False, "Relu BatchNormalization"),
        ([1.5, 0.0, 2.0], True, False, "Relu MaxPool BatchNormalization"),
        # The largest number would become the smallest.
        ([1.5, -0.2, 2.0], True, False, "Relu BatchNormalization MaxPool"),
        # What stands between both is wanted elsewhere.
        ([1.5, 0.2, 2.0], True, True, "Relu Mul Add MaxPool Identity"),
    ],
)
def test_a_normalisation_becomes_one_node_and_the_answer_stays(factor, pooled, read_twice, kinds):
    model = network(factor, pooled=pooled, read_twice=read_twice)
    expected = answer(model)
    merge_normalisations(model)
    onnx.checker.check_model(model)
    read = {name for node in model.graph.node for name in node.input}
    assert {tensor.name for tensor in model.graph.initializer} <= read
    assert " ".join(node.op_type for node in model.graph.node) == kinds
    for got, wanted in zip(answer(model), expected, strict=True):
        assert (got == wanted).all()
