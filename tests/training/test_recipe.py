import math

import keras
import numpy as np
import pytest

from lss_cli.evaluation.metrics import log_loss, score
from lss_cli.model.session import apply_temperature
from lss_cli.model.spec import InputSpec
from lss_cli.training.calibration import fit_temperature, undo_class_weights
from lss_cli.training.networks import build_network
from lss_cli.training.options import TrainingOptions
from lss_cli.training.recipe import (
    Stage,
    chosen,
    class_weights,
    is_over,
    learning_rate,
    loss_function,
    optimizer,
    stages,
    unweight,
)

STAGE = Stage("whole", 10, 0.1)


def test_the_rate_falls_on_each_plateau():
    options = TrainingOptions(lr_factor=0.5, lr_patience=2)
    losses = [3, 2, 2.1, 2.2, 2.3, 2.4, 1.0, 1.1]
    rates = [learning_rate(options, STAGE, losses[:count]) for count in range(9)]
    assert rates == pytest.approx([0.1] * 4 + [0.05, 0.05, 0.025, 0.025, 0.025])


def test_the_rate_follows_a_cosine_or_stays():
    cosine = [
        learning_rate(TrainingOptions(schedule="cosine"), STAGE, [1.0] * done) for done in range(10)
    ]
    assert cosine[0] == pytest.approx(0.02)
    assert cosine[5] == pytest.approx(0.05)
    assert cosine[1:] == sorted(cosine[1:], reverse=True)
    assert learning_rate(TrainingOptions(schedule="constant"), STAGE, [1.0] * 9) == 0.1


def test_a_stage_ends_with_its_epochs_or_its_patience():
    options = TrainingOptions(patience=2)
    assert not is_over(options, STAGE, [])
    assert not is_over(options, STAGE, [1, 2])
    assert is_over(options, STAGE, [1, 2, 1.5])
    assert is_over(options, STAGE, list(range(10, 0, -1)))


def test_without_patience_the_last_epoch_is_used():
    losses = [3.0, 1.0, 2.0]
    assert chosen(TrainingOptions(), losses) == 1
    assert chosen(TrainingOptions(patience=0), losses) == 2
    assert not is_over(TrainingOptions(patience=0), STAGE, [float(one) for one in range(9)])
    assert is_over(TrainingOptions(patience=0), STAGE, [1.0] * 10)


def test_stages_follow_from_the_options():
    weights = {"backbone": "vgg16", "weights": "w.h5"}
    assert [one.name for one in stages(TrainingOptions())] == ["whole"]
    assert [one.name for one in stages(TrainingOptions(**weights, freeze=True))] == ["head"]
    head, fine = stages(TrainingOptions(**weights, fine_tune_epochs=3, fine_tune_rate=0.2))
    assert (head.name, fine.name, fine.epochs) == ("head", "fine", 3)
    assert fine.rate == pytest.approx(head.rate * 0.2)


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_optimizers_take_rate_and_decay(name):
    made = optimizer(TrainingOptions(optimizer=name, weight_decay=0.01), 0.3)
    assert type(made).__name__.lower() == name
    assert float(made.learning_rate) == pytest.approx(0.3)
    assert made.weight_decay == pytest.approx(0.01)


def test_losses_are_their_formulas():
    targets = np.array([[1, 0, 0], [0, 0.25, 0.75]], np.float32)
    prob = np.array([[0.7, 0.2, 0.1], [0.2, 0.3, 0.5]], np.float32)
    ones, weights = np.ones(3), np.array([0.5, 1, 3])

    def losses(name, by):
        return np.asarray(loss_function(TrainingOptions(loss=name), by)(targets, prob))

    second = -(0.25 * math.log(0.3) + 0.75 * math.log(0.5))
    assert losses("cross_entropy", ones) == pytest.approx([-math.log(0.7), second])
    assert losses("cross_entropy", ones) == pytest.approx(
        np.asarray(keras.losses.categorical_crossentropy(targets, prob)), abs=1e-6
    )
    second = -(0.25 * math.log(0.3) + 3 * 0.75 * math.log(0.5))
    assert losses("weighted", weights) == pytest.approx([-0.5 * math.log(0.7), second])
    focal = keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=2.0, reduction="none")
    assert losses("focal", ones) == pytest.approx(np.asarray(focal(targets, prob)), abs=1e-5)


def test_rare_grades_weigh_more_when_asked_for():
    labels = np.array([0] * 6 + [1] * 2 + [2])
    assert class_weights(TrainingOptions(), labels) == pytest.approx([1, 1, 1])
    weights = class_weights(TrainingOptions(loss="weighted"), labels)
    assert weights == pytest.approx([0.5, 1.5, 3.0])
    # Each grade weighs as much as the others, and a row weighs 1 in the mean.
    assert weights[labels].mean() == pytest.approx(1)


def test_a_weighted_loss_leaves_no_trace_in_the_probabilities():
    """The best answer under weights is weight × probability; the bias takes it back."""
    weights, network = (
        np.array([0.5, 1.5, 3.0]),
        build_network(TrainingOptions(), InputSpec(size=(16, 16))),
    )
    inputs = [np.random.default_rng(0).random((4, *shape)) for shape in ((16, 16, 3), (2,))]
    tilted = network(inputs).numpy()
    unweight(network, weights)
    assert network(inputs).numpy() == pytest.approx(undo_class_weights(tilted, weights), abs=1e-6)

    truth = np.array([[0.6, 0.3, 0.1]])
    shown = truth * weights / (truth * weights).sum()
    assert undo_class_weights(shown, weights) == pytest.approx(truth)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_is_the_one_that_was_used(temperature):
    random = np.random.default_rng(1)
    logits = random.normal(size=(20000, 3)) * 2
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (honest.cumsum(axis=1) < random.random((len(honest), 1))).sum(axis=1)
    labels = np.minimum(labels, 2)
    shown = apply_temperature(honest.astype(np.float32), 1 / temperature)
    found = fit_temperature(labels, shown)
    assert found == pytest.approx(temperature, rel=0.05)
    best = score(log_loss, labels, apply_temperature(shown, found))
    for other in (found * 0.9, found * 1.1):
        assert best <= score(log_loss, labels, apply_temperature(shown, other))


def test_the_temperature_has_bounds():
    sure = np.array([[0.4, 0.3, 0.3]] * 5)
    assert fit_temperature(np.zeros(5, int), sure) == pytest.approx(0.25, abs=1e-3)
    assert fit_temperature(np.ones(5, int), sure) == pytest.approx(4, abs=1e-2)
