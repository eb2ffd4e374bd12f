"""Output files, which appear whole or not at all, and names that stay inside their folder."""

import errno
import os
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from lss_cli.errors import OutputError, UsageError
from lss_cli.text import encodable

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

# Windows locks bytes, and nobody can read those; none are here.
LOCKED_BYTE = 2**40


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; move it into place when the block ends well.

    The temporary name keeps the suffix, since libraries choose their format by it.

    Raises:
        OutputError: The folder does not exist or cannot be written to.
    """
    check_writable(path)
    # A link stays a link; what it points to is replaced.
    target = _follow_links(path)
    temporary: Path | None = None
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        handle, name = tempfile.mkstemp(prefix=".lss-", suffix=path.suffix, dir=target.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(mode)
        temporary.replace(target)
    except OSError as error:
        raise OutputError(
            f"the file cannot be written ({error.strerror}).", where=str(path)
        ) from error
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with Unix line ends, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def check_writable(path: Path) -> None:
    """Say now, before long work, that `path` could not be written at its end.

    Raises:
        OutputError: `path` is a folder or a device, or its folder is missing or write-protected.
    """
    try:
        mode = path.stat().st_mode if path.exists() else stat.S_IFREG
    except OSError as error:
        raise OutputError(f"this cannot be written ({error.strerror}).", where=str(path)) from error
    if stat.S_ISDIR(mode):
        raise OutputError(
            "this is a folder, a file is wanted.", where=str(path), todo="Name a file in it."
        )
    if not stat.S_ISREG(mode):
        raise OutputError("this is no regular file.", where=str(path), todo="Name another.")
    if not path.parent.is_dir():
        raise OutputError(
            "its folder does not exist.", where=str(path), todo=f"Create it: mkdir {path.parent}"
        )
    if not os.access(path.parent, os.W_OK):
        raise OutputError("its folder is write-protected.", where=str(path))


def check_outputs(outputs: Mapping[str, Path | None], reads: Iterable[Path | None] = ()) -> None:
    """Say before the work that an output would overwrite another, or what is read.

    Args:
        outputs: Files and folders, those too whose names are derived, by what a user knows them
            as; ``None`` for what is not wanted.
        reads: Files, and folders with all that is in them.

    Raises:
        UsageError: Two outputs have one name, or one is there and is read.
    """
    read = {_follow_links(path) for path in reads if path}
    names: dict[Path, str] = {}
    for name, path in outputs.items():
        if path is None:
            continue
        full = _follow_links(path)
        if full in names:
            raise UsageError(
                f"two outputs have the same file name: {names[full]} and {name}.",
                where=str(path),
                todo="Name two files.",
            )
        names[full] = name
        if path.exists() and not read.isdisjoint((full, *full.parents)):
            raise UsageError(f"{path} is read, and would be overwritten.", todo="Name another.")


def _follow_links(path: Path) -> Path:
    """The place that is meant; unlike `Path.resolve`, also of a link that leads to itself."""
    return Path(os.path.realpath(path))


def lock(file: BinaryIO) -> bool:
    """Keep other processes from locking an open file until it is closed, or this process ends.

    Returns:
        Whether it is ours; ``False`` where another has it. Where the file system knows no locks,
        it is ours.
    """
    try:
        if sys.platform == "win32":
            file.seek(LOCKED_BYTE)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in {errno.EAGAIN, errno.EACCES, errno.EDEADLK}
    finally:
        file.seek(0)
    return True


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


def is_file(path: Path) -> bool:
    """Whether a file lies there; under a name that the system could not hold lies none."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """As `is_file`, for a folder."""
    try:
        return path.is_dir()
    except OSError:
        return False


def path_inside(folder: Path, name: str) -> Path | None:
    """The path of `name` under `folder`, or ``None`` where it would lead out of it.

    Tables come from others: a row must not be able to name any file of this machine.
    """
    path = Path(os.path.normpath(folder / name))
    root = Path(os.path.normpath(folder))
    absolute = Path(name).is_absolute() or "\\" in name or "\0" in name
    return path if name and not absolute and path.is_relative_to(root) and path != root else None


def own_name(folder: Path) -> str:
    """A folder's name as it is listed, for people: that of a link, not of what it leads to."""
    listed = folder.name not in {"", ".."}
    return encodable(folder.name if listed else folder.resolve().name)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
