"""Requests to the page's server, whole and mutilated, from strangers and from the page itself."""

import json
import socket
from contextlib import ExitStack
from pathlib import Path
from random import Random

from lss_cli.anatomy import Condition
from lss_cli.annotate.browser import serve_page
from lss_cli.annotate.session import AnnotationSession
from lss_cli.annotate.view import StudyView
from lss_cli.errors import StudyError
from lss_cli.grading.grade import grade_study
from lss_cli.model.session import load_model
from tests.fuzz import mutators
from tests.fuzz.kinds import Case, study_of
from tests.fuzz.oracle import BrokenError, check_text
from tests.models import write_tiny_model

PLACE = {"series": 0, "slice": 2, "x": 10.5, "y": 20}
MARKS = [
    {"condition": "left_subarticular_stenosis", "level": "L3/L4"} | PLACE,
    {"condition": "right_subarticular_stenosis", "level": "L5/S1", "not_visible": True},
]
PATHS = [
    *["", "study", "main.js", "pixels/0/0", "pixels/1/0", "pixels/0/99", "grade/VERSION"],
    *["finish/VERSION", "left/1", "evidence/VERSION/left_subarticular_stenosis/L3/L4", "none"],
]
# What a refusal, an answer and a redirection may be; never a fault of ours.
STATUSES = {200, 204, 400, 403, 404, 405, 409, 413, 422}


def requests(folder: Path) -> Case:
    """Serve one page; each case is a connection with one or more requests."""
    study, model = study_of(folder), load_model(write_tiny_model(folder / "tiny.onnx"), threads=1)

    def grade(annotations):
        bad = annotations.bad_points(study.id)
        return grade_study(study, annotations.points, bad, model, remark=annotations.remark)

    def draw(_):
        raise StudyError("there is no evidence.")

    sides = (Condition.LEFT_SUBARTICULAR, Condition.RIGHT_SUBARTICULAR)
    session = AnnotationSession(StudyView.of(study), sides, grade, draw, return_s=1e6)
    serving = ExitStack()
    link, port = serving.enter_context(serve_page(session))
    entry = _talk(port, _request("GET", "/" + link.rpartition("/")[2], port))
    cookie = entry.partition(b"Set-Cookie: ")[2] or entry.partition(b"set-cookie: ")[2]
    cookie = cookie.partition(b";")[0].decode()
    inside = entry.partition(b"url=")[2].partition(b'"')[0].decode()

    def case(random: Random) -> None:
        known = random.random() < 0.6
        version = str(session._version if random.random() < 0.8 else random.choice([0, 10**30]))
        content = b""
        method, path = random.choice(["GET", "GET", "POST", "PUT", "HEAD"]), random.choice(PATHS)
        if random.random() < 0.5:
            method, path = "PUT", "marks/VERSION"
            document = {"marks": random.sample(MARKS, random.randint(0, 2)), "remark": "sacrum"}
            content = json.dumps(document).encode()
            if random.random() < 0.8:
                content = mutators.mutate_json(random, document)[:70_000]
        path = path.replace("VERSION", version)
        if random.random() < 0.2:
            path = mutators.mutate_text(random, path).decode("latin-1").replace("\n", "")[:3000]
        headers = {"Cookie": cookie, "Content-Length": str(len(content))} if known else {}
        if random.random() < 0.2:
            name = random.choice(
                ["Cookie", "Origin", "Host", "Content-Length", "Sec-Fetch-Site", "X"]
            )
            headers[name] = (
                random.choice(mutators.ODD_WORDS).encode("utf-8", "replace").decode("latin-1")
            )
        sent = _request(method, inside + path, port, headers, content)
        damaged = "Content-Length" in headers and headers["Content-Length"] != str(len(content))
        if random.random() < 0.3:
            damaged = True
            sent = mutators.mutate_bytes(random, sent)
        # What is damaged may be the beginning of something that does not come.
        answer = _talk(port, sent, 0.1 if damaged else 2)
        head = answer.partition(b"\r\n")[0].split()
        if answer and int(head[1]) not in STATUSES:
            raise BrokenError(f"status {int(head[1])}", f"for {method} {path[:60]!r}")
        check_text(answer.decode("latin-1"), "an answer")
        if not known and not damaged and "Cookie" not in headers and head[1] in {b"200", b"204"}:
            raise BrokenError("a stranger was answered", f"{method} {path[:60]!r}")
        if fault := session.fault:
            session.fault = None
            raise fault
        again = _request("GET", inside + "study", port, {"Cookie": cookie})
        if b" 200 " not in _talk(port, again)[:20]:
            raise BrokenError("the page cannot be loaded any more")

    # It serves as long as the process lives.
    case.serving = serving
    return case


def _request(method, path, port, headers=(), content=b"") -> bytes:
    own = {"Host": f"127.0.0.1:{port}", "Origin": f"http://127.0.0.1:{port}", "Connection": "close"}
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in (own | dict(headers)).items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + content


def _talk(port: int, sent: bytes, patience_s: float = 20) -> bytes:
    """All that comes back, until the server closes or nothing has come for that long."""
    answer = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=patience_s) as connection:
        try:
            connection.sendall(sent)
            while piece := connection.recv(65536):
                answer += piece
        except (ConnectionError, TimeoutError):
            pass
    return bytes(answer)
