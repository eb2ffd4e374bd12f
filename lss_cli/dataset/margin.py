"""How far around a field training may look, so that varied images show no empty edges."""

import math

from lss_cli.model.spec import InputSpec

# Changes of training images at strength 1: a factor's logarithm, an angle, an error of the click.
LARGEST_SCALING = 0.15
LARGEST_ROTATION = math.radians(12)
LARGEST_SHIFT_MM = 2.0


def margin_of(spec: InputSpec) -> tuple[int, int]:
    """Columns and rows beyond each edge of the field that the largest changes together reach.

    Fields are scaled and turned around their point. Whole slices have nothing around them.

    Examples:
        >>> margin_of(InputSpec(size=(80, 64), field_mm=(36.0, 30.0), shift_mm=6.0))
        (20, 22)
    """
    if spec.view == "slice":
        return 0, 0
    right, down = spec.field_mm[0] / 2 + abs(spec.shift_mm), spec.field_mm[1] / 2
    return (
        _pixels(right, down, spec.size[0] / spec.field_mm[0]),
        _pixels(down, right, spec.size[1] / spec.field_mm[1]),
    )


def _pixels(along: float, across: float, pixels_per_mm: float) -> int:
    """Of the corner that lies so many mm from the point, along the axis and across it."""
    angle = min(LARGEST_ROTATION, math.atan2(across, along))
    reach = along * math.cos(angle) + across * math.sin(angle)
    beyond = math.exp(LARGEST_SCALING) * reach - along + LARGEST_SHIFT_MM
    return math.ceil(beyond * pixels_per_mm)
