"""What the server answers: the page's own files, the slices shown on it, and its actions."""

from importlib.resources import files

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from lss_cli.annotate.session import AnnotationSession
from lss_cli.annotate.view import encoded
from lss_cli.errors import LssError
from lss_cli.study.pixels import read_pixels

MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


def make_app(visit: AnnotationSession) -> Starlette:
    """The application of one visit. Whoever serves it puts a `Guard` around it."""
    page = page_files()

    def page_file(request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        if name not in page:
            raise HTTPException(404)
        content, media_type = page[name]
        return Response(content, media_type=media_type)

    def study(_: Request) -> Response:
        return JSONResponse(visit.opened())

    def pixels(request: Request) -> Response:
        series, index = request.path_params["series"], request.path_params["slice"]
        every = visit.view.series
        if series >= len(every) or index >= len(every[series].slices):
            raise HTTPException(404)
        kind, content = encoded(read_pixels(every[series].slices[index][1]))
        return Response(
            content, headers={"X-Pixel-Type": kind}, media_type="application/octet-stream"
        )

    async def marks(request: Request) -> Response:
        try:
            visit.mark(await request.json())
        except (ValueError, RecursionError) as error:
            return PlainTextResponse(str(error), 400)
        return Response(status_code=204)

    def grade(_: Request) -> Response:
        return JSONResponse(visit.graded())

    def evidence(request: Request) -> Response:
        picture = visit.evidence(**request.path_params)
        if picture is None:
            raise HTTPException(404)
        return Response(picture, media_type="image/png")

    def finish(_: Request) -> Response:
        visit.finish()
        return Response(status_code=204)

    def left(request: Request) -> Response:
        visit.left(request.path_params["page"])
        return Response(status_code=204)

    return Starlette(
        routes=[
            Route("/", page_file),
            Route("/study", study),
            Route("/pixels/{series:int}/{slice:int}", pixels),
            Route("/marks", marks, methods=["PUT"]),
            Route("/grade", grade, methods=["POST"]),
            Route("/evidence/{condition}/{level:path}", evidence),
            Route("/finish", finish, methods=["POST"]),
            Route("/left/{page:int}", left, methods=["POST"]),
            Route("/{name}", page_file),
        ],
        exception_handlers={LssError: _said},
    )


def page_files() -> dict[str, tuple[bytes, str]]:
    """The files of the page by name, with their media types: all that a path can lead to."""
    folder = files("lss_cli.annotate") / "page"
    return {
        one.name: (one.read_bytes(), MEDIA_TYPES["." + one.name.rpartition(".")[2]])
        for one in folder.iterdir()
        if one.is_file()
    }


def _said(_: Request, error: Exception) -> Response:
    return PlainTextResponse(str(error), 422)
