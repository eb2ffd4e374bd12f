import json
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest

from lss_cli.dataset.folds import UNUSED
from lss_cli.dataset.prepare import PrepareOptions, prepare
from lss_cli.dataset.prepared import Prepared
from lss_cli.dataset.redeal import redeal
from lss_cli.errors import DataError, UsageError
from lss_cli.training.crossval import train_folds
from lss_cli.training.options import TrainingOptions
from lss_cli.training.run import Run
from lss_cli.training.train import train
from tests.dataset.handmade import image_table
from tests.training.conftest import SPEC, TINY, quiet

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
    columns = ["epoch", "stage", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"]
    assert list(history(run)) == columns
    assert history(run)["accuracy"].between(0.2, 1).all()

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
    metrics = json.loads((run / "metrics.json").read_text())
    assert set(metrics) == {"train", "validation", "test"}
    table = predictions(run)
    rows = table[table["split"] == "test"]
    columns = {"Normal/Mild": "normal_mild", "Moderate": "moderate", "Severe": "severe"}
    share = (rows[GRADES].idxmax(axis=1) == rows["severity"].map(columns)).mean()
    assert metrics["test"]["model"]["accuracy"] == pytest.approx(share)
    assert metrics["test"]["model"]["rows"] == len(rows) == 10
    assert metrics["test"]["studies"] == 2
    assert 0 < metrics["test"]["prior_by_level"]["log_loss"] < 2


def test_a_run_is_dealt_as_its_options_say_and_remembers_it(prepared, tmp_path):
    options = replace(TINY, strategy="equal-train")
    train(prepared, tmp_path / "run", options, quiet)
    dealt = redeal(prepared, "equal-train").index
    assert dealt["split"].tolist() != prepared.index["split"].tolist()
    wrote = predictions(tmp_path / "run")
    used = dealt[dealt["split"] != UNUSED]
    assert wrote["row_id"].tolist() == used["row_id"].tolist()
    assert wrote["split"].tolist() == used["split"].tolist()
    assert Run.open(tmp_path / "run").data().index["split"].tolist() == dealt["split"].tolist()


def test_folds_and_a_strategy_contradict_each_other(prepared, tmp_path):
    with pytest.raises(UsageError, match="--strategy prepared"):
        train_folds(prepared, tmp_path / "run", TrainingOptions(strategy="random"), quiet)
    assert not (tmp_path / "run").exists()


def test_one_seed_gives_one_network(run, prepared, tmp_path):
    told = []
    train(prepared, tmp_path / "again", TrainingOptions(epochs=2), told.append)
    for name in ("predictions.csv", "history.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (run / name).read_bytes()
    ends = [progress for progress in told if progress.epoch]
    assert [progress.what for progress in ends] == ["epoch 1/2", "epoch 2/2"]
    assert all(progress.rate > 0 for progress in told)
    assert ends[0].seconds_left > ends[1].seconds_left == 0

    train(prepared, tmp_path / "other", TrainingOptions(epochs=2, seed=1), quiet)
    assert not predictions(tmp_path / "other").equals(predictions(run))


def test_a_network_learns_what_can_be_seen(prepared, tmp_path):
    metrics = train(prepared, tmp_path / "run", TrainingOptions(epochs=8, augment=0.0), quiet)
    assert metrics["test"]["model"]["accuracy"] > metrics["test"]["prior_by_level"]["accuracy"]
    assert metrics["test"]["model"]["log_loss"] < metrics["test"]["prior_by_level"]["log_loss"]


def test_logs_for_tensorboard(prepared, tmp_path):
    train(prepared, tmp_path / "run", TINY, quiet, tensorboard=True)
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
    train(prepared, tmp_path / "run", replace(TINY, precision="mixed"), quiet)
    network = keras.saving.load_model(tmp_path / "run" / "model.keras", safe_mode=True)
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}
    assert keras.mixed_precision.global_policy().name == "float32"
