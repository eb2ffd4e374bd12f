"""ImageNet weights of ready-made networks: Keras fetches and keeps them, and waits for nobody."""

import contextlib
import io
import socket
import threading
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from typing import Any
from urllib.error import URLError

import keras

from lss_cli.errors import UsageError

# Until a server is found and answers. A host has up to sixteen addresses, and each would be waited
# for by itself where a firewall swallows what is sent.
LONGEST_SEARCH_S = 5.0
# Between two pieces of a file.
LONGEST_SILENCE_S = 30.0

TODO = "On a machine without internet, give the file (keras.applications, include_top=False): "
TODO += "--weights FILE."

Tell = Callable[[str], None]


class ReachableHandler(urllib.request.BaseHandler):
    """Asks for nothing from a host that cannot be reached.

    Args:
        tell: Called with a line before something is fetched.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def default_open(self, request: urllib.request.Request) -> None:
        """Look whether the host answers; what is asked for is then opened by others.

        Raises:
            URLError: It does not.
        """
        host = request.host
        proxied = request.type in urllib.request.getproxies()
        if not proxied or urllib.request.proxy_bypass(host):
            name, _, port = host.partition(":")
            check_reachable(name, int(port or 443))
        self._tell(f"Fetching {request.full_url.rpartition('/')[2]} from {host}; Keras keeps it.")


def check_reachable(host: str, port: int) -> None:
    """Connect to a host, and give it up after `LONGEST_SEARCH_S`, whatever it is that hangs.

    Raises:
        URLError: There is no connection.
    """
    reached = threading.Event()

    def connect() -> None:
        with (
            contextlib.suppress(OSError),
            socket.create_connection((host, port), LONGEST_SEARCH_S),
        ):
            reached.set()

    # Looking up a name knows no time-out, so it is left behind.
    search = threading.Thread(target=connect, daemon=True)
    search.start()
    search.join(LONGEST_SEARCH_S)
    if not reached.is_set():
        raise URLError(f"{host} cannot be reached")


def load_imagenet(name: str, shape: tuple[int, ...], tell: Tell = lambda _: None) -> Any:
    """A network of ``keras.applications`` without its top and with its ImageNet weights.

    Args:
        name: Of its function.
        shape: Height, width and channels of its image.
        tell: Called with a line before something is fetched.

    Raises:
        UsageError: The weights are not kept and cannot be fetched, or cannot be read.
    """
    make: Callable[..., Any] = getattr(keras.applications, name)
    try:
        with _patience(tell), warnings.catch_warnings():
            # MobileNet's are the same for all sizes, of which Keras warns.
            warnings.simplefilter("ignore")
            return make(weights="imagenet", include_top=False, input_shape=shape)
    except Exception as error:
        # Keras raises a bare Exception where a download fails.
        raise UsageError(
            f"the ImageNet weights of {name} cannot be had ({_reason(error)}).", todo=TODO
        ) from error


@contextlib.contextmanager
def _patience(tell: Tell) -> Iterator[None]:
    """Let nothing be waited for without end, and nothing be printed among the results."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(LONGEST_SILENCE_S)
    urllib.request.install_opener(urllib.request.build_opener(ReachableHandler(tell)))
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        urllib.request.install_opener(urllib.request.build_opener())
        socket.setdefaulttimeout(before)


def _reason(error: BaseException) -> str:
    """The first line of what was wrong, without the address that Keras puts before it."""
    cause = error.__context__ if isinstance(error.__context__, URLError) else error
    text = cause.reason if isinstance(cause, URLError) else cause
    return str(text).strip().partition("\n")[0].rstrip(".")[:200]
