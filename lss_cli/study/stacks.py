"""Stacks: the slices of a series that have one orientation and even spacing."""

import math
import statistics
from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lss_cli.study.geometry import Geometry, Vector
from lss_cli.study.slice import Slice

# Direction cosines are often written with four decimals; 0.001 is 0.06°.
SAME_DIRECTION = 1e-3
# Slices of one stack are evenly spaced up to rounding and patient-table jitter.
UNEVEN = 1.25
# Lumbar axial slices lie 3 to 6 mm apart; single slices per disc lie 25 mm apart.
LARGEST_STEP_MM = 10.0
# Repetitions lie at one position up to rounding.
SAME_POSITION_MM = 0.5
# Slices of one stack lie at least this share of its step apart: what lies closer belongs to another
# stack. The second share is for positions that were rounded to whole millimetres.
SAME_STACK, SAME_STACK_ROUNDED = 0.75, 0.6
# Where the numbers do not follow the positions, the step is not known; slices of one 2D stack lie
# at least 3 mm apart, and 3D ones are numbered in order.
NEAREST_MM = 2.5
# With positions rounded to whole millimetres, one step is up to this much longer than another.
ROUNDING_MM = 1.0
# Slices of one stack lie behind each other; tilted ones are sometimes shifted a little each.
LARGEST_SHIFT_MM = 3.0


@dataclass(frozen=True, eq=False)
class Stack:
    """Parallel, evenly spaced slices in anatomical order: axial ones from head to feet."""

    slices: tuple[Slice, ...]


def split_into_stacks(slices: Iterable[Slice]) -> tuple[Stack, ...]:
    """Split the slices of one series, in any order, into stacks, in anatomical order.

    A change of orientation, matrix or spacing starts a new stack, and so does a gap. Where slices
    share a position (echoes, repetitions), or lie closer than those of one stack can, each
    repetition is a stack of its own.
    """
    stacks = [
        Stack(tuple(run))
        for parallel in _group_parallel(slices)
        for layer in _split_repetitions(parallel)
        for run in _split_at_gaps(layer)
    ]
    return tuple(sorted(stacks, key=lambda stack: _height(stack.slices[0])))


def _height(slice_: Slice) -> float:
    """How far along the plane's main axis a slice's centre lies, in mm."""
    geometry = slice_.geometry
    half = [
        (size - 1) / 2 * mm for size, mm in zip(geometry.size, geometry.spacing_mm, strict=True)
    ]
    centre = geometry.position + half[0] * geometry.row_cosine + half[1] * geometry.column_cosine
    return float(centre @ geometry.plane.axes[2])


def _group_parallel(slices: Iterable[Slice]) -> list[list[Slice]]:
    groups: list[list[Slice]] = []
    for slice_ in slices:
        for group in groups:
            if _same_frame(slice_.geometry, group[0].geometry):
                group.append(slice_)
                break
        else:
            groups.append([slice_])
    return groups


def _same_frame(a: Geometry, b: Geometry) -> bool:
    return (
        a.size == b.size
        and all(
            math.isclose(*pair, rel_tol=1e-3)
            for pair in zip(a.spacing_mm, b.spacing_mm, strict=True)
        )
        and float(np.abs(a.row_cosine - b.row_cosine).max()) < SAME_DIRECTION
        and float(np.abs(a.column_cosine - b.column_cosine).max()) < SAME_DIRECTION
    )


def _depth(slice_: Slice, normal: Vector) -> float:
    return float(slice_.geometry.position @ normal)


def _are_rounded(slices: Iterable[Slice]) -> bool:
    return all(float(at).is_integer() for slice_ in slices for at in slice_.geometry.position)


def _split_repetitions(parallel: Sequence[Slice]) -> list[list[Slice]]:
    """Layers of slices that lie apart from each other, each sorted along the normal.

    In the order of their numbers, slices join the layer that they continue most evenly, and none
    that has a slice nearby.
    """
    normal = parallel[0].geometry.normal
    # The number orders repetitions; without it the position in the file decides.
    numbered = sorted(parallel, key=lambda slice_: (slice_.instance_number or 0, slice_.frame or 0))
    depths = [_depth(slice_, normal) for slice_ in numbered]
    step = _usual_step(depths)
    share = SAME_STACK_ROUNDED if _are_rounded(parallel) else SAME_STACK
    nearest = max(SAME_POSITION_MM, min(share * step, NEAREST_MM))
    layers: list[_Layer] = []
    for slice_, depth in zip(numbered, depths, strict=True):
        fitting = [layer for layer in layers if layer.distance(depth) > nearest]
        layer = min(fitting, key=lambda layer: layer.unevenness(depth), default=None)
        if layer is None:
            layers.append(layer := _Layer(step))
        layer.add(depth, slice_)
    return [layer.slices for layer in layers]


def _usual_step(depths: Sequence[float]) -> float:
    """From one number to the next; 0 where all lie at one position."""
    moves = [abs(after - before) for before, after in pairwise(depths)]
    steps = [move for move in moves if move > SAME_POSITION_MM]
    return statistics.median_low(steps) if steps else 0.0


class _Layer:
    """Slices that may be of one stack, in the order of their depths."""

    def __init__(self, step: float) -> None:
        self.slices: list[Slice] = []
        self._depths: list[float] = []
        # The one that is expected, then its own.
        self._step = step

    def distance(self, depth: float) -> float:
        """From the nearest of its slices, in mm."""
        at = bisect(self._depths, depth)
        return min(abs(near - depth) for near in self._depths[max(0, at - 1) : at + 1])

    def unevenness(self, depth: float) -> float:
        """How much the step to a further slice differs from that between its slices, in mm."""
        return round(abs(self.distance(depth) - self._step), 1)

    def add(self, depth: float, slice_: Slice) -> None:
        """Take a slice in."""
        if self.slices:
            distance = self.distance(depth)
            self._step = distance if len(self.slices) == 1 else min(self._step, distance)
        at = bisect(self._depths, depth)
        self._depths.insert(at, depth)
        self.slices.insert(at, slice_)


def _split_at_gaps(layer: Sequence[Slice]) -> list[list[Slice]]:
    """Cut where the step is larger than the stack's own, or leads sideways."""
    normal = layer[0].geometry.normal
    positions = np.array([slice_.geometry.position for slice_ in layer])
    moves = np.diff(positions, axis=0)
    steps = moves @ normal
    sideways = np.linalg.norm(moves - np.outer(steps, normal), axis=1)
    if not len(steps):
        return [list(layer)]
    step = statistics.median_low(steps.tolist())
    longest = max(step * UNEVEN, step + ROUNDING_MM if _are_rounded(layer) else 0.0)
    limit = min(longest, LARGEST_STEP_MM)
    runs = [[layer[0]]]
    for slice_, move, shift in zip(layer[1:], steps, sideways, strict=True):
        if move > limit or shift > LARGEST_SHIFT_MM:
            runs.append([])
        runs[-1].append(slice_)
    return runs
