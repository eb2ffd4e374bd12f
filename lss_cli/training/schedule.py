"""Stages, learning rate and end of a training: pure functions of its options and history."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lss_cli.training.options import TrainingOptions

# Factor on the rate in the first epoch of a cosine, since the head's first gradients are wild.
WARM_UP = 0.2


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


def should_stop(options: TrainingOptions, stage: Stage, losses: Sequence[float]) -> bool:
    """Whether a stage has had all its epochs, or too many without progress."""
    if len(losses) >= stage.epochs:
        return True
    return bool(losses) and len(losses) - 1 - best_epoch(options, losses) >= options.patience > 0


def best_epoch(options: TrainingOptions, losses: Sequence[float]) -> int:
    """The epoch, from 0, whose weights are used: the best, or without patience the last.

    Args:
        options: Of the training.
        losses: Validation losses of all epochs so far, one at least.
    """
    return int(np.argmin(losses)) if options.patience else len(losses) - 1
