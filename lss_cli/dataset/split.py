"""Studies into parts and folds; a study is never divided."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from lss_cli.errors import UsageError

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)

Strata = Mapping[str, tuple[int, ...]]
"""Studies alike share a stratum; strata are dealt out one after the other, the largest first."""


def parse_proportions(text: str) -> tuple[float, float, float]:
    """Read ``80:10:10`` (training, validation, test) or ``80:20`` (training, test).

    Raises:
        UsageError: There are not two or three numbers, or none is left to train on.
    """
    try:
        train, *rest = (float(part) for part in text.split(":"))
        validation, test = rest if len(rest) == 2 else (0.0, *rest)
    except ValueError:
        train = validation = test = -1.0
    if not (
        0 < train < float("inf") and 0 <= validation < float("inf") and 0 <= test < float("inf")
    ):
        raise UsageError(
            f"--split is {text!r}.",
            todo="Give training:validation:test, such as 80:10:10, or training:test.",
        )
    return train, validation, test


def split_studies(
    studies: Iterable[str], proportions: Sequence[float], seed: int, strata: Strata | None = None
) -> dict[str, str]:
    """Assign each study to a part.

    The order in which studies are dealt out is that of a hash of seed and study, so it depends
    on neither the order of the rows nor the machine.

    Args:
        studies: Study ids, in any order, any number of times.
        proportions: Weights of `SPLITS`; each part is within one study of its share.
        seed: Another seed gives another split.
        strata: Of each study; where given, each part gets its share of every stratum.

    Returns:
        The part of each study.
    """
    order = _order(studies, str(seed), strata)
    sizes = _sizes(len(order), proportions)
    hands = _spread(sizes) if strata else _blocks(sizes)
    return {study: SPLITS[hand] for study, hand in zip(order, hands, strict=True)}


def fold_studies(
    studies: Iterable[str], folds: int, seed: int, strata: Strata | None = None
) -> dict[str, str]:
    """Assign each study to a fold, ``0`` to `folds` - 1, all of one size within one study.

    Args:
        studies: Study ids, in any order, any number of times.
        folds: How many.
        seed: As in `split_studies`; folds do not follow from parts.
        strata: As in `split_studies`.
    """
    order = _order(studies, f"{seed} fold", strata)
    return {study: str(position % folds) for position, study in enumerate(order)}


def _order(studies: Iterable[str], seed: str, strata: Strata | None) -> list[str]:
    shuffled = sorted(
        set(studies), key=lambda study: hashlib.sha256(f"{seed}:{study}".encode()).digest()
    )
    return sorted(shuffled, key=strata.__getitem__, reverse=True) if strata else shuffled


def _blocks(sizes: Sequence[int]) -> list[int]:
    """First all turns of the first, then all of the second, and so on."""
    return [hand for hand, size in enumerate(sizes) for _ in range(size)]


def _spread(sizes: Sequence[int]) -> list[int]:
    """As many of each as in `_blocks`, each spread evenly over the whole."""
    turns = [((turn + 0.5) / size, hand) for hand, size in enumerate(sizes) for turn in range(size)]
    return [hand for _, hand in sorted(turns)]


def _sizes(count: int, proportions: Sequence[float]) -> list[int]:
    """Largest remainders: whole numbers that sum to `count`, each within one of its share."""
    shares = [count * weight / sum(proportions) for weight in proportions]
    sizes = [int(share) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda part: sizes[part] - shares[part])
    for part in by_remainder[: count - sum(sizes)]:
        sizes[part] += 1
    return sizes
