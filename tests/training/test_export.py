from dataclasses import replace

import numpy as np
import onnx
import pandas as pd
import pytest

from lss_cli.anatomy import Condition, Level, Severity
from lss_cli.dataset.prepare import PrepareOptions, prepare
from lss_cli.dataset.prepared import Prepared
from lss_cli.errors import OutputError
from lss_cli.model.session import load_model
from lss_cli.model.spec import InputSpec
from lss_cli.phantom.dataset import write_phantoms
from lss_cli.training import export
from lss_cli.training.backbones import APPLICATIONS
from lss_cli.training.export import export_onnx, handling_of
from lss_cli.training.options import TrainingOptions
from lss_cli.training.run import Run
from lss_cli.training.train import train
from tests.dataset.handmade import image_table
from tests.training.conftest import SPEC, TINY, quiet

TEXTS = {"name": "small", "trained_on": "noise", "licence": "none"}


GRADES = ["normal_mild", "moderate", "severe"]


def exported(run, tmp_path, tolerance=1e-4, **options):
    """Export a run, and see that the model file says what the run's predictions say."""
    finished = Run.open(run)
    data, path = finished.data(), tmp_path / "m.onnx"
    difference = export_onnx(finished, data, path, **TEXTS, **options)
    assert difference <= tolerance
    model = load_model(path)
    shown = pd.read_csv(run / "predictions.csv")[GRADES].to_numpy()
    for rows in (np.arange(1), np.arange(7)):
        inputs = data.inputs(rows)
        levels = [Level(name) for name in data.index["level"][rows]]
        got = model.probabilities(inputs["image"], inputs["coords"], levels)
        assert got == pytest.approx(shown[rows], abs=5 * tolerance)
    return model


def test_the_model_file_says_what_the_predictions_say(run, tmp_path):
    model = exported(run, tmp_path)
    assert model.metadata.temperature == Run.open(run).temperature != 1


def test_a_weighted_loss_views_and_a_sequence_are_inside_the_model_file(prepared, tmp_path):
    options = replace(
        TINY,
        loss="weighted", views=2, slices="sequence", lstm=2, blocks=1, activation="leaky_relu",
    )  # fmt: skip
    train(prepared, tmp_path / "run", options, quiet)
    exported(tmp_path / "run", tmp_path)


def test_the_model_file_says_where_an_unusual_condition_is_graded(run, tmp_path):
    assert exported(run, tmp_path).metadata.series == {}
    finished, path = Run.open(run), tmp_path / "other.onnx"
    data = finished.data()
    told = {"series": {"left_subarticular_stenosis": "Sagittal T1"}}
    export_onnx(finished, replace(data, report={**data.report, **told}), path, **TEXTS)
    metadata = load_model(path).metadata
    assert metadata.series_of(Condition.LEFT_SUBARTICULAR) == "Sagittal T1"
    assert "lumbar subarticular stenosis on sagittal T1 MRI" in metadata.intended_use


@pytest.mark.parametrize(("precision", "share"), [("fp16", 0.6), ("int8", 0.4)])
def test_weights_of_fewer_bits_make_a_smaller_file(precision, share, run, tmp_path):
    model = exported(run, tmp_path, tolerance=1e-2, precision=precision)
    assert model.metadata.training["precision"] == precision
    small = (tmp_path / "m.onnx").stat().st_size
    exported(run, tmp_path)
    assert small < share * (tmp_path / "m.onnx").stat().st_size


@pytest.mark.parametrize(
    ("backbone", "until"),
    [("mobilenet", "conv_pw_3_relu"), pytest.param("vgg16", "", marks=pytest.mark.slow)],
)
def test_ready_made_networks_train_export_and_agree(backbone, until, larger, tmp_path):
    options = replace(TINY, backbone=backbone, until=until, weights="none", batch_size=16)
    train(larger, tmp_path / "run", options, quiet)
    exported(tmp_path / "run", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["custom", *APPLICATIONS])
def test_every_network_trains_on_phantoms_exports_and_agrees(backbone, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp() / "phantoms_80"
    spec = InputSpec(size=(80, 80), field_mm=(30, 30))
    if not folder.exists():
        write_phantoms(folder / "in", 10, seed=1, sagittal=False, matrix=160, slices=3)
        prepare(folder / "in", folder / "out", PrepareOptions(mirror=True, spec=spec))
    data = Prepared.open(folder / "out")
    run = tmp_path_factory.mktemp(backbone) / "run"
    train(
        data,
        run,
        TrainingOptions(backbone=backbone, weights="none", epochs=1, batch_size=16),
        quiet,
    )
    exported(run, run.parent)


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
    levels = metadata.training["levels"]
    assert list(levels) == list(map(str, Level))
    for grade in Severity:
        counts = [counts[str(grade)] for counts in levels.values()]
        assert sum(counts) == metadata.training["parts"]["train"][str(grade)] > 0
    assert metadata.training["largest_difference_to_keras"] <= 1e-4
    assert set(metadata.metrics) == {"validation", "test"}
    assert "Not a medical device" in metadata.intended_use
    # No identifiers: neither studies nor the folders of this machine.
    assert not any(word in metadata.to_json() for word in ("1000", str(run.parent)))

    graph = onnx.load(tmp_path / "m.onnx").graph
    assert {value.name for value in graph.input} == {"image", "coords"}
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    assert [value.name for value in graph.output] == ["prob"]


def test_the_model_file_knows_what_its_training_inputs_look_like(run, tmp_path):
    model = exported(run, tmp_path)
    data = Run.open(run).data()
    known = model.metadata.ood
    held_out = data.inputs(data.rows("test"))["image"]
    assert (known.score(held_out) > 1).mean() < 0.1
    assert (known.score(1 - held_out) > 1).all()
    assert len(model.metadata.to_json()) < 60_000


def test_the_level_becomes_an_input(tmp_path):
    source = image_table(tmp_path / "in", studies=10)
    spec = type(SPEC)(size=(16, 12), field_mm=(24, 18), neighbours=0, level=True)
    prepare(source, tmp_path / "out", PrepareOptions(spec=spec))
    train(Prepared.open(tmp_path / "out"), tmp_path / "run", TINY, quiet)
    finished = Run.open(tmp_path / "run")
    export_onnx(finished, finished.data(), tmp_path / "m.onnx", **TEXTS)
    assert load_model(tmp_path / "m.onnx").metadata.input.level


def test_a_network_that_answers_differently_is_never_written(run, tmp_path, monkeypatch):
    monkeypatch.setitem(export.TOLERANCE, "float32", -1.0)
    finished = Run.open(run)
    with pytest.raises(RuntimeError, match="differs"):
        export_onnx(finished, finished.data(), tmp_path / "m.onnx", **TEXTS)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_to_is_said_first(run, tmp_path):
    finished = Run.open(run)
    with pytest.raises(OutputError, match="does not exist"):
        export_onnx(finished, finished.data(), tmp_path / "no" / "m.onnx", **TEXTS)


def test_sides_are_graded_by_mirroring_unless_they_were_learnt():
    left, right = Condition.LEFT_SUBARTICULAR, Condition.RIGHT_SUBARTICULAR
    assert handling_of([left]) == {left: "as is", right: "mirrored"}
    assert handling_of([left, right]) == {left: "as is", right: "as is"}
    assert handling_of([Condition.SPINAL_CANAL]) == {Condition.SPINAL_CANAL: "as is"}
