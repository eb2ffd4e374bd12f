"""Small changes to training images that leave their grade as it is."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow

from lss_cli.anatomy import Condition
from lss_cli.dataset.margin import LARGEST_ROTATION, LARGEST_SCALING, LARGEST_SHIFT_MM
from lss_cli.dataset.prepared import Prepared
from lss_cli.slices import Float32Array

# At strength 1, beside what moves the field.
LARGEST_BEND = 0.4
LARGEST_NOISE = 0.04
HIDDEN_NEIGHBOURS = 0.1

# Drawn once, since drawing costs as much as all the rest; a batch starts somewhere in its first
# half.
NOISE = np.random.default_rng(0).standard_normal(2**20, dtype=np.float32)


@dataclass(frozen=True)
class PointGeometry:
    """What the rows of prepared data have to say about where things lie.

    Attributes:
        points: N × 2, where in their images the points lie, as fractions of width and height.
        pixels_per_mm: Columns and rows of an image per mm; 0 where the image is the whole slice
            and stays where it is, whatever the point.
        slice_mm: N × 2, width and height of the full slices.
        order_known: N, whether the channels surely run head to feet.
        symmetric: N, whether the grade is that of no side, so that a mirrored image has it too.
        bounded: Whether grey values lie in 0…1.
        margin: Columns and rows of the images beyond each edge of the field.
    """

    points: Float32Array
    pixels_per_mm: Float32Array
    slice_mm: Float32Array
    order_known: npt.NDArray[np.bool_]
    symmetric: npt.NDArray[np.bool_]
    bounded: bool
    margin: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, data: Prepared) -> "PointGeometry":
        """That of all rows of the index."""
        spec, index = data.spec, data.index
        crop = spec.view == "crop"
        return cls(
            data.points(np.arange(len(index))),
            np.array(spec.size, np.float32) / (spec.field_mm if crop else np.inf),
            index[["slice_width_mm", "slice_height_mm"]].to_numpy(np.float32),
            (index["order"] == "known").to_numpy(),
            np.array([Condition(name).side is None for name in index["condition"]], bool),
            spec.normalise != "zscore",
            data.margin,
        )


def augment(
    images: Float32Array,
    coords: Float32Array,
    rows: npt.NDArray[np.int64],
    geometry: PointGeometry,
    rng: np.random.Generator,
    strength: float,
) -> tuple[Float32Array, Float32Array]:
    """Change images a little: another click, another size and pose, other contrast and noise.

    A click that errs by some mm takes its field and its coordinates along; scaling and turning
    happen around the point, which stays. The neighbours of a stack whose order is unknown are
    exchanged half of the time, and so are left and right of what has no side. Some neighbours are
    hidden: as where a study lacks them, the next slice on the way to the point's own stands in.

    Args:
        images: N × H × W × C, with their margin.
        coords: N × 2, the points as fractions of the full slice's width and height.
        rows: N rows of the prepared data, for `geometry`.
        geometry: Where things lie.
        rng: Where chance comes from.
        strength: Factor on the largest changes.

    Returns:
        New images without the margin, and their coordinates.
    """
    count, points = len(rows), geometry.points[rows]
    swapped = (rng.random(count) < 0.5) & ~geometry.order_known[rows]
    if swapped.any():
        images = images.copy()
        images[swapped] = images[swapped][..., ::-1]
    if geometry.symmetric[rows].any():
        mirrored = (rng.random(count) < 0.5) & geometry.symmetric[rows]
        images, coords = images.copy(), coords.copy()
        images[mirrored] = images[mirrored][:, :, ::-1]
        coords[mirrored, 0], points[mirrored, 0] = 1 - coords[mirrored, 0], 1 - points[mirrored, 0]
    click_mm = rng.uniform(-1, 1, (count, 2)) * LARGEST_SHIFT_MM * strength
    click = click_mm * geometry.pixels_per_mm
    moved = _turn(images, points, geometry.margin, click, rng, strength)
    coords = np.asarray(coords + click_mm / geometry.slice_mm[rows], np.float32)
    changed = _retouch(moved, geometry.bounded, rng, strength)
    return _hide_neighbours(changed, HIDDEN_NEIGHBOURS * strength, rng), coords


def _turn(
    images: Float32Array,
    points: Float32Array,
    margin: tuple[int, int],
    clicks: npt.NDArray[np.float64],
    rng: np.random.Generator,
    strength: float,
) -> Float32Array:
    """One affine transform per image, from the field with its margin to the field alone.

    A pixel p of the new image shows the old one at turn · (p − centre) + centre + click; what comes
    in from beyond the margin is 0.
    """
    count, columns, rows = len(images), *margin
    height, width = images.shape[1] - 2 * rows, images.shape[2] - 2 * columns
    angle = rng.uniform(-1, 1, count) * LARGEST_ROTATION * strength
    scale = np.exp(rng.uniform(-1, 1, count) * LARGEST_SCALING * strength)
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    # The transform counts pixels from the centre of the first.
    x, y = (points * (width, height) - 0.5).T
    right = x - cos * x + sin * y + clicks[:, 0] + columns
    down = y - sin * x - cos * y + clicks[:, 1] + rows
    zero = np.zeros(count)
    transforms = np.stack([cos, -sin, right, sin, cos, down, zero, zero], axis=1)
    # As keras.ops.image.affine_transform, which cannot give a smaller image.
    moved = tensorflow.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms.astype(np.float32),
        output_shape=(height, width),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    return np.asarray(moved)


def _retouch(
    images: Float32Array, bounded: bool, rng: np.random.Generator, strength: float
) -> Float32Array:
    """Other contrast, and noise."""
    each = (len(images), 1, 1, 1)
    bend = (rng.uniform(-1, 1, each) * LARGEST_BEND * strength).astype(np.float32)
    # Like a gamma curve, 0 and 1 stay; z-scores have no such ends and are stretched.
    changed = images * (1 - images) if bounded else images.copy()
    changed *= bend
    changed += images
    level = (rng.uniform(0, LARGEST_NOISE, each) * strength).astype(np.float32)
    start = int(rng.integers(NOISE.size // 2))
    noise = NOISE[start : start + changed.size]
    if noise.size < changed.size:
        noise = np.resize(noise, changed.size)
    changed += level * noise.reshape(changed.shape)
    return np.asarray(changed)


def _hide_neighbours(images: Float32Array, chance: float, rng: np.random.Generator) -> Float32Array:
    """Like `model_input`, from the middle outwards; each neighbour of each image by itself."""
    middle = images.shape[3] // 2
    for step in range(1, middle + 1):
        for sign in (-1, 1):
            hidden = rng.random(len(images)) < chance
            images[hidden, ..., middle + sign * step] = images[
                hidden, ..., middle + sign * (step - 1)
            ]
    return images
