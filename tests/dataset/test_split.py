import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lss_cli.dataset.split import SPLITS, parse_proportions, split_studies
from lss_cli.errors import UsageError

WEIGHTS = st.tuples(st.integers(1, 100), st.integers(0, 100), st.integers(0, 100))


@given(st.sets(st.text(min_size=1, max_size=8), max_size=60), WEIGHTS, st.integers(0, 2**32))
def test_each_part_is_within_one_study_of_its_share(studies, weights, seed):
    splits = split_studies(studies, weights, seed)
    assert set(splits) == studies
    for split, weight in zip(SPLITS, weights, strict=True):
        share = len(studies) * weight / sum(weights)
        assert abs(list(splits.values()).count(split) - share) < 1


@given(st.lists(st.integers(0, 10**9).map(str), max_size=40), st.integers(0, 99))
def test_the_order_of_the_rows_does_not_matter(studies, seed):
    shuffled = studies + studies[:3]
    random.Random(seed).shuffle(shuffled)
    assert split_studies(shuffled, (8, 1, 1), seed) == split_studies(studies, (8, 1, 1), seed)


def test_the_split_is_the_same_on_every_machine():
    splits = split_studies(map(str, range(10)), (80, 10, 10), seed=1)
    assert [study for study, split in splits.items() if split == "validation"] == ["9"]
    assert [study for study, split in splits.items() if split == "test"] == ["1"]


def test_another_seed_is_another_split():
    studies = list(map(str, range(50)))
    assert split_studies(studies, (8, 1, 1), 1) != split_studies(studies, (8, 1, 1), 2)


@pytest.mark.parametrize(
    "text", ["80", "80:10:5:5", "a:b:c", "0:50:50", "80:-10:10", "nan:1:1", "inf:1:1"]
)
def test_proportions_that_are_none_are_refused(text):
    with pytest.raises(UsageError, match="training:validation:test"):
        parse_proportions(text)


def test_proportions_are_read():
    assert parse_proportions("70:20:10") == (70, 20, 10)
    assert parse_proportions("80:20") == (80, 0, 20)
