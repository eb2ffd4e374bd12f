"""Finished studies, on disk at once: an unfinished report can be gone on with."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pydantic.dataclasses

from lss_cli.batch.job import Row
from lss_cli.batch.lines import HOLDER, append_holder, append_line, open_locked, parse_line
from lss_cli.batch.pool import JobAnswer
from lss_cli.errors import OutputError
from lss_cli.output.rows import is_row
from lss_cli.validation import read_document

# How a journal begins.
RUN = "run"
COMMAND = "lss report"


@pydantic.dataclasses.dataclass(frozen=True)
class JournalEntry:
    """A finished study, as it stands on a line of the journal."""

    study_id: str
    lost: bool
    rows: list[Row]

    @classmethod
    def from_json(cls, values: Any) -> "JournalEntry":
        """Check what was read.

        Raises:
            ValueError: It is no finished study.
        """
        entry = read_document(cls, values)
        if not entry.study_id:
            raise ValueError("the study has no name")
        if not all(map(is_row, entry.rows)):
            raise ValueError("a row of the report has other columns")
        return entry


@dataclass
class Journal:
    """A file with one JSON line per finished study, after a first line that names the run.

    It is locked as long as it is open, and says who has it.

    Attributes:
        path: The file.
        offsets: Where the line of each finished study begins.
    """

    path: Path
    offsets: dict[str, int]
    file: BinaryIO

    @classmethod
    def start(cls, path: Path, run: Mapping[str, Any]) -> "Journal":
        """Begin a new one.

        Args:
            path: The file; it must not exist.
            run: What the results depend on: model, points, options.

        Raises:
            OutputError: There is one already, or the file cannot be written.
        """
        try:
            file = open_locked(path, "xb+", COMMAND)
        except FileExistsError:
            # Not yet unfinished, as long as another run is at it.
            open_locked(path, "rb+", COMMAND).close()
            raise OutputError(
                "an unfinished report is here.",
                where=str(path),
                todo="Go on with it with --resume, or delete this file to start again.",
            ) from None
        return cls._begin(path, file, run)

    @classmethod
    def resume(cls, path: Path, run: Mapping[str, Any]) -> "Journal":
        """Go on with an unfinished one.

        What was lost with a worker is forgotten, since it may go better now, and so is all from a
        line on that is damaged, as a power cut leaves the last one.

        Raises:
            OutputError: Another run is at it; it belongs to another model, table or option; or it
                is no journal.
        """
        if not path.exists():
            return cls.start(path, run)
        file = open_locked(path, "rb+", COMMAND)
        try:
            return cls._read(path, file, run)
        except BaseException:
            file.close()
            raise

    @classmethod
    def _begin(cls, path: Path, file: BinaryIO, run: Mapping[str, Any]) -> "Journal":
        file.truncate(0)
        append_line(file, {RUN: run})
        append_holder(file)
        return cls(path, {}, file)

    @classmethod
    def _read(cls, path: Path, file: BinaryIO, run: Mapping[str, Any]) -> "Journal":
        first = file.readline()
        start = json.dumps({RUN: {}}).encode()[:-2]
        if not first.endswith(b"\n") and start.startswith(first[: len(start)]):
            return cls._begin(path, file, run)
        _check_same(path, first, run)
        offsets: dict[str, int] = {}
        end = len(first)
        for line in file:
            try:
                values = parse_line(line)
                if HOLDER not in values:
                    entry = JournalEntry.from_json(values)
                    if not entry.lost:
                        offsets[entry.study_id] = end
            except ValueError:
                break
            end += len(line)
        file.truncate(end)
        append_holder(file)
        return cls(path, offsets, file)

    def add(self, answer: JobAnswer) -> None:
        """Put a finished study on disk."""
        entry = {"study_id": answer.job.study_id, "lost": answer.lost, "rows": list(answer.rows)}
        self.offsets[answer.job.study_id] = append_line(self.file, entry)

    def rows(self, study_ids: Iterable[str]) -> Iterator[Row]:
        """The rows of studies, read from disk one study at a time, in the order asked for.

        Raises:
            OutputError: Something else stands where a study's rows were written.
        """
        for study_id in study_ids:
            self.file.seek(self.offsets[study_id])
            try:
                entry = JournalEntry.from_json(parse_line(self.file.readline()))
            except ValueError:
                entry = None
            if entry is None or entry.study_id != study_id:
                raise OutputError(
                    "something else has written to this file.",
                    where=str(self.path),
                    todo="Delete it and start again, one report at a time.",
                )
            yield from entry.rows

    def close(self) -> None:
        """Close the file; it stays on disk if there is anything in it to go on with."""
        if not self.file.closed and not self.offsets:
            self.delete()
        self.file.close()

    def delete(self) -> None:
        """Close and remove it, once the report is written."""
        if os.name == "nt":
            # An open file cannot be removed there.
            self.file.close()
        self.path.unlink()
        self.file.close()


def _check_same(path: Path, first: bytes, now: Mapping[str, Any]) -> None:
    try:
        before = parse_line(first)[RUN]
        changed = [key for key in now if before.get(key) != now[key]]
    except (ValueError, KeyError, AttributeError):
        raise OutputError(
            "this is no unfinished report.",
            where=str(path),
            todo="Move this file away, or name another --out.",
        ) from None
    if changed:
        raise OutputError(
            f"the unfinished report was made with another {', '.join(changed)}.",
            where=str(path),
            todo="Use the same as before, or delete this file to start again.",
        )
