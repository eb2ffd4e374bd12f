"""Loss functions, and the class weights that go into them and are taken out again."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from lss_cli.anatomy import Severity
from lss_cli.evaluation.sample import Probabilities
from lss_cli.training.options import TrainingOptions

# The exponent γ of the focal loss; 2 is its authors' choice.
FOCAL_GAMMA = 2.0

Weights = npt.NDArray[np.float64]


def class_weights(options: TrainingOptions, labels: npt.NDArray[np.int64]) -> Weights:
    """What the loss multiplies each grade by: 1, or rows / (3 · rows of the grade)."""
    if options.loss != "weighted":
        return np.ones(len(Severity))
    counts = np.bincount(labels, minlength=len(Severity))
    return len(labels) / (len(Severity) * np.maximum(counts, 1))


def loss_function(options: TrainingOptions, weights: Weights) -> Callable[[Any, Any], Any]:
    """The loss of N × 3 targets, one-hot or blended, and N × 3 probabilities.

    −Σ wₖ tₖ (1 − pₖ)^γ ln pₖ, with γ = 0 but for the focal loss (Lin et al., "Focal Loss for Dense
    Object Detection", ICCV 2017).
    """
    gamma = FOCAL_GAMMA if options.loss == "focal" else 0.0
    factors = weights.astype(np.float32)

    def loss(targets: Any, prob: Any) -> Any:
        prob = keras.ops.clip(prob, keras.config.epsilon(), 1.0)
        terms = factors * targets * keras.ops.log(prob)
        if gamma:
            terms = terms * (1 - prob) ** gamma
        return -keras.ops.sum(terms, axis=-1)

    return loss


def accuracy_function(weights: Weights) -> Callable[[Any, Any], Any]:
    """Whether the most likely of N × 3 probabilities is the target, as `undo_class_weights` has it.

    Of a blended target it is the larger share.
    """
    factors = weights.astype(np.float32)

    def accuracy(targets: Any, prob: Any) -> Any:
        hit = keras.ops.argmax(targets, axis=-1) == keras.ops.argmax(prob / factors, axis=-1)
        return keras.ops.cast(hit, "float32")

    return accuracy


def undo_class_weights(prob: Probabilities, weights: Weights) -> Probabilities:
    """N × 3 probabilities as they would be without class weights in the loss.

    Under weights w the best answer to a true probability p is w · p, renormalised (Elkan, "The
    Foundations of Cost-Sensitive Learning", IJCAI 2001).
    """
    unweighted = prob / weights
    return np.asarray(unweighted / unweighted.sum(axis=1, keepdims=True))


def remove_class_weights(network: Any, weights: Weights) -> None:
    """Let a trained network itself answer as `undo_class_weights` would have it.

    Weights w add ln w to the logits; the last layer's bias gives it back.
    """
    last = network.get_layer("prob")
    kernel, bias = last.get_weights()
    last.set_weights([kernel, bias - np.log(weights).astype(bias.dtype)])
