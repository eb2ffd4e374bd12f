"""Zip files of studies, unpacked within limits: nothing that they say of themselves is trusted.

    python -m lss_cli.study.archive

says which study an archive holds, in a process of its own, since a table of contents alone may fill
the memory.
"""

import atexit
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from lss_cli.child import Answer, Child, ChildDiedError, ChildTimeoutError, serve
from lss_cli.errors import StudyError
from lss_cli.files import is_file, own_name, path_inside
from lss_cli.study.headers import ImageFile, read_file

# Archives by their names, of which zip files alone are read.
SUFFIXES = (".zip", ".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tar", ".7z", ".rar")

# A large study has some 2,000 files and 1 GiB. Slices pack to a half or a third, empty ones to a
# hundredth; zip files that were made to fill disks to a thousandth or less.
MOST_FILES = 20_000
MOST_BYTES = 4 * 2**30
MOST_RATIO = 100
# What is smaller packs as it likes.
RATIO_BYTES = 2**20

# PKWARE's APPNOTE.TXT, 4.4.4.
ENCRYPTED = 1

UNPACK = "Unpack it into a folder."

MEMORY_BYTES = 2**30
BLOCK_BYTES = 2**20

# One process looks into the archives of the whole program.
_child = Child("lss_cli.study.archive")
atexit.register(_child.stop)


def is_archive(path: Path) -> bool:
    """Whether this file is an archive by its name."""
    return path.name.lower().endswith(SUFFIXES) and is_file(path)


def study_name(path: Path) -> str:
    """The name that a study goes by: its folder's, or its archive's without the suffix."""
    name = own_name(path)
    suffix = next((end for end in SUFFIXES if name.lower().endswith(end)), "")
    return name[: -len(suffix)] if suffix and not path.is_dir() else name


def unpack(path: Path, folder: Path) -> Path:
    """Unpack an archive's files into a new folder.

    Args:
        path: The archive.
        folder: To be created; nothing is written outside of it.

    Returns:
        `folder`.

    Raises:
        StudyError: It is no zip file, damaged or encrypted; it is too large, or more than its
            packed size can hold; or one of its names is absolute, leads out or is a link.
    """
    with _say_what_is_wrong(path), zipfile.ZipFile(path) as archive:
        folder.mkdir()
        for member in _check_members(archive, folder):
            _write(archive, member, _place(folder, member))
    return folder


def find_uids(path: Path, timeout_s: float | None = None) -> set[str] | None:
    """The UID of the study in an archive and its last component; nothing where it tells none.

    ``None`` where it did not tell in time.
    """
    with tempfile.TemporaryDirectory(prefix="lss-") as folder:
        try:
            values, _ = _child.ask([os.fspath(path.absolute()), folder], timeout_s)
        except ChildTimeoutError:
            return None
        except ChildDiedError:
            return set()
        except BaseException:
            # Before its folder is removed.
            _child.stop()
            raise
    return set(values["uids"])


@contextmanager
def _say_what_is_wrong(path: Path) -> Iterator[None]:
    """Turn what is wrong with an archive into words.

    Raises:
        StudyError: Instead of what the libraries raise.
    """
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
        zip_ = path.name.lower().endswith(".zip")
        raise StudyError(
            "the zip file is damaged." if zip_ else "of archives, only zip files are read.",
            where=str(path),
            todo="Copy it anew." if zip_ else UNPACK,
        ) from error
    except OSError as error:
        raise StudyError(
            f"the archive cannot be unpacked ({error.strerror}).", where=str(path)
        ) from error


def _check_members(archive: zipfile.ZipFile, folder: Path) -> list[zipfile.ZipInfo]:
    """The files of an archive, every one of them checked before the first is unpacked."""
    members = archive.infolist()
    _check_size(members, folder)
    for member in members:
        _check(member, folder)
    return [member for member in members if not member.is_dir()]


def _check_size(members: list[zipfile.ZipInfo], folder: Path) -> None:
    size = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if len(members) > MOST_FILES:
        what = f"the archive holds {len(members)} files, at most {MOST_FILES} are unpacked."
    elif size > MOST_BYTES:
        what = f"unpacked, the archive has {size / 2**30:.1f} GiB, at most 4 are unpacked."
    elif size > MOST_RATIO * max(packed, RATIO_BYTES):
        what = "the archive holds more than images of its size could; it is not unpacked."
    elif size > shutil.disk_usage(folder.parent).free:
        what = "there is no room to unpack the archive. TMPDIR names the place for it."
    else:
        return
    raise StudyError(what, todo=UNPACK)


def _check(member: zipfile.ZipInfo, folder: Path) -> None:
    # What others need, LZMA above all, is theirs to say: up to 4 GiB of memory.
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise StudyError("the archive is packed in a way that is not read.", todo=UNPACK)
    if member.flag_bits & ENCRYPTED:
        raise StudyError("the archive is encrypted.", todo=UNPACK)
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise StudyError("the archive holds a link or a device; it is not unpacked.")
    _place(folder, member)


def _place(folder: Path, member: zipfile.ZipInfo) -> Path:
    """Where a file of an archive is unpacked to."""
    place = path_inside(folder, member.filename)
    if place is None or ".." in PurePosixPath(member.filename).parts:
        raise StudyError("a name in the archive leads out of it; it is not unpacked.")
    return place


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, place: Path) -> None:
    """Write one file. Its reader gives no more than the size that was counted."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as packed, place.open("xb") as file:
        shutil.copyfileobj(packed, file, BLOCK_BYTES)


def _answer(request: Any) -> Answer:
    """The UIDs of the first image in an archive."""
    path, folder = map(Path, request)
    place = folder / "file"
    try:
        with _say_what_is_wrong(path), zipfile.ZipFile(path) as archive:
            for member in _check_members(archive, place):
                _write(archive, member, place)
                file = read_file(place)
                place.unlink()
                if isinstance(file, ImageFile):
                    return {"uids": [file.study_uid, file.study_uid.rpartition(".")[2]]}, b""
    except StudyError:
        # Grading it tells what is wrong with it.
        pass
    return {"uids": []}, b""


if __name__ == "__main__":
    serve(lambda: _answer, MEMORY_BYTES)
