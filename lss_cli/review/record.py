"""The record of a review: what a person has set and confirmed, on disk at once."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import pydantic.dataclasses

from lss_cli import __version__
from lss_cli.anatomy import Condition, Level
from lss_cli.annotate.annotations import LONGEST_REMARK, Annotations
from lss_cli.batch.lines import HOLDER, append_holder, append_line, open_locked, parse_line
from lss_cli.errors import OutputError
from lss_cli.points.point import Point
from lss_cli.text import printable
from lss_cli.validation import read_document

COMMAND = "lss review"
# How a record begins.
REVIEW = "review"


@pydantic.dataclasses.dataclass(frozen=True)
class ReviewEntry:
    """What was set in one study, as it stands on a line of the record.

    Attributes:
        study_id: The study's name in the queue.
        confirmed: Whether the person has confirmed it as it stands here.
        points: In pixels of the files.
        not_visible: What the person could not find.
        remark: On the numbering of the levels.
    """

    study_id: str
    confirmed: bool
    points: tuple[Point, ...]
    not_visible: tuple[tuple[Condition, Level], ...]
    remark: str

    @classmethod
    def of(cls, study_id: str, annotations: Annotations, *, confirmed: bool) -> "ReviewEntry":
        """What is set on the page of a study."""
        return cls(
            study_id, confirmed, annotations.points, annotations.not_visible, annotations.remark
        )

    @property
    def annotations(self) -> Annotations:
        """As the page takes them up again."""
        remark = printable(self.remark, LONGEST_REMARK)
        return Annotations(self.points, self.not_visible, remark)


class ReviewRecord:
    """A file with one JSON line per change, after a first line that says what it is.

    It is locked as long as it is open, and says who has it. A line takes the place of those before
    that are of its study.

    Attributes:
        path: The file.
        entries: The newest line of each study.
    """

    def __init__(self, path: Path, file: BinaryIO, entries: Iterable[ReviewEntry] = ()) -> None:
        self.path = path
        self.entries = {entry.study_id: entry for entry in entries}
        self._file = file
        append_holder(file)

    @classmethod
    def open(cls, path: Path) -> "ReviewRecord":
        """Begin a record, or go on with the one that is there.

        What follows a damaged line is forgotten, as a power cut leaves the last one.

        Raises:
            OutputError: Another process has it; it cannot be written; or it is no record.
        """
        try:
            file = open_locked(path, "xb+", COMMAND)
        except FileExistsError:
            file = open_locked(path, "rb+", COMMAND)
        try:
            entries = _read(path, file)
            return cls(path, file, entries)
        except BaseException:
            file.close()
            raise

    def add(self, entry: ReviewEntry) -> None:
        """Put a change on disk.

        Raises:
            OutputError: It cannot be written; `entries` has it all the same.
        """
        self.entries[entry.study_id] = entry
        try:
            append_line(self._file, asdict(entry))
        except OSError as error:
            raise OutputError(
                f"what is set cannot be kept ({error.strerror}).", where=str(self.path)
            ) from error

    def close(self) -> None:
        """Close the file; it stays on disk, to go on with."""
        self._file.close()


def _read(path: Path, file: BinaryIO) -> list[ReviewEntry]:
    """The lines that are whole; cuts off what is not."""
    first = file.readline()
    if not first.endswith(b"\n"):
        # Nothing, or the beginning of a first line.
        if first and not b'{"review": '.startswith(first[:11]):
            raise _no_record(path)
        file.truncate(0)
        append_line(file, {REVIEW: f"lss {__version__}"})
        return []
    try:
        if REVIEW not in parse_line(first):
            raise ValueError
    except ValueError:
        raise _no_record(path) from None
    entries = []
    end = len(first)
    for line in file:
        try:
            values = parse_line(line)
            if HOLDER not in values:
                entries.append(read_document(ReviewEntry, values))
        except ValueError:
            break
        end += len(line)
    file.truncate(end)
    return entries


def _no_record(path: Path) -> OutputError:
    return OutputError(
        "this is no record of a review.",
        where=str(path),
        todo="Move this file away, or name another --out.",
    )
