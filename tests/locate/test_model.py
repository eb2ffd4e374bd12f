import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from lss_cli.errors import ModelError
from lss_cli.locate.metadata import LANDMARKS, LocatorMetadata, WindowSpec
from lss_cli.locate.model import LocatorModel, cut_window, read_peaks, to_picture, to_window
from lss_cli.model.metadata import METADATA_KEY
from lss_cli.model.session import load_model

SPEC = WindowSpec((64, 32), 1.0)


def metadata(**changes) -> LocatorMetadata:
    values = {
        "name": "tiny",
        "kind": "axial",
        "window": SPEC,
        "landmarks": LANDMARKS["axial"],
        "map_stride": 2,
        "within_mm": 4.0,
        "sure": 0.5,
        "training": {},
        "metrics": {},
        "licence": "none",
        "intended_use": "tests",
        "created": "2026-01-01",
        "tools": {},
    }
    return LocatorMetadata(**(values | changes))


def write_locator(path, document=None, gain=1.0):
    """A network whose left map is where the window is bright, and whose right map is empty."""
    described = metadata()
    nodes = [
        helper.make_node("AveragePool", ["moved"], ["half"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Transpose", ["image"], ["moved"], perm=[0, 3, 1, 2]),
        helper.make_node("ReduceSum", ["half", "axes"], ["sum"], keepdims=1),
        helper.make_node("Div", ["half", "sum"], ["left"]),
        helper.make_node("Mul", ["left", "gain"], ["gained"]),
        helper.make_node("Mul", ["left", "zero"], ["right"]),
        helper.make_node("Concat", ["gained", "right"], ["both"], axis=1),
        helper.make_node("Transpose", ["both"], ["maps"], perm=[0, 2, 3, 1]),
    ]
    nodes[:2] = nodes[1::-1]
    constants = [
        onnx.numpy_helper.from_array(np.array([1, 2, 3]), "axes"),
        onnx.numpy_helper.from_array(np.float32(gain), "gain"),
        onnx.numpy_helper.from_array(np.float32(0), "zero"),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 32, 64, 1])],
        [helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["batch", 16, 32, 2])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {METADATA_KEY: document or described.to_json()})
    path.write_bytes(model.SerializeToString())
    return path


def test_a_bright_spot_is_found_where_it_lies_in_the_picture(tmp_path):
    model = LocatorModel.open(write_locator(tmp_path / "tiny.onnx"))
    picture = np.zeros((200, 300))
    picture[96:105, 146:155] = 5
    spacing, centre = (0.5, 0.5), (160.0, 90.0)
    maps = model.heatmaps(cut_window(picture, spacing, centre, model.window)[np.newaxis])
    peaks = model.peaks(maps)
    found = to_picture(peaks.positions[0], spacing, centre, model.window)
    assert np.allclose(found[0], (150, 100), atol=1)
    assert peaks.confidence[0].tolist() == pytest.approx([1, 0])


def test_what_a_picture_does_not_hold_is_black_and_its_contrast_is_full():
    window = cut_window(np.arange(40.0 * 40).reshape(40, 40), (1, 1), (0, 20), SPEC)
    assert window.shape == (32, 64)
    assert window[:, :31].max() == 0
    assert window[:, 33:].min() == 0 and window.max() == 1
    assert not cut_window(np.ones((40, 40)), (1, 1), (20, 20), SPEC).any()
    assert not cut_window(np.ones((40, 40)), (1, 1), (900, 20), SPEC).any()


def test_places_in_window_and_picture_are_the_same():
    points = np.array([[3.0, 7.5], [100.0, -4.0]])
    there = to_window(points, (0.4, 0.7), (50, 60), SPEC)
    assert np.allclose(to_picture(there, (0.4, 0.7), (50, 60), SPEC), points)


def test_a_peak_between_two_cells_lies_between_them():
    maps = np.zeros((1, 16, 32, 2), dtype=np.float32)
    maps[0, 5, 10:12, 0] = 0.3
    peaks = read_peaks(maps, metadata())
    assert peaks.positions[0, 0].tolist() == pytest.approx([21.5, 10.5])
    assert peaks.confidence[0].tolist() == pytest.approx([0.6, 0])


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("[]", "not that of a locator"),
        (json.dumps({"format_version": 1}), "not that of a locator"),
        (metadata().to_json().replace('"locator_version": 1', '"locator_version": 2'), "version"),
        (metadata().to_json().replace('"left"', '"right"'), "landmarks"),
        (metadata(map_stride=4).to_json(), "inputs and output"),
    ],
)
def test_a_file_that_is_no_locator_is_refused(tmp_path, document, message):
    with pytest.raises(ModelError, match=message):
        LocatorModel.open(write_locator(tmp_path / "tiny.onnx", document))


def test_an_answer_that_is_no_probability_is_refused(tmp_path):
    model = LocatorModel.open(write_locator(tmp_path / "tiny.onnx", gain=2.0))
    with pytest.raises(ModelError, match="no probabilities"):
        model.heatmaps(np.ones((1, 32, 64), dtype=np.float32))


def test_a_locator_does_not_grade_and_a_grader_does_not_locate(tmp_path, tiny_model):
    with pytest.raises(ModelError, match="locator"):
        load_model(write_locator(tmp_path / "tiny.onnx"))
    with pytest.raises(ModelError, match="not that of a locator"):
        LocatorModel.open(tiny_model)
