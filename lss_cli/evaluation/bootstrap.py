"""Confidence intervals: the bootstrap over studies.

The rows of one study are alike (one patient, one scanner, one reader), so whole studies are drawn,
with replacement, as many as there are (Efron and Tibshirani, "An Introduction to the Bootstrap",
1993, chapter 8; Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8).
Intervals go from the 2.5th to the 97.5th percentile of the resamples. Where few rows push a metric
up, resampling pushes it up once more; then the distances of these percentiles to its value are
taken to the other side (the "basic" interval of Davison and Hinkley, section 5.2.1). Where neither
holds the value, because the resamples lie beside it, the interval is widened to it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lss_cli.evaluation.metrics import Metric
from lss_cli.evaluation.sample import Float64Array, Labels, Sample
from lss_cli.rule import LIKELIEST, GradeRule

DEFAULT_RESAMPLES = 1000
PERCENTILES = (2.5, 97.5)

# Rows × resamples that are computed at once, to bound memory.
LARGEST_BLOCK = 2**21
# A metric that a larger share of the resamples does not define has no interval.
MOST_UNDEFINED = 0.05


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval, which holds it; ``None`` where undefined."""

    value: float | None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, value: float, resampled: Float64Array, *, biased: bool = False) -> "Estimate":
        """From the value and those of its resamples.

        Args:
            value: Of the rows as they are.
            resampled: R values.
            biased: Whether few rows push it up; it is then one that cannot be negative.

        >>> Estimate.of(20, np.linspace(0, 40, 41))
        Estimate(value=20.0, low=1.0, high=39.0)
        """
        if np.isnan(value):
            return cls(None)
        defined = resampled[~np.isnan(resampled)]
        if not len(resampled) or len(defined) < (1 - MOST_UNDEFINED) * len(resampled):
            return cls(float(value))
        low, high = np.percentile(defined, PERCENTILES)
        if biased:
            low, high = max(0, 2 * value - high), max(0, 2 * value - low)
        return cls(float(value), float(min(low, value)), float(max(high, value)))


@dataclass(frozen=True)
class Resamples:
    """R draws of studies.

    Attributes:
        counts: R × S, how often each study was drawn.
        study: The study of each row, 0 to S − 1.
    """

    counts: npt.NDArray[np.int64]
    study: npt.NDArray[np.int64]

    @classmethod
    def draw(cls, studies: npt.ArrayLike, resamples: int, seed: int) -> "Resamples":
        """Draw; a single study, which says nothing about others, gives no draws.

        Args:
            studies: The study of each row; their order does not matter.
            resamples: How many draws.
            seed: The same seed gives the same draws.
        """
        names, study = np.unique(np.asarray(studies, dtype=str), return_inverse=True)
        count = len(names)
        draws = np.random.default_rng(seed).multinomial(
            count, np.full(count, 1 / count), resamples if count > 1 else 0
        )
        return cls(draws, study)

    def blocks(self, rows: npt.NDArray[Any]) -> Iterator[Float64Array]:
        """How often each of some rows counts, some resamples at a time."""
        size = max(1, LARGEST_BLOCK // max(1, len(rows)))
        for start in range(0, len(self.counts), size):
            yield self.counts[start : start + size, self.study[rows]].astype(np.float64)

    def values(
        self,
        metrics: Sequence[Metric],
        labels: Labels,
        probabilities: Float64Array,
        rows: npt.NDArray[Any],
        rule: GradeRule = LIKELIEST,
    ) -> Float64Array:
        """Each metric of each resample, M × R, on some of the rows, graded by a rule."""
        blocks = [
            np.array(
                [
                    metric.value(Sample(labels[rows], probabilities[rows], weights, rule))
                    for metric in metrics
                ]
            )
            for weights in self.blocks(rows)
        ]
        return np.concatenate(blocks, axis=1) if blocks else np.empty((len(metrics), 0))
