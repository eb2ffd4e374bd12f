import numpy as np
import pytest

from lss_cli.evaluation.bootstrap import Resamples
from lss_cli.evaluation.reliability import reliability


def test_reliability_counts_rows_in_tenths():
    predicted = np.array([0.0, 0.1, 0.95, 1.0, 0.95])
    positive = np.array([False, True, True, True, False])
    low, high = reliability(positive, predicted, Resamples.draw(list("abcde"), 200, 0))
    assert (low.number, low.rows, low.observed.value) == (0, 2, 0.5)
    assert (high.number, high.rows, high.observed.value) == (9, 3, pytest.approx(2 / 3))
    assert high.predicted == pytest.approx(2.9 / 3)
    assert high.observed.low < 2 / 3 < high.observed.high
