"""Networks: an image part and a coordinate part, joined under one dense head."""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from lss_cli.anatomy import Level, Severity
from lss_cli.errors import UsageError
from lss_cli.input_spec import InputSpec
from lss_cli.text import nearest

CONVOLUTIONS = (16, 32, 64)
COORDINATES = (2, 4, 2)
HEAD = (128, 64)

BATCH_NORM_MOMENTUM = 0.9
"""Keras' 0.99 needs thousands of steps to settle; a training here has a few hundred."""


def build_network(backbone: str, spec: InputSpec) -> Any:
    """Build an untrained network.

    Args:
        backbone: A name in `BACKBONES`.
        spec: How it will be fed.

    Returns:
        A Keras model from ``image`` (N × H × W × C), ``coords`` (N × 2) and, where the
        specification has it, ``level`` (N × 5, one-hot), to ``prob`` (N × 3).

    Raises:
        UsageError: There is no such backbone, or the image is too small for it.
    """
    if backbone not in BACKBONES:
        raise UsageError(
            f"there is no backbone {backbone!r}.{nearest(backbone, BACKBONES)}",
            todo=f"There is: {', '.join(BACKBONES)}.",
        )
    inputs = {
        "image": keras.Input(spec.shape, name="image"),
        "coords": keras.Input((2,), name="coords"),
    }
    parts = [BACKBONES[backbone](inputs["image"]), _coordinate_network(inputs["coords"])]
    if spec.level:
        inputs["level"] = keras.Input((len(Level),), name="level")
        parts.append(inputs["level"])
    hidden = layers.Concatenate(name="joined")(parts)
    for number, nodes in enumerate(HEAD, start=1):
        hidden = layers.Dense(nodes, activation="relu", name=f"head_{number}")(hidden)
    prob = layers.Dense(len(Severity), activation="softmax", name="prob")(hidden)
    return keras.Model(list(inputs.values()), prob, name=f"lss_{backbone}")


def _custom(image: Any) -> Any:
    """Three blocks of convolution, batch normalisation and max-pooling, then flatten."""
    hidden = image
    for number, filters in enumerate(CONVOLUTIONS, start=1):
        hidden = layers.Conv2D(
            filters, 3, padding="same", activation="relu", name=f"convolution_{number}"
        )(hidden)
        hidden = layers.BatchNormalization(
            momentum=BATCH_NORM_MOMENTUM, name=f"normalisation_{number}"
        )(hidden)
        hidden = layers.MaxPooling2D(2, name=f"pooling_{number}")(hidden)
    return layers.Flatten(name="features")(hidden)


def _coordinate_network(coords: Any) -> Any:
    hidden = coords
    for number, nodes in enumerate(COORDINATES, start=1):
        hidden = layers.Dense(nodes, activation="relu", name=f"coordinates_{number}")(hidden)
    return hidden


BACKBONES: dict[str, Callable[[Any], Any]] = {"custom": _custom}
"""From the image input to a feature vector, by name."""
