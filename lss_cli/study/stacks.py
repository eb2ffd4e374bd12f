"""Stacks: the slices of a series that have one orientation and even spacing."""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lss_cli.study.geometry import Geometry, Vector
from lss_cli.study.slice import Slice

# Direction cosines are often written with four decimals; 0.001 is 0.06°.
SAME_DIRECTION = 1e-3
# Slices of one stack are evenly spaced up to rounding and patient-table jitter.
UNEVEN = 1.25
# Lumbar axial slices lie 3 to 6 mm apart; single slices per disc lie 25 mm apart.
LARGEST_STEP_MM = 10.0
# Repetitions lie at one position up to rounding; neighbouring slices at least 2 mm apart.
SAME_POSITION_MM = 0.5
# Slices of one stack lie behind each other; tilted ones are sometimes shifted a little each.
LARGEST_SHIFT_MM = 3.0


@dataclass(frozen=True, eq=False)
class Stack:
    """Parallel, evenly spaced slices in anatomical order: axial ones from head to feet."""

    slices: tuple[Slice, ...]


def split_into_stacks(slices: Iterable[Slice]) -> tuple[Stack, ...]:
    """Split the slices of one series, in any order, into stacks, in anatomical order.

    A change of orientation, matrix or spacing starts a new stack, and so does a gap. Where several
    slices share a position (echoes, repetitions), each repetition is a stack of its own.
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


def _split_repetitions(parallel: Sequence[Slice]) -> list[list[Slice]]:
    """Slices along the normal; the k-th slice at one position goes into the k-th layer."""
    normal = parallel[0].geometry.normal
    positions: list[list[Slice]] = []
    for slice_ in sorted(parallel, key=lambda slice_: _depth(slice_, normal)):
        depth = _depth(slice_, normal)
        if positions and depth - _depth(positions[-1][0], normal) <= SAME_POSITION_MM:
            positions[-1].append(slice_)
        else:
            positions.append([slice_])
    layers: dict[int, list[Slice]] = defaultdict(list)
    for at_position in positions:
        # The number orders repetitions; without it the position in the file decides.
        at_position.sort(key=lambda slice_: (slice_.instance_number or 0, slice_.frame or 0))
        for repetition, slice_ in enumerate(at_position):
            layers[repetition].append(slice_)
    return list(layers.values())


def _split_at_gaps(layer: Sequence[Slice]) -> list[list[Slice]]:
    """Cut where the step is larger than the stack's own, or leads sideways."""
    normal = layer[0].geometry.normal
    positions = np.array([slice_.geometry.position for slice_ in layer])
    moves = np.diff(positions, axis=0)
    steps = moves @ normal
    sideways = np.linalg.norm(moves - np.outer(steps, normal), axis=1)
    if not len(steps):
        return [list(layer)]
    limit = min(statistics.median_low(steps.tolist()) * UNEVEN, LARGEST_STEP_MM)
    runs = [[layer[0]]]
    for slice_, step, shift in zip(layer[1:], steps, sideways, strict=True):
        if step > limit or shift > LARGEST_SHIFT_MM:
            runs.append([])
        runs[-1].append(slice_)
    return runs
