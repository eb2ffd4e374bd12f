"""Training of one network."""

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow

from lss_cli.locate.metadata import LANDMARKS, Kind, WindowSpec
from lss_cli.locate.model import cut_window, to_window
from lss_cli.slices import Float32Array
from lss_cli.training.locator.augment import vary
from lss_cli.training.locator.pictures import Picture
from lss_cli.training.locator.unet import STRIDES, build_unet

BATCH = 8
RATE = 2e-3
WEIGHT_DECAY = 1e-4
REPORTED = 100
# Compiled, a step takes less than half the time, which makes up for the compiling after so many.
WORTH_COMPILING = 200
# Shares of a batch that are phantoms, and pictures of the other kind.
PHANTOM_SHARE, STRANGER_SHARE = 0.12, 0.04

Batch = tuple[Float32Array, Float32Array]


@dataclass(frozen=True)
class Material:
    """What a network is trained on.

    Attributes:
        real: Pictures of persons.
        phantoms: Pictures of phantoms; may be none.
        strangers: Pictures that show none of the landmarks; may be none.
    """

    real: Sequence[Picture]
    phantoms: Sequence[Picture] = ()
    strangers: Sequence[Picture] = ()

    def draw(self, rng: np.random.Generator) -> Picture:
        """One of them, the person's picture most of the time."""
        share = rng.random()
        for pictures, part in (
            (self.strangers, STRANGER_SHARE), (self.phantoms, PHANTOM_SHARE),
        ):  # fmt: skip
            if share < part and pictures:
                return pictures[int(rng.integers(len(pictures)))]
            share -= part
        return self.real[int(rng.integers(len(self.real)))]


def make_example(
    picture: Picture, kind: Kind, rng: np.random.Generator, spec: WindowSpec
) -> tuple[Float32Array, Float32Array]:
    """A varied picture's window, H × W, and its target, (1 + cells) × landmarks."""
    varied, centre = vary(picture, kind, rng)
    window = cut_window(varied.pixels, varied.spacing_mm, centre, spec)
    positions = to_window(varied.points, varied.spacing_mm, centre, spec)
    return window, make_target(positions, spec, STRIDES[kind])


def make_target(positions: npt.NDArray[np.float64], spec: WindowSpec, stride: int) -> Float32Array:
    """The probabilities that maps are trained towards.

    Args:
        positions: Landmarks × 2, column and row in the window; NaN where nothing is known.
        spec: Of the window.
        stride: Pixels for a cell.

    Returns:
        (1 + cells) × landmarks: the four cells around a landmark share its probability so that
        their mean place is its own. Each column sums up to 1, or is 0 where nothing is known.
    """
    columns, rows = (pixels // stride for pixels in spec.size)
    target = np.zeros((1 + rows * columns, len(positions)), dtype=np.float32)
    for landmark, position in enumerate(positions):
        if np.isnan(position).any():
            continue
        column, row = (position - (stride - 1) / 2) / stride
        if not (-0.5 <= column < columns - 0.5 and -0.5 <= row < rows - 0.5):
            target[0, landmark] = 1
            continue
        across = np.maximum(0, 1 - np.abs(np.arange(columns) - np.clip(column, 0, columns - 1)))
        down = np.maximum(0, 1 - np.abs(np.arange(rows) - np.clip(row, 0, rows - 1)))
        target[1:, landmark] = np.outer(down, across).ravel()
    return target


def batches(
    material: Material, kind: Kind, count: int, seed: int, spec: WindowSpec, size: int = BATCH
) -> Iterator[Batch]:
    """Draw batches, made by a thread while the network is trained on the one before."""

    def make(number: int) -> Batch:
        rng = np.random.default_rng([seed, number])
        examples = [make_example(material.draw(rng), kind, rng, spec) for _ in range(size)]
        windows, targets = map(np.stack, zip(*examples, strict=True))
        return windows[..., None], targets

    with ThreadPoolExecutor(1) as pool:
        ahead = [pool.submit(make, number) for number in range(min(3, count))]
        for number in range(count):
            if number + 3 < count:
                ahead.append(pool.submit(make, number + 3))
            yield ahead[number].result()
            ahead[number] = None  # type: ignore[call-overload]


def map_loss(target: Any, logits: Any) -> Any:
    """Cross-entropy of each map with its target, over the landmarks that are known."""
    known = tensorflow.reduce_sum(target, axis=1)
    log_prob = tensorflow.nn.log_softmax(logits, axis=1)
    losses = -tensorflow.reduce_sum(target * log_prob, axis=1)
    return tensorflow.reduce_sum(losses) / tensorflow.maximum(tensorflow.reduce_sum(known), 1.0)


def fit(
    material: Material,
    kind: Kind,
    spec: WindowSpec,
    steps: int,
    seed: int,
    *,
    report: Callable[[int, float], None],
) -> Any:
    """Train a network from scratch.

    Args:
        material: What on.
        kind: What it looks at.
        spec: Of the windows.
        steps: How many batches.
        seed: What everything random follows from.
        report: Called every `REPORTED` steps with how many are done, and the loss since then.

    Returns:
        The network, with the output ``logits``.
    """
    keras.utils.set_random_seed(seed)
    network = build_unet(kind, spec.size, len(LANDMARKS[kind]))
    warm = max(1, steps // 20)
    schedule = keras.optimizers.schedules.CosineDecay(
        RATE / 20, max(1, steps - warm), alpha=0.01, warmup_target=RATE, warmup_steps=warm
    )
    optimizer = keras.optimizers.AdamW(
        schedule, weight_decay=WEIGHT_DECAY, global_clipnorm=5.0, use_ema=True, ema_momentum=0.995
    )
    optimizer.build(network.trainable_variables)

    def step(windows: Any, targets: Any) -> Any:
        with tensorflow.GradientTape() as tape:
            loss = map_loss(targets, network(windows, training=True))
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
        return loss

    if steps >= WORTH_COMPILING:
        step = tensorflow.function(step, jit_compile=True)
    losses: list[float] = []
    for number, (windows, targets) in enumerate(batches(material, kind, steps, seed, spec), 1):
        losses.append(float(step(tensorflow.constant(windows), tensorflow.constant(targets))))
        if not math.isfinite(losses[-1]):
            raise FloatingPointError(f"the loss is {losses[-1]} at step {number}")
        if number % REPORTED == 0 or number == steps:
            report(number, float(np.mean(losses[-REPORTED:])))
    optimizer.finalize_variable_values(network.trainable_variables)
    return network


def as_stranger(picture: Picture, landmarks: int) -> Picture:
    """The picture without landmarks, as the network of the other kind is to see it."""
    return replace(picture, points=np.full((landmarks, 2), np.inf))
