"""Occlusion map: which parts of the image the network's grade depends on."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from lss_cli.anatomy import Level
from lss_cli.grading.grade import make_input
from lss_cli.model.inputs import field_box
from lss_cli.model.session import Model
from lss_cli.points.point import Point
from lss_cli.slices import Float32Array
from lss_cli.study.study import Study

# Of the input's shorter side; a patch should cover a recess, and not much more.
PATCH_SHARE = 0.2
# Patches overlap by this factor, so that the map has no blocks.
OVERLAP = 2


@dataclass(frozen=True, eq=False)
class Saliency:
    """What mattered for the grade of one level, and where.

    Left and right are as in the slice, also where the network is fed a mirrored input.

    Attributes:
        slice: The point's slice in the one orientation, H × W.
        spacing_mm: Distance of its columns and rows.
        point: Column and row in it, in pixels.
        field: Left, top, right and bottom edge of the field in it, in pixels; 0 is the first edge.
        input: The middle channel of the model input, h × w.
        importance: For each pixel of the input, how much the probability of the most likely grade
            falls, on average, when a patch over the pixel is hidden; h × w.
    """

    slice: Float32Array
    spacing_mm: tuple[float, float]
    point: tuple[float, float]
    field: tuple[float, float, float, float]
    input: Float32Array
    importance: Float32Array


def explain_grade(study: Study, point: Point, model: Model) -> Saliency:
    """Find out what mattered for the grade of one point.

    Raises:
        StudyError: The point cannot be graded any more.
    """
    spec = model.metadata.input
    located = study.around(point, spec.neighbours, condition=point.condition)
    given, slices = make_input(located, model), located.slices
    importance = occlusion_map(given.image, given.coords, point.level, model)
    # Mirrored for the network; shown as the reader knows it.
    back = -1 if model.metadata.mirrors(point.condition) else 1
    return Saliency(
        slice=np.asarray(slices.pixels[len(slices.pixels) // 2], dtype=np.float32),
        spacing_mm=slices.spacing_mm,
        point=located.pixel,
        field=field_box(slices, located.pixel, spec, point.condition.side),
        input=given.image[:, ::back, spec.neighbours],
        importance=importance[:, ::back],
    )


def occlusion_map(
    image: Float32Array, coords: Float32Array, level: Level, model: Model
) -> Float32Array:
    """Hide patch after patch, and see how far the most likely grade falls.

    A patch hides all channels and is filled with their means. Source: Zeiler and Fergus,
    "Visualizing and Understanding Convolutional Networks", ECCV 2014.

    Args:
        image: H × W × C, from `model_input`.
        coords: 2 numbers, from `model_input`.
        level: Which the network may want to know.
        model: The network.

    Returns:
        H × W; positive where hiding lowers the probability.
    """
    height, width, _ = image.shape
    patch = max(2, round(min(height, width) * PATCH_SHARE))
    step = max(1, patch // OVERLAP)
    boxes = [
        (slice(max(0, top), top + patch), slice(max(0, left), left + patch))
        for top in range(step - patch, height, step)
        for left in range(step - patch, width, step)
    ]
    hidden = np.repeat(image[None], len(boxes) + 1, axis=0)
    for occluded, (rows, columns) in zip(hidden[1:], boxes, strict=True):
        occluded[rows, columns] = image.mean(axis=(0, 1))
    prob = model.probabilities(
        hidden, np.repeat(coords[None], len(hidden), axis=0), [level] * len(hidden)
    )
    grade = int(prob[0].argmax())
    total: npt.NDArray[np.float64] = np.zeros((height, width))
    counts: npt.NDArray[np.float64] = np.zeros((height, width))
    for fall, (rows, columns) in zip(prob[0, grade] - prob[1:, grade], boxes, strict=True):
        total[rows, columns] += fall
        counts[rows, columns] += 1
    return _smooth(np.asarray(total / np.maximum(counts, 1), dtype=np.float32), patch)


def _smooth(importance: Float32Array, patch: int) -> Float32Array:
    """Without the edges of the patches, which mean nothing."""
    image = Image.fromarray(importance)
    coarse = image.resize(
        (image.width * 2 // patch, image.height * 2 // patch), Image.Resampling.BOX
    )
    return np.asarray(coarse.resize(image.size, Image.Resampling.BICUBIC), dtype=np.float32)
