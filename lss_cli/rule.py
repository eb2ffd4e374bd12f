"""The rule by which three probabilities become a grade, and which grades are named beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lss_cli.anatomy import Severity

# A weight beyond these would all but ignore the probabilities.
LEAST_WEIGHT, LARGEST_WEIGHT = 0.01, 100.0

# Where the likeliest grade has less than CERTAIN, every other that has at least ALSO is named too,
# and the next likely in any case. The probabilities are calibrated: below CERTAIN, another grade
# has a chance of more than 1 - CERTAIN. Severe is never hidden when it has at least SEVERE_SHOWN.
CERTAIN = 0.6
ALSO = 0.2
SEVERE_SHOWN = 0.3

_SEVERE = f"Severe is always named from {100 * SEVERE_SHOWN:g}% on."
UNCERTAIN = (
    "Where several grades are named, each is possible: the likeliest has less than "
    f"{100 * CERTAIN:g}%, every other that is named at least {100 * ALSO:g}%. {_SEVERE}"
)
UNCERTAIN_BY_WEIGHT = (
    "Where several grades are named, each is possible: either the likeliest has less than "
    f"{100 * CERTAIN:g}%, and every other of at least {100 * ALSO:g}% is named; or the grade is "
    f"not the likeliest but weighs more, and every one at least as likely is named. {_SEVERE}"
)


@dataclass(frozen=True)
class GradeRule:
    """The grade is the severity with the greatest probability × weight; of equals the more severe.

    A weight says how much it costs to miss its severity: if every other answer costs so much where
    that severity is the true one, this grade has the least expected cost. With equal weights it is
    the likeliest. The probabilities stay as they are.

    Attributes:
        weights: Of Normal/Mild, Moderate and Severe.

    Raises:
        ValueError: A weight lies outside of `LEAST_WEIGHT` to `LARGEST_WEIGHT`.

    >>> prob = 0.50, 0.20, 0.30
    >>> str(GradeRule().grade(prob)), str(GradeRule((1, 2, 4)).grade(prob))
    ('Normal/Mild', 'Severe')
    """

    weights: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        # NaN lies nowhere.
        if not all(LEAST_WEIGHT <= weight <= LARGEST_WEIGHT for weight in self.weights):
            raise ValueError(
                f"the weights of grades lie between {LEAST_WEIGHT:g} and {LARGEST_WEIGHT:g}"
            )

    @classmethod
    def parse(cls, text: str) -> "GradeRule":
        """Read ``1,2,4``.

        Raises:
            ValueError: These are not three weights.
        """
        try:
            normal_mild, moderate, severe = (float(part) for part in text.split(","))
        except ValueError:
            raise ValueError(
                f"{text!r} is no weights of {', '.join(Severity)}, such as 1,2,4"
            ) from None
        return cls((normal_mild, moderate, severe))

    @property
    def by_weight(self) -> bool:
        """Whether the grade may be another than the likeliest."""
        return len(set(self.weights)) > 1

    @property
    def text(self) -> str:
        """For people, behind "Grade: ".

        >>> GradeRule((1, 2, 4)).text
        'greatest probability times weight (Normal/Mild 1, Moderate 2, Severe 4)'
        """
        if not self.by_weight:
            return "the likeliest"
        pairs = zip(Severity, self.weights, strict=True)
        weights = ", ".join(f"{severity} {weight:g}" for severity, weight in pairs)
        return f"greatest probability times weight ({weights})"

    @property
    def uncertain(self) -> str:
        """What it means that several grades are named, for people."""
        return UNCERTAIN_BY_WEIGHT if self.by_weight else UNCERTAIN

    def weigh(self, probabilities: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Multiply N × 3 probabilities by the weights, and renormalise."""
        products = np.asarray(probabilities, np.float64) * self.weights
        return np.asarray(products / products.sum(axis=1, keepdims=True))

    def choose(self, probabilities: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """The grades of N × 3 probabilities, N ordinals: the one way from these to a grade."""
        products = np.asarray(probabilities, np.float64) * self.weights
        return np.asarray(len(Severity) - 1 - products[:, ::-1].argmax(axis=1), np.int64)

    def grade(self, prob: Sequence[float]) -> Severity:
        """The grade of three probabilities."""
        return list(Severity)[int(self.choose([prob])[0])]

    def name(self, probabilities: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Which grades are named where N × 3 probabilities are shown; N × 3 truth values.

        These are the grade, and all others that may be true if it is not certain. The limits are
        those of the probabilities, whatever the weights. Where the grade is not the likeliest, none
        that is as likely as the grade is left out.
        """
        prob = np.asarray(probabilities, np.float64)
        named = prob >= np.take_along_axis(prob, self.choose(prob)[:, None], axis=1)
        second, highest = np.sort(prob, axis=1)[:, 1:].T[..., None]
        named |= (highest < CERTAIN) & (prob >= np.minimum(ALSO, second))
        severe = Severity.SEVERE.ordinal
        named[:, severe] |= prob[:, severe] >= SEVERE_SHOWN
        return named

    def possible(self, prob: Sequence[float]) -> tuple[Severity, ...]:
        """The grades that are named for three probabilities, mildest first.

        >>> [str(grade) for grade in GradeRule((1, 2, 4)).possible((0.75, 0.05, 0.20))]
        ['Normal/Mild', 'Severe']
        """
        (named,) = self.name([prob])
        return tuple(severity for severity in Severity if named[severity.ordinal])


LIKELIEST = GradeRule()
