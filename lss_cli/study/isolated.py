"""Decoding in a process of its own, for a decoder that may crash on damaged files.

JPEG and JPEG Lossless have one decoder under a permissive licence, GDCM, and damaged data can make
it end its process. That must cost one slice, not the study.

    python -m lss_cli.study.isolated
"""

import atexit
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.pixels.utils import pixel_array

from lss_cli.child import Answer, Child, ChildDiedError, serve

# One decoder process serves the whole program.
_child = Child("lss_cli.study.isolated")
_lock = threading.Lock()
atexit.register(_child.stop)


def decode(path: Path, frame: int | None) -> npt.NDArray[Any]:
    """Decode one frame in the other process.

    Raises:
        ValueError: The file is damaged: the decoder says so, or crashed on it.
    """
    with _lock:
        try:
            values, content = _child.ask([os.fspath(path.resolve()), frame])
        except ChildDiedError as error:
            raise ValueError("the decoder crashed on it") from error
    if "error" in values:
        raise ValueError(values["error"])
    return np.frombuffer(content, values["dtype"]).reshape(values["shape"])


def stop() -> None:
    """End the other process; the next call starts another."""
    _child.stop()


def _answer(request: Any) -> Answer:
    path, frame = request
    try:
        pixels = np.ascontiguousarray(pixel_array(path, index=frame, raw=True))
    except Exception as error:
        return {"error": str(error)[:500]}, b""
    return {"dtype": pixels.dtype.str, "shape": pixels.shape}, pixels.tobytes()


if __name__ == "__main__":
    serve(lambda: _answer)
