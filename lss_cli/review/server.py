"""What the server of a review answers: the queue, its actions, and the pages of its studies."""

from functools import lru_cache

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from lss_cli.annotate.server import make_app, page_files, show_error
from lss_cli.annotate.session import AnnotationSession
from lss_cli.errors import LssError
from lss_cli.review.queue import MOST_OPEN, ReviewQueue


def make_review_app(queue: ReviewQueue, out: str, notice: str = "") -> Starlette:
    """The application of a review. Whoever serves it puts a `Guard` around it.

    Args:
        queue: The studies.
        out: What is written in the end, for people.
        notice: What the person is to know before they begin.
    """
    page = page_files() | page_files("lss_cli.review")
    study_app = lru_cache(MOST_OPEN)(lambda session: make_app(session, framed=True))

    def page_file(request: Request) -> Response:
        name = request.path_params.get("name", "review.html")
        if name not in page:
            raise HTTPException(404)
        content, media_type = page[name]
        return Response(content, media_type=media_type)

    def place(request: Request) -> int:
        index: int = request.path_params["index"]
        if index >= len(queue.studies):
            raise HTTPException(404)
        return index

    def begin(_: Request) -> Response:
        return JSONResponse(
            queue.to_json() | {"page": queue.pages.open(), "out": out, "notice": notice}
        )

    def changes(request: Request) -> Response:
        seen = request.path_params["seen"]
        if seen == queue.changes:
            return Response(status_code=204)
        return JSONResponse(queue.to_json(seen))

    def show(request: Request) -> Response:
        return JSONResponse(queue.show(place(request)))

    def ahead(request: Request) -> Response:
        return JSONResponse({"next": queue.ahead(place(request))})

    def confirm(request: Request) -> Response:
        following = queue.confirm(place(request), request.path_params["version"])
        return JSONResponse({"next": following})

    def finish(_: Request) -> Response:
        queue.pages.ended.set()
        return Response(status_code=204)

    def left(request: Request) -> Response:
        queue.pages.close(request.path_params["page"])
        return Response(status_code=204)

    def alive(_: Request) -> Response:
        return Response(status_code=204)

    async def study(scope: Scope, receive: Receive, send: Send) -> None:
        session: AnnotationSession = await run_in_threadpool(queue.open, place(Request(scope)))
        await study_app(session)(scope, receive, send)

    return Starlette(
        routes=[
            Route("/", page_file),
            Route("/begin", begin, methods=["POST"]),
            Route("/changes/{seen:int}", changes),
            Route("/show/{index:int}", show, methods=["POST"]),
            Route("/ahead/{index:int}", ahead, methods=["POST"]),
            Route("/confirm/{index:int}/{version:int}", confirm, methods=["POST"]),
            Route("/finish", finish, methods=["POST"]),
            Route("/left/{page:int}", left, methods=["POST"]),
            Route("/alive", alive),
            Mount("/study/{index:int}", app=study),
            Route("/{name}", page_file),
        ],
        exception_handlers={LssError: show_error},
    )
