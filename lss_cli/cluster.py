"""The way to a Dask cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lss_cli.errors import UsageError

# A task is tried so often again when its worker fails.
RETRIES = 3
CONNECT_S = 20


class ClusterGoneError(UsageError):
    """There is no scheduler where one should be."""


@contextmanager
def connect(address: str) -> Iterator[Any]:
    """Give a client of a cluster; what it still wants at the end of the block is called off.

    Args:
        address: Of the scheduler, such as ``tcp://host:8786``.

    Raises:
        ClusterGoneError: No scheduler answers there.
    """
    from distributed import Client

    try:
        client = Client(address, timeout=CONNECT_S)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as error:
        raise ClusterGoneError(
            f"no Dask scheduler answers at {address} ({type(error).__name__}).",
            todo="Start one with: dask scheduler",
        ) from error
    with client:
        yield client
