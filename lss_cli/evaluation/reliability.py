"""Reliability: whether a predicted probability is the share that comes true."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lss_cli.evaluation.bootstrap import Estimate, Resamples
from lss_cli.evaluation.sample import BoolArray, ratio

BINS = 10


@dataclass(frozen=True)
class Bin:
    """The rows whose predicted probability lies in one tenth.

    Attributes:
        number: 0 to 9; bin i holds i/10 < p ≤ (i + 1)/10, the first one also 0.
        rows: How many there are.
        predicted: Their mean prediction.
        observed: The share of them that is positive.
    """

    number: int
    rows: int
    predicted: float
    observed: Estimate


def reliability(
    positive: BoolArray, predicted: npt.NDArray[Any], resamples: Resamples
) -> list[Bin]:
    """The bins that hold rows, the lowest first."""
    bin_of_row = np.clip(np.ceil(predicted * BINS) - 1, 0, BINS - 1).astype(int)
    member = np.eye(BINS)[bin_of_row]
    rows, hits = member.sum(axis=0), (member * positive[:, None]).sum(axis=0)
    # Bins in columns: rows of each bin and positives of each bin, one line per resample.
    sums = [
        (weights @ member, weights @ (member * positive[:, None]))
        for weights in resamples.blocks(np.arange(len(predicted)))
    ]
    shares = [ratio(of_positives, of_all) for of_all, of_positives in sums]
    resampled = np.concatenate(shares) if shares else np.empty((0, BINS))
    return [
        Bin(
            number,
            int(rows[number]),
            float(predicted[bin_of_row == number].mean()),
            Estimate.of(float(hits[number] / rows[number]), resampled[:, number]),
        )
        for number in range(BINS)
        if rows[number]
    ]
