import tomllib

import pandas as pd
import pytest

from lss_cli.errors import DataError, UsageError
from lss_cli.options import Range
from lss_cli.training.options import TrainingOptions
from lss_cli.training.tune import tune
from tests.training.conftest import quiet

BASE = TrainingOptions(epochs=2, blocks=2, filters=2)
SPACE = {
    "learning_rate": Range(1e-4, 1e-2, log=True),
    "dense": ((4,), (8, 4)),
    "blocks": Range(1, 2),
    "activation": ("relu", "tanh"),
}


def search(data, out, trials, on_progress=quiet, base=BASE, space=SPACE):
    shown = []
    tuned = tune(data, out, base, space, trials, shown.append, on_progress)
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
    assert states == ["complete"] * 3 + ["failed"]
    losses = [trial.value for trial in tuned.trials[:3]]
    assert losses == sorted(losses)
    tried = {trial.params["learning_rate"] for trial in tuned.trials}
    assert len(tried) == 4

    best = TrainingOptions.from_mapping(tomllib.loads((out / "best.toml").read_text()), "best.toml")
    assert best == tuned.best
    assert best.learning_rate == tuned.trials[0].params["learning_rate"]
    assert (best.filters, best.epochs) == (2, 2)
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


def test_all_trials_with_a_backbone_start_as_the_first_did(larger, tmp_path, monkeypatch):
    """The first of them offline, the second, later, with internet again."""
    base = TrainingOptions(epochs=1, backbone="mobilenet", until="conv1_relu")
    told = []

    def offline(*_):
        raise UsageError("no internet.", todo="Give --weights FILE.")

    for trials, fetch in ((1, offline), (2, pytest.fail)):
        monkeypatch.setattr("lss_cli.training.start.load_imagenet", fetch)
        space = {"dropout": Range(0.0, 0.5)}
        tuned = tune(larger, tmp_path, base, space, trials, lambda _: None, quiet, told.append)
    assert len(told) == 1
    assert "Warning: no internet. The network starts from random weights" in told[0]
    assert pd.read_csv(tmp_path / "trials.csv")["start"].tolist() == ["random", "random"]
    assert tuned.best.weights == "none"


def test_trials_whose_loss_is_no_number_do_not_end_the_search(prepared, tmp_path):
    space = {"learning_rate": (float("inf"),)}
    with pytest.raises(DataError, match="every trial failed"):
        search(prepared, tmp_path / "tuning", 1, space=space)


def test_the_command_searches_and_train_takes_what_it_found(prepared, tmp_path, lss):
    space, out = tmp_path / "space.toml", tmp_path / "tuning"
    space.write_text('activation = ["relu", "tanh"]\ndense = [[4], [8, 4]]\n')
    code, stdout, err = lss(
        *("tune", "--data", prepared.folder, "--trials", "2", "--space", space, "--out", out),
        *("--epochs", "1", "--filters", "2"),
    )
    assert code == 0, err
    assert "activation" in stdout
    assert "trial 2, epoch 1/1" in err
    run = tmp_path / "run"
    code, _, err = lss(
        "train", "--data", prepared.folder, "--config", out / "best.toml", "--out", run
    )
    assert code == 0, err
