"""The one way from slices and a point to what a network sees.

Training and prediction both come through `model_input`, with a specification that is stored in
the model, so that they cannot drift apart.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image

from lss_cli.anatomy import Side

FloatArray = npt.NDArray[np.float32]

View = Literal["crop", "slice"]
Normalise = Literal["percentile", "minmax", "zscore"]


@dataclass(frozen=True)
class InputSpec:
    """How a model wants to be fed. Travels inside the model file.

    Attributes:
        view: ``crop`` is a field around the point, ``slice`` the whole slice.
        size: Width and height of the network's image, in pixels.
        field_mm: Width and height of the field, in mm (``crop`` only).
        shift_mm: How far the field's centre lies from the point towards the midline, in mm
            (``crop`` only; conditions without a side are not shifted).
        neighbours: Slices on each side of the point's own; there are 2 × neighbours + 1 channels.
        normalise: ``percentile`` maps the 1st to 99th percentile of the field to 0…1 and clips,
            ``minmax`` its extremes, ``zscore`` its mean to 0 and its deviation to 1.
        level: Whether the network also takes the level, one-hot.
    """

    view: View = "crop"
    size: tuple[int, int] = (96, 96)
    field_mm: tuple[float, float] = (30.0, 30.0)
    shift_mm: float = 0.0
    neighbours: int = 1
    normalise: Normalise = "percentile"
    level: bool = False

    def __post_init__(self) -> None:
        """Refuse values that no input could be made with.

        Raises:
            ValueError: Says which value, and what it may be.
        """
        if self.view not in get_args(View):
            raise ValueError(f"view is {self.view!r}, it can be crop or slice.")
        if self.normalise not in get_args(Normalise):
            raise ValueError(
                f"normalise is {self.normalise!r}, it can be percentile, minmax or zscore."
            )
        if len(self.size) != 2 or not all(8 <= side <= 2048 for side in self.size):
            raise ValueError(f"size is {self.size}, each side can be 8 to 2048 pixels.")
        if len(self.field_mm) != 2 or not all(1 <= side <= 500 for side in self.field_mm):
            raise ValueError(f"field_mm is {self.field_mm}, each side can be 1 to 500 mm.")
        if not abs(self.shift_mm) <= 200:
            raise ValueError(f"shift_mm is {self.shift_mm}, it can be -200 to 200 mm.")
        if not 0 <= self.neighbours <= 8:
            raise ValueError(f"neighbours is {self.neighbours}, it can be 0 to 8.")

    @property
    def channels(self) -> int:
        """Number of slices in one input."""
        return 2 * self.neighbours + 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one image."""
        return self.size[1], self.size[0], self.channels

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON document."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "InputSpec":
        """Build from a JSON document.

        Raises:
            ValueError: A key is missing or unknown, or a value impossible.
        """
        known = {field.name for field in fields(cls)}
        if set(values) != known:
            odd = ", ".join(sorted(set(values) ^ known))
            raise ValueError(f"the input specification has missing or unknown keys: {odd}.")
        try:
            width, height = values["size"]
            field_width, field_height = values["field_mm"]
            numbers = {
                "size": (int(width), int(height)),
                "field_mm": (float(field_width), float(field_height)),
                "shift_mm": float(values["shift_mm"]),
                "neighbours": int(values["neighbours"]),
                "level": bool(values["level"]),
            }
        except (TypeError, ValueError) as error:
            raise ValueError("a size in the input specification is no number.") from error
        return cls(**{**values, **numbers})


@dataclass(frozen=True)
class Slices:
    """Neighbouring slices in the one orientation: columns run to the left, rows to the back.

    Attributes:
        pixels: C × H × W, head to feet, the point's slice in the middle.
        spacing_mm: Distance of two columns and of two rows, in mm.
        full_size: Width and height of the full slice, in pixels.
        origin: Column and row, in the full slice, of the first pixel; (0, 0) unless `pixels` is a
            cut-out.
    """

    pixels: npt.NDArray[Any]
    spacing_mm: tuple[float, float]
    full_size: tuple[int, int]
    origin: tuple[int, int] = (0, 0)

    def mirrored(self) -> "Slices":
        """Left and right exchanged."""
        left = self.full_size[0] - self.origin[0] - self.pixels.shape[2]
        return replace(self, pixels=self.pixels[:, :, ::-1], origin=(left, self.origin[1]))


def model_input(
    slices: Slices,
    point: tuple[float, float],
    spec: InputSpec,
    *,
    side: Side | None,
    mirror: bool = False,
) -> tuple[FloatArray, FloatArray]:
    """Turn slices and a point into one model input.

    Args:
        slices: At least ``spec.channels`` slices; surplus outer ones are left out.
        point: Column and row in the full slice, in pixels, 0 being the centre of the first.
        spec: What the model wants.
        side: The side of the condition, which the shift towards the midline depends on.
        mirror: Exchange left and right first; the side is then the other one.

    Returns:
        The image, H × W × C, and the coordinates ((x + 0.5) / width, (y + 0.5) / height) of the
        point in the full slice, after mirroring. Parts of the field that the slices do not hold
        are 0 in the image.

    Raises:
        ValueError: There are too few slices, or the field misses them altogether.
    """
    if mirror:
        slices = slices.mirrored()
        point = (slices.full_size[0] - 1 - point[0], point[1])
        side = side.other if side else None
    pixels = _middle(slices.pixels, spec.channels)
    box = _field(slices, point, spec, side)
    covered = _covered(box, spec.size, (pixels.shape[2], pixels.shape[1]))
    if not covered.any():
        raise ValueError("the field around the point lies outside the image.")
    channels = [_normalised(_resampled(one, box, spec.size), covered, spec) for one in pixels]
    coords = (np.asarray(point) + 0.5) / np.asarray(slices.full_size)
    return np.stack(channels, axis=-1), coords.astype(np.float32)


def _middle(pixels: npt.NDArray[Any], channels: int) -> npt.NDArray[Any]:
    surplus = len(pixels) - channels
    if surplus < 0 or surplus % 2:
        raise ValueError(f"{channels} neighbouring slices are needed, {len(pixels)} are there.")
    return pixels[surplus // 2 : surplus // 2 + channels]


def _field(
    slices: Slices, point: tuple[float, float], spec: InputSpec, side: Side | None
) -> tuple[float, float, float, float]:
    """Left, top, right and bottom edge of the field in `slices.pixels`; 0 is the first edge."""
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


def _covered(
    box: tuple[float, float, float, float], size: tuple[int, int], held: tuple[int, int]
) -> npt.NDArray[np.bool_]:
    """Which pixels of the resampled field have their centre in the image, H × W."""
    x = box[0] + (np.arange(size[0]) + 0.5) * (box[2] - box[0]) / size[0]
    y = box[1] + (np.arange(size[1]) + 0.5) * (box[3] - box[1]) / size[1]
    return np.outer((y >= 0) & (y <= held[1]), (x >= 0) & (x <= held[0]))


def _resampled(
    pixels: npt.NDArray[Any], box: tuple[float, float, float, float], size: tuple[int, int]
) -> FloatArray:
    """Bilinear, smoothed first where it shrinks, so that no line is skipped; H × W."""
    height, width = pixels.shape
    before = (max(0, int(np.ceil(-box[0]))), max(0, int(np.ceil(-box[1]))))
    after = (max(0, int(np.ceil(box[2] - width))), max(0, int(np.ceil(box[3] - height))))
    if any(before + after):
        pixels = np.pad(pixels, ((before[1], after[1]), (before[0], after[0])), mode="edge")
    moved = (box[0] + before[0], box[1] + before[1], box[2] + before[0], box[3] + before[1])
    image = Image.fromarray(np.ascontiguousarray(pixels, dtype=np.float32))
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR, box=moved), dtype=np.float32)


def _normalised(image: FloatArray, covered: npt.NDArray[np.bool_], spec: InputSpec) -> FloatArray:
    """Each channel by itself, since 8-bit sources are scaled slice by slice."""
    inside = image[covered]
    if spec.normalise == "zscore":
        low, span = float(inside.mean()), float(inside.std())
    else:
        tail = 1.0 if spec.normalise == "percentile" else 0.0
        low, high = (float(value) for value in np.percentile(inside, (tail, 100 - tail)))
        span = high - low
    scaled = (image - low) / span if span > 0 else np.zeros_like(image)
    if spec.normalise == "percentile":
        scaled = scaled.clip(0, 1)
    return np.where(covered, scaled, 0).astype(np.float32)
