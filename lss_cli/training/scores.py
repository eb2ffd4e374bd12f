"""What a network says of prepared data, and how well it does."""

from typing import Any

import numpy as np

from lss_cli.dataset.prepared import Prepared
from lss_cli.dataset.split import SPLITS, TRAIN
from lss_cli.evaluation.baselines import prior_by_level
from lss_cli.evaluation.metrics import key_metrics
from lss_cli.evaluation.sample import Probabilities
from lss_cli.model.session import apply_temperature
from lss_cli.training.batches import Reader, Rows, prefetched, read_in_order, reader


def predict(network: Any, read: Reader, rows: Rows, batch_size: int) -> Probabilities:
    """What a network says of some rows, N × 3, before calibration."""
    batches = prefetched(read_in_order(read, rows, batch_size))
    return np.concatenate([network.predict_on_batch(inputs) for inputs in batches]).astype(
        np.float64
    )


def predict_calibrated(
    network: Any, data: Prepared, temperature: float, batch_size: int
) -> Probabilities:
    """What a network says of all rows of the index, as `lss predict` shows it; N × 3."""
    raw = predict(network, reader(data), np.arange(len(data.index)), batch_size)
    return apply_temperature(raw.astype(np.float32), temperature).astype(np.float64)


def score_splits(data: Prepared, probabilities: Probabilities) -> dict[str, Any]:
    """The metrics of each split, and beside them those of the prior by level."""
    prior = prior_of(data)
    return {
        split: score_rows(data, rows, probabilities, prior)
        for split in SPLITS
        for rows in [data.rows(split)]
        if len(rows)
    }


def score_rows(
    data: Prepared, rows: Rows, probabilities: Probabilities, prior: Probabilities
) -> dict[str, Any]:
    """The metrics of some rows, the network's and the prior's."""
    labels = data.severities[rows]
    return {
        "studies": int(data.index["study_id"].iloc[rows].nunique()),
        "model": key_metrics(labels, probabilities[rows]),
        "prior_by_level": key_metrics(labels, prior[rows]),
    }


def prior_of(data: Prepared) -> Probabilities:
    """What the training split says of each row by its level alone, N × 3."""
    rows = data.rows(TRAIN)
    prior = prior_by_level(data.severities[rows], data.levels[rows])
    return np.asarray(prior[data.levels])
