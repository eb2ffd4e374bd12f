"""Five discs out of several candidates for each: those that lie as a lumbar spine does."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt

from lss_cli.anatomy import Level

Floats = npt.NDArray[np.float64]

# Neighbouring lumbar discs lie 22 to 43 mm apart (centres of 393 patients' boxes, one of them
# aside); within these limits every distance is as good as another, and beyond it becomes unlikely.
USUAL_STEP_MM = (24.0, 44.0)
STEP_DEVIATION_MM = 5.0
# One step and the next are alike: 0.75 to 1.36 times as long in those patients.
LARGEST_STEP_RATIO = 1.5
# No two lumbar discs of an adult lie nearer or farther; what does is said.
NEAREST_MM, FARTHEST_MM = 20.0, 60.0
# What it is worth not to have seen a disc: a place that is less probable is none.
NOT_SEEN = 0.05
# A numbering is doubtful if another one is worth, per level, this share of the chosen one.
# It was so in 8 of 384 patients that the networks had not seen, 2 of them numbered wrongly; in the
# only other one that was, L5/S1 was not sure.
RIVAL_SHARE = 0.12
# So is its end, if a further disc is as likely as this share of the chosen one.
FURTHER_SHARE = 0.2
# Discs of one numbering and of another lie apart; what is nearer is the same disc.
SAME_DISC_MM = 12.0


@dataclass(frozen=True)
class Candidates:
    """Where one level may lie.

    Attributes:
        positions: M × 2, to the back and to the feet, in mm.
        confidence: M, the probability of each.
    """

    positions: Floats
    confidence: Floats


@dataclass(frozen=True)
class Chain:
    """The chosen candidates.

    Attributes:
        chosen: An index for each level, from head to feet; ``None`` where none of its candidates
            goes with the others.
        confidence: Of each level, the probability of its chosen candidate, now that the others are
            known; 0 where there is none.
        further: Of the highest and of the lowest level, that of a disc above or below it.
        rival: What another numbering is worth, per level, as a share of the chosen one; 0 to 1.
    """

    chosen: tuple[int | None, ...]
    confidence: tuple[float, ...]
    further: tuple[float, float]
    rival: float


def choose_chain(levels: Sequence[Candidates]) -> Chain:
    """Choose the most probable chain of discs that run from head to feet.

    Args:
        levels: The candidates of each level, from head to feet.
    """
    # The last choice of each level is to have none.
    positions = [np.vstack([level.positions, [[np.nan, np.nan]]]) for level in levels]
    grid = np.meshgrid(*(np.arange(len(at)) for at in positions), indexing="ij")
    chains = np.stack([axis.ravel() for axis in grid], axis=1)
    worth = np.zeros(len(chains))
    for index, level in enumerate(levels):
        worth += np.log(np.append(level.confidence.clip(1e-6), NOT_SEEN))[chains[:, index]]
    for upper, lower in combinations(range(len(levels)), 2):
        moves = positions[lower][None] - positions[upper][:, None]
        worth += _step_worth(moves, lower - upper)[chains[:, upper], chains[:, lower]]
    best = int(np.argmax(worth))
    # The same discs under other names, so that every level lies elsewhere or nowhere.
    others = np.ones(len(chains), bool)
    for index, at in enumerate(positions):
        apart = np.linalg.norm(at - at[chains[best, index]], axis=1)
        others &= ~(apart <= SAME_DISC_MM)[chains[:, index]]
    rival = min(float(np.exp((worth[others].max() - worth[best]) / len(levels))), 1.0)
    chosen = [
        int(index) if index < len(level.confidence) else None
        for index, level in zip(chains[best], levels, strict=True)
    ]
    shares = [_shares_beside_others(levels, chosen, index) for index in range(len(levels))]
    # That nothing was seen under other names is no numbering.
    doubt = 1 + max(rival - 2 * NOT_SEEN, 0.0)
    return Chain(
        chosen=tuple(chosen),
        confidence=tuple(
            float(share[index]) / doubt if index is not None else 0.0
            for share, index in zip(shares, chosen, strict=True)
        ),
        further=(
            _share_beyond(levels[0], shares[0], chosen[0], -1),
            _share_beyond(levels[-1], shares[-1], chosen[-1], 1),
        ),
        rival=rival,
    )


def _shares_beside_others(
    levels: Sequence[Candidates], chosen: Sequence[int | None], index: int
) -> Floats:
    """The probabilities of a level's candidates, now that the other levels are known.

    Where a disc cannot lie if the others lie where they do, it is not; what is left has its share.
    L5/S1 is taken as the picture shows it: the others are counted from it, not it from them.
    """
    level = levels[index]
    fits = np.zeros(len(level.confidence))
    if index < len(levels) - 1:
        for other, place in enumerate(chosen):
            if place is not None and other != index:
                moves = level.positions - levels[other].positions[place]
                fits += _step_worth(moves * np.sign(index - other), abs(index - other))
        own = chosen[index]
        fits = np.minimum(fits - (fits.max(initial=-50) if own is None else fits[own]), 0)
    shares = level.confidence * np.exp(fits)
    elsewhere = max(0.0, 1 - float(level.confidence.sum()))
    return np.asarray(shares / max(float(shares.sum()) + elsewhere, 1e-9))


def _share_beyond(level: Candidates, shares: Floats, chosen: int | None, side: int) -> float:
    """The largest probability of a place above (−1) or below (1) the chosen one."""
    if chosen is None:
        return 0.0
    beyond = side * (level.positions[:, 1] - level.positions[chosen, 1]) > SAME_DISC_MM
    return float(shares[beyond].max(initial=0.0))


def _step_worth(moves: Floats, levels: int) -> Floats:
    """How well a disc follows another, as the logarithm of a share.

    Args:
        moves: … × 2, to the back and to the feet, in mm; not a number where there is no disc.
        levels: By how many levels it is the lower one.
    """
    steps = np.linalg.norm(moves, axis=-1) / levels
    low, high = USUAL_STEP_MM
    beyond = np.maximum(np.maximum(low - steps, steps - high), 0)
    worth = (-0.5 * (beyond / STEP_DEVIATION_MM) ** 2).clip(-50)
    # A disc lies lower than the one above it, wherever else it lies.
    return np.asarray(np.nan_to_num(np.where(moves[..., 1] <= 0, -50, worth)))


def doubt_ends(chain: Chain) -> list[tuple[Level, str]]:
    """Whether there is a further disc, above the highest or below the lowest, that could be it.

    Returns:
        The level that each text is about, and the text.
    """
    doubts = []
    for number, share, word in (
        (0, chain.further[0], "above"),
        (len(chain.chosen) - 1, chain.further[1], "below"),
    ):
        if share >= FURTHER_SHARE * max(chain.confidence[number], NOT_SEEN):
            name = list(Level)[number]
            doubts.append(
                (name, f"a further disc {word} it could be {name} as well ({share:.0%}).")
            )
    return doubts


def doubt_steps(positions: Sequence[Floats], names: Sequence[Level]) -> list[tuple[Level, str]]:
    """What is odd about the distances of the discs that were found.

    Args:
        positions: In the patient or in the picture, in mm, from head to feet.
        names: Their levels; one may be missing.

    Returns:
        The level that each text is about, and the text.
    """
    doubts = []
    steps: list[tuple[Level, Level, float]] = []
    for (upper, above), (lower, below) in pairwise(zip(names, positions, strict=True)):
        if lower.ordinal - upper.ordinal > 1:
            continue
        step = float(np.linalg.norm(below - above))
        steps.append((upper, lower, step))
        if not NEAREST_MM <= step <= FARTHEST_MM:
            text = f"{upper} and {lower} lie {step:.0f} mm apart; is a disc fused or left out?"
            doubts += [(upper, text), (lower, text)]
    for (_, level, step), (_, lower, following) in pairwise(steps):
        if max(step, following) > LARGEST_STEP_RATIO * min(step, following):
            text = (
                f"the discs above and below {level} lie {step:.0f} and {following:.0f} mm from it; "
                "is one fused or left out?"
            )
            doubts += [(level, text), (lower, text)]
    return doubts
