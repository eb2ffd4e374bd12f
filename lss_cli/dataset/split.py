"""Assigns studies to splits and folds; a study is never divided."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from lss_cli.errors import UsageError

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)

# Studies alike share a stratum; strata are dealt out one after the other, the largest first.
Strata = Mapping[str, tuple[int, ...]]


def parse_proportions(text: str) -> tuple[float, float, float]:
    """Read ``80:10:10`` (training, validation, test) or ``80:20`` (training, test).

    Raises:
        UsageError: There are not two or three numbers, or there is a validation part and nothing
            to train on.

    Examples:
        >>> parse_proportions("80:20"), parse_proportions("0:0:100")
        ((80.0, 0.0, 20.0), (0.0, 0.0, 100.0))
    """
    try:
        train, *rest = map(float, text.split(":"))
        validation, test = rest if len(rest) == 2 else (0.0, *rest)
    except ValueError:
        train = validation = test = -1.0
    numbers = train, validation, test
    some = train > 0 or (validation == 0 and test > 0)
    if not (some and all(0 <= number < float("inf") for number in numbers)):
        raise UsageError(
            f"--split is {text!r}.",
            todo="Give training:validation:test, such as 80:10:10, or training:test; 0:0:100 where "
            "nothing is trained.",
        )
    return numbers


def split_studies(
    studies: Iterable[str], proportions: Sequence[float], seed: int, strata: Strata | None = None
) -> dict[str, str]:
    """Assign each study to a split.

    The order in which studies are dealt out is that of a hash of seed and study, so it depends
    on neither the order of the rows nor the machine.

    Args:
        studies: Study ids, in any order, any number of times.
        proportions: Weights of `SPLITS`; each is within one study of its share.
        seed: Another seed gives another split.
        strata: Of each study; where given, each split gets its share of every stratum.

    Returns:
        The split of each study.

    Examples:
        >>> split_studies(["7", "8", "9", "8"], (2, 0, 1), seed=0)
        {'7': 'train', '9': 'train', '8': 'test'}
    """
    order = _order(studies, str(seed), strata)
    sizes = _sizes(len(order), proportions)
    turns = _spread(sizes) if strata else _blocks(sizes)
    return {study: SPLITS[split] for study, split in zip(order, turns, strict=True)}


def align_split(
    split: Mapping[str, str], like: Mapping[str, str], strata: Strata
) -> dict[str, str]:
    """Exchange studies of one stratum, so that as many as can be have the split of `like`.

    Each split keeps its number of studies of every stratum.

    Args:
        split: The split of each study; of those of a stratum, the first keep that of `like`.
        like: Another split of the same studies.
        strata: Of each study.

    Examples:
        >>> split = {"7": "train", "8": "validation", "9": "train"}
        >>> like = {"7": "validation", "8": "validation", "9": "train"}
        >>> align_split(split, like, {study: (0,) for study in split})
        {'7': 'validation', '9': 'train', '8': 'train'}
    """
    left = Counter((strata[study], part) for study, part in split.items())
    aligned: dict[str, str] = {}
    for parts_of in (lambda study: (like[study],), lambda _: SPLITS):
        for study in [study for study in split if study not in aligned]:
            free = [part for part in parts_of(study) if left[strata[study], part]]
            if free:
                aligned[study] = free[0]
                left[strata[study], free[0]] -= 1
    return aligned


def fold_studies(
    studies: Iterable[str], folds: int, seed: int, strata: Strata | None = None
) -> dict[str, str]:
    """Assign each study to a fold, ``0`` to `folds` - 1, all of one size within one study.

    Args:
        studies: Study ids, in any order, any number of times.
        folds: How many.
        seed: As in `split_studies`; folds do not follow from splits.
        strata: As in `split_studies`.

    Examples:
        >>> fold_studies(["7", "8", "9"], 2, seed=0)
        {'9': '0', '8': '1', '7': '0'}
    """
    order = _order(studies, f"{seed} fold", strata)
    return {study: str(position % folds) for position, study in enumerate(order)}


def _order(studies: Iterable[str], seed: str, strata: Strata | None) -> list[str]:
    shuffled = sorted(
        set(studies), key=lambda study: hashlib.sha256(f"{seed}:{study}".encode()).digest()
    )
    return sorted(shuffled, key=strata.__getitem__, reverse=True) if strata else shuffled


def _blocks(sizes: Sequence[int]) -> list[int]:
    """First all turns of the first split, then all of the second, and so on.

    >>> _blocks([3, 1])
    [0, 0, 0, 1]
    """
    return [split for split, size in enumerate(sizes) for _ in range(size)]


def _spread(sizes: Sequence[int]) -> list[int]:
    """As many of each split as in `_blocks`, each spread evenly over the whole.

    >>> _spread([3, 1])
    [0, 0, 1, 0]
    """
    turns = [
        ((turn + 0.5) / size, split) for split, size in enumerate(sizes) for turn in range(size)
    ]
    return [split for _, split in sorted(turns)]


def _sizes(count: int, proportions: Sequence[float]) -> list[int]:
    """Largest remainders: whole numbers that sum to `count`, each within one of its share.

    >>> _sizes(11, (80, 10, 10))
    [9, 1, 1]
    """
    shares = [count * weight / sum(proportions) for weight in proportions]
    sizes = [int(share) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda split: sizes[split] - shares[split])
    for split in by_remainder[: count - sum(sizes)]:
        sizes[split] += 1
    return sizes
