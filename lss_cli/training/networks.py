"""Networks: an image part and a coordinate part, joined under one dense head."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers

from lss_cli.anatomy import Level, Severity
from lss_cli.model.spec import InputSpec
from lss_cli.slices import Float32Array
from lss_cli.training.backbones import build_backbone
from lss_cli.training.calibration import SMALLEST_PROBABILITY, Dirichlet
from lss_cli.training.options import TrainingOptions

STANDARDISED_COORDS = "standardised_coords"

# Of a fraction of the slice; a constant coordinate stays one.
SMALLEST_DEVIATION = 1e-3

# Test-time augmentation: how far the fields lie apart whose answers are averaged.
TTA_STEP_MM = 1.5

# The field itself, then its neighbours: columns and rows, in steps of `TTA_STEP_MM`.
TTA_SHIFTS = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1)]


def build_network(options: TrainingOptions, spec: InputSpec) -> Any:
    """Build a network whose head is untrained, and which takes coordinates as they are.

    Args:
        options: Which network.
        spec: How it will be fed.

    Returns:
        A Keras model from ``image`` (N × H × W × C), ``coords`` (N × 2) and, where the
        specification has it, ``level`` (N × 5, one-hot), to ``prob`` (N × 3).

    Raises:
        UsageError: The image is too small, or the weights cannot be downloaded.
        DataError: The weights file is not one of this backbone.
    """
    inputs = _build_inputs(spec)
    as_sequence = options.slices == "sequence"
    backbone = build_backbone(options, spec, channels=1 if as_sequence else spec.channels)
    if as_sequence:
        features = _stack_in_sequence(
            [backbone(slice_) for slice_ in _split_channels(inputs["image"])]
        )
    else:
        features = backbone(inputs["image"])
    features = layers.Identity(name="features")(features)
    if options.backbone != "custom":
        # Ready-made networks differ in the size of their features by orders of magnitude.
        features = layers.LayerNormalization(name="levelled")(features)
    if as_sequence:
        # Unrolled, since the steps are few and known, and loops make the model file slow.
        features = layers.LSTM(options.lstm, unroll=True, name="sequence")(features)
    parts = [features, _build_coordinate_network(inputs["coords"], options)]
    if spec.level:
        parts.append(inputs["level"])
    hidden = layers.Concatenate(name="joined")(parts)
    for number, nodes in enumerate(options.dense, start=1):
        if options.dropout:
            hidden = layers.Dropout(options.dropout, name=f"dropout_{number}")(hidden)
        hidden = layers.Dense(nodes, activation=options.activation, name=f"head_{number}")(hidden)
    prob = layers.Dense(len(Severity), activation="softmax", dtype="float32", name="prob")(hidden)
    return keras.Model(list(inputs.values()), prob, name=f"lss_{options.backbone}")


def backbone_of(network: Any) -> Any:
    """The image part."""
    return network.get_layer("backbone")


def feature_network(network: Any) -> Any:
    """From ``image`` to what a frozen backbone makes of it; shares the network's weights."""
    return keras.Model(network.inputs[0], network.get_layer("features").output)


def head_network(network: Any) -> Any:
    """From features, ``coords`` and maybe ``level`` to ``prob``; shares the network's weights."""
    features = network.get_layer("features").output
    return keras.Model([features, *network.inputs[1:]], network.output)


def with_tta(network: Any, count: int, spec: InputSpec) -> Any:
    """A network that averages its answers to several slightly shifted fields.

    The point stays where it is in the slice, and so do its coordinates; only the field around it
    is another, as another `InputSpec.shift_mm` would make it. What is missing at an edge is 0, as
    it is in a model input.

    Args:
        network: From `build_network`, trained.
        count: How many of `TTA_SHIFTS`; with 1 the network itself is returned.
        spec: How it is fed.
    """
    if count == 1:
        return network
    inputs = _build_inputs(spec)
    columns, rows = (
        max(1, round(TTA_STEP_MM / field * pixels)) if spec.view == "crop" else 1
        for field, pixels in zip(spec.field_mm, spec.size, strict=True)
    )
    answers = [
        network([_shift(inputs["image"], x * columns, y * rows), *list(inputs.values())[1:]])
        for x, y in TTA_SHIFTS[:count]
    ]
    prob = layers.Average(name="prob")(answers)
    return keras.Model(list(inputs.values()), prob, name=f"{network.name}_views")


def mean_of_networks(networks: Sequence[Any]) -> Any:
    """A network that answers with the mean of several, which take the same inputs."""
    inputs = [keras.Input(tensor.shape[1:], name=tensor.name) for tensor in networks[0].inputs]
    for number, network in enumerate(networks):
        network.name = f"{network.name}_{number}"
    prob = layers.Average(name="prob")([network(inputs) for network in networks])
    return keras.Model(inputs, prob, name="lss_mean")


def with_calibration(network: Any, calibration: Dirichlet) -> Any:
    """A network whose answers are calibrated."""
    inputs = [keras.Input(tensor.shape[1:], name=tensor.name) for tensor in network.inputs]
    prob = keras.ops.maximum(network(inputs), SMALLEST_PROBABILITY)
    calibrated = layers.Dense(len(Severity), activation="softmax", name="prob")
    outputs = calibrated(keras.ops.log(prob))
    calibrated.set_weights([calibration.weights.T, calibration.biases])
    return keras.Model(inputs, outputs, name=f"{network.name}_calibrated")


def _build_inputs(spec: InputSpec) -> dict[str, Any]:
    inputs = {
        "image": keras.Input(spec.shape, name="image"),
        "coords": keras.Input((2,), name="coords"),
    }
    if spec.level:
        inputs["level"] = keras.Input((len(Level),), name="level")
    return inputs


def _split_channels(image: Any) -> list[Any]:
    """Each channel as an image of its own."""
    return [image[..., channel : channel + 1] for channel in range(image.shape[-1])]


def _stack_in_sequence(features: list[Any]) -> Any:
    """Features of several slices, N × F each, as N × slices × F, from head to feet."""
    steps = [layers.Reshape((1, -1))(vector) for vector in features]
    # Concatenate wants two parts at least; without neighbours there is one.
    return layers.Concatenate(axis=1)(steps) if len(steps) > 1 else steps[0]


def standardise_coordinates(network: Any, coords: Float32Array) -> None:
    """Have a network bring points to mean 0 and deviation 1, as they are in its training part.

    As fractions of the slice they differ by some hundredths only, which layers that start at random
    take for a constant.

    Args:
        network: From `build_network`.
        coords: N × 2 fractions, of the training part.
    """
    mean, deviation = coords.mean(axis=0), coords.std(axis=0)
    scale = 1 / np.maximum(deviation, SMALLEST_DEVIATION)
    network.get_layer(STANDARDISED_COORDS).set_weights([np.diag(scale), -mean * scale])


def _build_coordinate_network(coords: Any, options: TrainingOptions) -> Any:
    # Weights of the network and no preprocessing, so that a model file takes fractions.
    hidden = layers.Dense(
        2, kernel_initializer="identity", trainable=False, name=STANDARDISED_COORDS
    )(coords)
    for number, nodes in enumerate(options.coordinates, start=1):
        # Among so few nodes a ReLU that starts dead would take the point with it.
        hidden = layers.Dense(nodes, activation="tanh", name=f"coordinates_{number}")(hidden)
    return hidden


def _shift(image: Any, columns: int, rows: int) -> Any:
    if not columns and not rows:
        return image
    add = ((max(rows, 0), max(-rows, 0)), (max(columns, 0), max(-columns, 0)))
    padded = layers.ZeroPadding2D(add)(image)
    return layers.Cropping2D(tuple(pair[::-1] for pair in add))(padded)
