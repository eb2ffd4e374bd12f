"""What a training minimises, how fast, and when it ends: plain functions of options and history."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from lss_cli.anatomy import Severity
from lss_cli.training.options import TrainingOptions

FOCUS = 2.0
"""The exponent γ of the focal loss; 2 is its authors' choice."""

MOMENTUM = 0.9

WARM_UP = 0.2
"""Factor on the rate in the first epoch of a cosine, since the head's first gradients are wild."""

Weights = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Stage:
    """A part of the training.

    Attributes:
        name: ``whole``, ``head`` or ``fine``.
        epochs: The most there will be.
        rate: Learning rate at its start.
    """

    name: str
    epochs: int
    rate: float

    @property
    def frozen(self) -> bool:
        """Whether the backbone hands on features computed once."""
        return self.name == "head"


def stages(options: TrainingOptions) -> list[Stage]:
    """The parts of a training, in their order."""
    if options.freeze:
        return [Stage("head", options.epochs, options.learning_rate)]
    if options.fine_tune_epochs:
        rate = options.learning_rate * options.fine_tune_rate
        return [
            Stage("head", options.epochs, options.learning_rate),
            Stage("fine", options.fine_tune_epochs, rate),
        ]
    return [Stage("whole", options.epochs, options.learning_rate)]


def learning_rate(options: TrainingOptions, stage: Stage, losses: Sequence[float]) -> float:
    """The rate of the next epoch.

    Args:
        options: Of the training.
        stage: In which it is.
        losses: Validation losses of this stage's epochs so far.
    """
    if options.schedule == "cosine":
        warm = 1.0 if losses else WARM_UP
        return warm * stage.rate * (1 + math.cos(math.pi * len(losses) / stage.epochs)) / 2
    rate = stage.rate
    if options.schedule == "plateau":
        best, waited = math.inf, 0
        for loss in losses:
            best, waited = (loss, 0) if loss < best else (best, waited + 1)
            if waited == options.lr_patience:
                rate, waited = rate * options.lr_factor, 0
    return rate


def is_over(options: TrainingOptions, stage: Stage, losses: Sequence[float]) -> bool:
    """Whether a stage has had all its epochs, or too many without progress."""
    if len(losses) >= stage.epochs:
        return True
    return bool(losses) and len(losses) - 1 - chosen(options, losses) >= options.patience > 0


def chosen(options: TrainingOptions, losses: Sequence[float]) -> int:
    """The epoch, from 0, whose weights are used: the best, or without patience the last.

    Args:
        options: Of the training.
        losses: Validation losses of all epochs so far, one at least.
    """
    return int(np.argmin(losses)) if options.patience else len(losses) - 1


def optimizer(options: TrainingOptions, rate: float) -> Any:
    """What follows the gradients, and keeps the weights' running mean where asked for."""
    mean = {"use_ema": True, "ema_momentum": options.average} if options.average else {}
    decay = options.weight_decay or None
    if options.optimizer == "sgd":
        return keras.optimizers.SGD(
            rate, momentum=MOMENTUM, nesterov=True, weight_decay=decay, **mean
        )
    if options.optimizer == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=options.weight_decay, **mean)
    return keras.optimizers.Adam(rate, weight_decay=decay, **mean)


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
    gamma = FOCUS if options.loss == "focal" else 0.0
    factors = weights.astype(np.float32)

    def loss(targets: Any, prob: Any) -> Any:
        prob = keras.ops.clip(prob, keras.config.epsilon(), 1.0)
        terms = factors * targets * keras.ops.log(prob)
        if gamma:
            terms = terms * (1 - prob) ** gamma
        return -keras.ops.sum(terms, axis=-1)

    return loss


def unweight(network: Any, weights: Weights) -> None:
    """Take the loss's class weights back out of a trained network.

    Under weights w the best answer to a true probability p is w · p, renormalised (Elkan, "The
    Foundations of Cost-Sensitive Learning", IJCAI 2001), which adds ln w to the logits; the last
    layer's bias gives it back.
    """
    last = network.get_layer("prob")
    kernel, bias = last.get_weights()
    last.set_weights([kernel, bias - np.log(weights).astype(bias.dtype)])
