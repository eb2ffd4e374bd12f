"""TensorFlow and Keras, brought in quietly and only when they are there."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


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


def load_backend() -> None:
    """Import TensorFlow and Keras."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with silenced():
        import keras
        import tensorflow

        # The first operation looks for devices, which is when the rest is printed.
        tensorflow.config.list_physical_devices()
        keras.backend.clear_session()
