import numpy as np
import pytest
from highdicom.spatial import ImageToReferenceTransformer, PixelToPixelTransformer
from hypothesis import given
from hypothesis import strategies as st

from lss_cli.study.geometry import Geometry, Orientation, Plane
from tests.dicom import AXIAL, SAGITTAL, tilted


def geometry(orientation, size=(7, 5)):
    row, column = np.array(orientation[:3], float), np.array(orientation[3:], float)
    return Geometry(np.zeros(3), row, column, (0.5, 0.8), size)


@pytest.mark.parametrize(
    ("orientation", "plane"),
    [
        (AXIAL, Plane.AXIAL),
        (tilted(40), Plane.AXIAL),
        (tilted(-40), Plane.AXIAL),
        (SAGITTAL, Plane.SAGITTAL),
        ((1, 0, 0, 0, 0, -1), Plane.CORONAL),
        ((-1, 0, 0, 0, -1, 0), Plane.AXIAL),
    ],
)
def test_plane_comes_from_the_orientation_alone(orientation, plane):
    assert geometry(orientation).plane is plane


def test_standard_slices_are_left_as_they_are():
    for orientation in (AXIAL, SAGITTAL, tilted(30)):
        assert geometry(orientation).orientation == Orientation(False, False, False)


@given(st.booleans(), st.booleans(), st.booleans(), st.integers(0, 6), st.integers(0, 4))
def test_a_point_stays_on_its_pixel(transpose, flip_x, flip_y, x, y):
    orientation = Orientation(transpose, flip_x, flip_y)
    pixels = np.arange(35).reshape(5, 7)
    new_x, new_y = orientation.orient_point((x, y), (7, 5))
    assert orientation.orient_pixels(pixels)[int(new_y), int(new_x)] == pixels[y, x]


@given(
    st.sampled_from([AXIAL, SAGITTAL, tilted(25)]),
    st.integers(0, 2),
    st.integers(0, 3),
)
def test_oriented_columns_and_rows_run_the_planes_way(orientation, swap, signs):
    row, column = np.array(orientation[:3], float), np.array(orientation[3:], float)
    if swap:
        row, column = column, row
    row, column = row * (-1) ** (signs & 1), column * (-1) ** (signs >> 1)
    slice_ = geometry((*row, *column))
    across, down = (column, row) if slice_.orientation.transpose else (row, column)
    right, back, _ = slice_.plane.axes
    assert (across * (-1 if slice_.orientation.flip_x else 1)) @ right > 0.7
    assert (down * (-1 if slice_.orientation.flip_y else 1)) @ back > 0.7


def test_axial_slices_follow_each_other_to_the_feet():
    assert geometry(AXIAL).normal @ (0, 0, -1) == pytest.approx(1)
    assert geometry((0, 1, 0, 1, 0, 0)).normal @ (0, 0, -1) == pytest.approx(1)


@given(
    *3 * [st.booleans()],
    st.floats(-0.5, 6.5).map(lambda x: round(x, 2)),
    st.floats(-0.5, 4.5).map(lambda y: round(y, 2)),
)
def test_restoring_undoes_orienting(transpose, flip_x, flip_y, x, y):
    orientation = Orientation(transpose, flip_x, flip_y)
    restored = orientation.restore_point(orientation.orient_point((x, y), (7, 5)), (7, 5))
    assert restored == pytest.approx((x, y), abs=1e-9)


@given(
    st.sampled_from([AXIAL, SAGITTAL, tilted(25)]),
    st.booleans(),
    st.integers(0, 3),
)
def test_an_oriented_slice_lies_where_it_lay(orientation, swap, signs):
    row, column = np.array(orientation[:3], float), np.array(orientation[3:], float)
    if swap:
        row, column = column, row
    stored = geometry((*row * (-1) ** (signs & 1), *column * (-1) ** (signs >> 1)))
    oriented = stored.oriented
    assert oriented.orientation == Orientation(False, False, False)
    assert oriented.size == stored.orientation.orient_pair(stored.size)
    for point in ((0, 0), (6, 0), (2.5, 4)):
        moved = stored.orientation.orient_point(point, stored.size)
        np.testing.assert_allclose(place(oriented, moved), place(stored, point), atol=1e-9)


def place(geometry, point):
    """A pixel position in mm."""
    across, down = geometry.spacing_mm
    return (
        geometry.position
        + point[0] * across * geometry.row_cosine
        + point[1] * down * geometry.column_cosine
    )


@given(
    st.integers(0, 2**32 - 1),
    st.tuples(*3 * [st.floats(-500, 500)]),
    st.tuples(*2 * [st.floats(0.1, 3)]),
    st.floats(-0.5, 6.5),
    st.floats(-0.5, 4.5),
)
def test_a_pixel_lies_where_highdicom_finds_it(seed, position, spacing, x, y):
    axes, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((3, 3)))
    stored = Geometry(np.array(position), axes[0], axes[1], spacing, (7, 5))
    oracle = ImageToReferenceTransformer(
        position, [*axes[0], *axes[1]], pixel_spacing=[spacing[1], spacing[0]]
    )
    # highdicom counts from the corner of the first pixel, not from its centre.
    (expected,) = oracle(np.array([[x + 0.5, y + 0.5]]))
    np.testing.assert_allclose(stored.to_patient((x, y)), expected, atol=1e-6)
    oriented = stored.orientation.orient_point((x, y), stored.size)
    np.testing.assert_allclose(stored.oriented.to_patient(oriented), expected, atol=1e-6)


@given(st.sampled_from([AXIAL, SAGITTAL, tilted(25)]), st.booleans(), st.integers(0, 3))
def test_oriented_pixels_are_those_that_highdicom_maps_them_to(orientation, swap, signs):
    row, column = np.array(orientation[:3], float), np.array(orientation[3:], float)
    if swap:
        row, column = column, row
    stored = geometry((*row * (-1) ** (signs & 1), *column * (-1) ** (signs >> 1)))
    pixels = np.arange(35).reshape(5, 7)
    oriented = stored.orientation.orient_pixels(pixels)
    rows, columns = np.indices(oriented.shape)
    to_stored = PixelToPixelTransformer(
        *_attributes(stored.oriented), *_attributes(stored), round_output=True
    )
    x, y = to_stored(np.stack([columns.ravel(), rows.ravel()], axis=1)).T
    np.testing.assert_array_equal(oriented.ravel(), pixels[y, x])


def _attributes(geometry):
    """Position, orientation and spacing as DICOM has them."""
    orientation = [*geometry.row_cosine, *geometry.column_cosine]
    return tuple(geometry.position), orientation, geometry.spacing_mm[::-1]
