"""A sign in the studies' folder that a review is going on, for those who begin another there."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from lss_cli.batch.lines import append_holder, describe_holder
from lss_cli.files import lock

# How a sign is called. It is locked as long as its review goes on; one that is not is of a review
# that was killed.
PREFIX = ".lss-review-"
# Folders that get a sign, of a list of studies that lie all over the place.
MOST_PLACES = 20


def places_of(named: Sequence[Path], folders: Iterable[Path]) -> list[Path]:
    """The folders in which others look as well who review these studies.

    Args:
        named: As the person named them.
        folders: The studies that are meant.
    """
    folders = list(folders)
    if len(named) == 1 and named[0].is_dir() and folders != list(named):
        return list(named)
    return sorted({folder.absolute().parent for folder in folders})[:MOST_PLACES]


@contextmanager
def post_notice(places: Iterable[Path]) -> Iterator[list[str]]:
    """Leave a sign as long as the block lasts; gives whose signs were there before.

    Where a folder cannot be written to, there is none.
    """
    others: list[str] = []
    with ExitStack() as signs:
        for place in places:
            with suppress(OSError):
                others += _look(place)
            with suppress(OSError):
                _leave(place, signs)
        yield list(dict.fromkeys(others))


def _look(place: Path) -> list[str]:
    """Who has a sign there; takes away what killed reviews have left."""
    others = []
    for path in place.glob(f"{PREFIX}*"):
        with path.open("rb+") as file:
            is_held = not lock(file)
            if is_held:
                others.append(describe_holder(file).removeprefix(": "))
        if not is_held:
            path.unlink(missing_ok=True)
    return others


def _leave(place: Path, signs: ExitStack) -> None:
    path = place / f"{PREFIX}{uuid.uuid4().hex}"
    file = path.open("xb+")
    signs.callback(_take_away, path)
    signs.enter_context(file)
    # On some network drives, only who may write a file may ask for its lock.
    path.chmod(0o666)
    lock(file)
    append_holder(file)


def _take_away(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
