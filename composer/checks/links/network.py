"""One HTTP request to a public address, and to no other: the name is looked up first, and what was looked at is connected to.

So neither a redirect nor a name server that changes its mind can make this machine ask its own network. Uses no proxy.
"""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from urllib.parse import quote, urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

SECONDS = 10.0
LARGEST_PAGE = 2_000_000
_MOST_ADDRESSES = 3
_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits
_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
_HEADERS = {
    "User-Agent": "Mozilla/5.0 (compatible; newsletter-composer link check)",
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Accept-Encoding": "identity",
    "Accept-Language": "en,*;q=0.5",
    "Connection": "close",
}
_CHARSET = re.compile(r"charset\s{0,3}=\s{0,3}[\"']?([\w.:-]{1,40})", re.IGNORECASE)


class Trouble(StrEnum):
    """Why there is no answer."""

    NO_HOST = "there is no such host"
    UNRESOLVED = "its name could not be looked up"
    PRIVATE = "it is an address of a private network"
    UNREACHABLE = "the server cannot be reached"
    TIMEOUT = "the server did not answer in time"
    CERTIFICATE = "its certificate is not valid"
    INSECURE = "no secure connection can be made"
    BROKEN = "the server hangs up, or answers with no HTTP"
    CIRCLE = "it redirects in a circle"
    TOO_FAR = "it redirects too often"
    NOWHERE = "it redirects to no address"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: ``location`` as sent, ``page`` the HTML as far as it was asked for, ``whole`` whether that is all of it."""

    status: int
    location: str = ""
    page: str = ""
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer, and why; ``detail`` is what the system said."""

    trouble: Trouble
    detail: str = ""


def is_public(address: Address) -> bool:
    """Say whether an address is one of the public internet, also one that carries another inside."""
    if isinstance(address, ipaddress.IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inside = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inside is not None:
            return is_public(inside)
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def look_up(host: str, port: int) -> Sequence[str]:
    """Ask the system for the addresses of a host. Raises OSError."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


@dataclass(frozen=True, slots=True)
class Network:
    """How links are asked: which addresses may be, who knows them by name, for how many seconds, with which certificates."""

    permitted: Callable[[Address], bool] = is_public
    look_up: Callable[[str, int], Sequence[str]] = look_up
    seconds: float = SECONDS
    certificates: ssl.SSLContext | None = None


def ask(network: Network, method: str, url: str, *, page: bool = False) -> Reply | Failure:
    """Ask an http or https address; with ``page`` also for its HTML, of which at most 2 MB are read. Follows no redirect."""
    deadline = time.monotonic() + network.seconds
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):  # no name of a host, no number of a port
        return Failure(Trouble.NO_HOST)
    addresses = _addresses(network, host, port)
    if isinstance(addresses, Failure):
        return addresses
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (f"?{quote(parts.query, safe=_IN_QUERY)}" if parts.query else "")
    failure = Failure(Trouble.UNREACHABLE)
    for address in addresses[:_MOST_ADDRESSES]:
        left = deadline - time.monotonic()
        if left <= 0:
            return Failure(Trouble.TIMEOUT)
        try:
            link = socket.create_connection((address, port), left)
        except TimeoutError:
            failure = Failure(Trouble.TIMEOUT)
        except OSError as err:
            failure = Failure(Trouble.UNREACHABLE, err.strerror or "")
        else:
            connection = _Pinned(host, port, link, (network.certificates or _certificates()) if parts.scheme == "https" else None)
            return _Exchange(connection, link, deadline).run(method, target, page=page)
    return failure


_IN_QUERY = "/%:@!$&'()*+,;=~-._?[]{}|"


@cache
def _certificates() -> ssl.SSLContext:
    return ssl.create_default_context()


def _addresses(network: Network, host: str, port: int) -> Sequence[str] | Failure:
    """Look up a host; only what is permitted of its addresses. The one that was looked at is the one to connect to."""
    if not host:
        return Failure(Trouble.NO_HOST)
    try:
        found = network.look_up(host, port)
    except socket.gaierror as err:
        return Failure(Trouble.NO_HOST) if err.errno in _NO_SUCH_NAME else Failure(Trouble.UNRESOLVED, err.strerror or "")
    except (OSError, UnicodeError) as err:
        return Failure(Trouble.UNRESOLVED, str(err))
    permitted = [address for address in found if network.permitted(ipaddress.ip_address(address))]
    return permitted or Failure(Trouble.PRIVATE)


class _Pinned(http.client.HTTPConnection):
    """Speaks HTTP over a connection that is there already; with ``certificates`` over TLS, for its host's name."""

    def __init__(self, host: str, port: int, link: socket.socket, certificates: ssl.SSLContext | None) -> None:
        super().__init__(host, port)
        self.default_port = _PORTS["https" if certificates else "http"]
        self._link, self._certificates = link, certificates

    def connect(self) -> None:
        """Take the connection, and shake hands if it is to be secure."""
        self.sock = self._certificates.wrap_socket(self._link, server_hostname=self.host) if self._certificates else self._link


class _Exchange:
    """One request and its answer, cut off at its deadline however slowly the bytes come."""

    def __init__(self, connection: _Pinned, link: socket.socket, deadline: float) -> None:
        self._connection, self._link, self._deadline = connection, link, deadline
        self._handle = link.dup()  # TLS takes the other one away; this one still ends the connection of both
        self._late = threading.Event()

    def run(self, method: str, target: str, *, page: bool) -> Reply | Failure:
        clock = threading.Timer(max(0.0, self._deadline - time.monotonic()), self._cut)
        clock.daemon = True
        clock.start()
        try:
            self._connection.request(method, target, headers=_HEADERS)
            return self._reply(self._connection.getresponse(), page=page)
        except ssl.SSLCertVerificationError as err:
            return Failure(Trouble.CERTIFICATE, err.verify_message)
        except TimeoutError:
            return Failure(Trouble.TIMEOUT)
        except (OSError, http.client.HTTPException, ValueError) as err:
            trouble = Trouble.INSECURE if isinstance(err, ssl.SSLError) else Trouble.BROKEN
            return Failure(Trouble.TIMEOUT if self._late.is_set() else trouble)
        finally:
            clock.cancel()
            self._connection.close()
            self._link.close()
            self._handle.close()

    def _reply(self, response: http.client.HTTPResponse, *, page: bool) -> Reply | Failure:
        kind = response.headers.get("Content-Type", "")
        reply = Reply(response.status, response.headers.get("Location", ""))
        plain = response.headers.get("Content-Encoding", "identity").lower() == "identity"
        if page and plain and "html" in kind.lower():
            data = response.read(LARGEST_PAGE + 1)
            if self._late.is_set():
                return Failure(Trouble.TIMEOUT)
            charset = _CHARSET.search(kind)
            reply = Reply(reply.status, reply.location, _decoded(data, charset[1] if charset else "utf-8"), len(data) <= LARGEST_PAGE)
        response.close()
        return reply

    def _cut(self) -> None:
        self._late.set()
        with suppress(OSError):
            self._handle.shutdown(socket.SHUT_RDWR)


def _decoded(data: bytes, charset: str) -> str:
    try:
        return data.decode(charset, "replace")
    except LookupError:
        return data.decode("utf-8", "replace")
