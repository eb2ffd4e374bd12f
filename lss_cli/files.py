"""Output files appear whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lss_cli.errors import OutputError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; move it into place when the block ends well.

    The temporary name keeps the suffix, since libraries choose their format by it.

    Raises:
        OutputError: The folder does not exist or cannot be written to.
    """
    check_writable(path)
    handle, name = tempfile.mkstemp(prefix=".lss-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise OutputError(
            f"the file cannot be written ({error.strerror}).", where=str(path)
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with Unix line ends, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def check_writable(path: Path) -> None:
    """Say now, before long work, that `path` could not be written at its end.

    Raises:
        OutputError: `path` is a folder, or its folder is missing or write-protected.
    """
    if path.is_dir():
        raise OutputError(
            "this is a folder, a file is wanted.", where=str(path), todo="Name a file in it."
        )
    if not path.parent.is_dir():
        raise OutputError(
            "its folder does not exist.", where=str(path), todo=f"Create it: mkdir {path.parent}"
        )
    if not os.access(path.parent, os.W_OK):
        raise OutputError("its folder is write-protected.", where=str(path))


def make_folder(path: Path) -> Path:
    """Create an output folder and those above it.

    Raises:
        OutputError: It cannot be created, or is a file, or is write-protected.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder cannot be created ({error.strerror}).", where=str(path)
        ) from error
    if not os.access(path, os.W_OK):
        raise OutputError("the folder is write-protected.", where=str(path))
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
