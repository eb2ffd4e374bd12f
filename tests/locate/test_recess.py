from types import SimpleNamespace

import numpy as np
import pytest

from lss_cli.anatomy import Level, Side
from lss_cli.locate.levels import Cut
from lss_cli.locate.model import read_peaks
from lss_cli.locate.recess import find_recesses
from tests.locate.geometry import axial_stack, series_of
from tests.locate.test_model import SPEC, metadata

# Cells of the map in which the slices, from head to feet, show both recesses.
ROWS = (7, 7, 9)


def seen(windows):
    width, height = (pixels // 2 for pixels in SPEC.size)
    maps = np.zeros((len(windows), height, width, 2), dtype=np.float32)
    for window, row in zip(maps, ROWS, strict=True):
        window[row, width // 2 + 5, 0] = window[row, width // 2 - 5, 1] = 0.9
    return maps


@pytest.mark.parametrize(("gap_mm", "cells"), [(5.0, 7 + 2 / 3), (10.0, 7.0)])
def test_near_neighbours_help_to_place_the_recesses(gap_mm, cells):
    series = series_of(axial_stack(np.zeros(3), count=3, step=gap_mm))
    stack = series.stacks[0]
    target = stack.slices[1].geometry.oriented.centre
    cut = Cut(Level.L4_L5, series, stack, 1.0, target)
    model = SimpleNamespace(
        window=SPEC,
        landmarks=("left", "right"),
        heatmaps=seen,
        peaks=lambda maps: read_peaks(maps, metadata()),
    )
    (found,), missing = find_recesses([cut], model, lambda _: np.zeros((256, 256), np.float32))
    assert not missing
    assert found.best.slice_in_stack.slice is stack.slices[1]
    # How well a slice shows them is its own matter.
    assert found.best.worth == pytest.approx(0.9)
    geometry = found.best.slice_in_stack.slice.geometry.oriented
    _, row = geometry.to_pixel(target)
    down_mm = (cells - (SPEC.size[1] / 2 - 1) / 2) * 2 * SPEC.pixel_mm
    for side in Side:
        assert found.best.places[side][1] == pytest.approx(row + down_mm / geometry.spacing_mm[1])
