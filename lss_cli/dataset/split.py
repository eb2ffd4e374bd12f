"""Studies into parts; a study is never divided."""

import hashlib
from collections.abc import Iterable, Sequence

from lss_cli.errors import UsageError

TRAIN, VALIDATION, TEST = "train", "validation", "test"
PARTS = (TRAIN, VALIDATION, TEST)


def parse_proportions(text: str) -> tuple[float, float, float]:
    """Read ``80:10:10``: training, validation, test.

    Raises:
        UsageError: There are not three numbers, or none is left to train on.
    """
    try:
        train, validation, test = (float(part) for part in text.split(":"))
    except ValueError:
        train = validation = test = -1.0
    if not (
        0 < train < float("inf") and 0 <= validation < float("inf") and 0 <= test < float("inf")
    ):
        raise UsageError(
            f"--split is {text!r}.", todo="Give training:validation:test, such as 80:10:10."
        )
    return train, validation, test


def split_studies(
    studies: Iterable[str], proportions: Sequence[float], seed: int
) -> dict[str, str]:
    """Assign each study to a part.

    The order in which studies are dealt out is that of a hash of seed and study, so it depends
    on neither the order of the rows nor the machine.

    Args:
        studies: Study ids, in any order, any number of times.
        proportions: Weights of `PARTS`; each part is within one study of its share.
        seed: Another seed gives another split.

    Returns:
        The part of each study.
    """
    order = sorted(set(studies), key=lambda study: _rank(study, seed))
    sizes = _sizes(len(order), proportions)
    parts = [part for part, size in zip(PARTS, sizes, strict=True) for _ in range(size)]
    return dict(zip(order, parts, strict=True))


def _rank(study: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{study}".encode()).digest()


def _sizes(count: int, proportions: Sequence[float]) -> list[int]:
    """Largest remainders: whole numbers that sum to `count`, each within one of its share."""
    shares = [count * weight / sum(proportions) for weight in proportions]
    sizes = [int(share) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda part: sizes[part] - shares[part])
    for part in by_remainder[: count - sum(sizes)]:
        sizes[part] += 1
    return sizes
