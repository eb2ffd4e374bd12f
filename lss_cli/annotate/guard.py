"""Who may talk to the server: the browser that opened the link, and no page but ours.

Any site can make a browser send requests to 127.0.0.1, and a name that a site controls can be made
to point there (DNS rebinding). Hence the checks of Host, Origin and Sec-Fetch-Site beside the
secret: OWASP, "Cross-Site Request Forgery Prevention"; Jackson et al., "Protecting Browsers from
DNS Rebinding Attacks", CCS 2007.

Browsers send the cookies of 127.0.0.1 to all its ports, so also to what another user of this
machine listens with. Hence everything lies in a folder with a secret name, and the cookie belongs
to that folder: RFC 6265, sections 5.1.4 and 8.5.
"""

import hmac
import math
import secrets
import time
from collections.abc import Callable, Mapping

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 64 * 1024
LONGEST_PATH = 256

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
)
SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY.format(ancestors="'none'"),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

# Not a redirect: that would count as coming from the site on which the link was clicked, and the
# strict cookie would stay at home.
ENTRY = (
    '<!doctype html><meta http-equiv="refresh" content="0;url={folder}">'
    '<title>lss</title><link rel="icon" href="{folder}icon.svg">'
)

# The page says every few seconds that it is open: see `pulse.js`.
SILENCE_S = 10.0

USED = (
    "This link has been used, and its page is open. Return to the tab in which it was opened. If "
    "that browser is gone, wait: the page opens here by itself, within "
    f"{SILENCE_S:g} seconds. If it was not you who used the link, stop the command now."
)


class Guard:
    """ASGI middleware around everything that is served.

    The link's token is good for one request, which exchanges it for a cookie that every other
    request needs. Only when nothing has been heard of that browser for `SILENCE_S`, as after a
    crash, it is good for another; the cookie before is good for nothing from then on.

    Args:
        app: What is served.
        port: Where.
        on_return: Called when another browser has come in by the link.

    Attributes:
        token: What the link has.
        folder: The path under which everything lies.
    """

    def __init__(self, app: ASGIApp, port: int, on_return: Callable[[], None]) -> None:
        self.token = secrets.token_urlsafe(32)
        self.folder = f"/{secrets.token_urlsafe(16)}/"
        self._app = app
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        # Cookies do not tell ports apart: a second command must not take the first one's place.
        self._cookie = f"lss-{port}"
        self._session = ""
        self._heard = -math.inf
        self._on_return = on_return

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the request through; either way with the headers above."""
        if scope["type"] != "http":
            return

        async def safe_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SAFE_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if answer := self._answer(Request(scope)):
            await answer(scope, receive, safe_send)
        else:
            inside = scope["path"].removeprefix(self.folder.rstrip("/"))
            await self._app({**scope, "path": inside}, receive, safe_send)

    def _answer(self, request: Request) -> Response | None:
        """A refusal, or the entry; ``None`` lets the request through."""
        if reason := self._foreign(request):
            return _refuse(reason)
        token = request.query_params.get("token")
        if request.method == "GET" and request.scope["path"] == "/" and token is not None:
            return self._entry(request, token)
        if request.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
            return _refuse("This request comes from another site.")
        if not self._known(request) or not request.scope["path"].startswith(self.folder):
            return _refuse(
                "Open the link that the command printed. If it was opened in another browser "
                "since, go on there."
            )
        self._heard = time.monotonic()
        if reason := _too_large(request):
            return PlainTextResponse(reason, 413)
        return None

    def _foreign(self, request: Request) -> str:
        host, origin = request.headers.get("host", ""), request.headers.get("origin")
        if host not in self._hosts:
            return "This server answers to 127.0.0.1 and localhost, with its own port, only."
        if origin is not None and origin != f"http://{host}":
            return "This request comes from another site."
        if origin is None and request.method not in {"GET", "HEAD"}:
            return "This request does not say which site it comes from."
        return ""

    def _entry(self, request: Request, token: str) -> Response:
        if not self._known(request):
            if not hmac.compare_digest(token.encode(), self.token.encode()):
                return _refuse("This link is not the one printed.")
            if time.monotonic() - self._heard < SILENCE_S:
                return _refuse(USED, {"Refresh": "2"})
            if self._session:
                self._on_return()
            self._session = secrets.token_urlsafe(32)
        self._heard = time.monotonic()
        response = HTMLResponse(ENTRY.format(folder=self.folder))
        response.set_cookie(
            self._cookie, self._session, path=self.folder, httponly=True, samesite="strict"
        )
        return response

    def _known(self, request: Request) -> bool:
        """Whether our cookie is among those sent, whatever others on 127.0.0.1 have set."""
        if not self._session:
            return False
        wanted = f"{self._cookie}={self._session}".encode()
        sent = request.headers.get("cookie", "").split(";")
        return any(hmac.compare_digest(pair.strip().encode(), wanted) for pair in sent)


def _refuse(reason: str, headers: Mapping[str, str] | None = None) -> Response:
    return PlainTextResponse(reason, 403, headers)


def _too_large(request: Request) -> str:
    """A body of undeclared length could be of any; h11 holds senders to what they declare."""
    if len(request.scope["path"]) > LONGEST_PATH:
        return "There is no path as long as this."
    if request.method in {"GET", "HEAD"}:
        return ""
    undeclared = "transfer-encoding" in request.headers
    length = "" if undeclared else request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > LARGEST_BODY:
        return f"A body of declared length up to {LARGEST_BODY} bytes is wanted."
    return ""
