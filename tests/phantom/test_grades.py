from itertools import pairwise

import numpy as np

from lss_cli.anatomy import Condition, Level, Severity, Side
from lss_cli.phantom.grades import NARROWING, SUBARTICULAR_SHARES, draw_grades

DRAWS = [draw_grades(np.random.default_rng(seed)) for seed in range(3000)]


def ordinals(level, side):
    return np.array([grades.recess[level, side].severity.ordinal for grades in DRAWS])


def test_classes_are_as_frequent_at_each_level_as_in_rsna():
    for level, (moderate, severe) in zip(Level, SUBARTICULAR_SHARES, strict=True):
        for side in Side:
            drawn = ordinals(level, side)
            assert abs((drawn == 1).mean() - moderate) < 0.03
            assert abs((drawn == 2).mean() - severe) < 0.03


def test_both_sides_and_neighbouring_levels_are_alike():
    left = ordinals(Level.L4_L5, Side.LEFT)
    assert 0.4 < np.corrcoef(left, ordinals(Level.L4_L5, Side.RIGHT))[0, 1] < 0.7
    assert 0.2 < np.corrcoef(left, ordinals(Level.L3_L4, Side.LEFT))[0, 1] < 0.55


def test_narrowing_lies_in_the_range_of_its_class():
    for grades in DRAWS[:200]:
        for grade in (*grades.recess.values(), *grades.canal.values()):
            low, high = NARROWING[grade.severity]
            assert low <= grade.narrowing <= high


def test_narrowing_ranges_do_not_touch():
    ranges = [NARROWING[severity] for severity in Severity]
    assert all(a[1] < b[0] for a, b in pairwise(ranges))


def test_foramina_are_not_graded():
    assert DRAWS[0].severity(Condition.LEFT_FORAMINAL, Level.L4_L5) is None
