"""A slice with what was graded in it: the point, and the field around it."""

from dataclasses import dataclass

import numpy as np

from lss_cli.model.inputs import field_box
from lss_cli.model.spec import InputSpec
from lss_cli.points.point import Point
from lss_cli.slices import Float32Array
from lss_cli.study.study import Located


@dataclass(frozen=True, eq=False)
class MarkedSlice:
    """Where a grade was made.

    Attributes:
        slice: The point's slice in the one orientation, H × W.
        spacing_mm: Distance of its columns and rows.
        point: Column and row in it, in pixels.
        field: Left, top, right and bottom edge of the field in it, in pixels; 0 is the first edge.
    """

    slice: Float32Array
    spacing_mm: tuple[float, float]
    point: tuple[float, float]
    field: tuple[float, float, float, float]


def mark_slice(located: Located[Point], spec: InputSpec) -> MarkedSlice:
    """The slice of a point, with the field that a model looks at."""
    slices = located.slices
    return MarkedSlice(
        slice=np.asarray(slices.pixels[len(slices.pixels) // 2], dtype=np.float32),
        spacing_mm=slices.spacing_mm,
        point=located.pixel,
        field=field_box(slices, located.pixel, spec, located.point.condition.side),
    )
