import shutil

import numpy as np
import onnx
import pytest

from lss_cli.anatomy import Condition, Level
from lss_cli.dataset.prepare import Options as PrepareOptions
from lss_cli.dataset.prepare import prepare
from lss_cli.errors import DataError, OutputError
from lss_cli.model.session import load_model
from lss_cli.training import export
from lss_cli.training.export import Run, export_onnx, handled
from tests.dataset.sources import image_table
from tests.training.conftest import SPEC

TEXTS = {"name": "small", "trained_on": "noise", "licence": "none"}


def test_the_model_file_answers_as_the_trained_network_does(run, prepared, tmp_path):
    finished = Run.open(run)
    difference = export_onnx(finished, finished.data(), tmp_path / "m.onnx", **TEXTS)
    assert difference <= 1e-4

    model = load_model(tmp_path / "m.onnx")
    for rows in (np.arange(1), np.arange(7)):
        inputs = prepared.inputs(rows)
        levels = [Level(one) for one in prepared.index["level"][rows]]
        got = model.probabilities(inputs["image"], inputs["coords"], levels)
        assert got == pytest.approx(np.asarray(finished.network(inputs)), abs=1e-4)


def test_the_model_file_says_what_it_is(run, tmp_path):
    finished = Run.open(run)
    export_onnx(finished, finished.data(), tmp_path / "m.onnx", **TEXTS)
    metadata = load_model(tmp_path / "m.onnx").metadata
    assert metadata.name == "small"
    assert metadata.licence == "none"
    assert metadata.input == SPEC
    assert metadata.conditions == {
        Condition.LEFT_SUBARTICULAR: "as is",
        Condition.RIGHT_SUBARTICULAR: "mirrored",
    }
    assert metadata.training["summary"] == "noise: 160 labels of 16 studies"
    assert metadata.training["largest_difference_to_keras"] <= 1e-4
    assert set(metadata.metrics) == {"validation", "test"}
    assert "Not a medical device" in metadata.intended_use
    # No identifiers: neither studies nor the folders of this machine.
    assert not any(word in metadata.to_json() for word in ("1000", str(run.parent)))

    graph = onnx.load(tmp_path / "m.onnx").graph
    assert {one.name for one in graph.input} == {"image", "coords"}
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    assert [one.name for one in graph.output] == ["prob"]


def test_the_level_becomes_an_input(tmp_path):
    from lss_cli.dataset.cache import Prepared
    from lss_cli.training.fit import Options, train

    source = image_table(tmp_path / "in", studies=10)
    spec = type(SPEC)(size=(16, 12), field_mm=(24, 18), neighbours=0, level=True)
    prepare(source, tmp_path / "out", PrepareOptions(spec=spec))
    train(Prepared.open(tmp_path / "out"), tmp_path / "run", Options(epochs=1), lambda line: None)
    finished = Run.open(tmp_path / "run")
    export_onnx(finished, finished.data(), tmp_path / "m.onnx", **TEXTS)
    assert load_model(tmp_path / "m.onnx").metadata.input.level


def test_a_network_that_answers_differently_is_never_written(run, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "TOLERANCE", -1.0)
    finished = Run.open(run)
    with pytest.raises(RuntimeError, match="differs"):
        export_onnx(finished, finished.data(), tmp_path / "m.onnx", **TEXTS)
    assert not list(tmp_path.iterdir())


def test_other_data_are_refused(run, tmp_path):
    source = image_table(tmp_path / "in", studies=4)
    prepare(source, tmp_path / "out", PrepareOptions(spec=SPEC))
    with pytest.raises(DataError, match="not the data that the run was trained on"):
        Run.open(run).data(tmp_path / "out")
    with pytest.raises(DataError, match="lss prepare"):
        Run.open(run).data(tmp_path / "nowhere")


def test_a_run_that_cannot_be_read_is_refused(run, tmp_path):
    with pytest.raises(DataError, match="no finished run"):
        Run.open(tmp_path)
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    (copy / "model.keras").write_bytes(b"PK broken")
    with pytest.raises(DataError, match="cannot be read"):
        Run.open(copy)


def test_a_place_that_cannot_be_written_to_is_said_first(run, tmp_path):
    finished = Run.open(run)
    with pytest.raises(OutputError, match="does not exist"):
        export_onnx(finished, finished.data(), tmp_path / "no" / "m.onnx", **TEXTS)


def test_sides_are_graded_by_mirroring_unless_they_were_learnt():
    left, right = Condition.LEFT_SUBARTICULAR, Condition.RIGHT_SUBARTICULAR
    assert handled([left]) == {left: "as is", right: "mirrored"}
    assert handled([left, right]) == {left: "as is", right: "as is"}
    assert handled([Condition.SPINAL_CANAL]) == {Condition.SPINAL_CANAL: "as is"}
