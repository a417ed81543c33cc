"""Thousands of small feeds on one loopback port, each at an address of its own (127.1.x.y): one article each, an ETag, then 304.

``python bench/quiet_server.py COUNT PORT SOURCES.txt`` writes the list of addresses and says ``ready``. What it costs is not ours: it runs
in a process of its own that the benches do not measure.
"""

from __future__ import annotations

import asyncio
import hashlib
import resource
import sys
from pathlib import Path

TEXT = "The town council discussed the repair of roads and the water supply of the lower districts on Monday. " * 9


def hosts(count: int) -> list[str]:
    """As many loopback addresses as asked for, up to 64,000."""
    return [f"127.{1 + number // 64_000}.{number // 250 % 256}.{1 + number % 250}" for number in range(count)]


class Quiet(asyncio.Protocol):
    """Answers one request at a time: the feed, 304 for its ETag, the article, and 404 for anything else."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.seen = b""

    def data_received(self, data: bytes) -> None:
        self.seen += data
        while b"\r\n\r\n" in self.seen:
            head, _, self.seen = self.seen.partition(b"\r\n\r\n")
            self.transport.write(answer(head))


def answer(head: bytes) -> bytes:
    """The answer to one request's head."""
    path = head.split(b" ", 2)[1].decode()
    host = next((line[6:].decode().strip() for line in head.split(b"\r\n") if line.lower().startswith(b"host:")), "")
    if path == "/feed.xml":
        link = f"http://{host}/article/1.html"
        item = f"<item><title>Roads and water at {host}</title><link>{link}</link><guid>{link}</guid></item>"
        body = f'<?xml version="1.0"?><rss version="2.0"><channel><title>{host}</title>{item}</channel></rss>'.encode()
        etag = b'"' + hashlib.md5(body, usedforsecurity=False).hexdigest().encode() + b'"'
        if etag in head:
            return b"HTTP/1.1 304 Not Modified\r\nETag: " + etag + b"\r\n\r\n"
        return _ok(b"application/rss+xml", body, b"ETag: " + etag + b"\r\n")
    if path.startswith("/article/"):
        said = f"<h1>Roads and water at {host}</h1><p>{host}: {TEXT}</p>"
        return _ok(b"text/html; charset=utf-8", f"<html><body><article>{said}</article></body></html>".encode(), b"")
    return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def _ok(kind: bytes, body: bytes, more: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n%sContent-Length: %d\r\n\r\n%s" % (kind, more, len(body), body)


async def serve(port: int) -> None:
    """Listen on all loopback addresses at once until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Quiet, "0.0.0.0", port, backlog=4096)  # every 127.x.y.z
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    number, at, listed = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    listed.write_text("".join(f"http://{host}:{at}/feed.xml\n" for host in hosts(number)), encoding="utf-8")
    asyncio.run(serve(at))
