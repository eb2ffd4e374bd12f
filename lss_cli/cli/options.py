"""Options that several commands take."""

from collections.abc import Sequence

from lss_cli.anatomy import Condition
from lss_cli.errors import UsageError


def parse_conditions(names: Sequence[str]) -> list[Condition]:
    """Read ``--condition``; each counts once.

    Raises:
        UsageError: A name is no condition; the message lists those that exist.
    """
    try:
        return list(dict.fromkeys(Condition.parse(name) for name in names))
    except ValueError as error:
        raise UsageError(f"--condition: {error}") from None
