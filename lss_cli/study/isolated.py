"""Decoding in a process of its own, for a decoder that may crash on damaged files.

JPEG and JPEG Lossless have one decoder under a permissive licence, GDCM, and damaged data can make
it end its process. That must cost one slice, not the study. Run as

    python -m lss_cli.study.isolated

it reads a path and a frame per line, and answers with a line of JSON and the pixels behind it.
"""

import atexit
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from pydicom.pixels.utils import pixel_array

_lock = threading.Lock()
_process: subprocess.Popen[bytes] | None = None


def decode(path: Path, frame: int | None) -> npt.NDArray[Any]:
    """Decode one frame in the other process.

    Raises:
        ValueError: The file is damaged: the decoder says so, or crashed on it.
    """
    with _lock:
        process = _running()
        assert process.stdin and process.stdout
        try:
            process.stdin.write(json.dumps([os.fspath(path.resolve()), frame]).encode() + b"\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline() or b"{}")
            size = answer.get("bytes", 0)
            content = process.stdout.read(size)
        except OSError:
            answer, size, content = {}, 0, b""
        if not answer or len(content) < size:
            stop()
            raise ValueError("the decoder crashed on it")
    if "error" in answer:
        raise ValueError(answer["error"])
    return np.frombuffer(content, answer["dtype"]).reshape(answer["shape"])


def stop() -> None:
    """End the other process; the next call starts another."""
    global _process
    process, _process = _process, None
    if process:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()


def _running() -> subprocess.Popen[bytes]:
    # One decoder process serves the whole program.
    global _process  # noqa: PLW0603
    if _process is None:
        _process = subprocess.Popen(
            [sys.executable, "-m", "lss_cli.study.isolated"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        atexit.register(stop)
    return _process


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    # What a decoder prints must not get between the answers.
    os.dup2(2, 1)
    for line in sys.stdin.buffer:
        path, frame = json.loads(line)
        try:
            pixels = np.ascontiguousarray(pixel_array(path, index=frame, raw=True))
        except Exception as error:
            _answer(answers, {"error": str(error)[:500]})
        else:
            described = {"dtype": pixels.dtype.str, "shape": pixels.shape, "bytes": pixels.nbytes}
            _answer(answers, described, pixels.tobytes())


def _answer(answers: BinaryIO, described: dict[str, Any], content: bytes = b"") -> None:
    answers.write(json.dumps(described).encode() + b"\n" + content)
    answers.flush()


if __name__ == "__main__":
    _serve()
