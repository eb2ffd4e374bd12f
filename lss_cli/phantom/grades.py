"""Which grades a phantom has, and how narrow its anatomy is there."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from lss_cli.anatomy import Condition, Level, Severity, Side

# Shares of Moderate and Severe at L1/L2 … L5/S1, both sides together.
# Source: RSNA 2024 Lumbar Spine Degenerative Classification, train.csv (1,975 studies).
SUBARTICULAR_SHARES = (
    (0.056, 0.014),
    (0.132, 0.041),
    (0.230, 0.099),
    (0.316, 0.233),
    (0.205, 0.081),
)
CANAL_SHARES = (
    (0.034, 0.011),
    (0.076, 0.027),
    (0.117, 0.062),
    (0.120, 0.129),
    (0.026, 0.010),
)

# Parts of the latent variance that a whole study, and both sides of a level, have in common.
# With them the two sides of a level, and neighbouring levels, agree about as often as in RSNA's
# table (rank correlation 0.35–0.57 and 0.25–0.53).
STUDY_PART = 0.40
LEVEL_PART = 0.28

# How far the narrowing goes in each class, 0 being a wide recess and 1 a closed one. The gaps
# keep the truth clear of doubt.
NARROWING = {
    Severity.NORMAL_MILD: (0.00, 0.30),
    Severity.MODERATE: (0.50, 0.68),
    Severity.SEVERE: (0.86, 1.12),
}


@dataclass(frozen=True)
class Grade:
    """One grade and the anatomy behind it.

    Attributes:
        severity: The class.
        narrowing: 0 (wide) … 1 (closed).
    """

    severity: Severity
    narrowing: float


@dataclass(frozen=True)
class Grades:
    """Everything that is graded in one phantom.

    Attributes:
        recess: The lateral recess, by level and side.
        canal: The spinal canal, by level.
    """

    recess: Mapping[tuple[Level, Side], Grade]
    canal: Mapping[Level, Grade]

    def severity(self, condition: Condition, level: Level) -> Severity | None:
        """The truth for one row of the tables, ``None`` where the phantom models nothing."""
        if condition is Condition.SPINAL_CANAL:
            return self.canal[level].severity
        if condition in {Condition.LEFT_SUBARTICULAR, Condition.RIGHT_SUBARTICULAR}:
            assert condition.side is not None
            return self.recess[level, condition.side].severity
        return None


def draw_grades(rng: np.random.Generator) -> Grades:
    """Draw the grades of one study: realistic by level, alike on both sides.

    A Gaussian variable per level and side is cut at the class frequencies of its level.
    """
    study = rng.standard_normal()
    recess: dict[tuple[Level, Side], Grade] = {}
    canal: dict[Level, Grade] = {}
    for level, shares, canal_shares in zip(Level, SUBARTICULAR_SHARES, CANAL_SHARES, strict=True):
        common = STUDY_PART**0.5 * study + LEVEL_PART**0.5 * rng.standard_normal()
        rest = (1 - STUDY_PART - LEVEL_PART) ** 0.5
        sides = {side: common + rest * rng.standard_normal() for side in Side}
        for side, latent in sides.items():
            recess[level, side] = _grade(latent, shares)
        mean = sum(sides.values()) / (2 + 2 * (STUDY_PART + LEVEL_PART)) ** 0.5
        canal[level] = _grade(0.85 * mean + 0.53 * rng.standard_normal(), canal_shares)
    return Grades(recess, canal)


def _grade(latent: float, shares: tuple[float, float]) -> Grade:
    """Cut a standard normal variable at the class frequencies."""
    rank = NormalDist().cdf(latent)
    moderate, severe = shares
    edges = (0.0, 1 - moderate - severe, 1 - severe, 1.0)
    place = sum(rank >= edge for edge in edges[1:3])
    within = (rank - edges[place]) / (edges[place + 1] - edges[place])
    severity = list(Severity)[place]
    low, high = NARROWING[severity]
    return Grade(severity, low + within * (high - low))
