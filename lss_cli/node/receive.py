"""Receiving: C-ECHO and C-STORE of MR images, from those who may send."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from socketserver import TCPServer
from typing import Any, cast
from weakref import WeakKeyDictionary

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import Tag
from pydicom.uid import (
    JPEG2000,
    UID,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    LegacyConvertedEnhancedMRImageStorage,
    MRImageStorage,
    RLELossless,
)
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import encode_file_meta
from pynetdicom.events import Event
from pynetdicom.pdu import P_DATA_TF
from pynetdicom.transport import ThreadedAssociationServer

from lss_cli.errors import OutputError
from lss_cli.node.peers import Certificates, Senders
from lss_cli.node.spool import BadUidError, FileKey, NoRoomError, Spool, digest_of
from lss_cli.study.headers import silence_pydicom
from lss_cli.text import printable

# SOP class of C-ECHO, PS3.4 annex A.
VERIFICATION = "1.2.840.10008.1.1"
IMAGES = (MRImageStorage, EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage)
# What `lss_cli.study` reads.
TRANSFER_SYNTAXES = [
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    JPEGLosslessSV1,
    JPEGLossless,
    JPEGLSLossless,
    JPEGLSNearLossless,
    JPEG2000Lossless,
    JPEG2000,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
]

# PS3.4 table B.2-1, PS3.7 annex C.
STORED = 0x0000
NO_ROOM = 0xA700
NOT_ITS_CLASS = 0xA900
NOT_UNDERSTOOD = 0xC000
CLASS_NOT_SUPPORTED = 0x0122
# PS3.8 table 9-21: rejected for good, by the user of the service, calling AE title not recognised.
UNKNOWN_CALLER = (0x01, 0x01, 0x03)

# Associations at a time; each holds one object in memory.
MOST_ASSOCIATIONS = 10
# How long a peer may be silent within an association.
SILENCE_S = 60

# An object that is larger than allowed is refused once it has come; one that is so many times as
# large, before that.
PATIENCE = 2

KEYWORDS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
LAST_TAG = 0x0020000E

PREAMBLE = b"\x00" * 128 + b"DICM"


class _Server(ThreadedAssociationServer):
    """One that does not listen to strangers, whatever they say."""

    def __init__(
        self, *args: Any, senders: Senders, say: Callable[[str], None], **options: Any
    ) -> None:
        self._senders, self._say = senders, say
        super().__init__(*args, **options)

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002
        known = self._senders.knows_address(client_address[0])
        if not known:
            self._say(f"Refused: a call from {client_address[0]}, an address not named by --from.")
        return known

    def shutdown(self) -> None:
        # pynetdicom's wants the server in a list, where only it puts those that it has made itself.
        TCPServer.shutdown(self)


class Receiver:
    """The node's ear.

    Args:
        title: Our AE title; who calls another is rejected.
        senders: Who may send.
        spool: Where files are put.
        largest_bytes: Of one object.
        say: Hears of what was refused; without what files say of patients.
    """

    def __init__(
        self,
        title: str,
        senders: Senders,
        spool: Spool,
        largest_bytes: int,
        say: Callable[[str], None],
    ) -> None:
        self._senders = senders
        self._spool = spool
        self._largest_bytes = largest_bytes
        self._say = say
        # Bytes of the object that an association is just sending.
        self._arriving: WeakKeyDictionary[Association, int] = WeakKeyDictionary()
        self._entity = AE(ae_title=title)
        self._entity.require_called_aet = True
        self._entity.maximum_associations = MOST_ASSOCIATIONS
        self._entity.network_timeout = SILENCE_S
        self._entity.add_supported_context(VERIFICATION)
        for image in IMAGES:
            self._entity.add_supported_context(image, TRANSFER_SYNTAXES)

    @contextmanager
    def listen(self, host: str, port: int, certificates: Certificates | None) -> Iterator[int]:
        """Receive in threads of its own while the block runs; gives the port.

        Raises:
            OutputError: The address cannot be listened on.
            UsageError: The certificates cannot be used.
        """
        try:
            server = self._entity.make_server(
                (host, port),
                ssl_context=certificates.server_context() if certificates else None,
                evt_handlers=[
                    (evt.EVT_REQUESTED, self._check_caller),
                    (evt.EVT_PDU_RECV, self._count),
                    (evt.EVT_C_STORE, self._store),
                ],
                server_class=_Server,
                senders=self._senders,
                say=self._say,
            )
        except OSError as error:
            raise OutputError(
                f"the node cannot listen there ({error.strerror}).",
                where=f"{host}:{port}",
                todo="Name another --port or --host.",
            ) from error
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            self._entity.shutdown()
            server.shutdown()
            thread.join()
            server.server_close()

    def _check_caller(self, event: Event) -> None:
        """Reject who is not named, or calls from another's address."""
        requestor = event.assoc.requestor
        title = requestor.primitive.calling_ae_title if requestor.primitive else ""
        if not self._senders.may_send(title, requestor.address):
            self._say(f"Refused: {printable(title, 16)} at {requestor.address} is not in --from.")
            event.assoc.acse.send_reject(*UNKNOWN_CALLER)
            # Waits until that is said, before the connection is closed.
            event.assoc.kill()

    def _count(self, event: Event) -> None:
        """End an association that sends much more than one object may have."""
        if not isinstance(event.pdu, P_DATA_TF):
            return
        for item in event.pdu.presentation_data_value_items:
            data = item.data or b"\0"
            # PS3.8 annex E.2: the last bit says that this is a command.
            is_command = data[0] & 1
            before = 0 if is_command else self._arriving.get(event.assoc, 0)
            self._arriving[event.assoc] = before + (0 if is_command else len(data))
        if self._arriving.get(event.assoc, 0) > PATIENCE * self._largest_bytes:
            self._say(f"Refused: an object of more than {PATIENCE * self._largest_bytes} bytes.")
            # An abort would wait until all has come.
            if event.assoc.dul.socket:
                event.assoc.dul.socket.close()

    def _store(self, event: Event) -> Dataset:
        """Store an object, or say why not; what is not stored leaves nothing behind."""
        try:
            status, comment = self._keep(cast(C_STORE, event.request), event)
        except NoRoomError as error:
            status, comment = NO_ROOM, error.what
        except sqlite3.Error:
            status, comment = NO_ROOM, "the register cannot be written."
        except BadUidError as error:
            status, comment = NOT_UNDERSTOOD, error.what
        if comment:
            self._say(f"Refused, status {status:04X}: {comment}")
        answer = Dataset()
        answer.Status = status
        if comment:
            answer.ErrorComment = comment[:64]
        return answer

    def _keep(self, request: C_STORE, event: Event) -> tuple[int, str]:
        """The status, and what is wrong."""
        assert request.DataSet
        content = request.DataSet.getbuffer()
        if content.nbytes > self._largest_bytes:
            return NO_ROOM, f"the object has more than {self._largest_bytes} bytes."
        syntax = event.context.transfer_syntax
        header = _read_header(request.DataSet, syntax)
        if header is None:
            return NOT_UNDERSTOOD, "the data set cannot be read."
        if header["SOPClassUID"] not in IMAGES:
            return CLASS_NOT_SUPPORTED, "the object is no MR image."
        affected = request.AffectedSOPClassUID, request.AffectedSOPInstanceUID
        if affected != (header["SOPClassUID"], header["SOPInstanceUID"]):
            return NOT_ITS_CLASS, "the data set is another than the command names."
        key = FileKey(
            header["StudyInstanceUID"], header["SeriesInstanceUID"], header["SOPInstanceUID"]
        )
        meta = PREAMBLE + encode_file_meta(event.file_meta)
        self._spool.store(key, [meta, content], digest=digest_of(content, str(syntax)))
        return STORED, ""


def _read_header(stream: BytesIO, syntax: UID) -> Mapping[str, str] | None:
    """The identifiers of a data set; ``None`` where it is damaged."""
    stream.seek(0)
    with silence_pydicom():
        try:
            header = read_dataset(
                stream,
                syntax.is_implicit_VR,
                syntax.is_little_endian,
                stop_when=lambda tag, _vr, _length: tag > LAST_TAG,
                specific_tags=[Tag(keyword) for keyword in KEYWORDS],
            )
            return {keyword: str(header.get(keyword) or "") for keyword in KEYWORDS}
        except Exception:
            # pydicom raises whatever it stumbles over.
            return None
