"""The other side of the benches, in a process of its own that is not measured: thousands of feeds, each at a loopback address of its own.

``python -m bench.server SITE --list FILE …`` writes the addresses of the feeds to FILE, says ``ready``, and serves until it is ended:

- ``quiet``: small feeds of one article each; 304 for their ETag. What a monitor meets nearly always.
- ``pages``: real pages (see ``bench.material``) as articles of some feeds, each article at an address of its own.
- ``feeds``: a folder of real feeds as they were received; ``GET /__news`` gives every one of them two new entries.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import hashlib
import json
import re
import resource
import time
from collections import Counter
from collections.abc import Sequence
from email.utils import formatdate
from pathlib import Path
from typing import Protocol
from xml.sax.saxutils import escape

from bench.material import Page, feed_files, pages

TEXT = "The town council discussed the repair of roads and the water supply of the lower districts on Monday. " * 9
NEWEST = 1_790_000_000  # seconds since 1970: the date of each feed's newest article


class Site(Protocol):
    """What is served: which hosts there are, and a body with its media type for a host (with port) and path; None: not found."""

    hosts: Sequence[str]

    def body(self, host: str, path: str) -> tuple[bytes, bytes] | None: ...


def hosts(count: int, network: str = "127") -> list[str]:
    """As many addresses of a network (its first number) as asked for, up to 64,000 a second number."""
    return [f"{network}.{1 + number // 64_000}.{number // 250 % 256}.{1 + number % 250}" for number in range(count)]


def tag_of(body: bytes) -> bytes:
    """The ETag a body is sent with."""
    return b'"' + hashlib.md5(body, usedforsecurity=False).hexdigest().encode() + b'"'


def quiet_feed(host: str) -> bytes:
    """The feed of a quiet host (with its port): one article."""
    link = f"http://{host}/article/1.html"
    item = f"<item><title>Roads and water at {host}</title><link>{link}</link><guid>{link}</guid></item>"
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>{host}</title>{item}</channel></rss>'.encode()


class Quiet:
    """Feeds where hardly anything ever happens."""

    def __init__(self, count: int, network: str) -> None:
        self.hosts = hosts(count, network)

    def body(self, host: str, path: str) -> tuple[bytes, bytes] | None:
        if path == "/feed.xml":
            return b"application/rss+xml", quiet_feed(host)
        if path.startswith("/article/"):
            said = f"<h1>Roads and water at {host}</h1><p>{host}: {TEXT}</p>"
            return b"text/html; charset=utf-8", f"<html><body><article>{said}</article></body></html>".encode()
        return None


class Pages:
    """Real pages as articles. An article used more than once is marked at its end, so that its bytes are its own each time."""

    def __init__(self, found: list[Page], feeds: int, articles: int) -> None:
        self.found = found
        self.hosts = [f"127.0.{2 + number // 250}.{1 + number % 250}" for number in range(feeds)]
        self.of = {host: range(number, articles, feeds) for number, host in enumerate(self.hosts)}

    def body(self, host: str, path: str) -> tuple[bytes, bytes] | None:
        if path.startswith("/article/"):
            number = int(path.removeprefix("/article/").removesuffix(".html"))
            page = self.found[number % len(self.found)]
            return b"text/html; charset=" + page.charset.encode(), page.body + f"<!-- article {number} -->".encode()
        return (b"application/rss+xml; charset=utf-8", self._feed(host)) if path == "/feed.xml" else None

    def _feed(self, host: str) -> bytes:
        items = "".join(
            f"<item><title>{escape(self.found[number % len(self.found)].title)}</title><link>{address}</link><guid>{address}</guid>"
            f"<pubDate>{formatdate(NEWEST - 600 * place, usegmt=True)}</pubDate></item>"
            for place, number in enumerate(self.of[host.partition(":")[0]])
            for address in (f"http://{host}/article/{number}.html",)
        )
        head = f"<title>Replay of {host}</title><link>http://{host}/</link><description>Real pages, replayed</description>"
        return f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>{head}{items}</channel></rss>'.encode()


class Feeds:
    """Real feeds as received; after ``/__news`` each has two entries more at its top, made after its own first one."""

    ITEM = re.compile(rb"<(item|entry)\b.*?</\1>", re.DOTALL)
    NAMED = re.compile(rb"(<(?:guid|id|link|title)\b[^>]*>\s*(?:<!\[CDATA\[)?)([^<\]]+)|(\b(?:href|rdf:about)=\")([^\"]+)")

    def __init__(self, files: list[Path]) -> None:
        self.hosts = [f"127.0.{2 + number // 250}.{1 + number % 250}" for number in range(len(files))]
        self.of = {host: file.read_bytes() for host, file in zip(self.hosts, files, strict=True)}
        self.round = 0

    def body(self, host: str, path: str) -> tuple[bytes, bytes] | None:
        if path == "/__news":
            self.round += 1
            self.of = {name: self.with_news(body) for name, body in self.of.items()}
            return b"text/plain", b"ok"
        # No charset: the feed's own declaration is to be found.
        return (b"application/xml", self.of[host.partition(":")[0]]) if path == "/feed.xml" else None

    def with_news(self, body: bytes) -> bytes:
        """The feed with two more entries; as it is where it has none to be made after."""
        first = self.ITEM.search(body)
        if first is None:
            return body
        made = b"".join(self.NAMED.sub(self.renamed(number), first[0]) for number in (1, 2))
        return body[: first.start()] + made + body[first.start() :]

    def renamed(self, number: int) -> bytes:
        return rb"\1\2\3\4-news-" + f"{self.round}-{number}".encode()


class Asked:
    """Who asked which host when: shows whether two machines were ever at one host together. ``GET /__asked`` tells."""

    def __init__(self) -> None:
        self.last: dict[str, tuple[str, float]] = {}
        self.requests: Counter[str] = Counter()
        self.nearest = float("inf")  # seconds between requests of two machines at one host

    def note(self, host: str, client: str) -> None:
        now = time.monotonic()
        before, when = self.last.get(host, (client, now))
        if before != client:
            self.nearest = min(self.nearest, now - when)
        self.last[host] = client, now
        self.requests[host] += 1

    def told(self) -> bytes:
        most = max(self.requests.values(), default=0)
        nearest = None if self.nearest == float("inf") else self.nearest
        return json.dumps(
            {"hosts": len(self.requests), "requests": self.requests.total(), "most": most, "nearest": nearest}
        ).encode()


class Answers(asyncio.Protocol):
    """One connection: answers each request of it in turn, with 304 for the ETag it sent last time."""

    def __init__(self, site: Site, asked: Asked) -> None:
        self.site = site
        self.asked = asked
        self.seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.client = str(transport.get_extra_info("peername")[0])

    def data_received(self, data: bytes) -> None:
        self.seen += data
        while b"\r\n\r\n" in self.seen:
            head, _, self.seen = self.seen.partition(b"\r\n\r\n")
            self.transport.write(self.answer(head))

    def answer(self, head: bytes) -> bytes:
        path = head.split(b" ", 2)[1].decode()
        lines = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
        }
        host = lines.get(b"host", b"").decode()
        if path == "/__asked":
            return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(self.asked.told()), self.asked.told())
        self.asked.note(host, self.client)
        found = self.site.body(host, path)
        if found is None:
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        kind, body = found
        tag = tag_of(body)
        if lines.get(b"if-none-match") == tag:
            return b"HTTP/1.1 304 Not Modified\r\nETag: %s\r\n\r\n" % tag
        packed = b""
        if b"gzip" in lines.get(b"accept-encoding", b""):
            body, packed = gzip.compress(body, 1, mtime=0), b"Content-Encoding: gzip\r\n"
        return b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nETag: %s\r\n%sContent-Length: %d\r\n\r\n%s" % (
            kind,
            tag,
            packed,
            len(body),
            body,
        )


async def serve(site: Site, port: int) -> None:
    """Listen on all addresses of this machine at once until the process is ended."""
    asked = Asked()
    server = await asyncio.get_running_loop().create_server(lambda: Answers(site, asked), "0.0.0.0", port, backlog=4096)
    print("ready", flush=True)
    await server.serve_forever()


def main() -> None:
    """Make the site asked for, write its list of feeds, and serve it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", choices=("quiet", "pages", "feeds"))
    parser.add_argument("--list", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--feeds", type=int, default=50)
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--outlets", default="", help="file of hosts: pages of these outlets only")
    parser.add_argument("--network", default="127", help="first number of the addresses of quiet feeds")
    given = parser.parse_args()
    site: Site
    if given.site == "quiet":
        site = Quiet(given.feeds, given.network)
    elif given.site == "pages":
        wanted = set(Path(given.outlets).read_text(encoding="utf-8").split()) if given.outlets else None
        site = Pages(pages(wanted), given.feeds, given.articles)
    else:
        site = Feeds(feed_files())
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    given.list.write_text("".join(f"http://{host}:{given.port}/feed.xml\n" for host in site.hosts), encoding="utf-8")
    asyncio.run(serve(site, given.port))


if __name__ == "__main__":
    main()
