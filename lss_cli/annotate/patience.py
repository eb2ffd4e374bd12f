"""How long the server waits for a request, and for how many at once.

uvicorn sets no time for a request to come in. Anyone on this machine can connect, and half-open
requests take file descriptors until no page is answered any more ("Slowloris").
"""

import asyncio
import time

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

# A whole request, its body too, comes within this time; from this machine that is much.
REQUEST_S = 10.0
# A browser opens six connections to a server. Macs allow 256 open files.
MOST_CONNECTIONS = 64


class ImpatientProtocol(H11Protocol):
    """Closes a connection on which no whole request came in time, the oldest when there are many.

    Whoever has sent a whole request is waited for, however long its answer takes.
    """

    _deadline: asyncio.TimerHandle | None = None
    _since = 0.0

    @property
    def is_waiting(self) -> bool:
        """Whether a request, or the rest of one, is still to come."""
        return self.conn.their_state not in {h11.DONE, h11.MUST_CLOSE, h11.CLOSED}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request, in place of the one that was waited for longest."""
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > MOST_CONNECTIONS:
            waiting = [
                other
                for other in self.connections
                if isinstance(other, ImpatientProtocol) and other.is_waiting
            ]
            if waiting:
                min(waiting, key=lambda other: other._since).close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._wait()
        super().on_response_complete()

    def close(self) -> None:
        """Take the connection down, whatever is on its way."""
        # At once in the count, for the next that come before the loop has taken it down.
        self.connections.discard(self)
        self.transport.abort()

    def _wait(self) -> None:
        self._stop()
        self._since = time.monotonic()
        self._deadline = self.loop.call_later(REQUEST_S, self._lose_patience)

    def _lose_patience(self) -> None:
        if self.is_waiting:
            self.close()

    def _stop(self) -> None:
        if self._deadline:
            self._deadline.cancel()
