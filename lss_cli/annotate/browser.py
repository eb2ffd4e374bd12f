"""Open the page, wait for the person, and bring back what was set."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn
from starlette.types import ASGIApp

from lss_cli.anatomy import Condition
from lss_cli.annotate.annotations import Annotations, add_proposals
from lss_cli.annotate.draft import Draft
from lss_cli.annotate.guard import Guard
from lss_cli.annotate.pages import OpenPages
from lss_cli.annotate.patience import ImpatientProtocol
from lss_cli.annotate.server import make_app
from lss_cli.annotate.session import AnnotationSession, DrawEvidence, GradeAnnotations, RenderResult
from lss_cli.annotate.view import StudyView, choose_clickable
from lss_cli.errors import PointsError
from lss_cli.locate.landmarks import Landmarks
from lss_cli.locate.proposal import ProposedPoint
from lss_cli.study.study import Study

# How long the page's last requests may take when the session has ended.
CLOSING_S = 2

REDIRECT = (
    '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={link}">'
    '<title>lss</title><a href="{link}">To the study</a>'
)


def annotate_in_browser(
    study: Study,
    *,
    conditions: Sequence[Condition],
    grade: GradeAnnotations,
    announce: Callable[[str], None],
    open_browser: Callable[[str], bool],
    draw_evidence: DrawEvidence | None = None,
    draft: Draft | None = None,
    given: Annotations | None = None,
    proposed: Sequence[ProposedPoint] = (),
    note: str = "",
    render: RenderResult | None = None,
    landmarks: Landmarks | None = None,
) -> Annotations:
    """Show a study in the browser and wait until its points are set.

    Args:
        study: The study, its headers read.
        conditions: What points may be set for; those not graded on axial slices are left out.
        grade: What the button "Grade" on the page calls.
        announce: Called with the link and how to open it.
        open_browser: Opens a file here that leads to the link, and says whether it did; else the
            person opens the link.
        draw_evidence: Draws what stands behind the grade of one level, as a PNG; offered after
            grading.
        draft: Where every change is kept at once; what an earlier command kept is offered.
        given: Points to begin with, in pixels of the files.
        proposed: Points that a person is to confirm, where `given` has none.
        note: What is said when the page opens, such as why nothing is proposed.
        render: Makes the page of the result, which stands alone; shown in the end.
        landmarks: What points are held against while they are set.

    Raises:
        UsageError: None of the conditions is graded on axial slices.
        StudyError: The study has no axial series.
        PointsError: The page was closed before anything was set.
    """
    session = AnnotationSession(
        StudyView.of(study),
        choose_clickable(conditions),
        grade,
        draw_evidence,
        draft=draft,
        given=add_proposals(Annotations() if given is None else given, proposed),
        proposed=proposed,
        note=note,
        render=render,
        landmarks=landmarks,
    )
    return wait_for_annotations(session, announce, open_browser)


def wait_for_annotations(
    session: AnnotationSession, announce: Callable[[str], None], open_browser: Callable[[str], bool]
) -> Annotations:
    """Serve the page of a session until it ends.

    Args:
        session: Whose page is served.
        announce: As for `annotate_in_browser`.
        open_browser: As for `annotate_in_browser`.

    Raises:
        PointsError: The page was closed before anything was set.
    """
    if session.offer:
        announce(f"The page offers what was clicked before ({session.offer['when']}).")
    wait_for_pages(make_app(session), session.pages, announce, open_browser)
    if session.fault:
        raise session.fault
    if not session.annotations:
        raise PointsError("the page was closed before a point was set or confirmed.")
    return session.annotations


def wait_for_pages(
    app: ASGIApp,
    pages: OpenPages,
    announce: Callable[[str], None],
    open_browser: Callable[[str], bool],
    is_over: Callable[[], bool] = lambda: False,
) -> None:
    """Serve pages until the last of them is closed, or the person is done.

    Args:
        app: What is served.
        pages: Those that are open.
        announce: As for `annotate_in_browser`.
        open_browser: As for `annotate_in_browser`.
        is_over: Asked now and then; ends the wait.
    """
    with serve_app(app, pages.lose) as (link, port), ExitStack() as at_the_end:
        announce(_directions(link, port, opened=_hand_over(link, open_browser, at_the_end)))
        # In short steps, because on Windows Ctrl-C does not interrupt a wait.
        while not pages.ended.wait(0.5) and not is_over():
            pass


@contextmanager
def serve_app(app: ASGIApp, on_return: Callable[[], None]) -> Iterator[tuple[str, int]]:
    """Serve on 127.0.0.1 and a free port; gives the one-time link and the port.

    Args:
        app: What is served, behind a `Guard`.
        on_return: Called when another browser has come in by the link.
    """
    # With its protocol named, asyncio sends small answers at once; else each waits for 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        guard = Guard(app, port, on_return)
        server = uvicorn.Server(
            uvicorn.Config(
                guard,
                access_log=False,
                http=ImpatientProtocol,
                lifespan="off",
                log_config=None,
                # What strangers send is no message for the terminal.
                log_level="error",
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=CLOSING_S,
                ws="none",
            )
        )
        thread = threading.Thread(
            target=server.run, args=([listening],), name="lss page", daemon=True
        )
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            yield f"http://127.0.0.1:{port}/?token={guard.token}", port
        finally:
            server.should_exit = True
            thread.join()


def serve_page(session: AnnotationSession) -> AbstractContextManager[tuple[str, int]]:
    """Serve the page of one session; see `serve_app`."""
    return serve_app(make_app(session), session.pages.lose)


def _hand_over(link: str, open_browser: Callable[[str], bool], at_the_end: ExitStack) -> bool:
    """Have the browser open a file that leads to the link; says whether it did.

    The command line of a browser can be read by everyone on the machine; the file cannot, nor its
    folder. Jupyter does so too (``use_redirect_file``).
    """
    try:
        folder = at_the_end.enter_context(TemporaryDirectory(prefix="lss-"))
        file = Path(folder, "open.html")
        file.touch(0o600)
        file.write_text(REDIRECT.format(link=link), encoding="utf-8")
    except OSError:
        return False
    return open_browser(file.as_uri())


def _directions(link: str, port: int, *, opened: bool) -> str:
    if opened:
        return f"Set the points in the browser. If it shows nothing, open this link: {link}"
    return (
        "Open this link in a browser; it works once, and again when that browser is gone:\n\n"
        f"  {link}\n\n"
        "From another computer, forward the port first, with the same number on both sides:\n\n"
        f"  ssh -L {port}:127.0.0.1:{port} {socket.gethostname()}\n\n"
        "Waiting for the page. Ctrl-C ends."
    )
