"""Finished studies, on disk at once: an unfinished report can be gone on with."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from lss_cli.batch.job import Row
from lss_cli.batch.pool import JobAnswer
from lss_cli.errors import OutputError


@dataclass
class Journal:
    """A file with one JSON line per finished study, after a first line that names the run.

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
            file = path.open("xb+")
        except FileExistsError:
            raise OutputError(
                "an unfinished report is here.",
                where=str(path),
                todo="Go on with it with --resume, or delete this file to start again.",
            ) from None
        except OSError as error:
            raise OutputError(
                f"the file cannot be written ({error.strerror}).", where=str(path)
            ) from error
        journal = cls(path, {}, file)
        journal._append({"run": run})
        return journal

    @classmethod
    def resume(cls, path: Path, run: Mapping[str, Any]) -> "Journal":
        """Go on with an unfinished one.

        What was lost with a worker is forgotten, since it may go better now, and so is a line that
        a power cut left unfinished.

        Raises:
            OutputError: There is none, or it belongs to another model, table or option.
        """
        if not path.is_file():
            return cls.start(path, run)
        file = path.open("rb+")
        try:
            return cls._read(path, file, run)
        except BaseException:
            file.close()
            raise

    @classmethod
    def _read(cls, path: Path, file: BinaryIO, run: Mapping[str, Any]) -> "Journal":
        offsets: dict[str, int] = {}
        end = 0
        for number, line in enumerate(file):
            try:
                entry = json.loads(line) if line.endswith(b"\n") else None
            except ValueError:
                entry = None
            if entry is None:
                break
            if number == 0:
                _check_same(path, entry["run"], run)
            elif not entry["lost"]:
                offsets[entry["study_id"]] = end
            end += len(line)
        if not end:
            file.close()
            path.unlink()
            return cls.start(path, run)
        file.truncate(end)
        return cls(path, offsets, file)

    def add(self, answer: JobAnswer) -> None:
        """Put a finished study on disk."""
        entry = {"study_id": answer.job.study_id, "lost": answer.lost, "rows": list(answer.rows)}
        self.offsets[answer.job.study_id] = self._append(entry)

    def rows(self, study_ids: Iterable[str]) -> Iterator[Row]:
        """The rows of studies, read from disk one study at a time, in the order asked for."""
        for study_id in study_ids:
            self.file.seek(self.offsets[study_id])
            yield from json.loads(self.file.readline())["rows"]

    def close(self) -> None:
        """Close the file; it stays on disk."""
        self.file.close()

    def delete(self) -> None:
        """Close and remove it, once the report is written."""
        self.close()
        self.path.unlink()

    def _append(self, entry: Mapping[str, Any]) -> int:
        offset = self.file.seek(0, os.SEEK_END)
        self.file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        self.file.flush()
        os.fsync(self.file.fileno())
        return offset


def _check_same(path: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    changed = [key for key in now if before.get(key) != now[key]]
    if changed:
        raise OutputError(
            f"the unfinished report was made with another {', '.join(changed)}.",
            where=str(path),
            todo="Use the same as before, or delete this file to start again.",
        )
