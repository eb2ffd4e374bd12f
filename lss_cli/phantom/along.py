"""Tables along the spine curve: smooth functions of the place `s`, in mm."""

from collections.abc import Sequence

import numpy as np

from lss_cli.anatomy import Level
from lss_cli.phantom.curve import Curve
from lss_cli.phantom.shapes import Floats

# The order in which lists along the spine run.
FEET_TO_HEAD = tuple(reversed(Level))


def interpolate_smoothly(
    curve: Curve, at_discs: Sequence[float] | Floats, above: Sequence[float] | Floats
) -> Floats:
    """Interpolate values at the lumbar discs and at the vertebra above each, feet to head."""
    discs = [curve.level(level) for level in FEET_TO_HEAD]
    after = [*discs[1:], curve.above(Level.L1_L2)]
    middles = [0.5 * (low + high) for low, high in zip(discs, after, strict=True)]
    knots = np.array([*discs, *middles])
    order = knots.argsort()
    coarse = np.interp(curve.s, knots[order], np.array([*at_discs, *above])[order])
    window = np.hanning(21)
    smooth = np.convolve(np.pad(coarse, 10, mode="edge"), window / window.sum(), mode="valid")
    return smooth.astype(np.float32)


def interpolate(curve: Curve, places: Sequence[float], values: Sequence[float]) -> Floats:
    """Interpolate linearly between values at places."""
    return np.interp(curve.s, places, values).astype(np.float32)


def humps(curve: Curve, heights: Sequence[float] | Floats, width: float = 8.5) -> Floats:
    """A table with a hump at each lumbar disc, feet to head, falling off over `width` mm."""
    total = np.zeros_like(curve.s)
    for level, height in zip(FEET_TO_HEAD, heights, strict=True):
        # What narrows a canal lies a little below the middle of the disc.
        total += height * np.exp(-(((curve.s - curve.level(level) + 0.5) / width) ** 2))
    return total


def ramp(s: Floats, start: float, end: float) -> Floats:
    """From 0 at `start` to 1 at `end`, smoothly."""
    t = np.clip((s - start) / (end - start), 0, 1)
    smooth: Floats = (t * t * (3 - 2 * t)).astype(np.float32)
    return smooth


def bump(phase: Floats, low: float, high: float, edge: float) -> Floats:
    """1 between `low` and `high`, falling to 0 over `edge` on both sides."""
    return np.minimum(ramp(phase, low - edge, low), 1 - ramp(phase, high, high + edge))
