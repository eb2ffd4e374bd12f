"""What is made of a converted network's graph before it is stored: fewer nodes, smaller weights."""

from collections import defaultdict
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from lss_cli.slices import Float32Array

LARGEST_BYTE = 127
# Numbers of a tensor.
SMALLEST_HALF = 2048


def merge_normalisations(model: onnx.ModelProto) -> None:
    """Make one node of each normalisation, and put it behind the pooling where that is the same.

    Keras normalises a batch by a factor and a summand per channel. Left as two nodes behind an
    activation, they keep ONNX Runtime from running a network's convolutions in blocks of channels
    from end to end. Behind a pooling there are fewer numbers, and as long as no factor is
    negative, the largest of some numbers stays the largest: the answers are the same to the bit.

    Args:
        model: Changed in place.
    """
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    readers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
    for node in graph.node:
        for name in node.input:
            readers[name].append(node)

    def split(node: onnx.NodeProto) -> tuple[str, Float32Array] | None:
        """The input of a node that is computed, and the constant per channel."""
        for computed, name in (node.input, reversed(node.input)):
            dims = tuple(constants[name].dims) if name in constants else ()
            if len(dims) == 4 and dims == (1, dims[1], 1, 1) and dims[1] > 1:
                return computed, onnx.numpy_helper.to_array(constants[name]).ravel()
        return None

    def sole_reader(node: onnx.NodeProto, kind: str) -> onnx.NodeProto | None:
        found = readers[node.output[0]]
        return found[0] if len(found) == 1 and found[0].op_type == kind else None

    nodes: list[onnx.NodeProto] = []
    # By the output of the last node before them: normalisations that follow it.
    later: dict[str, onnx.NodeProto] = {}
    merged: set[str] = set()
    for node in graph.node:
        if node.output[0] in merged:
            continue
        multiplied = split(node) if node.op_type == "Mul" else None
        addition = sole_reader(node, "Add")
        added = split(addition) if multiplied and addition else None
        if multiplied and addition and added and len(multiplied[1]) == len(added[1]):
            (source, factor), (_, summand) = multiplied, added
            merged.add(addition.output[0])
            pooling = sole_reader(addition, "MaxPool")
            if pooling and (factor >= 0).all():
                target, pooled = pooling.output[0], f"{pooling.output[0]}/pooled"
                pooling.input[0], pooling.output[0] = source, pooled
                later[pooled] = _normalisation(graph, pooled, factor, summand, target)
                continue
            nodes.append(_normalisation(graph, source, factor, summand, addition.output[0]))
            continue
        nodes.append(node)
        if node.output[0] in later:
            nodes.append(later[node.output[0]])
    _replace_nodes(graph, nodes)
    read = {name for node in graph.node for name in node.input}
    for tensor in list(graph.initializer):
        if tensor.name not in read:
            graph.initializer.remove(tensor)


def _normalisation(
    graph: onnx.GraphProto, source: str, factor: Float32Array, summand: Float32Array, target: str
) -> onnx.NodeProto:
    """A normalisation of mean 0 and variance 1, its constants among the graph's."""
    constants = {
        "factor": factor,
        "summand": summand,
        "mean": np.zeros_like(factor),
        "variance": np.ones_like(factor),
    }
    names = [f"{target}/{name}" for name in constants]
    graph.initializer.extend(map(onnx.numpy_helper.from_array, constants.values(), names))
    return onnx.helper.make_node("BatchNormalization", [source, *names], [target], epsilon=0.0)


def store_half_floats(model: onnx.ModelProto, *, kernels_as_bytes: bool = False) -> None:
    """Store the weights as half floats, each followed by a cast that ONNX Runtime folds away.

    Small ones stay as they are: a cast each would cost more at the start than they save.

    Args:
        model: Changed in place.
        kernels_as_bytes: Store kernels as bytes, in steps of 1/127 of the largest weight of
            each output channel, as ONNX Runtime quantises weights per channel.
    """
    graph, restoring = model.graph, []
    for tensor in list(graph.initializer):
        name, values = tensor.name, onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < SMALLEST_HALF:
            continue
        stored, restored = f"{name}/stored", name
        few: npt.NDArray[Any] = values.astype(np.float16)
        scaling = []
        if kernels_as_bytes and _is_large_kernel(values):
            restored, scale = f"{name}/steps", f"{name}/scale"
            few, step = _quantize(values)
            graph.initializer.append(onnx.numpy_helper.from_array(step, scale))
            scaling.append(onnx.helper.make_node("Mul", [restored, scale], [name]))
        tensor.CopyFrom(onnx.numpy_helper.from_array(few, stored))
        cast = onnx.helper.make_node("Cast", [stored], [restored], to=onnx.TensorProto.FLOAT)
        restoring += [cast, *scaling]
    _replace_nodes(graph, [*restoring, *graph.node])


def _replace_nodes(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    """Nodes of the graph itself end with it, so that they are copied first."""
    kept = onnx.GraphProto()
    kept.node.extend(nodes)
    del graph.node[:]
    graph.node.extend(kept.node)


def _is_large_kernel(values: Float32Array) -> bool:
    """Whether bytes save something, and sums over many weights forgive them.

    Factors per channel, biases and the kernels of depthwise convolutions are small.
    """
    return values.ndim > 1 and values.shape[0] > 1 and values.shape[1] > 1


def _quantize(kernel: Float32Array) -> tuple[npt.NDArray[np.int8], Float32Array]:
    """A kernel in whole steps, and the size of a step in each output channel.

    Convolutions have that channel first, dense layers last.
    """
    channel = 0 if kernel.ndim == 4 else kernel.ndim - 1
    others = tuple(axis for axis in range(kernel.ndim) if axis != channel)
    largest = np.abs(kernel).max(axis=others, keepdims=True)
    scale = (np.where(largest, largest, 1) / LARGEST_BYTE).astype(np.float32)
    return np.rint(kernel / scale).astype(np.int8), scale
