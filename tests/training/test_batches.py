import numpy as np
import pytest

from lss_cli.training.batches import (
    TrainingBatches,
    augmented_reader,
    batches_of,
    one_hot_labels,
    prefetched,
    read_in_order,
    reader,
)
from lss_cli.training.options import TrainingOptions


def epoch(data, options, number, read=None):
    rows = data.rows("train")
    read = read or augmented_reader(data, options.augment, options.seed)
    batches = TrainingBatches(read, one_hot_labels(data), rows, options)
    batches.begin(number)
    return [batches[batch] for batch in range(len(batches))]


def test_rows_come_in_order_and_as_they_are(prepared):
    rows = prepared.rows("validation")
    image, coords = list(read_in_order(reader(prepared), rows, 5))[1]
    expected = prepared.inputs(rows[5:10])
    assert (image == expected["image"]).all()
    assert (coords == expected["coords"]).all()


def test_an_epoch_holds_each_row_once_and_the_next_is_another(prepared):
    first, again, second = (
        epoch(prepared, TrainingOptions(seed=1), number) for number in (0, 0, 1)
    )
    counts = one_hot_labels(prepared)[prepared.rows("train")].sum(axis=0)
    for batches in (first, second):
        assert sum(targets.sum(axis=0) for _, targets in batches) == pytest.approx(counts)
    assert (first[0][0][0] == again[0][0][0]).all()
    assert (first[0][0][0] != second[0][0][0]).any()


def test_no_batch_is_left_with_a_row_or_two():
    assert [len(batch) for batch in batches_of(np.arange(65), 32)] == [22, 22, 21]


def test_batches_made_ahead_are_the_same_and_errors_arrive():
    assert list(prefetched(iter([1, 2, 3]))) == [1, 2, 3]

    def broken():
        yield 1
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        list(prefetched(broken()))


def test_mixup_blends_images_coordinates_and_labels_alike(prepared):
    options = TrainingOptions(mixup=1.0, augment=0.0, batch_size=400)
    (((images, coords), targets),) = epoch(prepared, options, 0)
    assert targets.sum(axis=1) == pytest.approx(np.ones(len(targets)), abs=1e-5)
    assert ((targets > 0.01).sum(axis=1) == 2).any()
    assert images.max() <= 1
    assert coords.shape == (len(targets), 2)


def test_cutmix_labels_by_the_area_that_stays(prepared):
    """Without labels of their own: an image of its label's number says how much of it is left."""
    labels = prepared.severities

    def read(rows, _):
        flat = np.broadcast_to(labels[rows][:, None, None, None], (len(rows), 16, 16, 1)).astype(
            np.float32
        )
        return flat, np.zeros((len(rows), 2), np.float32)

    options = TrainingOptions(cutmix=1.0, batch_size=400)
    (((images, _), targets),) = epoch(prepared, options, 3, read)
    assert images.mean(axis=(1, 2, 3)) == pytest.approx(targets @ [0, 1, 2], abs=1e-5)
