import numpy as np

from lss_cli.anatomy import Condition, Level, Severity, Side
from lss_cli.phantom.image import ImagingPlane
from lss_cli.phantom.study import FEET_FIRST_SHARE, plan_study
from lss_cli.phantom.tissue import Tissue

PLANS = [plan_study(7, number) for number in range(40)]


def series_of(phantom, point):
    return next(series for series in phantom.series if series.series_id == point.series_id)


def slice_of(phantom, point):
    slices = series_of(phantom, point).slices
    return next(slice_ for slice_ in slices if slice_.instance_number == point.instance_number)


def signal_around(phantom, point, width=6.0):
    """Mean signal, fluid being 1, of a square about a point."""
    plane = slice_of(phantom, point).plane
    centre = np.asarray(plane.position) + plane.spacing * (
        point.x * np.asarray(plane.row_cosine) + point.y * np.asarray(plane.column_cosine)
    )
    patch = ImagingPlane.around(
        centre, np.asarray(plane.row_cosine), np.asarray(plane.column_cosine), width / 16, 16
    )
    return float(Tissue(phantom.body)(*patch.grid(), edge=0.5).mean())


def points_of(phantom, condition):
    return {point.level: point for point in phantom.points if point.condition is condition}


def test_every_level_has_its_points_inside_a_slice():
    for phantom in PLANS:
        for condition in (
            Condition.LEFT_SUBARTICULAR,
            Condition.RIGHT_SUBARTICULAR,
            Condition.SPINAL_CANAL,
        ):
            points = points_of(phantom, condition)
            assert list(points) == list(Level)
            for point in points.values():
                plane = slice_of(phantom, point).plane
                assert 0 < point.x < plane.columns - 1
                assert 0 < point.y < plane.rows - 1
                assert series_of(phantom, point).kind == condition.series_description


def test_points_lie_in_the_slice_nearest_the_disc():
    for phantom in PLANS:
        for point in phantom.points:
            if point.condition is Condition.SPINAL_CANAL:
                continue
            curve = phantom.body.curve
            disc = curve.to_patient(0, 3, curve.level(point.level))
            offsets = [
                abs(slice_.plane.project(disc)[2]) for slice_ in series_of(phantom, point).slices
            ]
            assert abs(slice_of(phantom, point).plane.project(disc)[2]) < min(offsets) + 3


def test_left_and_right_are_as_far_apart_as_annotators_click():
    apart = []
    for phantom in PLANS:
        left = points_of(phantom, Condition.LEFT_SUBARTICULAR)
        right = points_of(phantom, Condition.RIGHT_SUBARTICULAR)
        spacing = phantom.series[0].slices[0].plane.spacing
        apart += [(left[level].x - right[level].x) * spacing for level in Level]
    assert min(apart) > 8
    assert 14 < np.median(apart) < 17


def test_the_recess_darkens_with_severity():
    seen = {severity: [] for severity in Severity}
    for phantom in PLANS[:25]:
        for point in points_of(phantom, Condition.LEFT_SUBARTICULAR).values():
            severity = phantom.severity(point.condition, point.level)
            seen[severity].append(signal_around(phantom, point))
    normal, moderate, severe = (np.mean(seen[severity]) for severity in Severity)
    assert normal > moderate + 0.1 > severe + 0.15


def test_the_patients_left_is_where_the_left_points_are():
    # One-sided phantoms: the narrow side must be the named one.
    right_minus_left = []
    for phantom in PLANS:
        recess = phantom.body.grades.recess
        left = points_of(phantom, Condition.LEFT_SUBARTICULAR)
        right = points_of(phantom, Condition.RIGHT_SUBARTICULAR)
        for level in Level:
            apart = recess[level, Side.LEFT].narrowing - recess[level, Side.RIGHT].narrowing
            if abs(apart) > 0.5:
                signals = (signal_around(phantom, points[level]) for points in (left, right))
                right_minus_left.append(np.sign(apart) * -np.subtract(*signals))
    assert len(right_minus_left) > 5
    assert np.mean(right_minus_left) > 0.1


def test_columns_run_to_the_left_and_rows_to_the_back():
    for phantom in PLANS:
        for slice_ in phantom.series[0].slices:
            assert slice_.plane.row_cosine[0] > 0.95
            assert slice_.plane.column_cosine[1] > 0.7
            assert slice_.plane.normal[2] > 0.7


def test_some_series_are_numbered_from_the_feet():
    rising = [
        phantom.series[0].slices[0].plane.position[2]
        < phantom.series[0].slices[-1].plane.position[2]
        for phantom in (plan_study(11, number, sagittal=False) for number in range(150))
    ]
    assert abs(np.mean(rising) - FEET_FIRST_SHARE) < 0.09


def test_slices_asks_for_one_stack_per_disc():
    phantom = plan_study(1, sagittal=False, matrix=64, slices=3)
    assert [slice_.instance_number for slice_ in phantom.series[0].slices] == list(range(1, 16))


def test_without_a_sagittal_series_the_canal_has_no_label():
    phantom = plan_study(1, sagittal=False)
    assert phantom.severity(Condition.SPINAL_CANAL, Level.L4_L5) is None


def test_a_study_does_not_depend_on_the_others():
    assert plan_study(7, 3).points == PLANS[3].points
    assert plan_study(8, 3).points != PLANS[3].points


def test_identifiers_are_unique():
    ids = [series.series_id for phantom in PLANS for series in phantom.series]
    ids += [phantom.study_id for phantom in PLANS]
    assert len(set(ids)) == len(ids)


def test_pictures_have_twelve_bits_and_some_contrast():
    phantom = plan_study(2, sagittal=False, matrix=96, slices=1)
    for _, pixels in phantom.pictures(phantom.series[0]):
        assert pixels.dtype == np.uint16
        assert 200 < pixels.max() < 4096
        assert np.percentile(pixels, 1) < 0.1 * pixels.max()
