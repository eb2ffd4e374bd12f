from dataclasses import replace

import numpy as np
import pytest

from lss_cli.anatomy import Severity
from lss_cli.dataset.folds import fold_of
from lss_cli.training.batches import reader
from lss_cli.training.fit import Training
from lss_cli.training.options import TrainingOptions
from lss_cli.training.prior import explain_missing_prior, prior_shift
from lss_cli.training.scores import predict
from tests.training.conftest import quiet

GRADES = list(map(str, Severity))
POPULATION = dict(zip(GRADES, (140, 40, 20), strict=True))


@pytest.fixture
def resampled(prepared):
    """Images that all look alike; a third of each grade for training, 7 : 2 : 1 for validation."""
    rows = np.arange(len(prepared.index))
    train = rows < 90
    validation = np.repeat(GRADES, (7, 2, 1))[rows % 10]
    index = prepared.index.assign(
        split=np.where(train, "train", "validation"),
        severity=np.where(train, np.array(GRADES)[rows % 3], validation),
    )
    images = np.broadcast_to(prepared.images[0], prepared.images.shape)
    report = {**prepared.report, "strategy": "equal-train", "population": POPULATION}
    return replace(prepared, index=index, images=images, report=report)


def test_a_network_trained_on_resampled_studies_answers_for_the_population(resampled):
    options = TrainingOptions(epochs=4, augment=0, filters=2, blocks=1)
    unknown = replace(resampled, report=dict(resampled.report) | {"population": None})
    rows, means, losses = resampled.rows("validation"), [], []
    for data in (resampled, unknown):
        training = Training(data, options, quiet)
        prob = predict(training.run(), reader(data), rows, 32)
        means.append(prob.mean(axis=0))
        losses.append(training.history[-1].val_loss)
    assert means[0] == pytest.approx([0.7, 0.2, 0.1], abs=0.06)
    assert means[1] == pytest.approx([1 / 3] * 3, abs=0.08)
    assert losses[0] < losses[1] - 0.1


def test_nothing_is_corrected_where_nothing_was_resampled(prepared):
    assert prior_shift(prepared).tolist() == [1, 1, 1]
    assert explain_missing_prior(prepared) == ""


def test_it_is_said_where_the_population_is_not_known(resampled):
    assert prior_shift(resampled) == pytest.approx([0.7**-1 / 3, 0.2**-1 / 3, 0.1**-1 / 3])
    assert explain_missing_prior(resampled) == ""
    # As data of before, and as folds, which lack the same studies.
    report = {key: value for key, value in resampled.report.items() if key != "population"}
    for data in (replace(resampled, report=report), fold_of(resampled, "0")):
        assert prior_shift(data).tolist() == [1, 1, 1]
        assert "will be those of the resampled part" in explain_missing_prior(data)
