"""One child process that may die or hang.

Requests and answers are lines of JSON, so that nothing is ever unpickled; raw bytes may follow an
answer. The parent holds a `Child`, the module that it runs calls `serve`.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from lss_cli.errors import LssError

# Plain values, and bytes that belong to them.
Answer = tuple[Mapping[str, Any], bytes]


# How long a process may take to end that has closed its answers.
END_S = 2

# Of what is told before the answer.
PROGRESS = "progress"

# Linux, and Linux inside of Windows.
CUDA_DEVICES = (Path("/dev/nvidiactl"), Path("/dev/dxg"))


class ChildDiedError(Exception):
    """It ended before it had answered; the text names the signal or the exit code."""


class ChildTimeoutError(Exception):
    """It took too long to answer, and was ended."""


class ChildFaultError(Exception):
    """It refused to start; the text is its own."""


class Child:
    """A process that answers requests, started when it is needed, and again after it died.

    Args:
        module: Run as ``python -m``; it calls `serve`.
        arguments: Of the module.
    """

    def __init__(self, module: str, *arguments: str) -> None:
        self._command = [sys.executable, "-m", module, *arguments]
        self._process: subprocess.Popen[bytes] | None = None

    def ask(
        self,
        request: Any,
        timeout_s: float | None = None,
        on_progress: Callable[[Mapping[str, Any]], None] = lambda _: None,
    ) -> Answer:
        """Send a request and wait for the answer.

        Args:
            request: Plain values.
            timeout_s: The longest that it may take, the start aside; ``None`` for no limit.
            on_progress: Called with what the process tells on its way, by `tell_parent`.

        Raises:
            ChildFaultError: The process refused to start.
            ChildTimeoutError: No answer came in time.
            ChildDiedError: The process died over it.
        """
        process = self._start()
        assert process.stdin and process.stdout
        timed_out = threading.Event()

        def give_up() -> None:
            timed_out.set()
            process.kill()

        timer = threading.Timer(timeout_s or 0, give_up)
        if timeout_s:
            timer.start()
        # A process that died breaks the pipe when it is written to, or ends it when read.
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            while True:
                values, content = _receive(process.stdout)
                if PROGRESS not in values:
                    return values, content
                on_progress(values[PROGRESS])
        except (OSError, ValueError):
            # Its own end tells more than ours of it, and comes at once.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_S)
            self.stop()
        finally:
            timer.cancel()
        if timed_out.is_set():
            raise ChildTimeoutError
        raise ChildDiedError(_cause(process.returncode))

    def kill(self) -> None:
        """End the process while another thread waits for its answer; that thread tidies up."""
        process = self._process
        if process:
            process.kill()

    def stop(self) -> None:
        """End the process; the next request starts another."""
        process, self._process = self._process, None
        if process:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    if stream:
                        stream.close()

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process:
            return self._process
        process = self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Ctrl-C goes to the main process, which then stops its children.
            start_new_session=True,
        )
        # One that dies here is found dead by whoever asks it.
        with contextlib.suppress(ValueError):
            greeting, _ = _receive(process.stdout)
            if "fault" in greeting:
                self.stop()
                raise ChildFaultError(greeting["fault"])
        return process


def serve(begin: Callable[[], Callable[[Any], Answer]], memory_bytes: int | None = None) -> None:
    """Be a child: answer requests until there are no more.

    Args:
        begin: Loads what is needed, and gives the function that answers. An `LssError` of it is
            told to the parent.
        memory_bytes: The most that the process may take, where the system can see to it.
    """
    if memory_bytes:
        limit_memory(memory_bytes)
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read_requests, args=(requests,), daemon=True).start()
    global _answers  # noqa: PLW0603 - a process has one parent
    answers = _answers = os.fdopen(os.dup(1), "wb")
    # What libraries print must not get between the answers.
    os.dup2(2, 1)
    try:
        answer = begin()
    except LssError as error:
        _send(answers, {"fault": str(error)})
        return
    _send(answers, {})
    while True:
        _send(answers, *answer(json.loads(requests.get())))


_answers: BinaryIO | None = None


def tell_parent(values: Mapping[str, Any]) -> None:
    """Tell how far this process has come with its answer; plain values."""
    assert _answers
    _send(_answers, {PROGRESS: values})


def limit_memory(most_bytes: int) -> None:
    """Let this process fail where it would take more memory, before the machine does.

    Linux counts what is written to (RLIMIT_DATA); others may count less, or know no limit.
    """
    try:
        import resource
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most_bytes = most_bytes if hard == resource.RLIM_INFINITY else min(most_bytes, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (most_bytes, hard))


@contextlib.contextmanager
def memory_allowance(more_bytes: int) -> Iterator[None]:
    """Let this process fail where, inside the block, it would take so many bytes more.

    Linux only, and not where there is CUDA, which takes address space that it never uses. A lower
    limit that stands already stays.
    """
    statm = Path("/proc/self/statm")
    if not statm.exists() or any(device.exists() for device in CUDA_DEVICES):
        yield
        return
    import resource

    # proc(5): the sixth is data and stack, which is what RLIMIT_DATA counts.
    taken = int(statm.read_text().split()[5]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    known = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min([taken + more_bytes, *known]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _read_requests(requests: queue.SimpleQueue[bytes]) -> None:
    """Read while another thread works, and end the process at once where the parent is gone.

    However that ended, the system closes its end of the pipe.
    """
    # Not `sys.stdin`, which Python could not close at its end while this thread reads.
    with open(0, "rb", closefd=False) as stream:
        for line in stream:
            requests.put(line)
    os._exit(0)


def _send(stream: BinaryIO, values: Mapping[str, Any], content: bytes = b"") -> None:
    head = {"values": values, "bytes": len(content)}
    stream.write(json.dumps(head).encode() + b"\n" + content)
    stream.flush()


def _receive(stream: Any) -> Answer:
    """One answer; a ValueError where the stream ends before."""
    head = json.loads(stream.readline())
    content = stream.read(head["bytes"])
    if len(content) < head["bytes"]:
        raise ValueError("the answer is cut short")
    return head["values"], content


def _cause(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"
