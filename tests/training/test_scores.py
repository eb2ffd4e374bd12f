import numpy as np
import pytest

from lss_cli.model.session import apply_temperature
from lss_cli.training.batches import reader
from lss_cli.training.networks import build_network
from lss_cli.training.options import TrainingOptions
from lss_cli.training.scores import predict, predict_calibrated, prior_of, score_splits


def test_answers_come_in_the_order_of_the_rows_whatever_the_batches(prepared):
    network = build_network(TrainingOptions(filters=2), prepared.spec)
    rows = prepared.rows("validation")[::-1]
    expected = network(list(prepared.inputs(rows).values())).numpy()
    for size in (3, 400):
        assert predict(network, reader(prepared), rows, size) == pytest.approx(expected, abs=1e-6)
    calibrated = predict_calibrated(network, prepared, 2.0, 32)
    assert calibrated.shape == (len(prepared.index), 3)
    assert calibrated[rows] == pytest.approx(apply_temperature(expected, 2.0), abs=1e-6)


def test_the_prior_is_that_of_the_training_part(prepared):
    prior, rows = prior_of(prepared), prepared.rows("train")
    here = prepared.levels == 2
    labels = prepared.severities[rows[prepared.levels[rows] == 2]]
    assert (prior[here] == prior[here][0]).all()
    # Smoothed a little, so that no grade is impossible.
    shares = np.bincount(labels, minlength=3) / len(labels)
    assert prior[here][0] == pytest.approx(shares, abs=0.1)


def test_each_split_is_scored_beside_its_prior(prepared):
    scores = score_splits(prepared, np.eye(3)[prepared.severities], prior_of(prepared))
    assert list(scores) == ["train", "validation", "test"]
    for split, both in scores.items():
        assert both["model"]["accuracy"] == 1
        assert both["prior_by_level"]["accuracy"] < 1
        rows = prepared.index.iloc[prepared.rows(split)]
        assert both["studies"] == rows["study_id"].nunique()
