"""Sending results to the archive, until it has them."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pydicom
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, build_context
from pynetdicom.association import Association

from lss_cli.node.peers import Certificates, Peer
from lss_cli.node.register import ResultObject, State, StudyRecord
from lss_cli.node.spool import Spool

# How long the archive may take for a step, in seconds.
CONNECT_S = 10
ANSWER_S = 60

# After the first failure, then twice as long each time.
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 600.0

# PS3.4 table B.2-1: stored; stored, though with a change; PS3.7 annex C: is there already.
TAKEN = {0x0000, 0xB000, 0xB006, 0xB007, 0x0111}
# Refused since out of resources, of which there may be more later.
OUT_OF_RESOURCES = range(0xA700, 0xA800)


LOGGER = logging.getLogger(__name__)


class LaterError(Exception):
    """It did not work, and may work later; the text says why."""


class RefusedError(Exception):
    """It will not work; the text says why."""


class Sender:
    """The node's mouth.

    Args:
        title: Our AE title.
        archive: Who gets all results.
        certificates: For TLS.
        spool: Where results lie.
        say: Hears what became of each study.
    """

    def __init__(
        self,
        title: str,
        archive: Peer,
        certificates: Certificates | None,
        spool: Spool,
        say: Callable[[str], None],
    ) -> None:
        self._archive = archive
        self._tls = (certificates.client_context(), archive.host) if certificates else None
        self._spool = spool
        self._say = say
        # Attempts in a row to reach the archive that failed.
        self._failures = 0
        self._not_before = 0.0
        self._entity = AE(ae_title=title)
        self._entity.connection_timeout = CONNECT_S
        self._entity.acse_timeout = CONNECT_S
        self._entity.dimse_timeout = ANSWER_S
        self._entity.network_timeout = ANSWER_S

    def send_next(self) -> bool:
        """Send the result of the study that is due; whether there was one."""
        register = self._spool.register
        due = register.studies(State.SENDING) if time.time() >= self._not_before else []
        if not due:
            return False
        # One that did not work out does not keep the others waiting.
        study = min(due, key=lambda study: study.next_try)
        try:
            self._send(study)
        except LaterError as error:
            self._put_off(study, str(error))
        except ValueError as error:
            # Of pynetdicom, where an association ends at a moment that it did not think of.
            LOGGER.debug("sending", exc_info=True)
            self._put_off(study, f"sending was cut off ({type(error).__name__}).")
        except RefusedError as error:
            self._failures = 0
            if register.move(study, State.FAILED, str(error)):
                self._say(f"{study.uid}: {State.FAILED}, {error}")
        else:
            self._failures = 0
            if register.move(study, State.SENT):
                self._say(f"{study.uid}: {State.SENT}")
        return True

    def _put_off(self, study: StudyRecord, reason: str) -> None:
        """Leave the archive in peace for a while, with all that it is to get."""
        pause = min(FIRST_PAUSE_S * 2**self._failures, LONGEST_PAUSE_S)
        self._failures += 1
        self._not_before = time.time() + pause
        register = self._spool.register
        register.postpone(register.studies(State.SENDING), reason, self._not_before)
        register.postpone([study], reason, self._not_before + 1)
        self._say(f"Not sent: {reason} Trying again in {pause:g} s.")

    def _send(self, study: StudyRecord) -> None:
        objects = self._spool.register.unsent(study)
        if not objects:
            # The last time, it ended between the last object and the note that it was the last.
            return
        with self._associate(objects) as assoc:
            for made in objects:
                current = self._spool.register.find(study.uid)
                if current is None or current.revision != study.revision:
                    # Late files have come: there will be another result.
                    return
                self._store(assoc, made)
                self._spool.register.note_sent(made.instance)

    @contextmanager
    def _associate(self, objects: Sequence[ResultObject]) -> Iterator[Association]:
        """An association that takes these objects.

        Raises:
            LaterError: The archive cannot be reached, or does not want us.
            RefusedError: It does not take what we have.
        """
        classes = dict.fromkeys(made.class_uid for made in objects)
        assoc = self._entity.associate(
            self._archive.host,
            self._archive.port,
            contexts=[
                build_context(name, [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
                for name in classes
            ],
            ae_title=self._archive.title,
            tls_args=self._tls,
        )
        where = self._archive.name
        if assoc.is_rejected:
            answer = assoc.acceptor.primitive
            why = answer.reason_str if answer else "no reason"
            raise LaterError(f"{where} rejects us ({why}).")
        if not assoc.is_established:
            raise LaterError(f"{where} cannot be reached.")
        try:
            accepted = {str(context.abstract_syntax) for context in assoc.accepted_contexts}
            refused = [UID(name).name for name in classes if name not in accepted]
            if refused:
                raise RefusedError(f"{where} does not take {', '.join(refused)}.")
            yield assoc
        finally:
            if assoc.is_established:
                assoc.release()

    def _store(self, assoc: Association, made: ResultObject) -> None:
        dataset = pydicom.dcmread(self._spool.folder / made.file)
        try:
            answer = assoc.send_c_store(dataset)
        except (RuntimeError, ValueError) as error:
            raise LaterError(f"the association with {self._archive.name} was lost.") from error
        status = answer.get("Status")
        if status is None:
            raise LaterError(f"{self._archive.name} did not answer, or broke off.")
        if status in OUT_OF_RESOURCES:
            raise LaterError(f"{self._archive.name} has no room (status {status:04X}).")
        if status not in TAKEN:
            raise RefusedError(f"{self._archive.name} refused it (status {status:04X}).")
