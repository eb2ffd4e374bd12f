"""What a network says of prepared data, and how well it does."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lss_cli.dataset.prepared import Prepared
from lss_cli.dataset.split import SPLITS, TRAIN
from lss_cli.evaluation.baselines import prior_by_level
from lss_cli.evaluation.metrics import key_metrics
from lss_cli.evaluation.sample import Probabilities
from lss_cli.model.session import apply_temperature
from lss_cli.rule import LIKELIEST, GradeRule
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


def score_splits(
    data: Prepared,
    probabilities: Probabilities,
    prior: Probabilities,
    splits: Sequence[str] = SPLITS,
    rule: GradeRule = LIKELIEST,
) -> dict[str, Any]:
    """The metrics of each split that has rows, and beside them those of the prior by level.

    Args:
        data: Prepared data.
        probabilities: Of all rows of the index, N × 3.
        prior: What is known of each by its level alone, N × 3.
        splits: In this order.
        rule: By which probabilities become grades.
    """
    scores = {}
    for split in splits:
        rows = data.rows(split)
        if len(rows):
            labels = data.severities[rows]
            scores[split] = {
                "studies": int(data.index["study_id"].iloc[rows].nunique()),
                "model": key_metrics(labels, probabilities[rows], rule),
                "prior_by_level": key_metrics(labels, prior[rows], rule),
            }
    return scores


def prior_of(data: Prepared) -> Probabilities:
    """What the training split says of each row by its level alone, N × 3."""
    rows = data.rows(TRAIN)
    prior = prior_by_level(data.severities[rows], data.levels[rows])
    return prior[data.levels]
