"""A child process that answers, refuses, crashes, hangs, prints; it is started anew each time."""

import os
import sys
import threading
from pathlib import Path

import pytest

from lss_cli.child import Child, ChildDiedError, ChildFaultError, ChildTimeoutError

MODULE = """
import os, signal, sys, time
from lss_cli.child import serve
from lss_cli.errors import ModelError

def begin():
    if "refuse" in sys.argv:
        raise ModelError("there is nothing to work with.")
    if "die" in sys.argv:
        sys.exit(7)
    return answer

def answer(request):
    print("a library talks")
    if request == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if request == "leave":
        os._exit(3)
    if request == "hang":
        time.sleep(1000)
    if request == "eat":
        try:
            bytearray(2**30)
        except MemoryError:
            return {"hungry": True}, b""
    return {"pid": os.getpid(), "request": request}, b"\\n\\x00{" * 3

serve(begin, 2**29)
"""


@pytest.fixture
def child(tmp_path, monkeypatch):
    """Start a child with some arguments; it is stopped in the end."""
    (tmp_path / "parrot.py").write_text(MODULE)
    here = str(Path(__file__).parent.parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), here]))
    children = []

    def start(*arguments):
        children.append(Child("parrot", *arguments))
        return children[-1]

    yield start
    for process in children:
        process.stop()


def test_one_process_answers_request_after_request(child):
    parrot = child()
    answers = [parrot.ask(request) for request in ("a", ["ü", None], {"deep": {"er": 1.5}})]
    assert [values["request"] for values, _ in answers] == ["a", ["ü", None], {"deep": {"er": 1.5}}]
    assert len({values["pid"] for values, _ in answers}) == 1
    assert {content for _, content in answers} == {b"\n\x00{" * 3}


@pytest.mark.parametrize(("request_", "cause"), [("crash", "SIGKILL"), ("leave", "exit code 3")])
def test_one_that_dies_is_named_and_replaced(child, request_, cause):
    parrot = child()
    before = parrot.ask("a")[0]["pid"]
    with pytest.raises(ChildDiedError, match=cause):
        parrot.ask(request_)
    assert parrot.ask("a")[0]["pid"] != before


def test_one_that_hangs_is_ended(child):
    parrot = child()
    with pytest.raises(ChildTimeoutError):
        parrot.ask("hang", timeout_s=0.2)
    assert parrot.ask("a", timeout_s=60)[0]["request"] == "a"


def test_another_thread_can_end_it(child):
    parrot = child()
    pid = parrot.ask("a")[0]["pid"]
    threading.Timer(0.2, parrot.kill).start()
    with pytest.raises(ChildDiedError, match="SIGKILL"):
        parrot.ask("hang")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_one_that_refuses_to_start_says_why(child):
    with pytest.raises(ChildFaultError, match="nothing to work with"):
        child("refuse").ask("a")
    with pytest.raises(ChildDiedError, match="exit code 7"):
        child("die").ask("a")


def test_it_ends_with_its_parent(child):
    """Whatever becomes of the parent, the child reads the end of its requests."""
    parrot = child()
    pid = parrot.ask("a")[0]["pid"]
    process = parrot._process
    process.stdin.close()
    assert process.wait(10) == 0
    with pytest.raises(ChildDiedError, match="exit code 0"):
        parrot.ask("a")
    assert parrot.ask("a")[0]["pid"] != pid


@pytest.mark.skipif(sys.platform != "linux", reason="others do not count what is written to")
def test_a_child_takes_no_more_memory_than_it_may(child):
    assert child().ask("eat") == ({"hungry": True}, b"")
