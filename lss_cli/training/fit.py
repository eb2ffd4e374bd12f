"""Training a network by Keras' ``Model.fit``, resumable to the bit.

Batches depend on seed and epoch, learning rate and end on the history; both outlive a kill. Keras'
own ``BackupAndRestore`` forgets what ``ReduceLROnPlateau`` and ``EarlyStopping`` remember.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
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
from lss_cli.evaluation.sample import Probabilities
from lss_cli.training.backbones import freeze_until
from lss_cli.training.batches import (
    Reader,
    TrainingBatches,
    augmented_reader,
    one_hot_labels,
    reader,
)
from lss_cli.training.checkpoint import Checkpoint, Epoch, Values, assign_values, values_of
from lss_cli.training.features import frozen_features_reader
from lss_cli.training.losses import (
    accuracy_function,
    class_weights,
    loss_function,
    remove_class_weights,
    undo_class_weights,
)
from lss_cli.training.networks import (
    backbone_of,
    build_network,
    head_network,
    standardise_coordinates,
)
from lss_cli.training.options import NO_WEIGHTS, TrainingOptions
from lss_cli.training.prior import prior_shift
from lss_cli.training.schedule import Stage, best_epoch, learning_rate, should_stop, stages
from lss_cli.training.scores import predict

MOMENTUM = 0.9


@dataclass(frozen=True)
class TrainingProgress:
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

    @classmethod
    def since(
        cls,
        began: float,
        what: str,
        done: int,
        total: int,
        later: int = 0,
        epoch: Epoch | None = None,
    ) -> "TrainingProgress":
        """As fast as it went since `began`, with so many more images to come `later`."""
        rate = done / (time.monotonic() - began)
        return cls(what, done, total, rate, (total - done + later) / rate, epoch)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "TrainingProgress":
        """From the plain values of `dataclasses.asdict`."""
        epoch = values["epoch"]
        return cls(**(dict(values) | {"epoch": epoch and Epoch(**epoch)}))


OnProgress = Callable[[TrainingProgress], None]


class Training:
    """A network, and how far its training has come.

    Args:
        data: Prepared data that can be trained on.
        options: How to train.
        on_progress: Called after each batch and each epoch.
        folder: Where the checkpoint after each epoch is kept, and from which it goes on; ``None``
            to keep none.
        features: Folder for a frozen backbone's features; ``None`` to keep none.

    Raises:
        UsageError: Options that do not fit the data or this machine.
        DataError: A weights file or a checkpoint that cannot be used.
    """

    def __init__(
        self,
        data: Prepared,
        options: TrainingOptions,
        on_progress: OnProgress,
        folder: Path | None = None,
        features: Path | None = None,
    ) -> None:
        self.data, self.options, self.on_progress, self.folder = data, options, on_progress, folder
        self._features = features
        self.rows, self.validation_rows = data.rows(TRAIN), data.rows(VALIDATION)
        self.weights = class_weights(options, data.severities[self.rows])
        # What training multiplies the odds of each grade by, against those of the population.
        self.tilt = self.weights * prior_shift(data)
        tensorflow.config.experimental.enable_op_determinism()
        keras.utils.set_random_seed(options.seed)
        with _precision(options):
            self.network = build_network(options, data.spec)
        standardise_coordinates(self.network, data.coords[data.index["position"].iloc[self.rows]])
        # A layer name that does not exist is said before the first stage, not after it.
        freeze_until(backbone_of(self.network), options.unfreeze_from)
        self._begun = Checkpoint.read(folder) if folder else None
        self.history: list[Epoch] = list(self._begun.history) if self._begun else []
        self.best: Values = self._begun.best if self._begun else values_of(self.network.variables)
        # What the best epoch of this process said of the validation part, N × 3.
        self.best_answers: Probabilities | None = None

    @property
    def best_epoch(self) -> int:
        """The number of the epoch whose weights are used."""
        return 1 + best_epoch(self.options, [epoch.val_loss for epoch in self.history])

    def losses(self, stage: Stage) -> list[float]:
        """The validation losses of a stage's epochs so far."""
        return [epoch.val_loss for epoch in self.history if epoch.stage == stage.name]

    def run(self) -> Any:
        """Train to the end.

        Returns:
            The network with the best epoch's weights, without what the loss's class weights and
            resampled studies did to its answers.

        Raises:
            DataError: The loss is no number any more, or memory does not suffice.
        """
        try:
            for stage in stages(self.options):
                if not should_stop(self.options, stage, self.losses(stage)):
                    self._fit(stage)
        except (MemoryError, tensorflow.errors.ResourceExhaustedError) as error:
            raise DataError(
                "there is not enough memory for a step.",
                todo="Train with a smaller --batch-size, or prepare smaller images.",
            ) from error
        finished = self._finished()
        assign_values(finished.variables, self.best)
        remove_class_weights(finished, self.tilt)
        return finished

    def _fit(self, stage: Stage) -> None:
        network, backbone = self.network, backbone_of(self.network)
        freeze_until(backbone, self.options.unfreeze_from)
        if stage.frozen:
            backbone.trainable = False
        losses = self.losses(stage)
        begun = self._begun if losses else None
        assign_values(network.variables, begun.network if begun else self.best)
        if stage.frozen:
            network = head_network(network)
        network.compile(
            build_optimizer(self.options, stage.rate),
            loss_function(self.options, self.weights),
            # With its variables: those that are made while a step is traced have it traced twice.
            metrics=[keras.metrics.MeanMetricWrapper(accuracy_function(self.weights), "accuracy")],
        )
        network.optimizer.build(network.trainable_variables)
        if begun:
            assign_values(network.optimizer.variables, begun.optimizer)
        read, read_validation = self._readers(stage)
        # Features have no area that could be pasted.
        options = replace(self.options, cutmix=0.0) if stage.frozen else self.options
        batches = TrainingBatches(read, one_hot_labels(self.data), self.rows, options)
        network.fit(
            batches,
            initial_epoch=len(losses),
            epochs=stage.epochs,
            shuffle=False,
            verbose=0,
            callbacks=[
                keras.callbacks.LearningRateScheduler(
                    lambda *_: learning_rate(self.options, stage, self.losses(stage))
                ),
                EpochCallback(self, stage, batches, read_validation),
            ],
        )

    def _readers(self, stage: Stage) -> tuple[Reader, Reader]:
        """For training and for validation."""
        options = self.options
        if not stage.frozen:
            return augmented_reader(self.data, options.augment, options.seed), reader(self.data)
        began = time.monotonic()

        def progress(done: int, total: int) -> None:
            self.on_progress(TrainingProgress.since(began, "features", done, total))

        rows = self.rows, self.validation_rows
        read = frozen_features_reader(
            self.data, self.network, rows, options, self._features, progress
        )
        return read, read

    def _finished(self) -> Any:
        """The network without its optimiser, or its twin without half floats, to run anywhere."""
        if self.options.precision == "float32":
            return keras.Model(self.network.inputs, self.network.output, name=self.network.name)
        bare = replace(self.options, weights=NO_WEIGHTS, freeze=False, fine_tune_epochs=0)
        return build_network(bare, self.data.spec)


class EpochCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells how far a stage is; measures, keeps the checkpoint and stops after each epoch.

    Args:
        training: Whose history grows.
        stage: In which it is.
        batches: That it learns from.
        read: Gives the inputs of the validation part.
    """

    def __init__(
        self, training: Training, stage: Stage, batches: TrainingBatches, read: Reader
    ) -> None:
        super().__init__()
        self._training, self._stage, self._batches, self._read = training, stage, batches, read

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras'
        """Start the clock, and give the batches their epoch."""
        done = len(self._training.history)
        self._batches.begin(done)
        self._began, self._after = time.monotonic(), self._stage.epochs - epoch - 1
        self._what = f"epoch {done + 1}/{done + 1 + self._after}"

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Report, unless the loss is no number any more."""
        # The mean of the epoch so far; what is no number stays none.
        self._check(logs["loss"], f"batch {batch + 1}")
        self._report(int(self._batches.rows_after[batch]))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras'
        """Measure on the validation part, keep the checkpoint, and maybe stop."""
        training, options, stage = self._training, self._training.options, self._stage
        labels = training.data.severities[training.validation_rows]
        # Measured, and kept if they are the best, are the weights that would be used.
        with averaged_weights(self.model):
            raw = predict(self.model, self._read, training.validation_rows, options.batch_size)
            values = values_of(training.network.variables)
        prob = undo_class_weights(raw, training.tilt)
        entry = Epoch(
            epoch=len(training.history) + 1,
            stage=stage.name,
            loss=logs["loss"],
            accuracy=logs["accuracy"],
            val_loss=score(log_loss, labels, prob),
            val_accuracy=score(accuracy, labels, prob),
            learning_rate=learning_rate(options, stage, training.losses(stage)),
        )
        self._check(entry.val_loss, "validation")
        training.history.append(entry)
        if best_is_new := training.best_epoch == entry.epoch:
            training.best, training.best_answers = values, prob
        if training.folder:
            now = values_of(training.network.variables), values_of(self.model.optimizer.variables)
            checkpoint = Checkpoint(training.history, *now, training.best)
            checkpoint.write(training.folder, best_is_new=best_is_new)
        self._report(len(training.rows), entry)
        self.model.stop_training = should_stop(options, stage, training.losses(stage))

    def _report(self, done: int, entry: Epoch | None = None) -> None:
        total = len(self._training.rows)
        self._training.on_progress(
            TrainingProgress.since(self._began, self._what, done, total, total * self._after, entry)
        )

    def _check(self, loss: float, where: str) -> None:
        if math.isfinite(loss):
            return
        done = len(self._training.history) if self._training.folder else 0
        kept = f" The state after epoch {done} is kept." if done else ""
        raise DataError(
            f"the loss is no number any more ({self._what}, {where}).{kept}",
            todo="Train with a smaller --learning-rate"
            + ("; --resume takes it from there." if kept else "."),
        )


def build_optimizer(options: TrainingOptions, rate: float) -> Any:
    """What follows the gradients, and keeps the weights' running mean where asked for."""
    mean = {"use_ema": options.average > 0, "ema_momentum": options.average}
    if options.optimizer == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=options.weight_decay, **mean)
    decay = options.weight_decay or None
    if options.optimizer == "sgd":
        return keras.optimizers.SGD(
            rate, momentum=MOMENTUM, nesterov=True, weight_decay=decay, **mean
        )
    return keras.optimizers.Adam(rate, weight_decay=decay, **mean)


@contextmanager
def averaged_weights(network: Any) -> Iterator[None]:
    """The running mean of a network's weights in their place, if its optimizer keeps one."""
    weights = network.trainable_variables
    learned = values_of(weights)
    network.optimizer.finalize_variable_values(weights)
    yield
    assign_values(weights, learned)


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
