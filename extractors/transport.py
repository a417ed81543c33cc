"""aiohttp with a guard at each of its doors: which address a name gives, which socket is made, which peer a request goes to.

The only file that subclasses aiohttp's own classes. What each door is for:

* ``_Resolver``        a name's addresses, looked up once; those never connected to are left out, and if none is left: refused.
* ``make_socket``      is handed the very address that is connected to next (aiohttp's connector does not ask the resolver for
                       hosts written as addresses), for each attempt of happy eyeballs, each retry, each hop.
* ``_Request.send``    looks at the peer of the connection a request is about to be written to, new or kept alive.
* ``_Handler``         counts what comes in: interim answers and framing, which aiohttp does not limit.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import re
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import AddrInfoType, Connection

from extractors.guard import Networks, in_networks, vet_address

MAX_HEADERS = 100
MAX_LINE = 32_768  # a policy (Content-Security-Policy) of 12 kB is met in honest answers
MAX_HEAD = 65_536
"""Bytes of all headers of an answer together; the largest honest ones (cookies, policies) stay below 16 kB."""
MAX_INTERIM = 8
"""Answers with a status of 1xx before the real one; honest servers send one or two (100, 103)."""
_BODILESS = re.compile(rb"HTTP/1\.\d +(?:204|304)[ \r\n]")
"""Answers that have no body (RFC 9110, 15.3.5 and 15.4.5), whatever their headers say and whatever some servers send after them."""
_FRAMING_FROM = 262_144
_FRAMING_RATIO = 4
_DNS_TTL = 300  # seconds a look-up is kept: longer than a source's turn in a run, shorter than between runs
_KEEPALIVE = 15.0

led_from_outside: ContextVar[bool] = ContextVar("led_from_outside", default=False)
"""A public site led to the address now asked (a redirect, a link): then even one's own machines are not connected to."""

Lookup = Callable[[str, int], Awaitable[list[str]]]
"""A name and a port to IP addresses; raises OSError. The default asks the system; tests hand in their own."""


class RefusedError(Exception):
    """An address that is never connected to; carries the reason through aiohttp (not an OSError: those are tried again)."""


class MalformedError(aiohttp.ClientError):
    """An answer that breaks a bound of this file."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of the connection an answer came from."""

    address: str
    certificate: str


async def system_lookup(host: str, port: int) -> list[str]:
    """The system's resolver in a thread of its own, which the deadline can leave behind.

    Not ``loop.getaddrinfo``: its pool of at most 32 threads (6 on two cores) fills up with names whose servers do not answer,
    and then every other look-up waits; and the interpreter waits for those threads when it ends.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str]] = loop.create_future()

    def settle(found: list[str] | None, error: OSError | None) -> None:
        if not answer.done():
            answer.set_exception(error) if error else answer.set_result(found or [])

    def look_up() -> None:
        found, error = None, None
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
            found = list(dict.fromkeys(str(info[4][0]) for info in infos))
        except OSError as problem:
            error = problem
        except (UnicodeError, ValueError) as problem:
            error = socket.gaierror(socket.EAI_NONAME, f"not a name that can be looked up: {problem}")
        if not loop.is_closed():
            try:
                loop.call_soon_threadsafe(settle, found, error)
            except RuntimeError:
                return  # the loop closed between the two lines: nobody waits any more

    threading.Thread(target=look_up, name=f"dns {host}", daemon=True).start()
    return await answer


class Guard:
    """What may be connected to in this run, and which names were found to be one's own machines."""

    def __init__(self, networks: Networks, ports: frozenset[int]) -> None:
        self.networks, self.ports = networks, ports
        self.own_names: set[str] = set()

    def refusal(self, address: str, port: int) -> str | None:
        """Why this address and port are never connected to; a port not listed may be used inside an allowed network only."""
        if reason := vet_address(address, self.networks):
            return reason
        if port not in self.ports and not in_networks(address, self.networks):
            return f"not to be connected to at port {port}"
        return None

    def crossing(self, address: str) -> str | None:
        """Why an address of one's own network is refused to a request that a public site led to."""
        if led_from_outside.get() and in_networks(address, self.networks):
            return "inside your own network, and a public site led there"
        return None


class _Resolver(AbstractResolver):
    """Looks names up and lets through only addresses that may be connected to; raises RefusedError where none may."""

    def __init__(self, guard: Guard, lookup: Lookup) -> None:
        self._guard, self._lookup = guard, lookup

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:  # noqa: ARG002
        addresses = await self._lookup(host, port)
        reasons = {address: reason for address in addresses if (reason := self._guard.refusal(address, port))}
        good = [address for address in addresses if address not in reasons]
        if reasons and not good:
            told = ", ".join(f"{address} is {reason}" for address, reason in list(reasons.items())[:3])
            raise RefusedError(f"The name {host} leads to an address that is never connected to: {told}")
        if not good:
            raise socket.gaierror(socket.EAI_NONAME, "the name has no address")
        if all(in_networks(address, self._guard.networks) for address in good):
            self._guard.own_names.add(host)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in good
        ]

    async def close(self) -> None:
        """Nothing is held."""


class _Handler(ResponseHandler):
    """aiohttp's protocol with two bounds it lacks, for interim answers and for what the framing may cost beside the body; and
    with patience for a body where there is none.
    """

    peer: Peer | None = None
    _wire = 0
    _interim = 0
    _beginning = b""
    """What came of an answer without body, up to the end of its headers."""
    _over = False

    def begin(self) -> None:
        self._wire = self._interim = 0
        self._beginning = b""

    @property
    def stale(self) -> bool:
        """Bytes came in that nobody asked for: an answer to no request, which the next request would take for its own."""
        return bool(self._buffer) or self._exception is not None

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        if (self._beginning or self._wire == 0) and _BODILESS.match(self._beginning or data):
            self._beginning += data
            end = self._beginning.find(b"\r\n\r\n") + 4
            if 4 <= end < len(self._beginning):
                # The rest would be taken for another answer. The connection may serve this request and no other.
                data = data[: len(data) - (len(self._beginning) - end)]
                self._over = True
                self.force_close()
        self._wire += len(data)
        super().data_received(data)
        # One-byte chunks, endless chunk extensions or trailers: bytes on the wire that are no body.
        if self._wire > _FRAMING_FROM and (payload := self._payload) is not None and not payload.is_eof():  # noqa: SIM102
            if payload.total_bytes * _FRAMING_RATIO < self._wire:
                self._give_up("The answer is mostly framing (tiny chunks, extensions or trailers) and hardly any body")

    def feed_data(self, data: Any, size: int = 0) -> None:
        if data[0].code < 200:
            self._interim += 1
            if self._interim == MAX_INTERIM + 1:
                self._give_up("The server sends interim answers (1xx) without end")
        # What was given up stays so: the rest of the same packet is fed too, and could hold an answer.
        if self._interim <= MAX_INTERIM:
            super().feed_data(data, size)

    def _give_up(self, reason: str) -> None:
        error = MalformedError(reason)
        payload = self._payload
        self.set_exception(error)
        if payload is not None and not payload.is_eof():
            payload.set_exception(error)
        if self.transport is not None:
            self.transport.abort()


class Response(aiohttp.ClientResponse):
    """An answer that knows who sent it and what was asked."""

    peer: Peer
    sent: tuple[tuple[str, str], ...]


class _Request(aiohttp.ClientRequest):
    """A request that looks at its connection's peer before a byte is written, whether the connection is new or kept alive."""

    guard: Guard

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        protocol, transport = conn.protocol, conn.transport
        if not isinstance(protocol, _Handler) or transport is None:
            raise aiohttp.ServerDisconnectedError("The connection closed before the request was sent")
        if protocol.stale:
            raise aiohttp.ServerDisconnectedError("The kept connection holds bytes that nobody asked for")
        if protocol.peer is None:
            peername = transport.get_extra_info("peername")
            if not peername:
                raise aiohttp.ServerDisconnectedError("The connection closed before the request was sent")
            if reason := self.guard.refusal(peername[0], peername[1]):
                raise RefusedError(f"The connection leads to {peername[0]}, which is {reason}")
            protocol.peer = Peer(peername[0], _fingerprint(transport))
        if reason := self.guard.crossing(protocol.peer.address):
            raise RefusedError(f"The connection leads to {protocol.peer.address}, which is {reason}")
        protocol.begin()
        response = await super().send(conn)
        assert isinstance(response, Response)
        response.peer = protocol.peer
        response.sent = tuple(self.headers.items())
        return response


def _fingerprint(transport: asyncio.BaseTransport) -> str:
    tls = transport.get_extra_info("ssl_object")
    certificate = tls.getpeercert(binary_form=True) if tls is not None else None
    return hashlib.sha256(certificate).hexdigest() if certificate else ""


def open_session(
    guard: Guard, *, lookup: Lookup = system_lookup, tls: ssl.SSLContext | None = None, connect: float | None = None
) -> aiohttp.ClientSession:
    """A session all of whose doors are guarded; needs a running loop, and to be closed.

    ``connect``: seconds for look-up, connection and TLS together; the limit for the whole request is the caller's.
    """

    def make_socket(info: AddrInfoType) -> socket.socket:
        family, kind, proto, _, address = info
        if reason := guard.refusal(str(address[0]), int(address[1])) or guard.crossing(str(address[0])):
            raise RefusedError(f"The address is never connected to: {address[0]} is {reason}")
        return socket.socket(family, kind, proto)

    connector = aiohttp.TCPConnector(
        limit=0,  # extractors.politeness counts connections, so that waiting for one costs no deadline
        resolver=_Resolver(guard, lookup),
        ttl_dns_cache=_DNS_TTL,
        socket_factory=make_socket,
        keepalive_timeout=_KEEPALIVE,
        ssl=tls if tls is not None else True,
    )
    # The one private name used: aiohttp offers no public way to choose the protocol class. A test sees it taking effect.
    connector._factory = functools.partial(_Handler, loop=asyncio.get_running_loop())  # type: ignore[assignment]  # noqa: SLF001
    return aiohttp.ClientSession(
        connector=connector,
        request_class=type("GuardedRequest", (_Request,), {"guard": guard}),
        response_class=Response,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=connect, sock_connect=None, sock_read=None),
        auto_decompress=False,
        trust_env=False,
        max_line_size=MAX_LINE,
        max_field_size=MAX_LINE,
        max_headers=MAX_HEADERS,
    )
