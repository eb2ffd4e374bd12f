"""Labelled predictions, counted once or as often as a resample counts them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from lss_cli.anatomy import Severity
from lss_cli.rule import LIKELIEST, GradeRule

Labels = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.floating[Any]]
Float64Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

GRADES = len(Severity)
# Probabilities are clipped here before the logarithm, as Keras clips them.
SMALLEST = 1e-7


@dataclass(frozen=True, eq=False)
class Sample:
    """N labelled predictions, and R ways to count them.

    A metric is a function of a sample; it gives R values at once, NaN where it is undefined. With
    one way to count, each row once, it is the metric itself; with the R ways of a bootstrap it is
    the metric of each resample.

    Attributes:
        labels: N ordinals.
        probabilities: N × 3.
        weights: R × N, how often each row counts.
        rule: By which probabilities become a grade.
    """

    labels: Labels
    probabilities: Float64Array
    weights: Float64Array
    rule: GradeRule = LIKELIEST

    @classmethod
    def once(
        cls, labels: Labels, probabilities: Probabilities, rule: GradeRule = LIKELIEST
    ) -> "Sample":
        """Every row counts once.

        >>> Sample.once(np.array([0, 2]), np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]])).confusion
        array([[[1., 0., 0.],
                [0., 0., 0.],
                [0., 1., 0.]]])
        """
        return cls(labels, probabilities.astype(np.float64), np.ones((1, len(labels))), rule)

    def total(self, values: npt.NDArray[Any]) -> Float64Array:
        """Sum values over rows: N values give R sums, N × K give R × K."""
        return np.asarray(self.weights @ values)

    def mean(self, values: npt.NDArray[Any]) -> Float64Array:
        """Average N values over rows; R means."""
        return ratio(self.total(values), self.count)

    @cached_property
    def count(self) -> Float64Array:
        """Rows in each resample."""
        return np.asarray(self.weights.sum(axis=1))

    @cached_property
    def true(self) -> BoolArray:
        """The labels one-hot, N × 3."""
        return one_hot(self.labels)

    @cached_property
    def losses(self) -> Float64Array:
        """−ln p(true class) of each row."""
        true = self.probabilities[np.arange(len(self.labels)), self.labels]
        return -np.log(np.clip(true, SMALLEST, 1))

    @cached_property
    def grades(self) -> Labels:
        """The grade of each row, by the rule."""
        return self.rule.choose(self.probabilities)

    @cached_property
    def confusion(self) -> Float64Array:
        """R × 3 × 3: rows are true classes, columns the grades."""
        cells = np.eye(GRADES**2)[self.labels * GRADES + self.grades]
        return self.total(cells).reshape(-1, GRADES, GRADES)


def one_hot(ordinals: Labels) -> BoolArray:
    """N ordinals as N × 3 truth values.

    >>> one_hot(np.array([2, 0])).astype(int)
    array([[0, 0, 1],
           [1, 0, 0]])
    """
    return np.asarray(ordinals[:, None] == np.arange(GRADES))


def ratio(above: Float64Array, below: Float64Array) -> Float64Array:
    """Divide; NaN where there is nothing to divide by.

    >>> ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0]))
    array([0.5, nan])
    """
    undefined = np.full(np.shape(above), np.nan)
    return np.asarray(np.divide(above, below, out=undefined, where=below != 0))


def mean_of_defined(values: Float64Array) -> Float64Array:
    """Average R × K values over K, leaving out NaN.

    >>> mean_of_defined(np.array([[1.0, 0.0, np.nan]]))
    array([0.5])
    """
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0).sum(axis=1), defined.sum(axis=1).astype(float))
