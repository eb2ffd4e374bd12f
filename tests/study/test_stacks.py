import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lss_cli.study.headers import ImageFile, read_file
from lss_cli.study.stacks import split_into_stacks
from tests.dicom import axial_stack, image, save, tilted


def read(datasets, folder):
    save(datasets, folder)
    files = [read_file(path) for path in folder.iterdir()]
    slices = [slice_ for file in files if isinstance(file, ImageFile) for slice_ in file.slices]
    random.Random(1).shuffle(slices)
    return [
        [slice_.instance_number for slice_ in stack.slices] for stack in split_into_stacks(slices)
    ]


def test_slices_run_from_head_to_feet_whatever_their_numbers(tmp_path):
    assert read(axial_stack([-8, 0, 4, -4]), tmp_path) == [[3, 2, 4, 1]]


def test_a_gap_starts_a_new_stack(tmp_path):
    # The step of 5.9 mm among steps of 3.5 mm is that of a real study.
    heights = [20, 16.5, 13, 7.1, 3.6, 0.1]
    assert read(axial_stack(heights), tmp_path) == [[1, 2, 3], [4, 5, 6]]


def test_a_change_of_orientation_starts_a_new_stack(tmp_path):
    flat = axial_stack([30, 26, 22])
    steep = [
        image(centre=(0, 0, z), orientation=tilted(20), number=number)
        for number, z in [(4, 10), (5, 6), (6, 2)]
    ]
    assert read(flat + steep, tmp_path) == [[1, 2, 3], [4, 5, 6]]


def test_single_slices_per_disc_are_no_neighbours(tmp_path):
    assert read(axial_stack([60, 30, 0, -30]), tmp_path) == [[1], [2], [3], [4]]


def test_repetitions_of_a_position_are_stacks_of_their_own(tmp_path):
    both = axial_stack([8, 4, 0, 8, 4, 0])
    assert read(both, tmp_path) == [[1, 2, 3], [4, 5, 6]]


def test_repetitions_that_lie_a_hair_apart(tmp_path):
    both = axial_stack([8, 4, 0, 7.95, 4.05, 0.05])
    assert read(both, tmp_path) == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize("step", [3.3, 4, 5])
@pytest.mark.parametrize("shift", [1, 2, -1, -2])
@pytest.mark.parametrize("first", [0, 2])
def test_a_second_stack_a_little_off_is_not_mixed_in(step, shift, first, tmp_path):
    """The point's neighbours are those of its own stack, 1 or 2 mm farther ones are not."""
    heights = [30 - step * index for index in range(6)]
    second = [height + shift for height in heights[first:]]
    assert sorted(read(axial_stack(heights + second), tmp_path)) == [
        [*range(1, 7)],
        [*range(7, 13 - first)],
    ]


def test_a_slice_that_is_there_twice_cuts_no_stack(tmp_path):
    heights = [90.47, 86.21, 81.95, 56.39, 52.13, 47.87]
    again = image(centre=(0, 0, 90.47), number=1, uid="1.9")
    save([again], tmp_path, "again.dcm")
    assert sorted(read(axial_stack(heights), tmp_path)) == [[1], [1, 2, 3], [4, 5, 6]]


def test_a_second_stack_that_is_numbered_in_turn(tmp_path):
    both = axial_stack([8, 7, 4, 3, 0, -1, -4, -5])
    assert all(len(stack) < 8 for stack in read(both, tmp_path))


@pytest.mark.parametrize("step", [2.6, 3.3, 3.5, 4.4])
@pytest.mark.parametrize("degrees", [0, 20])
def test_positions_rounded_to_whole_millimetres(step, degrees, tmp_path):
    normal = np.cross(tilted(degrees)[:3], tilted(degrees)[3:])
    datasets = [
        image(
            centre=normal * step * index,
            orientation=tilted(degrees),
            number=index + 1,
            ImagePositionPatient=np.rint(normal * step * index).tolist(),
        )
        for index in range(9)
    ]
    assert [sorted(stack) for stack in read(datasets, tmp_path)] == [[*range(1, 10)]]


def test_interleaved_numbers(tmp_path):
    assert read(axial_stack([20, 12, 4, 16, 8, 0]), tmp_path) == [[1, 4, 2, 5, 3, 6]]


def test_a_step_sideways_starts_a_new_stack(tmp_path):
    aside = [image(centre=(20, 0, z), number=n) for n, z in [(4, -4), (5, -8)]]
    assert read(axial_stack([8, 4, 0]) + aside, tmp_path) == [[1, 2, 3], [4, 5]]


def test_rounded_orientations_stay_together(tmp_path):
    heights = [8, 4, 0]
    datasets = [
        image(centre=(0, 0, z), orientation=(1, 0, wobble, 0, 1, 0), number=number)
        for number, (z, wobble) in enumerate(zip(heights, [0, 1e-4, -1e-4], strict=True), 1)
    ]
    assert read(datasets, tmp_path) == [[1, 2, 3]]


@given(
    starts=st.lists(st.integers(2, 6), min_size=1, max_size=5),
    step=st.floats(1, 6),
    gap=st.floats(1.4, 5),
    seed=st.integers(0, 9),
)
def test_any_series_of_even_stacks_is_found_again(starts, step, gap, seed, tmp_path_factory):
    heights, expected, number, z = [], [], 0, 200.0
    for count in starts:
        expected.append([])
        for _ in range(count):
            number += 1
            heights.append(z)
            expected[-1].append(number)
            z -= step
        z -= step * gap - step
    datasets = axial_stack(heights, size=(8, 8))
    np.random.default_rng(seed).shuffle(datasets)
    assert read(datasets, tmp_path_factory.mktemp("stack")) == expected


@pytest.mark.parametrize("order", [1, -1])
def test_numbering_from_the_feet_changes_nothing(order, tmp_path):
    numbers = read(axial_stack([4, 0, -4][::order]), tmp_path)[0]
    assert numbers == [1, 2, 3][::order]
