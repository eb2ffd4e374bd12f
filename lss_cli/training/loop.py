"""Training a network, epoch by epoch."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import tensorflow

from lss_cli.dataset.prepared import Prepared
from lss_cli.dataset.split import TRAIN, VALIDATION
from lss_cli.errors import DataError, UsageError
from lss_cli.evaluation.metrics import accuracy, log_loss, score
from lss_cli.training import recipe
from lss_cli.training.backbones import freeze_until
from lss_cli.training.batches import (
    Reader,
    ahead,
    plain,
    shuffled,
    targets_of,
    varied,
)
from lss_cli.training.calibration import undo_class_weights
from lss_cli.training.features import frozen_features
from lss_cli.training.networks import backbone_of, build_network, head_network
from lss_cli.training.options import NO_WEIGHTS, TrainingOptions
from lss_cli.training.scores import predict
from lss_cli.training.state import Epoch, State, Values, assign, values_of


@dataclass(frozen=True)
class Step:
    """How far a training has come.

    Attributes:
        what: ``epoch 3/10``, or ``features``.
        done: Images so far, of this epoch or of the features.
        total: Their number.
        rate: Images per second.
        seconds_left: Until the stage ends, at the latest.
        epoch: What the epoch brought, when it has ended.
    """

    what: str
    done: int
    total: int
    rate: float
    seconds_left: float
    epoch: Epoch | None = None


Watch = Callable[[Step], None]


class Training:
    """A network, and how far its training has come.

    Args:
        data: Prepared data that can be trained on.
        options: How to train.
        watch: Called after each batch and each epoch.
        keep: Folder in which the state after each epoch is kept, and from which it goes on;
            ``None`` to keep none.
        features: Folder for a frozen backbone's features; ``None`` to keep none.

    Raises:
        UsageError: TrainingOptions that do not fit the data or this machine.
        DataError: A weights file or a kept state that cannot be used.
    """

    def __init__(
        self,
        data: Prepared,
        options: TrainingOptions,
        watch: Watch,
        keep: Path | None = None,
        features: Path | None = None,
    ) -> None:
        self._data, self._options, self._watch = data, options, watch
        self._keep, self._features = keep, features
        self._rows = data.rows(TRAIN), data.rows(VALIDATION)
        self._targets, self._labels = targets_of(data), data.severities
        self._weights = recipe.class_weights(options, self._labels[self._rows[0]])
        tensorflow.config.experimental.enable_op_determinism()
        keras.utils.set_random_seed(options.seed)
        with _precision(options):
            self._network = build_network(options, data.spec)
        # A layer name that does not exist is said before the first stage, not after it.
        freeze_until(backbone_of(self._network), options.unfreeze_from)
        self._state = State.read(keep) if keep else None
        self.history: list[Epoch] = list(self._state.history) if self._state else []
        self._best: Values = self._state.best if self._state else values_of(self._network.variables)

    @property
    def best_epoch(self) -> int:
        """The number of the epoch whose weights are used."""
        return 1 + recipe.chosen(self._options, [one.val_loss for one in self.history])

    def run(self) -> Any:
        """Train to the end.

        Returns:
            The network with the best epoch's weights, without what the loss's class weights did
            to its answers.

        Raises:
            DataError: The loss is no number any more, or memory does not suffice.
        """
        try:
            for stage in recipe.stages(self._options):
                if not recipe.is_over(self._options, stage, self._losses(stage)):
                    self._run_stage(stage)
        except (MemoryError, tensorflow.errors.ResourceExhaustedError) as error:
            raise DataError(
                "there is not enough memory for a step.",
                todo="Train with a smaller --batch-size, or prepare smaller images.",
            ) from error
        finished = self._finished()
        assign(finished.variables, self._best)
        recipe.unweight(finished, self._weights)
        return finished

    def _losses(self, stage: recipe.Stage) -> list[float]:
        return [one.val_loss for one in self.history if one.stage == stage.name]

    def _run_stage(self, stage: recipe.Stage) -> None:
        network, backbone = self._network, backbone_of(self._network)
        freeze_until(backbone, self._options.unfreeze_from)
        if stage.frozen:
            backbone.trainable = False
        resumed = self._state if self._losses(stage) else None
        assign(network.variables, resumed.network if resumed else self._best)
        if stage.frozen:
            network = head_network(network)
        optimizer = recipe.optimizer(self._options, stage.rate)
        loss = recipe.loss_function(self._options, self._weights)
        network.compile(optimizer, loss)
        network.optimizer.build(network.trainable_variables)
        if resumed:
            assign(network.optimizer.variables, resumed.optimizer)
        readers = self._readers(stage)
        while not recipe.is_over(self._options, stage, self._losses(stage)):
            self._run_epoch(network, stage, readers)

    def _readers(self, stage: recipe.Stage) -> tuple[Reader, Reader]:
        """For training and for validation."""
        options = self._options
        if not stage.frozen:
            return varied(self._data, options.augment, options.seed), plain(self._data)
        began = time.monotonic()

        def progress(done: int, total: int) -> None:
            rate = done / (time.monotonic() - began)
            self._watch(Step("features", done, total, rate, (total - done) / rate))

        read = frozen_features(
            self._data, self._network, self._rows, options, self._features, progress
        )
        return read, read

    def _run_epoch(self, network: Any, stage: recipe.Stage, readers: tuple[Reader, Reader]) -> None:
        """One epoch: learn, measure, and keep what came of it."""
        number, began = len(self.history) + 1, time.monotonic()
        before = self._losses(stage)
        rate = recipe.learning_rate(self._options, stage, before)
        network.optimizer.learning_rate = rate
        left = stage.epochs - len(before)
        what = f"epoch {number}/{number - 1 + left}"
        loss = self._learn(network, stage, readers[0], what, left)
        size, labels = self._options.batch_size, self._labels[self._rows[1]]
        with self._averaged(network):
            raw = predict(network, readers[1], self._rows[1], size)
            values = values_of(self._network.variables)
        prob = undo_class_weights(raw, self._weights)
        val_loss, val_accuracy = score(log_loss, labels, prob), score(accuracy, labels, prob)
        self._check(val_loss, f"{what}, validation")
        epoch = Epoch(number, stage.name, loss, val_loss, val_accuracy, rate)
        self.history.append(epoch)
        if best_is_new := self.best_epoch == number:
            self._best = values
        if self._keep:
            now = values_of(self._network.variables), values_of(network.optimizer.variables)
            State(self.history, *now, self._best).write(self._keep, best_is_new=best_is_new)
        images, seconds = len(self._rows[0]), time.monotonic() - began
        step = Step(what, images, images, images / seconds, seconds * (left - 1), epoch)
        self._watch(step)

    def _learn(
        self, network: Any, stage: recipe.Stage, read: Reader, what: str, epochs_left: int
    ) -> float:
        """Show the network each training row once; the mean loss."""
        rows, began = self._rows[0], time.monotonic()
        # Features have no area that could be pasted.
        blend = replace(self._options, cutmix=0.0) if stage.frozen else self._options
        batches = shuffled(read, self._targets, rows, blend, len(self.history))
        total, seen = 0.0, 0
        for batch, (inputs, targets) in enumerate(ahead(batches), start=1):
            loss = float(network.train_on_batch(inputs, targets))
            self._check(loss, f"{what}, batch {batch}")
            total, seen = total + loss * len(targets), seen + len(targets)
            rate = seen / (time.monotonic() - began)
            left = (len(rows) * epochs_left - seen) / rate
            self._watch(Step(what, seen, len(rows), rate, left))
        return total / seen

    @contextmanager
    def _averaged(self, network: Any) -> Iterator[None]:
        """The running mean of the weights in their place, where one is kept."""
        if not self._options.average:
            yield
            return
        weights = network.trainable_variables
        learned = values_of(weights)
        network.optimizer.finalize_variable_values(weights)
        yield
        assign(weights, learned)

    def _check(self, loss: float, where: str) -> None:
        if math.isfinite(loss):
            return
        kept = f" The state after epoch {len(self.history)} is kept." if self.history else ""
        raise DataError(
            f"the loss is no number any more ({where}).{kept if self._keep else ''}",
            todo="Train with a smaller --learning-rate"
            + ("; --resume takes it from there." if kept and self._keep else "."),
        )

    def _finished(self) -> Any:
        """The network without its optimiser, or its twin without half floats, to run anywhere."""
        if self._options.precision == "float32":
            return keras.Model(self._network.inputs, self._network.output, name=self._network.name)
        bare = replace(self._options, weights=NO_WEIGHTS, freeze=False, fine_tune_epochs=0)
        return build_network(bare, self._data.spec)


@contextmanager
def _precision(options: TrainingOptions) -> Iterator[None]:
    """Half precision for the layers that are built inside, where asked for.

    Raises:
        UsageError: There is no GPU, on which alone it helps.
    """
    if options.precision == "mixed":
        if not tensorflow.config.list_physical_devices("GPU"):
            raise UsageError("--precision mixed wants a GPU, and TensorFlow has none here.")
        keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy("float32")
