import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lss_cli.anatomy import Side
from lss_cli.model.inputs import model_input
from lss_cli.model.spec import InputSpec
from lss_cli.slices import Slices, percentiles

SPEC = InputSpec(size=(20, 20), field_mm=(20, 20), neighbours=0)


def slices(pixels, spacing=(1.0, 1.0), **options):
    pixels = np.asarray(pixels, np.float32)
    pixels = pixels[None] if pixels.ndim == 2 else pixels
    size = options.pop("full_size", (pixels.shape[2], pixels.shape[1]))
    return Slices(pixels, spacing, size, **options)


def ramp(width=100, height=80):
    """Brightness is the column's number."""
    return np.tile(np.arange(width, dtype=np.float32), (height, 1))


def picture(width=100, height=80):
    return np.random.default_rng(0).random((3, height, width)).astype(np.float32)


def test_at_the_fields_own_spacing_pixels_are_taken_over_exactly():
    spec = InputSpec(size=(20, 10), field_mm=(20, 10), neighbours=0, normalise="minmax")
    source = picture()
    image, coords = model_input(slices(source[0]), (49.5, 39.5), spec, side=None)
    wanted = source[0, 35:45, 40:60]
    wanted = (wanted - wanted.min()) / (wanted.max() - wanted.min())
    np.testing.assert_allclose(image[:, :, 0], wanted, atol=1e-6)
    np.testing.assert_allclose(coords, [0.5, 0.5])


def test_the_field_is_measured_in_millimetres():
    """Twice the pixels at half the spacing show the same."""
    coarse, _ = model_input(slices(ramp()), (49.5, 39.5), SPEC, side=None)
    fine = slices(np.kron(ramp(), np.ones((2, 2))), spacing=(0.5, 0.5))
    found, _ = model_input(fine, (99.5, 79.5), SPEC, side=None)
    np.testing.assert_allclose(found, coarse, atol=0.03)


def test_the_shift_goes_to_the_midline():
    spec = InputSpec(size=(20, 20), field_mm=(20, 20), shift_mm=6, neighbours=0, normalise="minmax")
    plain, _ = model_input(slices(picture()[0]), (43.5, 40), replace_shift(spec, 0), side=None)
    left, _ = model_input(slices(picture()[0]), (49.5, 40), spec, side=Side.LEFT)
    right, _ = model_input(slices(picture()[0]), (37.5, 40), spec, side=Side.RIGHT)
    np.testing.assert_allclose(left, plain, atol=1e-6)
    np.testing.assert_allclose(right, plain, atol=1e-6)
    canal, _ = model_input(slices(picture()[0]), (43.5, 40), spec, side=None)
    np.testing.assert_allclose(canal, plain, atol=1e-6)


def replace_shift(spec, shift):
    return InputSpec(**spec.to_json() | {"shift_mm": shift})


@given(st.floats(25, 75), st.floats(25, 55), st.sampled_from(["crop", "slice"]))
def test_a_mirrored_right_point_is_the_left_point_of_the_mirrored_picture(x, y, view):
    spec = InputSpec(view=view, size=(24, 16), field_mm=(30, 20), shift_mm=5)
    right = slices(picture(), spacing=(0.8, 0.9))
    left = slices(picture()[:, :, ::-1], spacing=(0.8, 0.9))
    a, where_a = model_input(right, (x, y), spec, side=Side.RIGHT, mirror=True)
    b, where_b = model_input(left, (99 - x, y), spec, side=Side.LEFT)
    np.testing.assert_allclose(a, b, atol=1e-5)
    np.testing.assert_allclose(where_a, where_b, atol=1e-6)


@pytest.mark.parametrize("normalise", ["percentile", "minmax", "zscore"])
def test_brightness_and_contrast_of_each_slice_do_not_matter(normalise):
    spec = InputSpec(size=(20, 20), field_mm=(20, 20), normalise=normalise)
    gain = np.array([1, 300, 0.05], np.float32)[:, None, None]
    plain, _ = model_input(slices(picture()), (50, 40), spec, side=None)
    found, _ = model_input(slices(picture() * gain + 7), (50, 40), spec, side=None)
    np.testing.assert_allclose(found, plain, atol=1e-3)


@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=1), st.floats(0, 100))
def test_percentiles_are_numpys(values, percent):
    found, _ = percentiles(np.array(values, np.float32), percent, percent)
    assert found == pytest.approx(np.percentile(values, percent), rel=1e-4, abs=1e-3)


def test_a_cut_out_gives_what_the_whole_slice_gives():
    whole = slices(picture())
    cut = Slices(picture()[:, 20:60, 30:80], (1.0, 1.0), (100, 80), origin=(30, 20))
    for side, mirror in [(Side.LEFT, False), (Side.RIGHT, True)]:
        a, where_a = model_input(whole, (55.3, 40.2), SPEC, side=side, mirror=mirror)
        b, where_b = model_input(cut, (55.3, 40.2), SPEC, side=side, mirror=mirror)
        np.testing.assert_allclose(a, b, atol=1e-5)
        np.testing.assert_allclose(where_a, where_b)


def test_what_the_picture_does_not_hold_is_zero_and_does_not_change_the_rest():
    bright = slices(ramp() + 1000)
    image, _ = model_input(bright, (0, 40), SPEC, side=None)
    assert (image[:, :9] == 0).all()
    assert image[:, 11:].min() > 0
    assert image[:, -1].max() == pytest.approx(1, abs=0.1)


def test_a_field_beside_the_picture_is_an_error():
    with pytest.raises(ValueError, match="outside the image"):
        model_input(slices(ramp()), (500, 40), SPEC, side=None)


def test_surplus_neighbours_are_left_out_and_missing_ones_an_error():
    one, _ = model_input(slices(picture()), (50, 40), SPEC, side=None)
    middle, _ = model_input(slices(picture()[1]), (50, 40), SPEC, side=None)
    np.testing.assert_array_equal(one, middle)
    with pytest.raises(ValueError, match="5 neighbouring slices are needed, 3 are there"):
        model_input(slices(picture()), (50, 40), InputSpec(neighbours=2), side=None)


def test_the_slice_view_shows_the_whole_slice_and_the_point_as_coordinates():
    spec = InputSpec(view="slice", size=(50, 40), neighbours=0, normalise="minmax")
    image, coords = model_input(slices(ramp()), (24.5, 59.5), spec, side=Side.LEFT)
    np.testing.assert_allclose(image[0, :, 0], np.linspace(0, 1, 50), atol=3e-3)
    np.testing.assert_allclose(coords, [0.25, 0.75])


def test_a_field_without_contrast_is_an_error_but_for_a_neighbour_the_middle_stands_in():
    with pytest.raises(ValueError, match="no contrast"):
        model_input(slices(np.full((80, 100), 7)), (50, 40), SPEC, side=None)
    for normalise in ("percentile", "minmax", "zscore"):
        spec = InputSpec(size=(20, 20), field_mm=(20, 20), normalise=normalise)
        pixels = picture()
        pixels[0] = 7
        image, _ = model_input(slices(pixels), (50, 40), spec, side=None)
        np.testing.assert_array_equal(image[:, :, 0], image[:, :, 1])
        assert np.ptp(image[:, :, 1]) > 0


@pytest.mark.parametrize("normalise", ["percentile", "minmax", "zscore"])
@pytest.mark.parametrize("point", [(49.3, 38.9), (6.2, 71.4)])
def test_a_margin_leaves_the_field_as_it_is_to_the_bit(normalise, point):
    spec = InputSpec(size=(30, 22), field_mm=(27, 19), shift_mm=3, normalise=normalise)
    source = slices(picture(), spacing=(0.7, 0.6))
    image, coords = model_input(source, point, spec, side=Side.LEFT)
    wide, same = model_input(source, point, spec, side=Side.LEFT, margin=(7, 4))
    assert wide.shape == (30, 44, 3)
    assert wide[4:26, 7:37].tobytes() == image.tobytes()
    assert same.tobytes() == coords.tobytes()


def test_a_margin_shows_what_lies_around_the_field_by_the_same_greys():
    spec = InputSpec(size=(20, 10), field_mm=(20, 10), neighbours=0, normalise="minmax")
    source = ramp()
    image, _ = model_input(slices(source), (9.5, 39.5), spec, side=None, margin=(4, 3))
    # From column 0 to 19 grey values go from 0 to 1, and go on; before column 0 there is nothing.
    assert image[0, :4, 0].tolist() == [0] * 4
    assert image[0, 4:, 0] == pytest.approx(np.arange(24) / 19, abs=1e-5)
