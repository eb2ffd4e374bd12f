"""TensorFlow and Keras, brought in quietly and only when they are there."""

import ctypes
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# mallopt(3): what is kept at the end of a heap that shrinks; the number is malloc.h's.
M_TOP_PAD = -2
KEPT_BYTES = 2**26


@contextmanager
def silenced() -> Iterator[None]:
    """Turn the process's standard error off for a moment.

    TensorFlow's C++ parts write to file descriptor 2 at import, whatever the log level.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a device, not a file
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def keep_freed_memory() -> None:
    """Have glibc keep what a training step frees for the next one; elsewhere nothing is done.

    Otherwise the tensors of each step are given back to the system and zeroed again for the next:
    a third of a small network's time.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(M_TOP_PAD, KEPT_BYTES)


def load_backend() -> None:
    """Import TensorFlow and Keras."""
    keep_freed_memory()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with silenced():
        import keras
        import tensorflow

        # The first operation looks for devices, which is when the rest is printed.
        tensorflow.config.list_physical_devices()
        keras.backend.clear_session()
