import io
import json
import signal
import sqlite3
import subprocess
import sys
import textwrap
import tomllib
from contextlib import closing
from dataclasses import replace

import pandas as pd
import pytest
from rich.console import Console

from lss_cli.cli.tune import _table
from lss_cli.errors import DataError, UsageError
from lss_cli.evaluation.metrics import key_metrics
from lss_cli.evaluation.predictions import read_predictions
from lss_cli.options import Range
from lss_cli.training.options import TrainingOptions
from lss_cli.training.space import default_space, space_json
from lss_cli.training.trials import FIGURES, HIGH, LOW, Trial
from lss_cli.training.tune import TuningRequest, possible_strategies, tune
from tests.processes import wait_for
from tests.training.conftest import quiet

BASE = TrainingOptions(epochs=2, blocks=2, filters=2)
SPACE = {
    "learning_rate": Range(1e-4, 1e-2, log=True),
    "dense": ((4,), (8, 4)),
    "blocks": Range(1, 2),
    "activation": ("relu", "tanh"),
}


def search(data, out, trials, on_progress=quiet, base=BASE, space=SPACE, **more):
    shown = []
    request = TuningRequest(base, space, trials, **more)
    tuned = tune(data, out, request, shown.append, on_progress)
    return tuned, shown


def test_a_search_is_interrupted_and_continued(prepared, tmp_path):
    out = tmp_path / "tuning"

    def interrupt(progress):
        if progress.what.startswith("trial 2, epoch 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(prepared, out, 3, interrupt)
    assert len(pd.read_csv(out / "trials.csv")) == 1

    tuned, shown = search(prepared, out, 3)
    assert [len(trials) for trials in shown] == [3, 4]
    states = [trial.state for trial in tuned.trials]
    assert states == ["complete"] * 3 + ["interrupted"]
    losses = [trial.value for trial in tuned.trials[:3]]
    assert losses == sorted(losses)
    # What was interrupted is tried again.
    tried = [trial.params["learning_rate"] for trial in tuned.trials]
    assert len(set(tried)) == 3
    assert tried[3] in tried[:3]

    best = TrainingOptions.from_mapping(tomllib.loads((out / "best.toml").read_text()), "best.toml")
    assert replace(best, epochs=2) == tuned.best
    assert best.learning_rate == tuned.trials[0].params["learning_rate"]
    # Two were enough for the search.
    assert (best.filters, best.epochs) == (2, 10)
    assert search(prepared, out, 3)[1] == []

    with pytest.raises(UsageError, match="search of other data, options or another space"):
        search(prepared, out, 3, base=TrainingOptions())


@pytest.mark.slow
def test_importance_is_told_when_there_are_enough_trials(prepared, tmp_path):
    small = TrainingOptions(epochs=1, blocks=1, filters=1, dense=(2,))
    space = {"learning_rate": Range(1e-5, 1e-2), "activation": ("relu", "tanh")}
    tuned, _ = search(prepared, tmp_path / "tuning", 4, base=small, space=space)
    assert sum(tuned.importance.values()) == pytest.approx(1)
    table = pd.read_csv(tmp_path / "tuning" / "importance.csv")
    assert set(table["option"]) == set(space)


@pytest.mark.slow
def test_all_trials_with_a_backbone_start_as_the_first_did(larger, tmp_path, monkeypatch):
    """The first of them offline, the second, later, with internet again."""
    base = TrainingOptions(epochs=1, backbone="mobilenet", until="conv1_relu")
    told = []

    def offline(*_):
        raise UsageError("no internet.", todo="Give --weights FILE.")

    for trials, fetch in ((1, offline), (2, pytest.fail)):
        monkeypatch.setattr("lss_cli.training.start.load_imagenet", fetch)
        space = {"dropout": Range(0.0, 0.5)}
        request = TuningRequest(base, space, trials)
        tuned = tune(larger, tmp_path, request, lambda _: None, quiet, told.append)
    assert len(told) == 1
    assert "Warning: no internet. The network starts from random weights" in told[0]
    assert pd.read_csv(tmp_path / "trials.csv")["start"].tolist() == ["random", "random"]
    assert tuned.best.weights == "none"


def test_trials_whose_loss_is_no_number_do_not_end_the_search(prepared, tmp_path):
    space = {"learning_rate": (float("inf"),)}
    with pytest.raises(DataError, match="every trial failed"):
        search(prepared, tmp_path / "tuning", 1, space=space)


def test_all_strategies_are_measured_by_the_same_rows(prepared, tmp_path):
    small = TrainingOptions(epochs=1, blocks=1, filters=1, dense=(2,))
    space = {"strategy": ("random", "equal-train"), "epochs": (1,)}
    tuned, _ = search(prepared, tmp_path, 9, base=small, space=space)
    assert {trial.params["strategy"] for trial in tuned.trials} == set(space["strategy"])
    first, second = (pd.read_csv(path) for path in tmp_path.glob("trials/*/predictions.csv"))
    assert first["row_id"].tolist() == second["row_id"].tolist()
    assert set(first["split"]) == {"validation"}
    best = tomllib.loads((tmp_path / "best.toml").read_text())
    assert best["strategy"] == tuned.trials[0].params["strategy"]
    assert best["epochs"] == 1


def test_a_balanced_training_part_is_not_dealt_anew(prepared):
    assert possible_strategies(prepared) == ("random", "stratified", "equal-train")
    balanced = replace(prepared, report=dict(prepared.report) | {"strategy": "equal-train"})
    assert possible_strategies(balanced) == ()


@pytest.fixture(scope="module")
def searched(prepared, tmp_path_factory, lss):
    """The folder of a search by the command, and what it printed."""
    folder = tmp_path_factory.mktemp("searched")
    space, out = folder / "space.toml", folder / "tuning"
    space.write_text('activation = ["relu", "tanh"]\ndense = [[8, 4]]\n')
    code, stdout, err = lss(
        *("tune", "--data", prepared.folder, "--trials", "20", "--space", space, "--out", out),
        *("--epochs", "1", "--filters", "2"),
    )
    assert code == 0, err
    assert "trial 2, epoch 1/1" in err
    return out, stdout


def test_a_small_space_of_lists_is_tried_whole(searched):
    out, stdout = searched
    table = pd.read_csv(out / "trials.csv")
    assert sorted(table["activation"]) == ["relu", "tanh"]
    assert set(table["state"]) == {"complete"}
    # What the trials have in common and the base has not is told too.
    assert "dense=8-4" in stdout


def test_every_trial_has_its_figures_and_its_predictions(searched, tmp_path, lss):
    out, _ = searched
    table = pd.read_csv(out / "trials.csv").set_index("trial")
    assert (table["val_loss_low"] <= table["val_loss"]).all()
    assert (table["val_loss"] <= table["val_loss_high"]).all()
    code, _, err = lss(
        *("compare", out / "trials" / "1", out / "trials" / "2", "--split", "validation"),
        *("--csv", tmp_path / "compared.csv"),
    )
    assert code == 0, err
    compared = pd.read_csv(tmp_path / "compared.csv")
    for number in (1, 2):
        predictions = read_predictions(out / "trials" / str(number) / "predictions.csv")
        part = predictions.part("validation")
        metrics = key_metrics(part.labels, part.probabilities)
        told = table.loc[number]
        assert told["val_loss"] == pytest.approx(metrics["log_loss"], abs=1e-4)
        assert told["val_accuracy"] == pytest.approx(metrics["accuracy"])
        auc = metrics["auc_at_least_moderate"]
        assert told["val_auc_at_least_moderate"] == pytest.approx(auc, abs=1e-4)
    assert len(compared) > 0


def test_train_takes_what_was_found_for_as_long_as_usual(searched, prepared, tmp_path, lss):
    out, _ = searched
    assert "epochs" not in tomllib.loads((out / "best.toml").read_text())
    code, _, err = lss(
        *("train", "--data", prepared.folder, "--config", out / "best.toml"),
        *("--out", tmp_path / "run", "--patience", "0"),
    )
    assert code == 0, err
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["epochs_done"] == TrainingOptions().epochs


# As `lss tune`, in less of a hurry than it is in a test.
COMMAND = """
    import sys
    from lss_cli.cli.main import main
    from lss_cli.training import search
    search.BEAT_S, search.LOST_S, search.POLL_S = 1.0, 8.0, 0.5
    main(["tune", *sys.argv[1:]])
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_of_two_commands_one_is_killed_in_a_trial_and_the_other_does_everything(prepared, tmp_path):
    space, url = tmp_path / "space.toml", f"sqlite:///{tmp_path}/search.db"
    space.write_text('activation = ["relu", "tanh"]\nbatch_size = [16, 32, 64]\n')

    def start(name):
        options = ["--data", prepared.folder, "--space", space, "--trials", "6", "--storage", url]
        small = ["--epochs", "1", "--filters", "2", "--out", tmp_path / name]
        code = [sys.executable, "-c", textwrap.dedent(COMMAND)]
        return subprocess.Popen([*code, *options, *small])

    def running():
        if not (tmp_path / "search.db").exists():
            return []
        with closing(sqlite3.connect(tmp_path / "search.db")) as database:
            try:
                return database.execute("SELECT 1 FROM trials WHERE state = 'RUNNING'").fetchall()
            except sqlite3.OperationalError:  # the tables are being made
                return []

    killed = survivor = start("killed")
    try:
        wait_for(running, 120)
        # It is in a trial, and cannot come to its end any more.
        killed.send_signal(signal.SIGSTOP)
        assert running()
        survivor = start("survivor")
        killed.kill()
        assert survivor.wait(600) == 0
    finally:
        for process in (killed, survivor):
            process.kill()
            process.wait()
    table = pd.read_csv(tmp_path / "survivor" / "trials.csv")
    complete = table[table["state"] == "complete"]
    assert len(complete) == 6
    assert not complete.duplicated(["activation", "batch_size"]).any()
    assert (table["state"] == "lost").sum() == 1
    own = {int(path.name) for path in (tmp_path / "survivor" / "trials").iterdir()}
    assert own <= set(complete["trial"])
    best = tomllib.loads((tmp_path / "survivor" / "best.toml").read_text())
    assert best["activation"] == complete.iloc[0]["activation"]


def test_what_is_set_is_not_searched(prepared, tmp_path, lss):
    space = tmp_path / "space.toml"
    space.write_text('activation = ["relu", "tanh"]\n')
    code, _, err = lss("tune", "--space", space, "--activation", "relu")
    assert code == 2
    assert "activation is both searched (--space) and set" in err
    assert "epochs" not in default_space(TrainingOptions(), {"epochs"})


def test_the_table_is_whole_on_80_columns():
    space = default_space(TrainingOptions())
    params = {
        name: search.high if isinstance(search, Range) else space_json(space)[name][-1]
        for name, search in space.items()
    }
    metrics = {LOW: 0.61234, HIGH: 0.81234} | dict.fromkeys(FIGURES, 0.7512)
    trials = [Trial(12, "complete", 0.712345, params, metrics)]
    trials.append(Trial(7, "pruned", None, params, dict.fromkeys(metrics)))
    screen = Console(file=io.StringIO(), width=80)
    screen.print(_table(trials, TrainingOptions()))
    text = screen.file.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    words = " ".join(text.split())
    for name in params:
        assert words.count(f" {name}=") == 2, name
    assert "0.712 0.61–0.81 0.751 0.751" in words
