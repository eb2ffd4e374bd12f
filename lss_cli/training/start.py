"""Which weights a training starts from."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import keras

from lss_cli.errors import DataError, UsageError
from lss_cli.training.backbones import APPLICATIONS, COLOURS
from lss_cli.training.imagenet import Tell, load_imagenet
from lss_cli.training.options import AUTO, IMAGENET, NO_WEIGHTS, TrainingOptions

# Weights do not depend on the image's size; all networks take this one.
SHAPE = (96, 96, COLOURS)


def choose_start(options: TrainingOptions, tell: Tell) -> TrainingOptions:
    """Say what ``auto`` weights of a ready-made network are: ImageNet's, or random ones.

    Args:
        options: Of the training.
        tell: Called with what the user has to know: that weights are fetched, or that there are
            none.

    Returns:
        The options, with ``imagenet`` or ``none`` where ``auto`` was.

    Raises:
        UsageError: There are none, and a frozen backbone would know nothing.
    """
    if options.weights != AUTO or options.backbone not in APPLICATIONS:
        return options
    try:
        load_imagenet(APPLICATIONS[options.backbone].name, SHAPE, tell)
    except UsageError as error:
        if options.freeze or options.fine_tune_epochs:
            raise
        tell(
            f"Warning: {error.what} The network starts from random weights instead, which as a "
            f"rule makes it worse. {error.todo} --weights none says that random ones are meant."
        )
        return replace(options, weights=NO_WEIGHTS)
    finally:
        # Layers without a name of their own are counted, and users name them.
        keras.backend.clear_session()
    return replace(options, weights=IMAGENET)


def describe_weights(options: TrainingOptions) -> Mapping[str, str]:
    """Which weights a training starts from, without the folder that they lie in.

    Raises:
        DataError: There is no such file.
    """
    if options.start in (NO_WEIGHTS, IMAGENET):
        return {"weights": options.start}
    path = Path(options.start)
    if not path.is_file():
        raise DataError("there is no such weights file.", where=str(path))
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"weights": path.name, "sha256": digest}
