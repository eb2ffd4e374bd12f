"""Pictures of proposed points: the discs on a sagittal slice, both recesses on axial ones."""

from collections.abc import Callable, Iterable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lss_cli.anatomy import Level, Side
from lss_cli.locate.locate import CONDITIONS
from lss_cli.locate.proposal import Proposal
from lss_cli.output.picture import ACCENT, png
from lss_cli.slices import Float32Array, percentiles
from lss_cli.study.geometry import Geometry, Vector
from lss_cli.study.slice import Slice
from lss_cli.study.study import Study

HEIGHT = 420
# What an axial picture shows around the canal, in mm.
AROUND_MM = 80.0
FONT = ImageFont.load_default(16)
DOUBTFUL = (230, 159, 0)


def draw_discs(
    study: Study, proposal: Proposal, read: Callable[[Slice], Float32Array]
) -> bytes | None:
    """A PNG of the middle one of the slices that the discs lie in, with their names."""
    named = [disc for disc in proposal.discs if disc.instance_number is not None]
    if not named:
        return None
    disc = sorted(named, key=lambda disc: disc.instance_number or 0)[len(named) // 2]
    slice_ = study.locate(disc.series_id, disc.instance_number or 0).slice
    geometry = slice_.geometry.oriented
    height_mm = geometry.size[1] * geometry.spacing_mm[1]
    width_mm = geometry.size[0] * geometry.spacing_mm[0]
    marks = [
        (np.array(disc.position), f"{disc.level} {disc.confidence:.0%}", disc.sure)
        for disc in proposal.discs
    ]
    return _draw(read(slice_), geometry, geometry.centre, (width_mm, height_mm), marks)


def draw_recesses(
    study: Study, proposal: Proposal, read: Callable[[Slice], Float32Array]
) -> dict[Level, bytes]:
    """A PNG for each level that has points: the slice around both of them."""
    pictures = {}
    for level in Level:
        keys = [(side, (CONDITIONS[side], level)) for side in Side]
        items = [(side, proposal.by_key[key]) for side, key in keys if key in proposal.by_key]
        if items:
            point = items[0][1].point
            slice_ = study.locate(point.series_id, point.instance_number).slice
            middle = np.mean([item.position for _, item in items], axis=0)
            marks = [
                (np.array(item.position), f"{side} {item.confidence:.0%}", item.sure)
                for side, item in items
            ]
            pictures[level] = _draw(
                read(slice_), slice_.geometry.oriented, middle, (AROUND_MM, AROUND_MM), marks
            )
    return pictures


def _draw(
    pixels: Float32Array,
    geometry: Geometry,
    centre: Vector,
    field_mm: tuple[float, float],
    marks: Iterable[tuple[Vector, str, bool]],
) -> bytes:
    """A piece of an oriented slice with rings and their names.

    Args:
        pixels: H × W, in the one orientation.
        geometry: Of the oriented slice.
        centre: What lies in the middle, in the patient, in mm.
        field_mm: Width and height of the piece.
        marks: Places in the patient in mm, their names, and whether they are sure.
    """
    low, high = percentiles(pixels, 1, 99.5)
    grey = ((pixels - low) / max(high - low, 1e-6)).clip(0, 1) * 255
    per_mm = HEIGHT / field_mm[1]
    across, down = (per_mm * mm for mm in geometry.spacing_mm)
    x, y = geometry.to_pixel(centre)
    left, top = x + 0.5 - field_mm[0] * per_mm / across / 2, y + 0.5 - HEIGHT / down / 2
    view = (
        Image.fromarray(grey.astype(np.uint8))
        .transform(
            (round(field_mm[0] * per_mm), HEIGHT),
            Image.Transform.AFFINE,
            (1 / across, 0, left, 0, 1 / down, top),
            Image.Resampling.BICUBIC,
        )
        .convert("RGB")
    )
    pen = ImageDraw.Draw(view)
    for position, name, sure in marks:
        column, row = geometry.to_pixel(position)
        x, y = (column + 0.5 - left) * across, (row + 0.5 - top) * down
        colour = ACCENT if sure else DOUBTFUL
        pen.ellipse((x - 5, y - 5, x + 5, y + 5), outline=colour, width=2)
        length = FONT.getlength(name)
        # Beside the ring, on the side that has room; names of both recesses lie outwards.
        at = x + 9 if x > view.width / 2 or length > x - 12 else x - 9 - length
        pen.text((at, y - 9), name, fill=colour, font=FONT, stroke_width=2, stroke_fill="black")
    return png(view)
