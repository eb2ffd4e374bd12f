import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lss_cli.anatomy import Level, Side
from lss_cli.locate.levels import (
    BEHIND_MM,
    NOT_COVERED,
    NOT_IN_PICTURE,
    TOWARDS_FEET,
    disc_tilts,
    find_cuts,
    stack_tilt,
)
from lss_cli.phantom.study import plan_study
from tests.locate.geometry import (
    axial_stack,
    disc_centres,
    plane,
    series_of,
    series_of_phantom,
)

SPINE = [
    (level, np.array([3.0, 5.0 + 2 * level.ordinal, -35.0 * level.ordinal])) for level in Level
]


def test_a_phantom_s_discs_are_cut_where_its_points_lie():
    steps, sideways = [], []
    for number in range(40):
        phantom = plan_study(5, number)
        axial = series_of_phantom(phantom.series[0])
        cuts, missing = find_cuts(disc_centres(phantom), [axial])
        assert not missing
        for point in phantom.points:
            if point.condition.side is not Side.LEFT:
                continue
            cut, clicked = cuts[point.level], axial.find(point.instance_number)
            assert cut.stack is clicked.stack
            # Its points lie in the plane of the disc, not nearer the feet.
            steps.append(cut.at - TOWARDS_FEET[point.level.ordinal] - clicked.index)
            at = clicked.slice.geometry.to_patient((point.x, point.y))
            sideways.append(np.hypot(*(cut.target - at)[:2]))
    assert np.abs(np.median(steps)) < 0.3
    assert np.mean(np.abs(steps) < 1.5) > 0.96
    # A recess lies some 8 mm beside the middle of the canal.
    assert np.percentile(sideways, 99) < 16


angles = st.floats(-25, 25)


@settings(max_examples=60, deadline=None)
@given(tilt=angles, roll=st.floats(-8, 8), offset=st.floats(-30, 30), step=st.floats(2.5, 6.0))
def test_a_disc_is_cut_exactly_if_the_stack_reaches_it(tilt, roll, offset, step):
    level, centre = SPINE[2]
    slices = axial_stack(centre + np.array([0.0, 10.0, offset]), tilt, roll, step=step, size=400)
    axial = series_of(slices)
    cuts, missing = find_cuts(SPINE, [axial])
    target_depths = []
    # Whatever tilt the disc is given within what is plausible, the recess lies behind it.
    for angle in np.radians(np.linspace(-25, 25, 51)):
        target = centre + BEHIND_MM * np.array([0, np.cos(angle), np.sin(angle)])
        target_depths.append(
            min(abs(float((target - one.position) @ one.normal)) for one in slices) / step
        )
    if level in cuts:
        chosen = cuts[level]
        depth = float((chosen.target - slices[0].position) @ slices[0].normal) / step
        assert -0.5 - 1.5 / step - TOWARDS_FEET[2] <= depth <= 4.5 + 1.5 / step
        assert min(target_depths) < 1.0 + 0.5 + 1.5 / step
    else:
        assert missing[level] == NOT_COVERED
        assert max(target_depths) > 0.5


def test_a_disc_beyond_the_stack_is_not_covered_rather_than_given_the_nearest_slice():
    above = series_of(axial_stack(np.array([0.0, 15.0, 0.0]), count=7, step=4.0))
    cuts, missing = find_cuts(SPINE, [above])
    assert set(cuts) == {Level.L1_L2}
    assert missing == dict.fromkeys(list(Level)[1:], NOT_COVERED)


def test_a_disc_in_the_gap_between_two_stacks_is_not_covered():
    upper = axial_stack(np.array([0.0, 15.0, 0.0]), count=9, step=4.0)
    lower = axial_stack(np.array([0.0, 15.0, -100.0]), count=19, step=4.0)
    cuts, missing = find_cuts(SPINE, [series_of([*upper, *lower])])
    assert set(missing) == {Level.L2_L3}
    assert {level: cut.stack.slices[0].instance_number for level, cut in cuts.items()} == {
        Level.L1_L2: 1,
        Level.L3_L4: 10,
        Level.L4_L5: 10,
        Level.L5_S1: 10,
    }


def test_of_two_stacks_through_a_disc_the_one_along_it_is_taken():
    level, centre = SPINE[4]
    (tilt,) = (
        tilt for (name, _), tilt in zip(SPINE, disc_tilts(SPINE), strict=True) if name is level
    )
    behind = centre + np.array([0.0, 19.0, 0.0])
    straight, along = axial_stack(behind, count=11), axial_stack(behind, tilt + 3, count=7)
    cuts, _ = find_cuts(SPINE, [series_of(straight, uid="1.1"), series_of(along, uid="1.2")])
    assert cuts[level].series.uid == "1.2"
    assert stack_tilt(along[0]) == pytest.approx(tilt + 3)


def test_pictures_beside_the_canal_do_not_cover_it():
    small = series_of(axial_stack(np.array([60.0, 15.0, -70.0]), count=40, size=100))
    _, missing = find_cuts(SPINE, [small])
    assert missing[Level.L3_L4] == NOT_IN_PICTURE


def test_one_slice_per_disc_covers_its_disc():
    single = [
        plane(centre + np.array([0.0, 15.0, 1.0]), (1, 0, 0), (0, 1, 0)) for _, centre in SPINE
    ]
    cuts, missing = find_cuts(SPINE, [series_of(single)])
    numbers = {
        level: cut.slice_in_stack(cut.index).slice.instance_number for level, cut in cuts.items()
    }
    assert {**numbers} == {level: level.ordinal + 1 for level in numbers}
    assert set(missing) <= {Level.L5_S1}


def test_a_sagittal_slice_in_an_axial_series_cuts_nothing():
    sagittal = plane(np.array([3.0, 15.0, -70.0]), (0, 1, 0), (0, 0, -1))
    cuts, missing = find_cuts(SPINE, [series_of([sagittal])])
    assert not cuts
    assert set(missing) == set(Level)
