"""Pictures as other scanners, positions and hospitals would have taken them."""

import zlib
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from lss_cli.locate.metadata import Kind
from lss_cli.slices import Float32Array
from lss_cli.training.locator.pictures import Picture

Rng = np.random.Generator


@dataclass(frozen=True)
class Variation:
    """How much pictures of a kind are varied.

    Attributes:
        turn: Largest rotation, in degrees.
        scale: Smallest and largest enlargement.
        flip: Share that is mirrored left to right.
        shift_mm: Largest distance, across and down, of a window's middle from what it is meant to
            be in the middle of.
        field_mm: Smallest and largest side of the part that is to be seen; all else is black.
        cut: Share of pictures of which a part is to be seen only.
        contrast: Share whose grey values are mapped as another sequence might have them.
    """

    turn: float
    scale: tuple[float, float]
    flip: float
    shift_mm: tuple[float, float]
    field_mm: tuple[float, float]
    cut: float
    contrast: float


VARIATIONS: dict[Kind, Variation] = {
    "sagittal": Variation(
        turn=20, scale=(0.75, 1.3), flip=0.1, shift_mm=(20, 20), field_mm=(150, 264), cut=0.5,
        contrast=0.45,
    ),
    "axial": Variation(
        turn=15, scale=(0.8, 1.25), flip=0.5, shift_mm=(12, 8), field_mm=(22, 48), cut=1.0,
        contrast=0.2,
    ),
}  # fmt: skip

# A cut-out's own border is at least this part of its size away from what is left of it.
INSET = 0.1
# Black around a cut-out, so that no window reaches the end of it.
MARGIN_MM = 30.0


def vary(picture: Picture, kind: Kind, rng: Rng) -> tuple[Picture, tuple[float, float]]:
    """Another picture of the same anatomy, and where a window is to be cut out of it.

    What leaves the picture has no place in it any more.

    Returns:
        The picture, and the column and row of the window's middle.
    """
    variation = VARIATIONS[kind]
    if kind == "axial" and picture.real:
        picture = _hide_border(picture, variation, rng)
    if rng.random() < variation.flip:
        picture = mirror(picture)
        if kind == "axial":
            picture = replace(picture, points=picture.points[::-1])
    picture = _turn(picture, variation, rng)
    if kind == "sagittal" and rng.random() < variation.cut:
        picture = _cut_field(picture, variation, rng)
    picture = replace(picture, pixels=_recolour(picture.pixels, variation.contrast, rng))
    shift = rng.uniform(-1, 1, 2) * variation.shift_mm / np.array(picture.spacing_mm)
    column, row = _target(picture, kind) + shift
    return picture, (float(column), float(row))


def move_window(picture: Picture) -> tuple[Picture, tuple[float, float]]:
    """An axial picture as held-out ones are asked for: as it is, but for border and window.

    Both lie at random, in the same way whenever a picture is asked for.

    Returns:
        The picture, and the column and row of the window's middle.
    """
    rng = np.random.default_rng(zlib.crc32(f"{picture.name} {picture.level}".encode()))
    variation = VARIATIONS["axial"]
    if picture.real:
        picture = _hide_border(picture, variation, rng)
    shift = rng.uniform(-1, 1, 2) * variation.shift_mm / np.array(picture.spacing_mm)
    column, row = _target(picture, "axial") + shift
    return picture, (float(column), float(row))


def mirror(picture: Picture) -> Picture:
    """Left and right of the picture exchanged; the landmarks keep their names."""
    points = picture.points.copy()
    points[:, 0] = picture.pixels.shape[1] - 1 - points[:, 0]
    return replace(picture, pixels=picture.pixels[:, ::-1], points=points)


def _turn(picture: Picture, variation: Variation, rng: Rng) -> Picture:
    angle = np.radians(np.clip(rng.normal(0, variation.turn / 2), -variation.turn, variation.turn))
    scale = np.exp(rng.uniform(*np.log(variation.scale)) + rng.normal(0, 0.03, 2))
    return turn(picture, float(angle), scale)


def turn(picture: Picture, angle: float, scale: npt.NDArray[np.float64]) -> Picture:
    """Turn and enlarge a picture about its middle, on a canvas that holds all of it.

    Args:
        picture: What is turned; a pixel of the result is as large as one of it.
        angle: In radians.
        scale: Across and down.
    """
    height, width = picture.pixels.shape
    sin, cos = np.sin(angle), np.cos(angle)
    forward = np.array([[cos, -sin], [sin, cos]]) * scale
    half = np.abs(forward) @ np.array([width, height]) / 2
    size = np.ceil(2 * half).astype(int)
    inverse = np.linalg.inv(forward)
    old, new = np.array([width, height]) / 2, size / 2
    offset = old - inverse @ new
    image = Image.fromarray(np.ascontiguousarray(picture.pixels, dtype=np.float32))
    turned = image.transform(
        (int(size[0]), int(size[1])),
        Image.Transform.AFFINE,
        (*inverse[0], offset[0], *inverse[1], offset[1]),
        Image.Resampling.BILINEAR,
    )
    with np.errstate(invalid="ignore"):
        points = (picture.points + 0.5 - old) @ forward.T + new - 0.5
    points[np.isinf(picture.points).any(axis=1)] = np.inf
    return replace(picture, pixels=np.asarray(turned), points=points)


def _cut_field(picture: Picture, variation: Variation, rng: Rng) -> Picture:
    """A smaller field, anywhere in the picture."""
    height, width = picture.pixels.shape
    size = np.array([width, height], dtype=float)
    sides = np.minimum(rng.uniform(*variation.field_mm, 2) / picture.spacing_mm, size)
    left, top = np.floor(rng.uniform(0, 1, 2) * (size - sides)).astype(int)
    right, bottom = np.ceil(np.add((left, top), sides)).astype(int)
    points = picture.points - (left, top)
    outside = (points < 0).any(axis=1) | (points > (right - left - 1, bottom - top - 1)).any(axis=1)
    points[outside] = np.inf
    return replace(picture, pixels=picture.pixels[top:bottom, left:right], points=points)


def _hide_border(picture: Picture, variation: Variation, rng: Rng) -> Picture:
    """Black out all but a part of a cut-out, at random, in a larger black picture.

    The middle of a cut-out tells where its landmarks are, so its border must not be seen.
    """
    height, width = picture.pixels.shape
    inset = INSET * np.array([width, height])
    room = np.array([width, height]) - 2 * inset
    sides = np.minimum(rng.uniform(*variation.field_mm, 2) / picture.spacing_mm, room)
    left, top = np.round(inset + rng.uniform(0, 1, 2) * (room - sides)).astype(int)
    right, bottom = np.add((left, top), np.round(sides)).astype(int)
    across, down = np.round(MARGIN_MM / np.array(picture.spacing_mm)).astype(int)
    pixels = np.zeros((height + 2 * down, width + 2 * across), dtype=np.float32)
    pixels[top + down : bottom + down, left + across : right + across] = picture.pixels[
        top:bottom, left:right
    ]
    points = picture.points.copy()
    # Where a recess is not to be seen, nobody could say where it lies, nor that there is none.
    hidden = (points < (left, top)).any(axis=1) | (points > (right - 1, bottom - 1)).any(axis=1)
    points[hidden] = np.nan
    return replace(picture, pixels=pixels, points=np.add(points, (across, down)))


def _target(picture: Picture, kind: Kind) -> npt.NDArray[np.float64]:
    """What a window is meant to have in its middle."""
    seen = picture.points[np.isfinite(picture.points).all(axis=1)]
    if kind == "axial" and len(seen):
        return np.asarray(seen.mean(axis=0))
    return np.array(picture.centre)


def _recolour(pixels: npt.NDArray[np.generic], contrast: float, rng: Rng) -> Float32Array:
    """Grey values as another sequence, coil and noise would give."""
    values = scale_greys(pixels)
    if rng.random() < 0.3:
        values = _coarsen(values, float(rng.uniform(1.2, 2.5)))
    if rng.random() < contrast:
        values = _map_greys(values, rng)
    else:
        values = np.maximum(values, 0) ** np.float32(np.exp(rng.normal(0, 0.35)))
    height, width = values.shape
    if rng.random() < 0.5:
        x, y = np.linspace(-1, 1, width), np.linspace(-1, 1, height)[:, None]
        a, b, c, d, e = rng.normal(0, 0.35, 5)
        values = values * np.exp(a * x + b * y + c * x * y + d * x * x + e * y * y)
    if rng.random() < 0.5:
        grain = rng.standard_normal(values.shape, dtype=np.float32)
        values = values + grain * np.float32(rng.uniform(0, 0.08))
    if rng.random() < 0.25:
        for _ in range(rng.integers(1, 4)):
            _hide(values, rng)
    return np.asarray(values, dtype=np.float32)


def scale_greys(pixels: npt.NDArray[np.generic]) -> Float32Array:
    """Grey values of which nearly all lie between 0 and 1."""
    values = np.asarray(pixels, dtype=np.float32)
    brightest = max(float(np.percentile(values[::4, ::4], 99.5)), 1e-6)
    return np.asarray(np.clip(values / np.float32(brightest), 0, 1.3))


def _coarsen(values: Float32Array, factor: float) -> Float32Array:
    """As if the pixels had been larger."""
    height, width = values.shape
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    small = Image.fromarray(values).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(small.resize((width, height), Image.Resampling.BILINEAR))


def _map_greys(values: Float32Array, rng: Rng) -> Float32Array:
    """A random curve: monotone, with dark fat (STIR), with dark fluid (T1), or reversed."""
    knots = np.linspace(0, 1, 6)
    curve = {
        0: np.sort(rng.uniform(0, 1, 6)),
        1: np.array([0, 0.35, 0.45, 0.3, 0.35, 1]) + rng.normal(0, 0.12, 6),
        2: np.array([0, 0.4, 0.7, 0.9, 0.7, 0.15]) + rng.normal(0, 0.12, 6),
        3: rng.uniform(0, 1, 6),
    }[int(rng.choice(4, p=[0.35, 0.3, 0.2, 0.15]))]
    curve[0] = min(curve[0], 0.2) if rng.random() < 0.8 else curve[0]
    return np.interp(values, knots, curve).astype(np.float32)


def _hide(values: Float32Array, rng: Rng) -> None:
    """A saturation band, a metal's shadow, or the end of the coil."""
    height, width = values.shape
    w, h = rng.uniform(0.04, 0.25, 2) * (width, height)
    x, y = rng.uniform(0, 1, 2) * (width - w, height - h)
    kind = rng.integers(3)
    rows = slice(int(y), int(y + h)) if kind != 1 else slice(None)
    columns = slice(int(x), int(x + w)) if kind != 2 else slice(None)
    if kind == 1:
        columns = slice(0, int(w)) if rng.random() < 0.5 else slice(width - int(w), width)
    if kind == 2:
        rows = slice(0, int(h / 2)) if rng.random() < 0.5 else slice(height - int(h / 2), height)
    values[rows, columns] *= rng.uniform(0, 0.4)
