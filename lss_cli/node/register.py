"""What the node knows of each study, on disk at once: an SQLite file in the spool."""

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from lss_cli.node.database import Database
from lss_cli.output.earlier import EarlierReport

# Comprehensive 3D SR Storage, PS3.4 table B.5-1.
REPORT_CLASS = "1.2.840.10008.5.1.4.1.1.88.34"

DELETED = "its files are deleted."


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
    State.SENT: {State.COMPLETE},
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
        points: What tells those apart that it was graded with.
        gone: How many files it had when they were deleted; 0 where they never were.
        files: How many it has.
    """

    uid: str
    state: State
    since: float
    arrived: float
    revision: int
    reason: str
    next_try: float
    points: str
    gone: int
    files: int


@dataclass(frozen=True)
class ResultObject:
    """A DICOM object to be sent.

    Attributes:
        instance: SOPInstanceUID.
        class_uid: SOPClassUID.
        series: SeriesInstanceUID.
        file: Where it lies, seen from the spool.
    """

    instance: str
    class_uid: str
    series: str
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
        self._database = Database(path, read_only=read_only)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    # What is known

    def studies(self, state: State | None = None) -> list[StudyRecord]:
        """All studies, or those in a state, the longest there first."""
        return self._studies("state = ?", state) if state else self._studies("true")

    def find(self, uid: str) -> StudyRecord | None:
        """One study."""
        return next(iter(self._studies("uid = ?", uid)), None)

    def _studies(self, condition: str, *values: Any) -> list[StudyRecord]:
        rows = self._database.read(
            "SELECT *, (SELECT count(*) FROM file WHERE study = uid) AS files FROM study "
            f"WHERE {condition} ORDER BY since, uid",
            *values,
        )
        return [StudyRecord(**{**dict(row), "state": State(row["state"])}) for row in rows]

    def digest(self, study: str, series: str, instance: str) -> str:
        """Of a file that came before; empty for a new one."""
        rows = self._database.read(
            "SELECT digest FROM file WHERE study = ? AND series = ? AND instance = ?",
            study,
            series,
            instance,
        )
        return str(rows[0]["digest"]) if rows else ""

    def file_names(self) -> set[tuple[str, str, str]]:
        """Study, series and instance of every file that was received."""
        return {
            tuple(row) for row in self._database.read("SELECT study, series, instance FROM file")
        }

    def received_bytes(self) -> int:
        """How much all received files take."""
        return int(self._database.read("SELECT coalesce(sum(bytes), 0) FROM file")[0][0])

    def unsent(self, study: StudyRecord) -> list[ResultObject]:
        """What of a study's result the archive does not have yet, in order."""
        rows = self._database.read(
            "SELECT instance, class, series, file FROM result WHERE study = ? AND revision = ? "
            "AND sent IS NULL ORDER BY file",
            study.uid,
            study.revision,
        )
        return [ResultObject(*row) for row in rows]

    def earlier_reports(self, uid: str) -> list[EarlierReport]:
        """The reports on a study that the archive has taken, in the order they were made in."""
        rows = self._database.read(
            "SELECT series, instance FROM result WHERE study = ? AND class = ? "
            "AND sent IS NOT NULL ORDER BY rowid",
            uid,
            REPORT_CLASS,
        )
        return [EarlierReport(*row) for row in rows]

    def sent_before(self, time_s: float) -> list[StudyRecord]:
        """Studies that were sent until then, and whose files are still there."""
        return self._studies(
            "state = ? AND since <= ? AND EXISTS (SELECT 1 FROM file WHERE study = uid)",
            State.SENT,
            time_s,
        )

    def sent(self) -> list[tuple[str, str]]:
        """Study and SOPInstanceUID of all that the archive has taken."""
        rows = self._database.read("SELECT study, instance FROM result WHERE sent IS NOT NULL")
        return [tuple(row) for row in rows]

    # What happens

    def note_file(
        self, study: str, series: str, instance: str, digest: str, size: int, now: float
    ) -> None:
        """A file lies in the spool that was not there before, or was another."""
        with self._database.transaction() as database:
            database.execute(
                "INSERT INTO study VALUES (?, ?, ?, ?, 1, '', 0, '', 0) ON CONFLICT (uid) DO "
                "UPDATE SET state = excluded.state, since = excluded.since, "
                "arrived = excluded.arrived, revision = revision + 1, reason = '', next_try = 0",
                (study, State.RECEIVED, now, now),
            )
            database.execute(
                "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?)",
                (study, series, instance, digest, size),
            )

    def note_repeat(self, study: str, now: float) -> None:
        """A file came again as it was: more may come; what failed is tried once more."""
        with self._database.transaction() as database:
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

        Args:
            study: As it was, with the points that it was graded with.
            state: Where it goes on to.
            reason: Why.
            result: What is to be sent.
            now: In seconds since 1970; by default, the time.

        Returns:
            Whether it was done; not where files have come meanwhile, or another was quicker.
        """
        assert state in NEXT[study.state], f"no way leads from {study.state} to {state}"
        now = time.time() if now is None else now
        with self._database.transaction() as database:
            if not self._set_state(database, study, state, reason, now):
                return False
            # Of files as they are, another result was refused: what is left of that lies no more.
            database.execute(
                "DELETE FROM result WHERE study = ? AND revision = ? AND sent IS NULL",
                (study.uid, study.revision),
            )
            database.executemany(
                "INSERT INTO result VALUES (?, ?, ?, ?, ?, ?, NULL) ON CONFLICT (instance) DO "
                "UPDATE SET revision = excluded.revision, file = excluded.file",
                [
                    (
                        made.instance,
                        study.uid,
                        study.revision,
                        made.class_uid,
                        made.series,
                        made.file,
                    )
                    for made in result
                ],
            )
            if state is State.SENDING and not self.unsent(study):
                self._set_state(database, replace(study, state=state), State.SENT, "", now)
        return True

    def _set_state(
        self,
        database: sqlite3.Connection,
        study: StudyRecord,
        state: State,
        reason: str,
        now: float,
    ) -> bool:
        changed = database.execute(
            "UPDATE study SET state = ?, since = ?, reason = ?, next_try = 0, points = ? "
            "WHERE uid = ? AND state = ? AND revision = ?",
            (state, now, reason, study.points, study.uid, study.state, study.revision),
        )
        return changed.rowcount > 0

    def note_sent(self, instance: str, now: float | None = None) -> None:
        """The archive has taken an object."""
        with self._database.transaction() as database:
            database.execute(
                "UPDATE result SET sent = ? WHERE instance = ?",
                (time.time() if now is None else now, instance),
            )

    def forget_files(self, study: StudyRecord) -> int | None:
        """The files of a study that was sent are to be deleted.

        Returns:
            How many bytes they take; ``None`` where it is not as it was, so that they have to stay.
        """
        with self._database.transaction() as database:
            forgotten = database.execute(
                "UPDATE study SET gone = ?, reason = ? WHERE uid = ? AND state = ? "
                "AND revision = ?",
                (study.files, DELETED, study.uid, State.SENT, study.revision),
            )
            if not forgotten.rowcount:
                return None
            rows = database.execute(
                "DELETE FROM file WHERE study = ? RETURNING bytes", (study.uid,)
            ).fetchall()
        return sum(int(row["bytes"]) for row in rows)

    def postpone(self, studies: Sequence[StudyRecord], reason: str, next_try: float) -> None:
        """Sending did not work out, and is tried again later."""
        with self._database.transaction() as database:
            database.executemany(
                "UPDATE study SET reason = ?, next_try = ? WHERE uid = ? AND state = ? "
                "AND revision = ?",
                [(reason, next_try, study.uid, State.SENDING, study.revision) for study in studies],
            )
