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

from lss_cli.child import Answer, Child, ChildDiedError, ChildTimeoutError, serve

# The largest slices take a tenth of this. Damaged data make a decoder ask for more, or never end.
MEMORY_BYTES = 2**31
TIMEOUT_S = 60.0

# One decoder process serves the whole program.
_child = Child("lss_cli.study.isolated")
_lock = threading.Lock()
atexit.register(_child.stop)


def decode(path: Path, frame: int | None) -> npt.NDArray[Any]:
    """Decode one frame in the other process.

    Raises:
        NotImplementedError: The decoder knows no such file.
        ValueError: The file is damaged: the decoder says so, or crashed on it.
    """
    with _lock:
        try:
            values, content = _child.ask([os.fspath(path.resolve()), frame], TIMEOUT_S)
        except ChildTimeoutError as error:
            raise ValueError("the decoder did not come to an end") from error
        except ChildDiedError as error:
            raise ValueError("the decoder crashed on it") from error
    if "error" in values:
        kind = ValueError if values["known"] else NotImplementedError
        raise kind(values["error"])
    return np.frombuffer(content, values["dtype"]).reshape(values["shape"])


def stop() -> None:
    """End the other process; the next call starts another."""
    _child.stop()


def _answer(request: Any) -> Answer:
    path, frame = request
    try:
        decoded = pixel_array(path, index=frame, raw=True, decoding_plugin="gdcm")
    except Exception as error:
        # pydicom lists what its plugins said; of 12-bit JPEG that there is no support for it.
        text = str(error)
        return {"error": text[:500], "known": "not support" not in text}, b""
    pixels = np.ascontiguousarray(decoded)
    return {"dtype": pixels.dtype.str, "shape": pixels.shape}, pixels.tobytes()


if __name__ == "__main__":
    serve(lambda: _answer, MEMORY_BYTES)
