"""The folder in which received files and results lie, whole or not at all."""

import hashlib
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lss_cli.errors import LssError, OutputError
from lss_cli.files import lock, make_folder
from lss_cli.node.register import StudyRecord, StudyRegister

# Kept free on the disk beside all limits, so that what was received can still be worked on.
RESERVE_BYTES = 2**29

# PS3.5 section 9.1, but for leading zeros, which some devices write. Nothing else names a file.
UID_PATTERN = re.compile(r"[0-9]+(\.[0-9]+)*")
LONGEST_UID = 64


class NoRoomError(LssError):
    """The spool or its disk is full."""


class BadUidError(LssError):
    """What should be a UID is none, and cannot name a file."""


@dataclass(frozen=True)
class FileKey:
    """What a received file is called by; RSNA's SOPInstanceUIDs repeat across series."""

    study: str
    series: str
    instance: str

    def __post_init__(self) -> None:
        for uid in (self.study, self.series, self.instance):
            if len(uid) > LONGEST_UID or not UID_PATTERN.fullmatch(uid):
                raise BadUidError(
                    "StudyInstanceUID, SeriesInstanceUID or SOPInstanceUID is no UID."
                )


class Spool:
    """A node's folder: `received/`, `results/` and the register.

    Args:
        folder: Made where there is none.
        limit_bytes: What all received files may take.

    Raises:
        OutputError: Another node has it, or it cannot be written to.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder = make_folder(folder)
        self.limit_bytes = limit_bytes
        self._received = make_folder(folder / "received")
        self._results = make_folder(folder / "results")
        self._lock_file = _lock(folder / "lock")
        # Of a change to what lies there together with the register.
        self._changing = threading.Lock()
        try:
            self._incoming = make_folder(folder / "incoming")
            self.register = StudyRegister(register_path(folder))
            self._tidy()
            self._bytes = self.register.received_bytes()
        except BaseException:
            self._lock_file.close()
            raise

    def close(self) -> None:
        """Let others have it."""
        self.register.close()
        self._lock_file.close()

    def study_folder(self, uid: str) -> Path:
        """Where a study's received files lie."""
        return self._received / uid

    def store(self, key: FileKey, content: Sequence[bytes | memoryview], *, digest: str) -> bool:
        """Put a received file on disk. When this returns, neither a kill nor a power cut loses it.

        Args:
            key: What it is called by.
            content: Its bytes, in parts.
            digest: Of what the sender sent; a file that came before with the same is not changed.

        Returns:
            Whether it is new, or another than before.

        Raises:
            NoRoomError: It would take more than the limit, or the disk is full.
        """
        if self.register.digest(key.study, key.series, key.instance) == digest:
            self.register.note_repeat(key.study, time.time())
            return False
        size = sum(memoryview(part).nbytes for part in content)
        self._check_room(size)
        handle, name = tempfile.mkstemp(dir=self._incoming)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                for part in content:
                    file.write(part)
                _flush(file)
            with self._changing:
                path = self._received / key.study / key.series / f"{key.instance}.dcm"
                before = path.stat().st_size if path.exists() else 0
                _make_folders(path.parent, self._received)
                temporary.replace(path)
                _flush_folder(path.parent)
                self.register.note_file(
                    key.study, key.series, key.instance, digest, size, time.time()
                )
                self._bytes += size - before
        except OSError as error:
            raise NoRoomError(f"the file cannot be stored ({error.strerror}).") from error
        finally:
            temporary.unlink(missing_ok=True)
        return True

    def _check_room(self, size: int) -> None:
        if self._bytes + size > self.limit_bytes:
            raise NoRoomError("the spool is full.")
        if shutil.disk_usage(self.folder).free < size + RESERVE_BYTES:
            raise NoRoomError("the disk is full.")

    def has_room_for_results(self) -> bool:
        """Whether the disk can hold what grading makes."""
        return shutil.disk_usage(self.folder).free > RESERVE_BYTES // 4

    def result_folder(self, study: StudyRecord) -> Path:
        """An empty folder for the result of a study as it is now."""
        folder = self._results / study.uid / str(study.revision)
        shutil.rmtree(folder, ignore_errors=True)
        return make_folder(folder)

    def forget(self, study: StudyRecord) -> bool:
        """Delete the files and results of a study that was sent; what it is called stays known.

        Returns:
            Whether it was done; not where files have come meanwhile.
        """
        with self._changing:
            size = self.register.forget_files(study)
            if size is None:
                return False
            self._bytes -= size
            self._delete(study.uid)
        return True

    def _delete(self, uid: str) -> None:
        for folder in (self._received / uid, self._results / uid):
            if folder.exists():
                shutil.rmtree(folder)

    def keep_result(self, folder: Path) -> None:
        """Have a finished result on disk for certain, before the register speaks of it."""
        for path in folder.iterdir():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        for inside in (folder, folder.parent, self._results):
            _flush_folder(inside)

    def _tidy(self) -> None:
        """Remove what a kill left: never acknowledged to its sender, or about to be deleted."""
        for path in self._incoming.iterdir():
            path.unlink(missing_ok=True)
        known = self.register.file_names()
        for path in self._received.glob("*/*/*"):
            if (path.parent.parent.name, path.parent.name, path.stem) not in known:
                path.unlink()
                for folder in (path.parent, path.parent.parent):
                    with suppress(OSError):
                        folder.rmdir()
        studies = {study for study, _, _ in known}
        for folder in self._results.iterdir():
            if folder.name not in studies:
                self._delete(folder.name)


def register_path(folder: Path) -> Path:
    """The register of a spool."""
    return folder / "register.sqlite"


def digest_of(content: bytes | memoryview, transfer_syntax: str) -> str:
    """What tells two versions of an object apart."""
    digest = hashlib.sha256(transfer_syntax.encode())
    digest.update(content)
    return digest.hexdigest()


def _lock(path: Path) -> BinaryIO:
    try:
        file = path.open("ab+")
    except OSError as error:
        raise OutputError(f"this cannot be written ({error.strerror}).", where=str(path)) from error
    if lock(file):
        return file
    file.close()
    raise OutputError(
        "another lss node has this spool.", where=str(path.parent), todo="Name another --spool."
    )


def _make_folders(folder: Path, root: Path) -> None:
    """Make a folder inside `root` such that a power cut does not lose it."""
    if not folder.exists():
        _make_folders(folder.parent, root)
        folder.mkdir(exist_ok=True)
        _flush_folder(folder.parent)


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Have a folder's entries on disk, where the system can do that."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
