"""The image part of a network: from slices to a feature vector."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from keras import layers

from lss_cli.errors import DataError, UsageError
from lss_cli.model.spec import InputSpec
from lss_cli.text import suggest
from lss_cli.training.imagenet import load_imagenet
from lss_cli.training.options import IMAGENET, NO_WEIGHTS, TrainingOptions

COLOURS = 3

# Keras' 0.99 needs thousands of steps to settle; a training here has a few hundred.
BATCH_NORM_MOMENTUM = 0.9

# Of the training images' red, green and blue, each 0…1 (keras.applications.imagenet_utils).
IMAGENET_MEAN = np.array([0.485, 0.456, 0.406])
IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225])


@dataclass(frozen=True)
class Scaling:
    """From 0…1 to what a backbone was trained on: ``scale · x + offset``, by channel."""

    scale: tuple[float, ...]
    offset: tuple[float, ...]


# The modes of keras.applications.imagenet_utils.preprocess_input. Two of the networks below were
# trained on blue, green, red; slices have no colours, so their order is left as it is, and each
# channel gets the mean of the place that it takes.
SYMMETRIC = Scaling((2.0,) * 3, (-1.0,) * 3)
STANDARDISED = Scaling(tuple(1 / IMAGENET_DEVIATION), tuple(-IMAGENET_MEAN / IMAGENET_DEVIATION))
CENTRED = Scaling((255.0,) * 3, (-103.939, -116.779, -123.68))

# EfficientNet scales inside itself. Its published weights want the deviation once more, which
# Keras adds only where it downloads them: x ↦ m + (x − m) / √s before its own scaling.
_AGAIN = 1 / np.sqrt(IMAGENET_DEVIATION)
TWICE = Scaling(tuple(255 * _AGAIN), tuple(255 * IMAGENET_MEAN * (1 - _AGAIN)))


@dataclass(frozen=True)
class Application:
    """A network that comes with Keras.

    Attributes:
        name: Of its function in ``keras.applications``.
        smallest: Pixels that each side of its image has at least.
        scaling: What its ImageNet weights expect.
    """

    name: str
    smallest: int
    scaling: Scaling


APPLICATIONS = {
    "densenet121": Application("DenseNet121", 32, STANDARDISED),
    "vgg16": Application("VGG16", 32, CENTRED),
    "inception_v3": Application("InceptionV3", 75, SYMMETRIC),
    "inception_resnet_v2": Application("InceptionResNetV2", 75, SYMMETRIC),
    "xception": Application("Xception", 71, SYMMETRIC),
    "resnet50": Application("ResNet50", 32, CENTRED),
    "efficientnet_b0": Application("EfficientNetB0", 32, TWICE),
    "mobilenet": Application("MobileNet", 32, SYMMETRIC),
}


def build_backbone(options: TrainingOptions, spec: InputSpec, channels: int) -> Any:
    """Build the image part, with the weights that are asked for.

    Args:
        options: Which, and from which weights.
        spec: How the images are made.
        channels: Slices per image: all of them, or one where they come one by one.

    Returns:
        A Keras model named ``backbone`` from N × H × W × `channels` to N × features.

    Raises:
        UsageError: The image is too small for it, or the weights cannot be downloaded.
        DataError: The weights file cannot be read, or belongs to another network.
    """
    application = APPLICATIONS.get(options.backbone)
    smallest = application.smallest if application else 2**options.blocks
    if min(spec.size) < smallest:
        raise UsageError(
            f"{options.backbone} needs images of {smallest} pixels a side at least, "
            f"these have {spec.size[0]} × {spec.size[1]}.",
            todo=f"Prepare the data with --size {smallest}, or more.",
        )
    image = keras.Input((*spec.shape[:2], channels), name="slices")
    if application is None:
        backbone = keras.Model(image, _build_custom(image, options), name="backbone")
        if options.start != NO_WEIGHTS:
            _load_weights(backbone, Path(options.start), "custom")
        return backbone
    ready = _cut_after(_build_application(application, spec, options.start), options.until)
    hidden = _scale(_to_colours(image, channels), application.scaling, spec)
    features = layers.GlobalAveragePooling2D(name="average")(ready(hidden))
    backbone = keras.Model(image, features, name="backbone")
    if channels != COLOURS:
        backbone.get_layer("colours").set_weights([_colour_kernel(channels)])
    return backbone


def inner_layers(backbone: Any) -> list[Any]:
    """The layers whose names ``--unfreeze-from`` may give, in their order."""
    for layer in backbone.layers:
        if isinstance(layer, keras.Model):
            return list(layer.layers)
    return list(backbone.layers)


def freeze_until(backbone: Any, name: str) -> None:
    """Freeze the layers before the one called `name`; freeze none for an empty name.

    Raises:
        UsageError: There is no such layer.
    """
    inner = inner_layers(backbone)
    names = [layer.name for layer in inner]
    # A model that is trainable already does not pass it on to layers that are not.
    for layer in (backbone, *backbone.layers, *inner):
        layer.trainable = True
    if not name:
        return
    _check_layer(name, names)
    # What stands before the ready-made network comes first of all.
    for layer in backbone.layers:
        layer.trainable = isinstance(layer, keras.Model) or layer in inner
    for layer in inner[: names.index(name)]:
        layer.trainable = False


def _build_custom(image: Any, options: TrainingOptions) -> Any:
    """Blocks of convolution, batch normalisation and max-pooling, then flatten."""
    hidden = image
    for number in range(options.blocks):
        hidden = layers.Conv2D(
            options.filters * 2**number,
            3,
            padding="same",
            activation=options.activation,
            name=f"convolution_{number + 1}",
        )(hidden)
        hidden = layers.BatchNormalization(
            momentum=BATCH_NORM_MOMENTUM, name=f"normalisation_{number + 1}"
        )(hidden)
        hidden = layers.MaxPooling2D(2, name=f"pooling_{number + 1}")(hidden)
    return layers.Flatten(name="flat")(hidden)


def _build_application(application: Application, spec: InputSpec, weights: str) -> Any:
    make: Callable[..., Any] = getattr(keras.applications, application.name)
    shape = (*spec.shape[:2], COLOURS)
    ready = make(weights=None, include_top=False, input_shape=shape)
    for layer in ready.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = BATCH_NORM_MOMENTUM
    if weights == IMAGENET:
        ready.set_weights(load_imagenet(application.name, shape).get_weights())
    elif weights != NO_WEIGHTS:
        _load_weights(ready, Path(weights), application.name)
    return ready


def _cut_after(ready: Any, until: str) -> Any:
    """A network without what follows a layer; the whole for an empty name."""
    if not until:
        return ready
    _check_layer(until, [layer.name for layer in ready.layers])
    return keras.Model(ready.input, ready.get_layer(until).output, name=ready.name)


def _check_layer(name: str, names: list[str]) -> None:
    if name not in names:
        raise UsageError(
            f"the backbone has no layer {name!r}.{suggest(name, names)}",
            todo=f"It has, from {names[0]!r} on: {', '.join(names[-8:])}.",
        )


def _load_weights(network: Any, path: Path, name: str) -> None:
    """Load weights, but only if every array of the file has its place in the network."""
    if not path.is_file():
        raise DataError("there is no such weights file.", where=str(path))
    try:
        with h5py.File(path) as file:
            shapes: list[tuple[int, ...]] = []

            def note_shape(_: str, item: Any) -> None:
                if isinstance(item, h5py.Dataset):
                    shapes.append(item.shape)

            file.visititems(note_shape)
        if Counter(shapes) != Counter(tuple(weight.shape) for weight in network.weights):
            raise DataError(
                f"these are not the weights of {name} without its top.",
                where=str(path),
                todo="Name its own, or another --backbone.",
            )
        network.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"the weights cannot be read ({error}).", where=str(path)) from error


def _to_colours(image: Any, channels: int) -> Any:
    """Any number of slices as the three channels that ready-made networks take."""
    if channels == COLOURS:
        return image
    return layers.Conv2D(COLOURS, 1, use_bias=False, name="colours")(image)


def _colour_kernel(channels: int) -> Any:
    """Where the 1 × 1 convolution starts: slices above, the point's own, slices below.

    Each is a mean, so a single slice becomes three equal channels; and the start is already
    sensible where the convolution is frozen.
    """
    kernel = np.zeros((channels, COLOURS), np.float32)
    middle = channels // 2
    kernel[: middle or 1, 0] = 1
    kernel[middle, 1] = 1
    kernel[-middle:, 2] = 1
    return (kernel / kernel.sum(axis=0))[None, None]


def _scale(image: Any, scaling: Scaling, spec: InputSpec) -> Any:
    """The input scaling of a backbone, after bringing z-scores to where 0…1 images lie."""
    scale, offset = np.array(scaling.scale), np.array(scaling.offset)
    if spec.normalise == "zscore":
        offset = offset + scale * IMAGENET_MEAN
        scale = scale * IMAGENET_DEVIATION
    return layers.Rescaling(scale.tolist(), offset.tolist(), name="scaling")(image)
