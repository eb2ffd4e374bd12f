import numpy as np
import pytest

from lss_cli.training.locator.augment import MARGIN_MM, mirror, move_window, turn, vary
from lss_cli.training.locator.pictures import Picture


def spots(points, size=(140, 90), spacing=0.4, **changes) -> Picture:
    """A grey picture with a bright spot at each point."""
    pixels = np.full((size[1], size[0]), 20, dtype=np.float32)
    for x, y in points:
        pixels[y - 1 : y + 2, x - 1 : x + 2] = 200
    at = np.array(points, dtype=float)
    return Picture(pixels, (spacing, spacing), at, "patient", "picture", **changes)


def brightness_at(picture, point):
    x, y = np.round(point).astype(int)
    return picture.pixels[y, x]


@pytest.mark.parametrize("angle", [0.0, 0.3, -0.3])
@pytest.mark.parametrize("scale", [0.8, 1.25])
def test_landmarks_turn_with_the_picture(angle, scale):
    picture = turn(spots([(100, 40), (40, 45)]), angle, np.full(2, scale))
    for point in picture.points:
        assert brightness_at(picture, point) > 100
    across = picture.points[0] - picture.points[1]
    assert np.hypot(*across) == pytest.approx(np.hypot(60, 5) * scale)


def test_mirrored_landmarks_keep_their_names():
    picture = mirror(spots([(100, 40), (40, 45)]))
    assert picture.points.tolist() == [[39, 40], [99, 45]]
    assert brightness_at(picture, picture.points[0]) == 200


def test_the_left_recess_is_on_the_right_of_the_picture_however_it_was_varied():
    picture = spots([(100, 40), (40, 45)])
    for seed in range(40):
        varied, _ = vary(picture, "axial", np.random.default_rng(seed))
        left, right = varied.points
        if np.isfinite(left).all() and np.isfinite(right).all():
            assert left[0] > right[0]


def test_no_border_of_a_cut_out_is_ever_shown_and_none_tells_where_the_landmarks_are():
    picture = spots([(100, 40), (40, 45)], size=(140, 90))
    edges = []
    for number in range(60):
        named = Picture(picture.pixels, picture.spacing_mm, picture.points, "p", str(number))
        shown, _ = move_window(named)
        margin = round(MARGIN_MM / 0.4)
        rows, columns = (np.flatnonzero(shown.pixels.any(axis=axis)) for axis in (1, 0))
        assert rows[0] > margin and columns[0] > margin
        assert rows[-1] < margin + 89 and columns[-1] < margin + 139
        edges.append((columns[0] + columns[-1]) / 2 - margin - 69.5)
    # The middle of what is shown wanders by millimetres.
    assert np.std(edges) * 0.4 > 2


def test_a_picture_is_asked_for_in_the_same_way_every_time():
    picture = spots([(100, 40), (40, 45)])
    (first, at), (second, there) = move_window(picture), move_window(picture)
    assert at == there and np.array_equal(first.pixels, second.pixels)
