"""The hostile world: cases as values, and one raw TCP server on loopback that plays them; says nothing of who is tested.

A case is a name, a group, what the server does and what a right client makes of it. Its answer is raw bytes or a function
that owns the connection, so that any bytes can be sent. A new group is a file with a tuple ``CASES`` listed in ``ALL``'s
loader, ``load_cases``.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from importlib import import_module
from types import TracebackType
from typing import Self

WHOLE = ("xml", "charsets", "entries", "pages", "mail")
"""The groups whose cases are met by a whole run: those of ``pages`` by way of a feed (``World.feed``) that leads to each."""
GROUPS = ("transport", "redirects", "addresses", "xml", "charsets", "entries", "pages", "mail")
FILES = {"xml": "markup"}
"""Groups whose file has another name: a file xml.py beside a test stands before Python's own package of that name."""

HEALTHY_FEED = (
    '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>Healthy</title><link>{base}/</link>'
    "<description>A feed as it should be</description>"
    "<item><title>Miners stop work</title><link>{base}/healthy/{name}/1.html</link><guid>{name}-1</guid>"
    "<pubDate>Sun, 22 Nov 2026 05:00:00 GMT</pubDate>"
    "<description>Two hundred miners stopped work this morning.</description></item>"
    "</channel></rss>"
)
LEADING_FEED = (
    '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>Leading</title>'
    "<item><title>Miners stop work</title><link>{page}</link><pubDate>Sun, 22 Nov 2026 05:00:00 GMT</pubDate></item></channel></rss>"
)
HEALTHY_PAGE = (
    "<!doctype html><html lang=en><head><title>Miners stop work</title></head><body><article><h1>Miners stop work</h1>"
    "<p>Two hundred miners stopped work this morning and asked for the wages of three months.</p>"
    "<p>The company said that it would pay by the end of the week, and the miners said that they would wait outside.</p>"
    "</article></body></html>"
)


@dataclass(slots=True)
class Exchange:
    """One request as it came in and the connection to answer on."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    path: str
    headers: dict[str, str]
    world: World

    async def send(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)
        await self.writer.drain()

    async def send_forever(self, part: bytes, *, every: float = 0.0, limit: int = 2_000_000_000) -> None:
        """Send until the client goes away (or, should it never, until two gigabytes)."""
        sent = 0
        while sent < limit and not self.writer.is_closing():
            await self.send(part)
            sent += len(part)
            await asyncio.sleep(every)

    async def hang(self) -> None:
        """Hold the connection open and send nothing until the client goes away."""
        while await self.reader.read(65_536):
            pass

    def reset(self) -> None:
        """Close with a reset (RST) in place of an orderly end."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Answer = bytes | Callable[[Exchange], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Case:
    """One hostile behaviour.

    ``right``: the outcomes a right client may come to, in the words of the test that drives the group: for a fetch "body" or
    the kind of the FetchError; for the groups met in a whole run (``WHOLE``) "refused" (the source could not be read), "empty"
    (it has no entries), else how its entries may end; whatever they are there must be an ending for each. ``url``: where the case
    is not at its own path: a template over ``World.places``. ``names``: what names resolve to, answer by answer (the last one
    repeats); such a case needs a client whose look-up can be replaced.
    """

    name: str
    group: str
    does: str
    right: frozenset[str]
    answer: Answer = b""
    url: str = ""
    names: dict[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    defaults: bool = False
    """To be met with the default settings, under which nothing on this machine may be connected to."""
    holds: tuple[str, ...] = ()
    """What must stand in the title or text of what is stored of it: nothing may be lost in silence."""
    lacks: tuple[str, ...] = ()
    """What may not stand there."""
    items: int | None = None
    """How many articles come of it, where that is certain."""


def case(group: str, name: str, does: str, right: str, answer: Answer = b"", **more: object) -> Case:
    """A case in one line; ``right`` as "timeout|unreachable"."""
    return Case(name, group, does, frozenset(right.split("|")), answer, **more)  # type: ignore[arg-type]


def ok(body: bytes, *headers: str, kind: str = "text/xml; charset=utf-8", length: bool = True) -> bytes:
    """A whole answer with status 200."""
    lines = ["HTTP/1.1 200 OK", f"Content-Type: {kind}", *headers, *([f"Content-Length: {len(body)}"] if length else [])]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def load_cases(groups: Iterable[str] = GROUPS) -> tuple[Case, ...]:
    """All cases of the groups that exist, in order; names are unique within a group."""
    found: list[Case] = []
    for group in groups:
        name = f"tests.hostile.{FILES.get(group, group)}"
        try:
            module = import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
            continue
        cases: tuple[Case, ...] = module.CASES
        assert len({one.name for one in cases}) == len(cases), f"two cases of {group} have one name"
        assert all(one.group == group for one in cases)
        found += cases
    return tuple(found)


class World:
    """The server, its TLS doors, and the canaries: sockets nobody may ever connect to.

    ``places``: what the templates of addresses may use: base, port, and for each canary and TLS door its address.
    """

    def __init__(self, cases: Iterable[Case], *, port: int = 0) -> None:
        self._cases = {(one.group, one.name): one for one in cases}
        self._port = port
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._asked: dict[str, int] = {}
        self.places: dict[str, str] = {}
        self.hits: list[str] = []
        """Connections to a canary, by address."""
        self.root: dict[str, Answer] = {}
        """Answers at paths outside the groups, such as ``/robots.txt``."""
        self.requests: list[str] = []
        """Paths asked of the server, in order."""
        self.trust: ssl.SSLContext | None = None

    async def __aenter__(self) -> Self:
        from tests.hostile.certificates import doors, trusting

        main = await self._listen(self._serve, "127.0.0.1", self._port)
        self.places |= {"port": str(main), "base": f"http://127.0.0.1:{main}"}
        for name, context in doors().items():
            port = await self._listen(self._serve, "127.0.0.1", 0, context)
            self.places |= {name: f"https://127.0.0.1:{port}", f"{name}_port": str(port)}
        # A connection that was kept is its host's to spoil: the cases that do so stand at a door of their own.
        self.places["solo"] = f"http://127.0.0.1:{await self._listen(self._serve, '127.0.0.1', 0)}"
        self.trust = trusting()
        # … and so are healthy feeds polled in one run with all of them: what they prove is the client's doing alone.
        self.places["calm"] = f"http://127.0.0.1:{await self._listen(self._serve, '127.0.0.1', 0)}"
        # Linux answers on all of 127.0.0.0/8: the canary stands at another address than the one that may be connected to.
        canary = await self._listen(self._canary, "127.0.0.2", 0)
        self.places |= {"canary": f"http://127.0.0.2:{canary}", "canary_port": str(canary)}
        with contextlib.suppress(OSError):
            six = await self._listen(self._canary, "::1", 0)
            self.places |= {"canary6": f"http://[::1]:{six}"}
        self.places.setdefault("canary6", "http://[::1]:9")
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            self.places["closed"] = f"http://127.0.0.1:{closed.getsockname()[1]}"
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for server in self._servers:
            server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server in self._servers:
            await server.wait_closed()

    def url(self, one: Case) -> str:
        """The address at which a client meets the case."""
        return (one.url or "{base}/{group}/{name}").format(**self.places, group=one.group, name=one.name)

    def feed(self, one: Case) -> str:
        """The address of the feed by which a whole run meets the case: its own, or one that leads to the case's page."""
        return f"{self.places['base']}/to/{one.name}" if one.group == "pages" else self.url(one)

    def healthy(self, name: str) -> str:
        """The address of a feed as it should be."""
        return f"{self.places['base']}/healthy/{name}"

    async def lookup(self, host: str, port: int) -> list[str]:
        """Names as the cases give them, each answer once, the last for ever; all others do not exist."""
        for one in self._cases.values():
            if host in one.names:
                answers = one.names[host]
                turn = self._asked.get(host, 0)
                self._asked[host] = turn + 1
                return list(answers[min(turn, len(answers) - 1)])
        if host == "localhost":
            return ["127.0.0.1", "::1"]
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def serve_forever(self) -> None:
        await asyncio.gather(*(server.serve_forever() for server in self._servers))

    async def _listen(
        self,
        handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
        host: str,
        port: int,
        context: ssl.SSLContext | None = None,
    ) -> int:
        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(self._guarded(handler, reader, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        server = await asyncio.start_server(connected, host, port, ssl=context)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    @staticmethod
    async def _guarded(
        handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        try:
            await handler(reader, writer)
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client went away, as it should
        finally:
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await asyncio.wait_for(writer.wait_closed(), 1)

    async def _canary(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.hits.append(str(writer.get_extra_info("sockname")))
        await reader.read(1_000)
        writer.write(ok(b"secret"))
        await writer.drain()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests one after another on one connection, as long as the answers are plain bytes."""
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")
            path = first.split(" ")[1]
            headers = {name.strip().lower(): value.strip() for line in lines if line for name, _, value in [line.partition(":")]}
            self.requests.append(path)
            answer = self._find(path)
            exchange = Exchange(reader, writer, path, headers, self)
            if callable(answer):
                await answer(exchange)
                return
            await exchange.send(answer)
            if b"Content-Length" not in answer:
                return

    def _find(self, path: str) -> Answer:
        if path in self.root:
            return self.root[path]
        _, group, *rest = [*path.split("?", maxsplit=1)[0].split("/"), ""]
        if group == "healthy":
            name = rest[0]
            if path.endswith(".html"):
                return ok(HEALTHY_PAGE.encode(), kind="text/html; charset=utf-8")
            return ok(HEALTHY_FEED.format(base=self.places["calm"], name=name).encode(), 'ETag: "healthy"')
        if group == "to" and (led := self._cases.get(("pages", rest[0]))) is not None:
            return ok(LEADING_FEED.format(page=self.url(led)).encode())
        one = self._cases.get((group, rest[0]))
        if one is None:
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        return one.answer
