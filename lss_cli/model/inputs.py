"""The one way from slices and a point to what a network sees.

Training and prediction both come through `model_input`, with a specification that is stored in
the model, so that they cannot drift apart.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from lss_cli.anatomy import Side
from lss_cli.model.spec import InputSpec
from lss_cli.slices import Float32Array, Slices, percentiles


def model_input(
    slices: Slices,
    point: tuple[float, float],
    spec: InputSpec,
    *,
    side: Side | None,
    mirror: bool = False,
    margin: tuple[int, int] = (0, 0),
) -> tuple[Float32Array, Float32Array]:
    """Turn slices and a point into one model input.

    Args:
        slices: At least ``spec.channels`` slices; surplus outer ones are left out.
        point: Column and row in the full slice, in pixels, 0 being the centre of the first.
        spec: What the model wants.
        side: The side of the condition, which the shift towards the midline depends on.
        mirror: Exchange left and right first; the side is then the other one.
        margin: Columns and rows beyond each edge of the field that come with it, for training. The
            field between them is the same to the bit.

    Returns:
        The image, H × W × C and larger by the margin, and the coordinates ((x + 0.5) / width,
        (y + 0.5) / height) of the point in the full slice, after mirroring. Parts of the field that
        the slices do not hold are 0 in the image. For a neighbour that shows nothing in the field,
        the next slice on the way to it stands in.

    Raises:
        ValueError: There are too few slices, the field misses them altogether, or nothing is to
            be seen in it.
    """
    if mirror:
        slices = slices.mirror()
        point = (slices.full_size[0] - 1 - point[0], point[1])
        side = side.other if side else None
    pixels = _middle(slices.pixels, spec.channels)
    box = field_box(slices, point, spec, side)
    covered = _covered_pixels(box, spec.size, (pixels.shape[2], pixels.shape[1]))
    if not covered.any():
        raise ValueError("the field around the point lies outside the image.")
    channels = _stand_in([_make_channel(slice_, box, covered, spec, margin) for slice_ in pixels])
    coords = (np.asarray(point) + 0.5) / np.asarray(slices.full_size)
    return np.stack(channels, axis=-1), coords.astype(np.float32)


def _stand_in(channels: list[Float32Array | None]) -> list[Float32Array]:
    """Replace each channel that shows nothing by the next one on the way to the middle.

    Raises:
        ValueError: The middle one shows nothing.
    """
    middle = len(channels) // 2
    nearest = channels[middle]
    if nearest is None:
        raise ValueError("the field around the point has no contrast.")
    before, after = [nearest], [nearest]
    for channel in reversed(channels[:middle]):
        before.append(before[-1] if channel is None else channel)
    for channel in channels[middle + 1 :]:
        after.append(after[-1] if channel is None else channel)
    return before[:0:-1] + after


def covered_share(
    slices: Slices, point: tuple[float, float], spec: InputSpec, *, side: Side | None
) -> float:
    """How much of the field the slices hold, 0 to 1; arguments as in `model_input`."""
    held = slices.pixels.shape[2], slices.pixels.shape[1]
    return float(_covered_pixels(field_box(slices, point, spec, side), spec.size, held).mean())


def _middle(pixels: npt.NDArray[Any], channels: int) -> npt.NDArray[Any]:
    surplus = len(pixels) - channels
    if surplus < 0 or surplus % 2:
        raise ValueError(f"{channels} neighbouring slices are needed, {len(pixels)} are there.")
    return pixels[surplus // 2 : surplus // 2 + channels]


def field_box(
    slices: Slices, point: tuple[float, float], spec: InputSpec, side: Side | None
) -> tuple[float, float, float, float]:
    """Left, top, right and bottom edge of the field; 0 is the first edge of ``slices.pixels``."""
    if spec.view == "slice":
        left, top = -float(slices.origin[0]), -float(slices.origin[1])
        return left, top, left + slices.full_size[0], top + slices.full_size[1]
    # Columns run to the patient's left, so the midline lies before a left-sided point.
    towards = {Side.LEFT: -1, Side.RIGHT: 1, None: 0}[side]
    x = point[0] + 0.5 - slices.origin[0] + towards * spec.shift_mm / slices.spacing_mm[0]
    y = point[1] + 0.5 - slices.origin[1]
    half_width = spec.field_mm[0] / slices.spacing_mm[0] / 2
    half_height = spec.field_mm[1] / slices.spacing_mm[1] / 2
    return x - half_width, y - half_height, x + half_width, y + half_height


def _covered_pixels(
    box: tuple[float, float, float, float], size: tuple[int, int], held: tuple[int, int]
) -> npt.NDArray[np.bool_]:
    """Which pixels of the resampled field have their centre in the image, H × W."""
    x = box[0] + (np.arange(size[0]) + 0.5) * (box[2] - box[0]) / size[0]
    y = box[1] + (np.arange(size[1]) + 0.5) * (box[3] - box[1]) / size[1]
    return np.outer((y >= 0) & (y <= held[1]), (x >= 0) & (x <= held[0]))


def resample(
    pixels: npt.NDArray[Any], box: tuple[float, float, float, float], size: tuple[int, int]
) -> Float32Array:
    """Bilinear, smoothed first where it shrinks, so that no line is skipped; H × W."""
    height, width = pixels.shape
    before = (max(0, int(np.ceil(-box[0]))), max(0, int(np.ceil(-box[1]))))
    after = (max(0, int(np.ceil(box[2] - width))), max(0, int(np.ceil(box[3] - height))))
    if any(before + after):
        pixels = np.pad(pixels, ((before[1], after[1]), (before[0], after[0])), mode="edge")
    moved = (box[0] + before[0], box[1] + before[1], box[2] + before[0], box[3] + before[1])
    image = Image.fromarray(np.ascontiguousarray(pixels, dtype=np.float32))
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR, box=moved), dtype=np.float32)


def _make_channel(
    slice_: npt.NDArray[Any],
    box: tuple[float, float, float, float],
    covered: npt.NDArray[np.bool_],
    spec: InputSpec,
    margin: tuple[int, int],
) -> Float32Array | None:
    """Each channel by itself, since 8-bit sources are scaled slice by slice.

    ``None`` for one that shows nothing.
    """
    field = resample(slice_, box, spec.size)
    low, span = _grey_range(field[covered], spec)
    if not span > 0:
        return None
    image = _normalise(field, covered, low, span, spec)
    if not any(margin):
        return image
    (width, height), (columns, rows) = spec.size, margin
    wide_size = width + 2 * columns, height + 2 * rows
    x, y = (box[2] - box[0]) / width * columns, (box[3] - box[1]) / height * rows
    wide_box = box[0] - x, box[1] - y, box[2] + x, box[3] + y
    held = _covered_pixels(wide_box, wide_size, (slice_.shape[1], slice_.shape[0]))
    wide = _normalise(resample(slice_, wide_box, wide_size), held, low, span, spec)
    # Resampled from a box of its own, the middle would differ in the last digit.
    wide[rows : rows + height, columns : columns + width] = image
    return wide


def _normalise(
    image: Float32Array, covered: npt.NDArray[np.bool_], low: float, span: float, spec: InputSpec
) -> Float32Array:
    """Grey values brought to one range; 0 where nothing is covered."""
    scaled = (image - low) / span
    if spec.normalise == "percentile":
        scaled = scaled.clip(0, 1)
    return np.where(covered, scaled, 0).astype(np.float32)


def _grey_range(inside: Float32Array, spec: InputSpec) -> tuple[float, float]:
    """What becomes 0, and how far from it lies what becomes 1."""
    if spec.normalise == "zscore":
        return float(inside.mean()), float(inside.std())
    tail = 1.0 if spec.normalise == "percentile" else 0.0
    low, high = percentiles(inside, tail, 100 - tail)
    return low, high - low
