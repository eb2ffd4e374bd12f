import json

import keras
import numpy as np
import pandas as pd
import pytest

from lss_cli.dataset.cache import Prepared
from lss_cli.dataset.prepare import Options as PrepareOptions
from lss_cli.dataset.prepare import prepare
from lss_cli.errors import DataError, OutputError
from lss_cli.training.fit import Options, train
from tests.dataset.sources import image_table
from tests.training.conftest import SPEC


def quiet(line: str) -> None:
    pass


def predictions(folder) -> pd.DataFrame:
    return pd.read_csv(folder / "predictions.csv", dtype={"study_id": str})


def test_a_run_folder_holds_everything(run, prepared):
    assert sorted(path.name for path in run.iterdir()) == [
        "config.json",
        "history.csv",
        "metrics.json",
        "model.keras",
        "predictions.csv",
    ]
    history = pd.read_csv(run / "history.csv")
    assert history["epoch"].tolist() == [1, 2]
    assert {"loss", "val_loss", "learning_rate"} <= set(history.columns)

    config = json.loads((run / "config.json").read_text())
    assert config["options"]["epochs"] == 2
    assert config["data"]["fingerprint"] == prepared.report["fingerprint"]
    assert config["input"] == json.loads(json.dumps(SPEC.to_json()))
    assert {"lss-cli", "tensorflow", "keras"} <= set(config["versions"])

    table = predictions(run)
    assert list(table.columns) == [
        *("row_id", "study_id", "condition", "level", "split", "severity"),
        *("normal_mild", "moderate", "severe"),
    ]
    assert table["row_id"].tolist() == prepared.index["row_id"].tolist()
    sums = table[["normal_mild", "moderate", "severe"]].sum(axis=1)
    assert sums.to_numpy() == pytest.approx(np.ones(len(table)), abs=1e-5)


def test_the_figures_are_those_of_the_predictions(run):
    found = json.loads((run / "metrics.json").read_text())
    assert set(found) == {"train", "validation", "test"}
    table = predictions(run)
    rows = table[table["split"] == "test"]
    columns = {"Normal/Mild": "normal_mild", "Moderate": "moderate", "Severe": "severe"}
    likely = rows[list(columns.values())].idxmax(axis=1)
    share = (likely == rows["severity"].map(columns)).mean()
    assert found["test"]["model"]["accuracy"] == pytest.approx(share)
    assert found["test"]["model"]["rows"] == len(rows) == 10
    assert found["test"]["studies"] == 2
    assert 0 < found["test"]["prior_by_level"]["log_loss"] < 2


def test_one_seed_gives_one_network(run, prepared, tmp_path):
    lines = []
    train(prepared, tmp_path / "again", Options(epochs=2), lines.append)
    for name in ("predictions.csv", "history.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (run / name).read_bytes()
    assert [line.split(":")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]

    train(prepared, tmp_path / "other", Options(epochs=2, seed=1), quiet)
    assert not predictions(tmp_path / "other").equals(predictions(run))


def test_a_network_learns_what_can_be_seen(prepared, tmp_path):
    found = train(prepared, tmp_path / "run", Options(epochs=8, augment=False), quiet)
    assert found["test"]["model"]["accuracy"] > found["test"]["prior_by_level"]["accuracy"]
    assert found["test"]["model"]["log_loss"] < found["test"]["prior_by_level"]["log_loss"]


def test_a_run_is_never_overwritten(run, prepared):
    before = (run / "model.keras").read_bytes()
    with pytest.raises(OutputError, match="already holds a run"):
        train(prepared, run, Options(epochs=1), quiet)
    assert (run / "model.keras").read_bytes() == before


def test_a_loss_that_is_no_number_ends_the_training(prepared, tmp_path):
    with pytest.raises(DataError, match="smaller --learning-rate"):
        train(prepared, tmp_path / "run", Options(epochs=3, learning_rate=float("inf")), quiet)
    assert not list((tmp_path / "run").iterdir())


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
        train(Prepared.open(tmp_path / "out"), tmp_path / "run", Options(epochs=1), quiet)
    assert not (tmp_path / "run").exists()


def test_the_model_file_holds_no_code(run):
    network = keras.saving.load_model(run / "model.keras", compile=False, safe_mode=True)
    assert network.output.shape == (None, 3)
