import numpy as np
import pytest

from lss_cli.dataset.margin import LARGEST_SHIFT_MM, margin_of
from lss_cli.model.spec import InputSpec
from lss_cli.training.augment import HIDDEN_NEIGHBOURS, PointGeometry, augment
from lss_cli.training.batches import augmented_reader


def geometry(point=(0.5, 0.5), order_known=True, **changes) -> PointGeometry:
    values = {
        "points": np.array([point], np.float32),
        "pixels_per_mm": np.zeros(2, np.float32),
        "slice_mm": np.array([[200, 100]], np.float32),
        "order_known": np.array([order_known]),
        "symmetric": np.array([False]),
        "bounded": True,
    }
    return PointGeometry(**values | changes)


def changed(image, coords=(0.5, 0.5), seed=0, strength=1.0, **about):
    images, moved = augment(
        image[None],
        np.array([coords], np.float32),
        np.array([0]),
        geometry(**about),
        np.random.default_rng(seed),
        strength,
    )
    return images[0], moved[0]


def spot(point, size=40):
    at = (np.arange(size) + 0.5) / size
    bright = np.exp(-(((at - point[0]) ** 2)[None] + ((at - point[1]) ** 2)[:, None]) / 0.01)
    return np.stack([bright] * 3, axis=-1).astype(np.float32)


def brightest(image):
    row, column = np.unravel_index(image[..., 1].argmax(), image.shape[:2])
    return np.array([column + 0.5, row + 0.5]) / image.shape[:2]


@pytest.mark.parametrize("point", [(0.5, 0.5), (0.7, 0.4)])
def test_what_lies_at_the_point_stays_there(point):
    """Scaling and turning happen around the point; the brightest spot is there before and after."""
    for seed in range(20):
        image, _ = changed(spot(point), point=point, seed=seed)
        assert brightest(image) == pytest.approx(np.array(point), abs=2.5 / 40)


def test_a_click_that_errs_takes_field_and_coordinates_along():
    """Coordinates move by as many mm as the image does, the other way."""
    moves = []
    for seed in range(20):
        image, coords = changed(
            spot((0.5, 0.5)), coords=(0.3, 0.6), seed=seed,
            pixels_per_mm=np.array([2.0, 2.0], np.float32),
        )  # fmt: skip
        image_mm = (brightest(image) - 0.5) * 40 / 2
        coords_mm = (coords - (0.3, 0.6)) * (200, 100)
        assert abs(coords_mm).max() <= LARGEST_SHIFT_MM + 1e-3
        assert image_mm == pytest.approx(-coords_mm, abs=1.3)
        moves.append(coords_mm)
    assert np.ptp(moves, axis=0).min() > LARGEST_SHIFT_MM


def test_the_whole_slice_stays_where_another_click_falls():
    image, coords = changed(spot((0.5, 0.5)), strength=1.0)
    assert brightest(image) == pytest.approx(np.array([0.5, 0.5]), abs=2.5 / 40)
    assert (coords != 0.5).all()


def test_strength_is_a_factor(prepared):
    image = spot((0.5, 0.5))
    weak, strong = (np.abs(changed(image, strength=by)[0] - image).mean() for by in (0.2, 2.0))
    assert 0 < weak < strong
    same, coords = changed(image, strength=0.0)
    assert same == pytest.approx(image, abs=1e-6)
    assert coords == pytest.approx([0.5, 0.5])
    rows = prepared.rows("train")[:4]
    assert (augmented_reader(prepared, 0.0, 0)(rows, 0)[0] == prepared.inputs(rows)["image"]).all()


@pytest.mark.parametrize(("known", "orders"), [(True, {True}), (False, {True, False})])
def test_neighbours_are_exchanged_only_where_their_order_is_unknown(known, orders):
    image = np.stack([np.full((8, 8), value) for value in (0.1, 0.5, 0.9)], axis=-1)
    orders_seen = set()
    for seed in range(20):
        after, _ = changed(image.astype(np.float32), seed=seed, order_known=known)
        orders_seen.add(bool(after[4, 4, 0] < after[4, 4, 2]))
    assert orders_seen == orders


def test_some_neighbours_are_hidden_as_in_a_study_that_lacks_them():
    """By the next slice towards the middle, each by itself; with one channel there is none."""
    image = np.random.default_rng(0).random((24, 24, 5)).astype(np.float32)
    hidden = np.zeros(5)
    for seed in range(300):
        new = changed(image, seed=seed)[0]
        same = [bool((new[..., n] == new[..., n + 1]).all()) for n in range(4)]
        hidden += [same[0], same[1], False, same[2], same[3]]
    assert hidden[[0, 1, 3, 4]] / 300 == pytest.approx([HIDDEN_NEIGHBOURS] * 4, abs=0.05)
    assert changed(image[..., :1], seed=0)[0].shape == (24, 24, 1)


@pytest.mark.parametrize("size", [(40, 32), (32, 40)])
def test_no_border_comes_in_that_prediction_never_has(size):
    """All around the field is bright; without a margin, dark corners would come in."""
    spec = InputSpec(size=size, field_mm=(36, 30), shift_mm=6)
    margin = margin_of(spec)
    pixels_per_mm = np.array(size, np.float32) / spec.field_mm
    darkest = []
    for columns, rows in (margin, (0, 0)):
        image = np.ones((size[1] + 2 * rows, size[0] + 2 * columns, 3), np.float32)
        about = {"point": (0.5 + 6 / 36, 0.5), "pixels_per_mm": pixels_per_mm}
        for seed in range(150):
            new, _ = changed(image, seed=seed, margin=(columns, rows), bounded=True, **about)
            assert new.shape == (size[1], size[0], 3)
            darkest.append(new.min())
    assert min(darkest[:150]) > 0.5
    assert min(darkest[150:]) < 0.2


def test_training_images_without_changes_are_those_of_prediction(prepared):
    rows = prepared.rows("train")[:6]
    geometry = PointGeometry.of(prepared)
    wide, field = prepared.inputs(rows, wide=True), prepared.inputs(rows)
    rng = np.random.default_rng(0)
    images, _ = augment(wide["image"], wide["coords"], rows, geometry, rng, 0.0)
    assert images == pytest.approx(field["image"], abs=1e-6)


def test_half_of_what_has_no_side_is_mirrored_with_its_point_and_coordinates():
    """A spot left of the point is then right of it, and the slice's left is its right."""
    seen = set()
    for seed in range(20):
        image, coords = changed(
            spot((0.4, 0.5)), coords=(0.3, 0.6), point=(0.3, 0.5), seed=seed,
            strength=0.0, symmetric=np.array([True]),
        )  # fmt: skip
        mirrored = bool(coords[0] > 0.5)
        assert coords == pytest.approx([0.7 if mirrored else 0.3, 0.6])
        assert brightest(image)[0] == pytest.approx(0.6 if mirrored else 0.4, abs=1 / 40)
        seen.add(mirrored)
    assert seen == {True, False}


def test_what_has_a_side_is_never_mirrored():
    for seed in range(20):
        image, coords = changed(spot((0.4, 0.5)), coords=(0.3, 0.6), seed=seed, strength=0.0)
        assert coords == pytest.approx([0.3, 0.6])
        assert brightest(image)[0] == pytest.approx(0.4, abs=1 / 40)
