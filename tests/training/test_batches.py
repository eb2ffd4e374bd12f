import numpy as np
import pytest

from lss_cli.training.augment import augmented
from lss_cli.training.batches import Batches


def test_rows_come_in_order_and_as_they_are(prepared):
    rows = prepared.rows("validation")
    inputs, labels = Batches(prepared, rows, 4)[1]
    expected = prepared.inputs(rows[4:8])
    assert (inputs["image"] == expected["image"]).all()
    assert (inputs["coords"] == expected["coords"]).all()
    assert (labels == prepared.severities[rows[4:8]]).all()


def test_an_epoch_holds_each_row_once_and_the_next_is_another(prepared):
    rows = prepared.rows("train")
    batches = Batches(prepared, rows, 32, seed=1)
    first = [labels for _, labels in (batches[number] for number in range(len(batches)))]
    images = batches[0][0]["image"]
    assert (batches[0][0]["image"] == images).all()
    batches.on_epoch_end()
    again = np.concatenate([batches[number][1] for number in range(len(batches))])
    assert sorted(np.concatenate(first)) == sorted(again) == sorted(prepared.severities[rows])
    assert (batches[0][0]["image"] != images).any()


@pytest.mark.parametrize("point", [(0.5, 0.5), (0.7, 0.4)])
def test_what_lies_at_the_point_stays_there(point):
    """The brightest spot is at the point before and after."""
    x, y = (np.arange(40) + 0.5) / 40, (np.arange(40) + 0.5) / 40
    spot = np.exp(-(((x - point[0]) ** 2)[None] + ((y - point[1]) ** 2)[:, None]) / 0.01)
    image = np.stack([spot] * 3, axis=-1).astype(np.float32)
    for seed in range(20):
        random = np.random.default_rng(seed)
        changed = augmented(image, np.array(point), random, order_known=True)
        assert changed.shape == image.shape
        row, column = np.unravel_index(changed[..., 1].argmax(), (40, 40))
        assert abs((column + 0.5) / 40 - point[0]) <= 1.5 / 40
        assert abs((row + 0.5) / 40 - point[1]) <= 1.5 / 40


@pytest.mark.parametrize(("known", "orders"), [(True, {True}), (False, {True, False})])
def test_neighbours_are_exchanged_only_where_their_order_is_unknown(known, orders):
    image = np.stack([np.full((8, 8), value) for value in (0.1, 0.5, 0.9)], axis=-1)
    image = image.astype(np.float32)
    found = set()
    for seed in range(20):
        random = np.random.default_rng(seed)
        changed = augmented(image, np.array([0.5, 0.5]), random, order_known=known)
        found.add(bool(changed[4, 4, 0] < changed[4, 4, 2]))
    assert found == orders
