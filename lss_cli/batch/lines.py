"""Files of JSON lines that are on disk at once, of one process at a time, and that say whose."""

import json
import os
import platform
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

from lss_cli.errors import OutputError
from lss_cli.files import lock
from lss_cli.text import printable

# The line that each process leaves.
HOLDER = "holder"


def open_locked(path: Path, mode: str, command: str) -> BinaryIO:
    """Open a file for this process alone, until it is closed or the process ends.

    Args:
        path: The file.
        mode: For `Path.open`, in bytes.
        command: What else may be writing it, such as ``lss report``.

    Raises:
        FileExistsError: It is to be a new one, and is there.
        OutputError: It cannot be opened, or another process has it; says which.
    """
    try:
        file = cast(BinaryIO, path.open(mode))
        # Between opening and locking, the process that had it may have ended and removed it.
        if lock(file) and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return file
    except FileExistsError:
        raise
    except FileNotFoundError:
        pass
    except OSError as error:
        raise OutputError(
            f"the file cannot be written ({error.strerror}).", where=str(path)
        ) from error
    with file:
        who = describe_holder(file)
    raise OutputError(
        f"another {command} is writing this{who}.",
        where=str(path),
        todo="Wait for it or end it, or name another --out.",
    )


def append_line(file: BinaryIO, values: Mapping[str, Any]) -> int:
    """Put an object on disk, behind all others; gives the place of its line."""
    offset = file.seek(0, os.SEEK_END)
    file.write(json.dumps(values, ensure_ascii=False).encode() + b"\n")
    file.flush()
    os.fsync(file.fileno())
    return offset


def append_holder(file: BinaryIO) -> None:
    """Say which process has the file."""
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    append_line(file, {HOLDER: {"pid": os.getpid(), "host": platform.node(), "since": since}})


def parse_line(line: bytes) -> Any:
    """The object on a line.

    Raises:
        ValueError: The line is cut short, or holds no object.
    """
    try:
        values = json.loads(line) if line.endswith(b"\n") else None
    except RecursionError as error:
        raise ValueError("it is too deep") from error
    if not isinstance(values, dict):
        raise ValueError("there is no whole object")
    return values


def describe_holder(file: BinaryIO) -> str:
    """Who left the last line of its kind."""
    who = ""
    file.seek(0)
    for line in file:
        if line.startswith(json.dumps({HOLDER: {}}).encode()[:-2]):
            try:
                holder = parse_line(line)[HOLDER]
                who = f": process {holder['pid']} on {holder['host']}, since {holder['since']}"
            except (ValueError, KeyError, TypeError):
                continue
    return printable(who, 200)
