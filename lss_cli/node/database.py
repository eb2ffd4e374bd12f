"""The SQLite file in which a node keeps what it knows."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lss_cli.errors import OutputError

# Of the tables below; a file of another version is refused.
VERSION = 2
# How long one process waits for another's short write.
BUSY_S = 10

TABLES = """
CREATE TABLE study (
    uid TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    since REAL NOT NULL,
    arrived REAL NOT NULL,
    revision INTEGER NOT NULL,
    reason TEXT NOT NULL,
    next_try REAL NOT NULL,
    points TEXT NOT NULL,
    gone INTEGER NOT NULL
) STRICT;
CREATE TABLE file (
    study TEXT NOT NULL REFERENCES study,
    series TEXT NOT NULL,
    instance TEXT NOT NULL,
    digest TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (study, series, instance)
) STRICT;
CREATE TABLE result (
    instance TEXT PRIMARY KEY,
    study TEXT NOT NULL REFERENCES study,
    revision INTEGER NOT NULL,
    class TEXT NOT NULL,
    series TEXT NOT NULL,
    file TEXT NOT NULL,
    sent REAL
) STRICT;
CREATE INDEX result_study ON result (study, revision);
CREATE INDEX study_state ON study (state, arrived);
"""


class Database:
    """An SQLite file of ours, for several threads. What was done is on disk.

    Args:
        path: The file, made where there is none.
        read_only: For a look at a node's file from another process.

    Raises:
        OutputError: It cannot be opened, or is none of ours.
    """

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self._path = path
        self._lock = threading.RLock()
        try:
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}",
                uri=True,
                timeout=BUSY_S,
                isolation_level=None,
                check_same_thread=False,
            )
            self._connection.row_factory = sqlite3.Row
            self._prepare(read_only)
        except sqlite3.Error as error:
            raise OutputError(
                f"the node's register cannot be used ({error}).", where=str(path)
            ) from error

    def _prepare(self, read_only: bool) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version not in ({VERSION} if read_only else {0, VERSION}):
            raise OutputError(
                "the node's register is of another version of lss.",
                where=str(self._path),
                todo="Name another --spool, or go on with that version.",
            )
        if not read_only:
            # With a write-ahead log, a commit is on disk before it returns only in this mode.
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
        if version == 0:
            with self.transaction():
                for statement in TABLES.split(";"):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, one at a time."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def read(self, query: str, *values: Any) -> list[Any]:
        """All rows that a query gives."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
