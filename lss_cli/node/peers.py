"""Other DICOM nodes: those that may send, and the archive."""

import ipaddress
import re
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lss_cli.errors import UsageError

# PS3.5 table 6.2-1 (AE): 16 characters of ASCII, no backslash; here also no spaces inside.
AE_TITLE = re.compile(r"[!-\[\]-~]{1,16}")
# How long a peer may take over the TLS handshake; nobody else gets in meanwhile.
HANDSHAKE_S = 10


@dataclass(frozen=True)
class Peer:
    """A node that we know.

    Attributes:
        title: Its AE title.
        host: Name or address.
        port: Where it listens; 0 for one that only sends.
    """

    title: str
    host: str
    port: int = 0

    @classmethod
    def parse(cls, text: str, *, with_port: bool) -> "Peer":
        """Read ``AET@HOST:PORT`` or ``AET@HOST``; an IPv6 address stands in brackets.

        Raises:
            UsageError: It is written otherwise.

        Examples:
            >>> Peer.parse("PACS@10.0.0.5:104", with_port=True)
            Peer(title='PACS', host='10.0.0.5', port=104)
            >>> Peer.parse("MR1@[::1]", with_port=False).host
            '::1'
        """
        title, at, place = text.partition("@")
        host, colon, port = place, "", ""
        if with_port:
            host, colon, port = place.rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        usable = at and host and (not with_port or (colon and port.isdecimal()))
        number = int(port) if usable and with_port else 0
        if not usable or number > 65535 or (with_port and not number):
            form = "AET@HOST:PORT" if with_port else "AET@HOST"
            raise UsageError(f"{text!r} names no DICOM node.", todo=f"Write it as {form}.")
        return cls(check_title(title), host, number)

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.title}@{self.host}" + (f":{self.port}" if self.port else "")


def check_title(title: str) -> str:
    """An AE title as it is.

    Raises:
        UsageError: It can be none.
    """
    if not AE_TITLE.fullmatch(title):
        raise UsageError(
            f"{title!r} is no AE title.", todo="Use up to 16 letters, digits and signs, no spaces."
        )
    return title


class Senders:
    """Who may send: pairs of an AE title and the addresses of its host.

    Raises:
        UsageError: The name of a host is not known here.
    """

    def __init__(self, peers: Iterable[Peer]) -> None:
        self._addresses: dict[str, set[str]] = {}
        for peer in peers:
            self._addresses.setdefault(peer.title, set()).update(_addresses(peer.host))

    def knows_address(self, address: str) -> bool:
        """Whether anybody may send from this address."""
        return any(_plain(address) in addresses for addresses in self._addresses.values())

    def may_send(self, title: str, address: str) -> bool:
        """Whether this AE title may send from this address."""
        return _plain(address) in self._addresses.get(title.strip(), ())


def _addresses(host: str) -> set[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UsageError(
            f"there is no host {host!r}.", todo="Name it by its address, or check the name."
        ) from error
    return {_plain(str(entry[4][0])) for entry in found}


def _plain(address: str) -> str:
    """One spelling per address; one of IPv4 in IPv6's form is that of IPv4."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = getattr(parsed, "ipv4_mapped", None)
    return str(mapped or parsed)


@dataclass(frozen=True)
class Certificates:
    """What TLS needs on both sides; each side shows a certificate to the other.

    Attributes:
        certificate: Ours, a PEM file.
        key: Of it.
        authority: Who signed those of our peers.
    """

    certificate: Path
    key: Path
    authority: Path

    def server_context(self) -> ssl.SSLContext:
        """For those that connect to us.

        Raises:
            UsageError: A file cannot be used.
        """
        context = self._load(_TimelyContext(ssl.PROTOCOL_TLS_SERVER))
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def client_context(self) -> ssl.SSLContext:
        """For the archive, whose certificate has to be of its host's name.

        Raises:
            UsageError: A file cannot be used.
        """
        return self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    def _load(self, context: ssl.SSLContext) -> ssl.SSLContext:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.key, password=_refuse_password)
            context.load_verify_locations(self.authority)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"the certificates cannot be used ({getattr(error, 'strerror', None) or error}).",
                where=f"{self.certificate}, {self.key}, {self.authority}",
                todo="Name PEM files, the key without a password.",
            ) from error
        return context


def _refuse_password() -> str:
    raise ValueError("the key has a password")


class _TimelyContext(ssl.SSLContext):
    """A server's context under which a silent peer does not keep others waiting."""

    def wrap_socket(self, sock: socket.socket, *args: Any, **options: Any) -> ssl.SSLSocket:
        sock.settimeout(HANDSHAKE_S)
        wrapped = super().wrap_socket(sock, *args, **options)
        wrapped.settimeout(None)
        return wrapped
