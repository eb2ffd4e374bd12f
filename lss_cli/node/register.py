"""What the node knows of each study, on disk at once: an SQLite file in the spool."""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from lss_cli.errors import OutputError

# Of the tables below; a file of another version is refused.
VERSION = 1
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
    next_try REAL NOT NULL
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
    file TEXT NOT NULL,
    sent REAL
) STRICT;
CREATE INDEX result_study ON result (study, revision);
CREATE INDEX study_state ON study (state, arrived);
"""


class State(StrEnum):
    """Where a study stands; a study has one at a time.

    Attributes:
        RECEIVED: Files came, and more may come.
        COMPLETE: Nothing came for a while; it is to be graded.
        WAITING: A person has to look at it.
        SENDING: There is a result, which is on its way to the archive.
        SENT: The archive has the whole result.
        FAILED: There is none, for a reason.
    """

    RECEIVED = "received"
    COMPLETE = "complete"
    WAITING = "waiting for review"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


# Where a study may go on to; files that arrive lead back to `RECEIVED` from everywhere.
NEXT = {
    State.RECEIVED: {State.COMPLETE},
    State.COMPLETE: {State.WAITING, State.SENDING, State.SENT, State.FAILED},
    State.WAITING: {State.COMPLETE},
    State.SENDING: {State.SENT, State.FAILED},
    State.SENT: set(),
    State.FAILED: {State.COMPLETE},
}


@dataclass(frozen=True)
class StudyRecord:
    """A study, as the register has it.

    Attributes:
        uid: StudyInstanceUID.
        since: When it came into its state, in seconds since 1970; so are all times.
        arrived: When its last file came.
        revision: Counts the changes of its files; work on an older one comes too late.
        reason: Why it waits, failed, or is not sent yet.
        next_try: When sending is tried again.
        files: How many it has.
    """

    uid: str
    state: State
    since: float
    arrived: float
    revision: int
    reason: str
    next_try: float
    files: int


@dataclass(frozen=True)
class ResultObject:
    """A DICOM object to be sent.

    Attributes:
        instance: SOPInstanceUID.
        class_uid: SOPClassUID.
        file: Where it lies, seen from the spool.
    """

    instance: str
    class_uid: str
    file: str


class StudyRegister:
    """The states of all studies. Every change is one transaction, on disk when it returns.

    It may be used by several threads.

    Args:
        path: The SQLite file, made where there is none.
        read_only: For a look at a node's register from another process.

    Raises:
        OutputError: It cannot be opened, or is none of ours.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._lock = threading.RLock()
        try:
            self._database = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}",
                uri=True,
                timeout=BUSY_S,
                isolation_level=None,
                check_same_thread=False,
            )
            self._database.row_factory = sqlite3.Row
            self._prepare(read_only)
        except sqlite3.Error as error:
            raise OutputError(
                f"the node's register cannot be used ({error}).", where=str(path)
            ) from error

    def _prepare(self, read_only: bool) -> None:
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if version not in ({VERSION} if read_only else {0, VERSION}):
            raise OutputError(
                "the node's register is of another version of lss.",
                where=str(self.path),
                todo="Name another --spool, or go on with that version.",
            )
        if not read_only:
            # With a write-ahead log, a commit is on disk before it returns only in this mode.
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
        if version == 0:
            with self._transaction():
                for statement in TABLES.split(";"):
                    self._database.execute(statement)
                self._database.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, one at a time."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    # What is known

    def studies(self, state: State | None = None) -> list[StudyRecord]:
        """All studies, or those in a state, the longest there first."""
        return self._studies("state = ?", state) if state else self._studies("true")

    def find(self, uid: str) -> StudyRecord | None:
        """One study."""
        return next(iter(self._studies("uid = ?", uid)), None)

    def _studies(self, condition: str, *values: Any) -> list[StudyRecord]:
        rows = self._read(
            "SELECT *, (SELECT count(*) FROM file WHERE study = uid) AS files FROM study "
            f"WHERE {condition} ORDER BY since, uid",
            *values,
        )
        return [StudyRecord(**{**dict(row), "state": State(row["state"])}) for row in rows]

    def digest(self, study: str, series: str, instance: str) -> str:
        """Of a file that came before; empty for a new one."""
        rows = self._read(
            "SELECT digest FROM file WHERE study = ? AND series = ? AND instance = ?",
            study,
            series,
            instance,
        )
        return str(rows[0]["digest"]) if rows else ""

    def file_names(self) -> set[tuple[str, str, str]]:
        """Study, series and instance of every file that was received."""
        return {tuple(row) for row in self._read("SELECT study, series, instance FROM file")}

    def received_bytes(self) -> int:
        """How much all received files take."""
        return int(self._read("SELECT coalesce(sum(bytes), 0) FROM file")[0][0])

    def unsent(self, study: StudyRecord) -> list[ResultObject]:
        """What of a study's result the archive does not have yet, in order."""
        rows = self._read(
            "SELECT instance, class, file FROM result WHERE study = ? AND revision = ? "
            "AND sent IS NULL ORDER BY file",
            study.uid,
            study.revision,
        )
        return [ResultObject(*row) for row in rows]

    def sent(self) -> list[tuple[str, str]]:
        """Study and SOPInstanceUID of all that the archive has taken."""
        rows = self._read("SELECT study, instance FROM result WHERE sent IS NOT NULL")
        return [tuple(row) for row in rows]

    def _read(self, query: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._database.execute(query, values).fetchall()

    # What happens

    def note_file(
        self, study: str, series: str, instance: str, digest: str, size: int, now: float
    ) -> None:
        """A file lies in the spool that was not there before, or was another."""
        with self._transaction() as database:
            database.execute(
                "INSERT INTO study VALUES (?, ?, ?, ?, 1, '', 0) ON CONFLICT (uid) DO UPDATE "
                "SET state = excluded.state, since = excluded.since, arrived = excluded.arrived, "
                "revision = revision + 1, reason = '', next_try = 0",
                (study, State.RECEIVED, now, now),
            )
            database.execute(
                "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?)",
                (study, series, instance, digest, size),
            )

    def note_repeat(self, study: str, now: float) -> None:
        """A file came again as it was: more may come; what failed is tried once more."""
        with self._transaction() as database:
            database.execute(
                "UPDATE study SET since = iif(state = ?1, since, ?3), state = ?1, arrived = ?3, "
                "reason = '' WHERE uid = ?4 AND state IN (?1, ?2)",
                (State.RECEIVED, State.FAILED, now, study),
            )

    def settle(self, before: float, now: float) -> list[StudyRecord]:
        """Take studies for complete whose last file came at this time or earlier."""
        due = [study for study in self.studies(State.RECEIVED) if study.arrived <= before]
        return [
            replace(study, state=State.COMPLETE, since=now)
            for study in due
            if self.move(study, State.COMPLETE, now=now)
        ]

    def move(
        self,
        study: StudyRecord,
        state: State,
        reason: str = "",
        result: Sequence[ResultObject] = (),
        *,
        now: float | None = None,
    ) -> bool:
        """Bring a study into its next state, with the result that it now has.

        What the archive has already of the result is not sent again.

        Returns:
            Whether it was done; not where files have come meanwhile, or another was quicker.
        """
        assert state in NEXT[study.state], f"no way leads from {study.state} to {state}"
        now = time.time() if now is None else now
        with self._transaction() as database:
            if not self._set_state(study, state, reason, now):
                return False
            database.executemany(
                "INSERT INTO result VALUES (?, ?, ?, ?, ?, NULL) ON CONFLICT (instance) DO UPDATE "
                "SET revision = excluded.revision, file = excluded.file",
                [
                    (made.instance, study.uid, study.revision, made.class_uid, made.file)
                    for made in result
                ],
            )
            if state is State.SENDING and not self.unsent(study):
                self._set_state(replace(study, state=state), State.SENT, "", now)
        return True

    def _set_state(self, study: StudyRecord, state: State, reason: str, now: float) -> bool:
        changed = self._database.execute(
            "UPDATE study SET state = ?, since = ?, reason = ?, next_try = 0 "
            "WHERE uid = ? AND state = ? AND revision = ?",
            (state, now, reason, study.uid, study.state, study.revision),
        )
        return changed.rowcount > 0

    def note_sent(self, instance: str, now: float | None = None) -> None:
        """The archive has taken an object."""
        with self._transaction() as database:
            database.execute(
                "UPDATE result SET sent = ? WHERE instance = ?",
                (time.time() if now is None else now, instance),
            )

    def postpone(self, studies: Sequence[StudyRecord], reason: str, next_try: float) -> None:
        """Sending did not work out, and is tried again later."""
        with self._transaction() as database:
            database.executemany(
                "UPDATE study SET reason = ?, next_try = ? WHERE uid = ? AND state = ? "
                "AND revision = ?",
                [(reason, next_try, study.uid, State.SENDING, study.revision) for study in studies],
            )
