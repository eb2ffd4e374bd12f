"""What the server answers: the page's own files, the slices shown on it, and its actions."""

from functools import cache
from importlib.resources import files

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from lss_cli.annotate.guard import CONTENT_SECURITY_POLICY
from lss_cli.annotate.session import AnnotationSession
from lss_cli.annotate.view import encode_pixels
from lss_cli.errors import LssError, OutdatedPageError
from lss_cli.study.pixels import read_pixels
from lss_cli.text import encodable

MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}


# The page of a result has its styles and pictures in itself, and no script; shown in a frame.
RESULT_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "X-Frame-Options": "SAMEORIGIN",
}


# Of a page that another page of ours shows in a frame.
FRAMED = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY.format(ancestors="'self'"),
    "X-Frame-Options": "SAMEORIGIN",
}


def make_app(session: AnnotationSession, *, framed: bool = False) -> Starlette:
    """The application of one session. Whoever serves it puts a `Guard` around it.

    Args:
        session: What the page shows and does.
        framed: Whether a page of ours may show it in a frame.
    """
    page = page_files()

    def page_file(request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        if name not in page:
            raise HTTPException(404)
        content, media_type = page[name]
        return Response(content, media_type=media_type, headers=FRAMED if framed else None)

    def study(_: Request) -> Response:
        return JSONResponse(session.open_page())

    def pixels(request: Request) -> Response:
        series, index = request.path_params["series"], request.path_params["slice"]
        every = session.view.series
        if series >= len(every) or index >= len(every[series].slices):
            raise HTTPException(404)
        kind, content = encode_pixels(read_pixels(every[series].slices[index][1]))
        return Response(
            content, headers={"X-Pixel-Type": kind}, media_type="application/octet-stream"
        )

    async def annotate(request: Request) -> Response:
        try:
            version = session.annotate(await request.json(), request.path_params["version"])
        except (ValueError, RecursionError, ClientDisconnect) as error:
            return _say(error, 400)
        unkept = {"unkept": session.unkept} if session.unkept else {}
        return JSONResponse({"version": version} | unkept)

    def faults(_: Request) -> Response:
        return JSONResponse(session.faults())

    def grade(request: Request) -> Response:
        return JSONResponse(session.grade(request.path_params["version"]))

    def evidence(request: Request) -> Response:
        picture = session.evidence(**request.path_params)
        if picture is None:
            raise HTTPException(404)
        return Response(picture, media_type="image/png")

    def result(request: Request) -> Response:
        page = session.result(request.path_params["version"])
        if page is None:
            raise HTTPException(404)
        return HTMLResponse(page, headers=RESULT_HEADERS)

    def finish(request: Request) -> Response:
        session.finish(request.path_params["version"])
        return Response(status_code=204)

    def left(request: Request) -> Response:
        session.pages.close(request.path_params["page"])
        return Response(status_code=204)

    def alive(_: Request) -> Response:
        return Response(status_code=204)

    return Starlette(
        routes=[
            Route("/", page_file),
            Route("/study", study),
            Route("/pixels/{series:int}/{slice:int}", pixels),
            Route("/marks/{version:int}", annotate, methods=["PUT"]),
            Route("/faults", faults),
            Route("/grade/{version:int}", grade, methods=["POST"]),
            Route("/evidence/{version:int}/{condition}/{level:path}", evidence),
            Route("/result/{version:int}", result),
            Route("/finish/{version:int}", finish, methods=["POST"]),
            Route("/left/{page:int}", left, methods=["POST"]),
            Route("/alive", alive),
            Route("/{name}", page_file),
        ],
        exception_handlers={LssError: show_error},
    )


@cache
def page_files(package: str = "lss_cli.annotate") -> dict[str, tuple[bytes, str]]:
    """The files of a page by name, with their media types: all that a path can lead to.

    Args:
        package: Whose folder ``page`` they lie in.
    """
    folder = files(package) / "page"
    return {
        file.name: (file.read_bytes(), MEDIA_TYPES["." + file.name.rpartition(".")[2]])
        for file in folder.iterdir()
        if file.is_file()
    }


def show_error(_: Request, error: Exception) -> Response:
    """What went wrong, for the page to show."""
    return _say(error, 409 if isinstance(error, OutdatedPageError) else 422)


def _say(error: Exception, status: int) -> Response:
    return PlainTextResponse(encodable(str(error)), status)
