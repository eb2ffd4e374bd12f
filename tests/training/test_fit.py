import dataclasses
import json

import keras
import numpy as np
import pandas as pd
import pytest

from lss_cli.dataset.prepare import PrepareOptions, prepare
from lss_cli.dataset.prepared import Prepared
from lss_cli.errors import DataError, OutputError, UsageError
from lss_cli.training.fit import train
from lss_cli.training.loop import Training
from lss_cli.training.options import TrainingOptions
from tests.dataset.handmade import image_table
from tests.training.conftest import SPEC, quiet

GRADES = ["normal_mild", "moderate", "severe"]


def predictions(folder) -> pd.DataFrame:
    return pd.read_csv(folder / "predictions.csv", dtype={"study_id": str})


def history(folder) -> pd.DataFrame:
    return pd.read_csv(folder / "history.csv")


def test_a_run_folder_holds_everything(run, prepared):
    assert sorted(path.name for path in run.iterdir()) == [
        "config.json",
        "figures",
        "history.csv",
        "metrics.json",
        "model.keras",
        "predictions.csv",
    ]
    assert (run / "figures" / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert history(run)["epoch"].tolist() == [1, 2]
    assert {"stage", "loss", "val_loss", "val_accuracy", "learning_rate"} <= set(history(run))

    config = json.loads((run / "config.json").read_text())
    assert config["options"]["epochs"] == 2
    assert config["options"]["seed"] == 0
    assert config["data"]["fingerprint"] == prepared.report["fingerprint"]
    assert config["data"]["counts"]["test"]["studies"] == 2
    assert config["input"] == json.loads(json.dumps(SPEC.to_json()))
    assert {"lss-cli", "tensorflow", "keras"} <= set(config["versions"])
    assert 0.25 <= config["temperature"] <= 4
    assert config["start"] == {"weights": "none"}

    table = predictions(run)
    assert list(table.columns) == [
        *("row_id", "study_id", "condition", "level", "split", "severity"),
        *GRADES,
    ]
    assert table["row_id"].tolist() == prepared.index["row_id"].tolist()
    assert table[GRADES].sum(axis=1).to_numpy() == pytest.approx(np.ones(len(table)), abs=1e-5)


def test_the_figures_are_those_of_the_predictions(run):
    found = json.loads((run / "metrics.json").read_text())
    assert set(found) == {"train", "validation", "test"}
    table = predictions(run)
    rows = table[table["split"] == "test"]
    columns = {"Normal/Mild": "normal_mild", "Moderate": "moderate", "Severe": "severe"}
    share = (rows[GRADES].idxmax(axis=1) == rows["severity"].map(columns)).mean()
    assert found["test"]["model"]["accuracy"] == pytest.approx(share)
    assert found["test"]["model"]["rows"] == len(rows) == 10
    assert found["test"]["studies"] == 2
    assert 0 < found["test"]["prior_by_level"]["log_loss"] < 2


def test_one_seed_gives_one_network(run, prepared, tmp_path):
    steps = []
    train(prepared, tmp_path / "again", TrainingOptions(epochs=2), steps.append)
    for name in ("predictions.csv", "history.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (run / name).read_bytes()
    ends = [step for step in steps if step.epoch]
    assert [step.what for step in ends] == ["epoch 1/2", "epoch 2/2"]
    assert all(step.rate > 0 for step in steps)
    assert ends[0].seconds_left > ends[1].seconds_left == 0

    train(prepared, tmp_path / "other", TrainingOptions(epochs=2, seed=1), quiet)
    assert not predictions(tmp_path / "other").equals(predictions(run))


def test_a_network_learns_what_can_be_seen(prepared, tmp_path):
    found = train(prepared, tmp_path / "run", TrainingOptions(epochs=8, augment=0.0), quiet)
    assert found["test"]["model"]["accuracy"] > found["test"]["prior_by_level"]["accuracy"]
    assert found["test"]["model"]["log_loss"] < found["test"]["prior_by_level"]["log_loss"]


def test_averaged_weights_lie_between_those_of_the_steps(prepared):
    """With so little memory the mean is the last step; with much, near where it began."""
    ends = {}
    for average in (0.0, 1e-6, 0.9):
        options = TrainingOptions(epochs=1, average=average, filters=2, patience=0)
        network = Training(prepared, options, quiet).run()
        ends[average] = network.get_layer("head_1").get_weights()[0]
    assert ends[1e-6] == pytest.approx(ends[0.0], abs=1e-5)
    assert np.abs(ends[0.9] - ends[0.0]).max() > 1e-4


class InterruptionError(Exception):
    """A kill that can be caught."""


def interrupted_after(epochs):
    def watch(step):
        if step.epoch and step.epoch.epoch == epochs:
            raise InterruptionError

    return watch


@pytest.mark.parametrize(
    "options",
    [
        TrainingOptions(
            epochs=3, dropout=0.3, optimizer="adamw", weight_decay=1e-3, mixup=0.5, views=2
        ),
        TrainingOptions(epochs=3, learning_rate=0.01, average=0.9, patience=0),
        pytest.param(
            TrainingOptions(epochs=3, optimizer="sgd", schedule="cosine", loss="focal", cutmix=0.5),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_resumed_training_ends_as_one_that_was_never_interrupted(prepared, tmp_path, options):
    train(prepared, tmp_path / "whole", options, quiet)
    broken = tmp_path / "broken"
    for epoch in (1, 2):
        with pytest.raises(InterruptionError):
            train(prepared, broken, options, interrupted_after(epoch), resume=epoch > 1)
    with pytest.raises(OutputError, match=r"not finished.*--resume"):
        train(prepared, broken, options, quiet)
    train(prepared, broken, options, quiet, resume=True)
    for name in ("history.csv", "predictions.csv", "metrics.json"):
        assert (broken / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not (broken / "state").exists()


@pytest.mark.slow
def test_stages_are_resumed_too(larger, mobilenet_weights, tmp_path):
    options = TrainingOptions(
        backbone="mobilenet", weights=str(mobilenet_weights),
        epochs=2, fine_tune_epochs=2, copies=2, unfreeze_from="conv_pw_12", dropout=0.2,
    )  # fmt: skip
    train(larger, tmp_path / "whole", options, quiet)
    assert history(tmp_path / "whole")["stage"].tolist() == ["head", "head", "fine", "fine"]
    rates = history(tmp_path / "whole")["learning_rate"]
    assert rates[2] == pytest.approx(rates[0] * options.fine_tune_rate)
    broken = tmp_path / "broken"
    for epoch in (1, 2, 3):
        with pytest.raises(InterruptionError):
            train(larger, broken, options, interrupted_after(epoch), resume=epoch > 1)
    train(larger, broken, options, quiet, resume=True)
    for name in ("history.csv", "predictions.csv"):
        assert (broken / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_frozen_backbone_stays_as_it_is_and_is_run_once(larger, mobilenet_weights, tmp_path):
    options = TrainingOptions(
        backbone="mobilenet", weights=str(mobilenet_weights), freeze=True, epochs=2, copies=2
    )
    steps = []
    training = Training(larger, options, steps.append, features=tmp_path)
    network = training.run()
    rows = [len(larger.rows(part)) for part in ("train", "validation")]
    images = [step for step in steps if step.what == "features"]
    assert images[-1].done == images[-1].total == 2 * rows[0] + rows[1]
    backbone = network.get_layer("backbone")
    start = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(32, 32, 3))
    start.load_weights(mobilenet_weights)
    for got, want in zip(backbone.get_weights(), start.get_weights(), strict=True):
        assert (got == want).all()

    steps.clear()
    again = Training(larger, options, steps.append, features=tmp_path).run()
    assert not any(step.what == "features" for step in steps)
    for got, want in zip(again.get_weights(), network.get_weights(), strict=True):
        assert (got == want).all()

    # Two layers without weights of their own: the same weights before them, other features.
    for layer in ("conv_pw_9_bn", "conv_pw_9_relu"):
        steps.clear()
        short = dataclasses.replace(options, until=layer)
        Training(larger, short, steps.append, features=tmp_path).run()
        assert any(step.what == "features" for step in steps)


def test_resuming_takes_the_data_that_it_began_with(prepared, larger, tmp_path):
    with pytest.raises(OutputError, match="no run to go on with"):
        train(prepared, tmp_path / "run", TrainingOptions(), quiet, resume=True)
    with pytest.raises(InterruptionError):
        train(prepared, tmp_path / "run", TrainingOptions(epochs=2), interrupted_after(1))
    with pytest.raises(DataError, match="not the data that the run began with"):
        train(larger, tmp_path / "run", TrainingOptions(epochs=2), quiet, resume=True)
    with pytest.raises(DataError, match="another network"):
        train(prepared, tmp_path / "run", TrainingOptions(epochs=2, blocks=2), quiet, resume=True)


def test_a_run_is_never_overwritten(run, prepared):
    before = (run / "model.keras").read_bytes()
    for resume in (False, True):
        with pytest.raises(OutputError, match="already holds a run"):
            train(prepared, run, TrainingOptions(epochs=1), quiet, resume=resume)
    assert (run / "model.keras").read_bytes() == before


def test_a_loss_that_is_no_number_ends_the_training_and_says_where(prepared, tmp_path):
    endless = TrainingOptions(epochs=3, learning_rate=float("inf"))
    with pytest.raises(DataError, match=r"epoch 1/3, batch \d.*smaller --learning-rate"):
        train(prepared, tmp_path / "run", endless, quiet)
    assert not (tmp_path / "run").exists()


def test_the_last_good_state_outlives_a_loss_that_is_no_number(prepared, tmp_path):
    out, options = tmp_path / "run", TrainingOptions(epochs=3)
    with pytest.raises(InterruptionError):
        train(prepared, out, options, interrupted_after(2))
    endless = dataclasses.replace(options, learning_rate=float("inf"))
    with pytest.raises(DataError, match=r"state after epoch 2 is kept.*--resume"):
        train(prepared, out, endless, quiet, resume=True)
    train(prepared, out, options, quiet, resume=True)
    assert history(out)["epoch"].tolist() == [1, 2, 3]


def test_too_little_memory_is_said_with_its_cure(prepared, tmp_path, monkeypatch):
    def full(*_):
        raise MemoryError

    monkeypatch.setattr(keras.Model, "train_on_batch", full)
    with pytest.raises(DataError, match=r"not enough memory.*smaller --batch-size"):
        train(prepared, tmp_path / "run", TrainingOptions(epochs=1), quiet)


def test_half_precision_wants_a_gpu(prepared, tmp_path):
    with pytest.raises(UsageError, match="wants a GPU"):
        train(prepared, tmp_path / "run", TrainingOptions(precision="mixed"), quiet)


def test_logs_for_tensorboard(prepared, tmp_path):
    train(prepared, tmp_path / "run", TrainingOptions(epochs=1), quiet, tensorboard=True)
    (log,) = (tmp_path / "run" / "tensorboard").iterdir()
    assert b"val_loss" in log.read_bytes()


@pytest.mark.parametrize(
    ("studies", "proportions", "drop", "message"),
    [
        (1, (80, 10, 10), "", "one study only"),
        (3, (1, 0, 0), "", "validation part is empty"),
        (10, (80, 10, 10), "Severe", "no row of Severe"),
    ],
)
def test_data_that_cannot_be_trained_on(tmp_path, studies, proportions, drop, message):
    source = image_table(tmp_path / "in", studies=studies)
    lines = source.read_text().splitlines(keepends=True)
    source.write_text("".join(line for line in lines if not drop or drop not in line))
    prepare(source, tmp_path / "out", PrepareOptions(spec=SPEC, proportions=proportions))
    with pytest.raises(DataError, match=message):
        train(Prepared.open(tmp_path / "out"), tmp_path / "run", TrainingOptions(epochs=1), quiet)
    assert not (tmp_path / "run").exists()


def test_the_model_file_holds_no_code_and_no_optimiser(run):
    network = keras.saving.load_model(run / "model.keras", safe_mode=True)
    assert network.output.shape == (None, 3)
    assert getattr(network, "optimizer", None) is None


def test_a_network_trained_in_half_precision_is_kept_in_full(prepared, tmp_path, monkeypatch):
    devices = {"GPU": ["pretended"], None: []}
    monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda kind=None: devices[kind])
    train(
        prepared, tmp_path / "run", TrainingOptions(epochs=1, precision="mixed", filters=2), quiet
    )
    network = keras.saving.load_model(tmp_path / "run" / "model.keras", safe_mode=True)
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}
    assert keras.mixed_precision.global_policy().name == "float32"
