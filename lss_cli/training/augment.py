"""Small changes to training images that leave their grade as it is."""

import numpy as np
from PIL import Image

from lss_cli.model_input import FloatArray

LARGEST_SCALING = 0.15
LARGEST_ROTATION = np.deg2rad(12)
LARGEST_GAMMA = 0.3


def augmented(
    image: FloatArray, point: FloatArray, rng: np.random.Generator, *, order_known: bool
) -> FloatArray:
    """Scale and turn an image a little around its point, and change its contrast.

    The point stays where it is, so the coordinates stay true. The neighbours of a stack whose
    order is unknown are exchanged half of the time.

    Args:
        image: H × W × C.
        point: Where in the image the point lies, as fractions of its width and height.
        rng: Where chance comes from.
        order_known: Whether the channels surely run head to feet.

    Returns:
        A new image of the same shape.
    """
    swap = rng.random() < 0.5
    moved = _turned(image[..., ::-1] if swap and not order_known else image, point, rng)
    gamma = np.exp(rng.uniform(-LARGEST_GAMMA, LARGEST_GAMMA))
    return np.asarray(np.sign(moved) * np.abs(moved) ** gamma, dtype=np.float32)


def _turned(image: FloatArray, point: FloatArray, rng: np.random.Generator) -> FloatArray:
    """One similarity transform for all channels; what comes in from outside is 0."""
    height, width, channels = image.shape
    angle = rng.uniform(-LARGEST_ROTATION, LARGEST_ROTATION)
    scale = np.exp(rng.uniform(-LARGEST_SCALING, LARGEST_SCALING))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * scale
    centre = point * (width, height)
    offset = centre - turn @ centre
    matrix = (*turn[0], offset[0], *turn[1], offset[1])
    affine, bilinear = Image.Transform.AFFINE, Image.Resampling.BILINEAR
    turned = [
        Image.fromarray(np.ascontiguousarray(image[..., channel])).transform(
            (width, height), affine, matrix, bilinear
        )
        for channel in range(channels)
    ]
    return np.stack([np.asarray(channel) for channel in turned], axis=-1)
