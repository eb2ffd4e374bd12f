"""Small U-Nets that answer with a map per landmark."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from lss_cli.locate.metadata import Kind

# Pixels of the window for a cell of the maps: 5.5 mm for discs, 1 mm for recesses. Positions are
# finer than cells.
STRIDES: dict[Kind, int] = {"sagittal": 4, "axial": 2}
# Channels at half the window's resolution, a quarter of it, and so on down to 1/32.
WIDTHS = (16, 32, 48, 72, 96)


def build_unet(kind: Kind, size: tuple[int, int], landmarks: int) -> Any:
    """A network from windows to logits.

    Args:
        kind: What it looks at.
        size: Width and height of the window, multiples of 32.
        landmarks: How many maps.

    Returns:
        Input ``image``, N × H × W × 1. Output ``logits``, N × (1 + cells) × landmarks: first that
        of there being none, then those of the cells, row by row.
    """
    width, height = size
    image = keras.Input((height, width, 1), name="image")
    x = _convolve(image, WIDTHS[0], kernel=5, strides=2)
    skips = []
    for resolution, channels in enumerate(WIDTHS[1:], 2):
        if 2**resolution > STRIDES[kind]:
            x = _convolve(x, x.shape[-1])
            skips.append(x)
        x = _convolve(layers.MaxPooling2D()(x), channels)
    x = _convolve(x, WIDTHS[-1])
    pooled = layers.GlobalAveragePooling2D()(x)
    nowhere = layers.Dense(landmarks)(layers.Dense(32, activation="relu")(pooled))
    for skip in reversed(skips):
        x = layers.Concatenate()([layers.UpSampling2D()(x), skip])
        x = _convolve(x, skip.shape[-1])
    cells = layers.Reshape((-1, landmarks))(layers.Conv2D(landmarks, 1)(x))
    nowhere = layers.Reshape((1, landmarks))(nowhere)
    logits = layers.Concatenate(axis=1, name="logits", dtype="float32")([nowhere, cells])
    return keras.Model(image, logits, name="unet")


def with_maps(networks: Sequence[Any], kind: Kind) -> Any:
    """One network of several, with the output that a locator's file has.

    Args:
        networks: As `build_unet` gives them.
        kind: What they look at.

    Returns:
        Input ``image``. Output ``maps``, N × rows × columns × landmarks: the mean of theirs.
    """
    _, height, width, _ = networks[0].input.shape
    image = keras.Input((height, width, 1), name="image")
    # Keras wants names that differ.
    renamed = [
        keras.Model(network.inputs, network.output, name=f"unet_{number}")
        for number, network in enumerate(networks)
    ]
    prob = [layers.Softmax(axis=1)(network(image)) for network in renamed]
    mean = layers.Average()(prob) if len(prob) > 1 else prob[0]
    cells = layers.Cropping1D((1, 0))(mean)
    shape = height // STRIDES[kind], width // STRIDES[kind], mean.shape[-1]
    return keras.Model(image, layers.Reshape(shape, name="maps")(cells), name=f"locate_{kind}")


def _convolve(x: Any, channels: int, *, kernel: int = 3, strides: int = 1) -> Any:
    x = layers.Conv2D(channels, kernel, strides=strides, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.95)(x))
