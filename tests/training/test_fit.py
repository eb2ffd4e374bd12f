import dataclasses

import keras
import numpy as np
import pandas as pd
import pytest

from lss_cli.errors import DataError, OutputError, UsageError
from lss_cli.training.fit import Training, build_optimizer
from lss_cli.training.options import TrainingOptions
from lss_cli.training.train import train
from tests.training.conftest import TINY, InterruptionError, interrupted_after, quiet


def history(folder) -> pd.DataFrame:
    return pd.read_csv(folder / "history.csv")


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_optimizers_take_rate_and_decay(name):
    made = build_optimizer(TrainingOptions(optimizer=name, weight_decay=0.01), 0.3)
    assert type(made).__name__.lower() == name
    assert float(made.learning_rate) == pytest.approx(0.3)
    assert made.weight_decay == pytest.approx(0.01)


def test_a_step_is_traced_once(prepared, monkeypatch):
    traced, step = [], keras.Model.train_step
    monkeypatch.setattr(
        keras.Model, "train_step", lambda network, data: traced.append(0) or step(network, data)
    )
    Training(prepared, TrainingOptions(epochs=2, filters=1, blocks=1, dense=(2,)), quiet).run()
    assert len(traced) == 1


@pytest.mark.slow
def test_averaged_weights_lie_between_those_of_the_steps(prepared):
    """With so little memory the mean is the last progress; with much, near where it began."""
    ends = {}
    for average in (0.0, 1e-6, 0.9):
        options = TrainingOptions(epochs=1, average=average, filters=2, patience=0)
        network = Training(prepared, options, quiet).run()
        ends[average] = network.get_layer("head_1").get_weights()[0]
    assert ends[1e-6] == pytest.approx(ends[0.0], abs=1e-5)
    assert np.abs(ends[0.9] - ends[0.0]).max() > 1e-4


def test_a_frozen_backbone_stays_as_it_is_and_is_run_once(larger, mobilenet_weights, tmp_path):
    options = TrainingOptions(
        backbone="mobilenet", weights=str(mobilenet_weights), until="conv_pw_3_relu", freeze=True,
        epochs=2, copies=2,
    )  # fmt: skip
    told = []
    training = Training(larger, options, told.append, features=tmp_path)
    network = training.run()
    rows = [len(larger.rows(part)) for part in ("train", "validation")]
    images = [progress for progress in told if progress.what == "features"]
    assert images[-1].done == images[-1].total == 2 * rows[0] + rows[1]
    backbone = network.get_layer("backbone")
    start = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(32, 32, 3))
    start.load_weights(mobilenet_weights)
    assert backbone.get_weights()
    for got, want in zip(backbone.get_weights(), start.get_weights(), strict=False):
        assert (got == want).all()

    told.clear()
    again = Training(larger, options, told.append, features=tmp_path).run()
    assert not any(progress.what == "features" for progress in told)
    for got, want in zip(again.get_weights(), network.get_weights(), strict=True):
        assert (got == want).all()

    # Two layers without weights of their own: the same weights before them, other features.
    for layer in ("conv_pw_2_bn", "conv_pw_2_relu"):
        told.clear()
        short = dataclasses.replace(options, until=layer)
        Training(larger, short, told.append, features=tmp_path).run()
        assert any(progress.what == "features" for progress in told)


@pytest.mark.parametrize("seed", range(2))
def test_the_point_decides_where_the_label_depends_on_it(prepared, seed):
    """All slices look the same; the grade shows in where the point lies, by some hundredths."""
    rng = np.random.default_rng(seed)
    coords = np.zeros_like(prepared.coords)
    x = 0.45 + 0.04 * prepared.severities + rng.uniform(-0.01, 0.01, len(prepared.index))
    coords[prepared.index["position"]] = np.stack([x, np.full_like(x, 0.5)], axis=1)
    image = rng.random(prepared.images.shape[1:]).astype(prepared.images.dtype)
    images = np.broadcast_to(image, prepared.images.shape)
    data = dataclasses.replace(prepared, images=images, coords=coords)
    options = TrainingOptions(
        epochs=20, augment=0, filters=2, blocks=1, seed=seed, patience=0, learning_rate=0.02
    )
    network = Training(data, options, quiet).run()
    rows = data.rows("validation")
    prob = network.predict_on_batch(tuple(data.inputs(rows).values()))
    assert (prob.argmax(axis=1) == data.severities[rows]).mean() > 0.9


def test_a_loss_that_is_no_number_ends_the_training_and_says_where(prepared, tmp_path):
    endless = dataclasses.replace(TINY, epochs=3, learning_rate=float("inf"))
    with pytest.raises(DataError, match=r"epoch 1/3, batch \d.*smaller --learning-rate"):
        train(prepared, tmp_path / "run", endless, quiet)
    assert not (tmp_path / "run").exists()


def test_the_last_good_state_outlives_a_loss_that_is_no_number(prepared, tmp_path):
    out, options = tmp_path / "run", dataclasses.replace(TINY, epochs=3)
    with pytest.raises(InterruptionError):
        train(prepared, out, options, interrupted_after(2))
    endless = dataclasses.replace(options, learning_rate=float("inf"))
    with pytest.raises(DataError, match=r"state after epoch 2 is kept.*--resume"):
        train(prepared, out, endless, quiet, resume=True)
    train(prepared, out, options, quiet, resume=True)
    assert history(out)["epoch"].tolist() == [1, 2, 3]


def test_too_little_memory_is_said_with_its_cure(prepared, tmp_path, monkeypatch):
    def full(*_, **__):
        raise MemoryError

    monkeypatch.setattr(keras.Model, "fit", full)
    with pytest.raises(DataError, match=r"not enough memory.*smaller --batch-size"):
        train(prepared, tmp_path / "run", TrainingOptions(epochs=1), quiet)


def test_half_precision_wants_a_gpu(prepared, tmp_path):
    with pytest.raises(UsageError, match="wants a GPU"):
        train(prepared, tmp_path / "run", TrainingOptions(precision="mixed"), quiet)


@pytest.mark.parametrize(
    "more",
    [
        {"dropout": 0.3, "optimizer": "adamw", "weight_decay": 1e-3, "mixup": 0.5, "views": 2},
        pytest.param(
            {"learning_rate": 0.01, "average": 0.9, "patience": 0}, marks=pytest.mark.slow
        ),
        pytest.param(
            {"optimizer": "sgd", "schedule": "cosine", "loss": "focal", "cutmix": 0.5},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_resumed_training_ends_as_one_that_was_never_interrupted(prepared, tmp_path, more):
    options = dataclasses.replace(TINY, epochs=3, **more)
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
