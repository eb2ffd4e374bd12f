import math

import keras
import numpy as np
import pytest

from lss_cli.model.spec import InputSpec
from lss_cli.training.losses import (
    accuracy_function,
    class_weights,
    loss_function,
    remove_class_weights,
    undo_class_weights,
)
from lss_cli.training.networks import build_network
from lss_cli.training.options import TrainingOptions


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


def test_training_accuracy_is_that_of_answers_without_the_weights():
    targets = np.array([[1, 0, 0], [0, 0.4, 0.6], [0, 1, 0]], np.float32)
    prob = np.array([[0.4, 0.1, 0.5], [0.2, 0.3, 0.5], [0.2, 0.6, 0.2]], np.float32)
    assert accuracy_function(np.ones(3))(targets, prob).numpy().tolist() == [0, 1, 1]
    assert accuracy_function(np.array([1, 1, 3]))(targets, prob).numpy().tolist() == [1, 0, 1]


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
    remove_class_weights(network, weights)
    assert network(inputs).numpy() == pytest.approx(undo_class_weights(tilted, weights), abs=1e-6)

    truth = np.array([[0.6, 0.3, 0.1]])
    shown = truth * weights / (truth * weights).sum()
    assert undo_class_weights(shown, weights) == pytest.approx(truth)
