from dataclasses import replace

import pytest

from lss_cli.anatomy import Level
from lss_cli.annotate.faults import find_faults
from lss_cli.points.point import Point
from lss_cli.points.table import read_points
from lss_cli.study.pixels import remember_pixels
from lss_cli.study.study import read_study
from tests.annotate.conftest import SIDES


@pytest.fixture
def study(scanned):
    return read_study(next((scanned / "train_images").iterdir()))


@pytest.fixture
def sides(scanned):
    """Both points of each level."""
    points, _ = read_points(scanned / "train_label_coordinates.csv")
    left, right = ([point for point in points if point.condition is side] for side in SIDES)
    return list(zip(left, right, strict=True))


def test_the_first_click_is_known_to_lie_on_its_side_or_not(study, sides):
    """The image alone tells: no other point is set."""
    read = remember_pixels()
    faults = []
    for left, right in sides:
        assert find_faults(study, [left], read) == {}
        assert find_faults(study, [right], read) == {}
        crossed = replace(right, condition=left.condition)
        faults += find_faults(study, [crossed], read).values()
    assert len(faults) == len(sides)
    assert all("on the other side of the midline than left" in text for text in faults)


def test_a_pair_that_is_exchanged_is_named(study, sides):
    left, right = sides[0]
    points = [replace(left, x=right.x), replace(right, x=left.x)]
    faults = find_faults(study, points, remember_pixels())
    assert set(faults) == {f"{side} {left.level}" for side in SIDES}
    assert all("are exchanged" in text for text in faults.values())


def test_a_point_that_cannot_be_looked_at_is_in_no_doubt(study, sides):
    assert find_faults(study, [replace(sides[0][0], x=-50)], remember_pixels()) == {}


def test_a_click_in_another_disc_or_far_from_its_recess_is_named(
    coded_study, coded_phantom, landmarks
):
    left = {
        click.level: Point(
            "", str(click.series_id), click.instance_number, *names, click.x, click.y
        )
        for click in coded_phantom.points
        for names in [(click.condition, click.level)]
        if click.condition is SIDES[0]
    }
    read = remember_pixels()

    def texts(point):
        return " ".join(find_faults(coded_study, [point], read, landmarks).values())

    own = left[Level.L3_L4]
    assert "as counted" not in texts(own)
    assert "as located" not in texts(own)
    named = "the point of L4/L5 lies in what is L3/L4 as counted on the sagittal pictures"
    assert named in texts(replace(own, level=Level.L4_L5))
    columns = 10 / coded_study.axial_t2.series.slices[0].geometry.spacing_mm[0]
    # To the left, where a point that lies on the other side of it would be accused of that.
    assert "from the left recess as located" in texts(replace(own, x=own.x + columns))
