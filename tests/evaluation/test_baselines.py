import numpy as np
import pytest

from lss_cli.evaluation.baselines import prior_by_level


def test_the_prior_counts_per_level_and_leaves_nothing_impossible():
    prior = prior_by_level(np.array([0, 0, 2]), np.array([0, 0, 4]))
    assert prior[0] == pytest.approx([3 / 5, 1 / 5, 1 / 5])
    assert prior[1] == pytest.approx([1 / 3] * 3)
    assert prior[4] == pytest.approx([1 / 4, 1 / 4, 2 / 4])
