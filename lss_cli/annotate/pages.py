"""Pages that are open in the browser: the command waits until the last of them is closed."""

import threading

# A page that is loaded again leaves and comes back within this time, even through a tunnel.
RETURN_S = 3.0


class OpenPages:
    """Counts the pages that are open, and says when nobody is there any more.

    Args:
        return_s: Seconds within which a page that left may come back.

    Attributes:
        ended: Set when the last page was closed, or the person is done.
    """

    def __init__(self, return_s: float = RETURN_S) -> None:
        self.ended = threading.Event()
        self._return_s = return_s
        self._lock = threading.Lock()
        self._so_far = 0
        self._open: set[int] = set()
        self._leaving: threading.Timer | None = None

    def open(self) -> int:
        """A page has been loaded; gives its number."""
        with self._lock:
            self._so_far += 1
            self._open.add(self._so_far)
            if self._leaving:
                self._leaving.cancel()
            return self._so_far

    def close(self, page: int) -> None:
        """A page was closed: end, unless another is open or it comes back soon."""
        with self._lock:
            if page not in self._open:
                return
            self._open.remove(page)
            if not self._open:
                self._leaving = threading.Timer(self._return_s, self.ended.set)
                self._leaving.daemon = True
                self._leaving.start()

    def lose(self) -> None:
        """The browser is gone, without having said so: another one has come in by the link."""
        with self._lock:
            self._open.clear()
