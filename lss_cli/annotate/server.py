"""What the server answers: the page's own files, the slices shown on it, and its actions."""

from importlib.resources import files

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from lss_cli.annotate.session import AnnotationSession
from lss_cli.annotate.view import encode_pixels
from lss_cli.errors import LssError
from lss_cli.study.pixels import read_pixels

MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


def make_app(session: AnnotationSession) -> Starlette:
    """The application of one session. Whoever serves it puts a `Guard` around it."""
    page = page_files()

    def page_file(request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        if name not in page:
            raise HTTPException(404)
        content, media_type = page[name]
        return Response(content, media_type=media_type)

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
            session.annotate(await request.json())
        except (ValueError, RecursionError) as error:
            return PlainTextResponse(str(error), 400)
        return Response(status_code=204)

    def grade(_: Request) -> Response:
        return JSONResponse(session.grade())

    def evidence(request: Request) -> Response:
        picture = session.evidence(**request.path_params)
        if picture is None:
            raise HTTPException(404)
        return Response(picture, media_type="image/png")

    def finish(_: Request) -> Response:
        session.finish()
        return Response(status_code=204)

    def left(request: Request) -> Response:
        session.close_page(request.path_params["page"])
        return Response(status_code=204)

    return Starlette(
        routes=[
            Route("/", page_file),
            Route("/study", study),
            Route("/pixels/{series:int}/{slice:int}", pixels),
            Route("/marks", annotate, methods=["PUT"]),
            Route("/grade", grade, methods=["POST"]),
            Route("/evidence/{condition}/{level:path}", evidence),
            Route("/finish", finish, methods=["POST"]),
            Route("/left/{page:int}", left, methods=["POST"]),
            Route("/{name}", page_file),
        ],
        exception_handlers={LssError: _show_error},
    )


def page_files() -> dict[str, tuple[bytes, str]]:
    """The files of the page by name, with their media types: all that a path can lead to."""
    folder = files("lss_cli.annotate") / "page"
    return {
        file.name: (file.read_bytes(), MEDIA_TYPES["." + file.name.rpartition(".")[2]])
        for file in folder.iterdir()
        if file.is_file()
    }


def _show_error(_: Request, error: Exception) -> Response:
    return PlainTextResponse(str(error), 422)
