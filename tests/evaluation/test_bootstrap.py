import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lss_cli.evaluation.bootstrap import Estimate, Resamples
from lss_cli.evaluation.metrics import METRICS
from lss_cli.evaluation.sample import Sample

ACCURACY = [METRICS["accuracy"]]


def case(rows: int = 40, seed: int = 0):
    random = np.random.default_rng(seed)
    return random.integers(0, 3, rows), random.dirichlet([1, 1, 1], rows)


def interval(studies, labels, prob, *, resamples=500, seed=0, metrics=ACCURACY) -> Estimate:
    drawn = Resamples.draw(studies, resamples, seed)
    (values,) = drawn.values(metrics, labels, prob, np.arange(len(labels)))
    return Estimate.of(float(metrics[0].value(Sample.once(labels, prob))[0]), values)


def test_studies_are_drawn_and_not_rows():
    """Five copies of a row in each study tell no more than one; drawing rows would halve it."""
    labels, prob = case()
    studies = np.arange(40).astype(str)
    once = interval(studies, labels, prob)
    copies = interval(np.repeat(studies, 5), np.repeat(labels, 5), np.repeat(prob, 5, axis=0))
    assert (copies.low, copies.high) == pytest.approx((once.low, once.high))
    rows = interval(np.arange(200).astype(str), np.repeat(labels, 5), np.repeat(prob, 5, axis=0))
    assert rows.high - rows.low < 0.6 * (copies.high - copies.low)


def test_all_rows_of_a_study_count_alike():
    drawn = Resamples.draw(["b", "a", "b", "c"], 50, 0)
    (weights,) = drawn.blocks(np.arange(4))
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_the_interval_is_that_of_a_known_case():
    """Half of 100 studies right: a share of 0.5 with a standard error of 0.05."""
    labels = np.zeros(100, dtype=int)
    prob = np.where(np.arange(100)[:, None] % 2, [0.9, 0.1, 0], [0.1, 0.9, 0])
    estimate = interval(np.arange(100).astype(str), labels, prob, resamples=4000)
    assert (estimate.low, estimate.high) == pytest.approx((0.402, 0.598), abs=0.012)


def test_the_same_seed_draws_the_same_and_the_order_of_rows_does_not_matter():
    labels, prob = case()
    studies = (np.arange(40) // 4).astype(str)
    order = np.random.default_rng(1).permutation(40)
    once = interval(studies, labels, prob)
    assert interval(studies[order], labels[order], prob[order]) == once
    assert interval(studies, labels, prob, seed=1) != once


def test_blocks_do_not_change_the_result(monkeypatch):
    labels, prob = case()
    studies = (np.arange(40) // 4).astype(str)
    once = interval(studies, labels, prob)
    monkeypatch.setattr("lss_cli.evaluation.bootstrap.LARGEST_BLOCK", 300)
    assert interval(studies, labels, prob) == once


def test_one_study_says_nothing_about_others():
    labels, prob = case(4)
    estimate = interval(["one"] * 4, labels, prob)
    assert estimate.value is not None
    assert estimate.low is None


def test_a_metric_that_many_resamples_do_not_define_has_no_interval():
    values = np.linspace(0, 1, 100)
    assert Estimate.of(0.5, values).low == pytest.approx(0.025)
    some, many = values.copy(), values.copy()
    some[:5] = many[:6] = np.nan
    assert Estimate.of(0.5, some).low is not None
    assert Estimate.of(0.5, many) == Estimate(0.5)
    assert Estimate.of(np.nan, values) == Estimate(None)


def test_the_interval_of_a_biased_metric_lies_on_its_other_side():
    draws = np.linspace(0.2, 0.6, 1001)
    plain, turned = Estimate.of(0.3, draws), Estimate.of(0.3, draws, biased=True)
    assert (plain.low, plain.high) == pytest.approx((0.21, 0.59))
    assert (turned.low, turned.high) == pytest.approx((0.01, 0.39))
    assert Estimate.of(0.2, draws, biased=True).low == 0


def test_an_interval_that_would_lie_beside_its_value_is_widened_to_it():
    above, below = np.linspace(0.2, 0.6, 101), np.linspace(0.0, 0.1, 101)
    for draws, biased in ((above, False), (above, True), (below, False), (below, True)):
        estimate = Estimate.of(0.15, draws, biased=biased)
        assert estimate.low <= 0.15 <= estimate.high
        assert 0.15 in (estimate.low, estimate.high)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1), studies=st.integers(2, 8), sharp=st.sampled_from([0.05, 0.5, 5])
)
def test_every_interval_of_every_metric_holds_its_value(seed, studies, sharp):
    """Few studies, and networks from sure to undecided: what percentiles alone do not hold."""
    random = np.random.default_rng(seed)
    study = np.repeat(np.arange(studies), 5).astype(str)
    prob = random.dirichlet([sharp] * 3, len(study))
    # Labels that come true as predicted: what is hard is a calibration error of nearly nothing.
    labels = (prob.cumsum(axis=1) < random.random((len(study), 1))).sum(axis=1).clip(max=2)
    metrics = list(METRICS.values())
    draws = Resamples.draw(study, 50, seed).values(metrics, labels, prob, np.arange(len(study)))
    sample = Sample.once(labels, prob)
    for metric, drawn in zip(metrics, draws, strict=True):
        estimate = Estimate.of(float(metric.value(sample)[0]), drawn, biased=metric.biased)
        if estimate.low is not None:
            assert estimate.low <= estimate.value <= estimate.high, metric.key
