import dataclasses
import json

import numpy as np
import pytest

from lss_cli.errors import DataError
from lss_cli.training.checkpoint import BEST, CHECKPOINT, Checkpoint, Epoch, assign_values
from lss_cli.training.curves import draw_curves

HISTORY = [Epoch(1, "whole", 1.25, 0.1 + 0.2, 0.5, 1e-3), Epoch(2, "whole", 1.0, 1 / 3, 0.5, 1e-3)]


def values(seed):
    random = np.random.default_rng(seed)
    return [random.normal(size=shape).astype(np.float32) for shape in ((2, 3), (), (4,))]


def test_what_is_read_is_what_was_written_to_the_bit(tmp_path):
    assert Checkpoint.read(tmp_path) is None
    # More than ten variables, whose names do not sort as numbers do.
    network = [np.full(2, number, np.float32) for number in range(12)]
    Checkpoint(HISTORY, network, values(1), values(2)).write(tmp_path, best_is_new=True)
    checkpoint = Checkpoint.read(tmp_path)
    assert checkpoint is not None
    assert checkpoint.history == HISTORY
    for got, want in (
        *zip(checkpoint.network, network, strict=True),
        *zip(checkpoint.optimizer, values(1), strict=True),
        *zip(checkpoint.best, values(2), strict=True),
    ):
        assert got.tobytes() == want.tobytes()


def test_the_best_epoch_stays_until_there_is_a_better_one(tmp_path):
    Checkpoint(HISTORY[:1], values(0), values(1), values(2)).write(tmp_path, best_is_new=True)
    best = (tmp_path / BEST).read_bytes()
    Checkpoint(HISTORY, values(3), values(4), values(2)).write(tmp_path, best_is_new=False)
    assert (tmp_path / BEST).read_bytes() == best
    checkpoint = Checkpoint.read(tmp_path)
    assert checkpoint is not None
    assert len(checkpoint.history) == 2


def test_a_damaged_checkpoint_is_refused_with_what_to_do(tmp_path):
    Checkpoint(HISTORY, values(0), values(1), values(2)).write(tmp_path, best_is_new=True)
    path = tmp_path / CHECKPOINT
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"cannot be read.*another --out"):
        Checkpoint.read(tmp_path)


def test_values_of_another_network_are_refused():
    with pytest.raises(DataError, match="another network"):
        assign_values(values(0), values(0)[:2])


def test_a_history_of_before_training_accuracy_is_read_and_drawn(tmp_path):
    lines = [dataclasses.asdict(epoch) for epoch in HISTORY]
    old = json.dumps([{key: line[key] for key in line if key != "accuracy"} for line in lines])
    np.savez(tmp_path / CHECKPOINT, history=np.array(old), network_0=values(0)[0])
    np.savez(tmp_path / BEST, values(0)[0])
    checkpoint = Checkpoint.read(tmp_path)
    assert [epoch.accuracy for epoch in checkpoint.history] == [None, None]
    draw_curves(checkpoint.history, 1, tmp_path)
    assert (tmp_path / "curves.png").stat().st_size > 1000
