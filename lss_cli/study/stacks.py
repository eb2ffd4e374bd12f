"""A series falls into stacks: slices of one orientation and even spacing."""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lss_cli.study.geometry import Geometry, Vector
from lss_cli.study.headers import Slice

# Direction cosines are often written with four decimals; 0.001 is 0.06°.
SAME_DIRECTION = 1e-3
# Slices of one stack are evenly spaced up to rounding and patient-table jitter.
UNEVEN = 1.25
# Lumbar axial slices lie 3 to 6 mm apart; single slices per disc lie 25 mm apart.
LARGEST_STEP_MM = 10.0
SAME_POSITION_MM = 0.01


@dataclass(frozen=True, eq=False)
class Stack:
    """Parallel, evenly spaced slices in anatomical order: axial ones from head to feet."""

    slices: tuple[Slice, ...]


def stacks(slices: Iterable[Slice]) -> tuple[Stack, ...]:
    """Split the slices of one series, in any order, into stacks, in anatomical order.

    A change of orientation, matrix or spacing starts a new stack, and so does a gap. Where several
    slices share a position (echoes, repetitions), each repetition is a stack of its own.
    """
    found = [
        Stack(tuple(run))
        for parallel in _parallel(slices)
        for layer in _layers(parallel)
        for run in _runs(layer)
    ]
    return tuple(sorted(found, key=lambda stack: _height(stack.slices[0])))


def _height(one: Slice) -> float:
    """How far along the plane's main axis a slice's centre lies, in mm."""
    geometry = one.geometry
    half = [
        (size - 1) / 2 * mm for size, mm in zip(geometry.size, geometry.spacing_mm, strict=True)
    ]
    centre = geometry.position + half[0] * geometry.row + half[1] * geometry.column
    return float(centre @ geometry.plane.axes[2])


def _parallel(slices: Iterable[Slice]) -> list[list[Slice]]:
    groups: list[list[Slice]] = []
    for one in slices:
        for group in groups:
            if _same_frame(one.geometry, group[0].geometry):
                group.append(one)
                break
        else:
            groups.append([one])
    return groups


def _same_frame(a: Geometry, b: Geometry) -> bool:
    return (
        a.size == b.size
        and bool(np.allclose(a.spacing_mm, b.spacing_mm, rtol=1e-3))
        and float(np.abs(a.row - b.row).max()) < SAME_DIRECTION
        and float(np.abs(a.column - b.column).max()) < SAME_DIRECTION
    )


def _depth(one: Slice, normal: Vector) -> float:
    return float(one.geometry.position @ normal)


def _layers(parallel: Sequence[Slice]) -> list[list[Slice]]:
    """Slices along the normal; the k-th slice at one position goes into the k-th layer."""
    normal = parallel[0].geometry.normal
    # The number orders repetitions; without it the position in the file decides.
    ordered = sorted(
        parallel,
        key=lambda one: (
            round(_depth(one, normal) / SAME_POSITION_MM),
            one.number or 0,
            one.frame or 0,
        ),
    )
    layers: dict[int, list[Slice]] = defaultdict(list)
    repetition, before = 0, -np.inf
    for one in ordered:
        depth = _depth(one, normal)
        repetition = repetition + 1 if depth - before <= SAME_POSITION_MM else 0
        layers[repetition].append(one)
        before = depth
    return list(layers.values())


def _runs(layer: Sequence[Slice]) -> list[list[Slice]]:
    """Cut where the step is larger than the stack's own."""
    normal = layer[0].geometry.normal
    steps = np.diff([_depth(one, normal) for one in layer]).tolist()
    if not steps:
        return [list(layer)]
    limit = min(statistics.median_low(steps) * UNEVEN, LARGEST_STEP_MM)
    runs = [[layer[0]]]
    for one, step in zip(layer[1:], steps, strict=True):
        if step > limit:
            runs.append([])
        runs[-1].append(one)
    return runs
