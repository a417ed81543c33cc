"""A host on loopback that answers as a test says, and a pool that parses in the test's own process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from domain.settings import Settings
from domain.values import Rung, RungKind, Source
from extractors.client import Client
from extractors.client_options import client_options


class Host:
    """Answers each path with what ``pages`` holds: (status, headers, body); counts what it was asked."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[str] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, headers, body = host.pages.get(self.path, (404, {}, b""))
                host.asked.append(self.path)
                if headers.get("ETag") and headers["ETag"] == self.headers.get("If-None-Match"):
                    status, body = 304, b""
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def serve(self, path: str, body: str | bytes = b"", status: int = 200, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = (status, named, body.encode() if isinstance(body, str) else body)

    def source(self, *rungs: tuple[str, str], rhythm: timedelta = timedelta(days=1)) -> Source:
        listed = tuple(Rung(RungKind(kind), path if "://" in path else self.url + path) for kind, path in rungs)
        return Source("s", "S", f"{self.url}/", listed, rhythm=rhythm)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Here:
    """Parses in this process and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    async def run(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        return function(*args, **kwargs)


@pytest.fixture
def host() -> Iterator[Host]:
    opened = Host()
    yield opened
    opened.close()


@pytest.fixture
def pool() -> Here:
    return Here()


@pytest.fixture
def client() -> Client:
    return Client(client_options(Settings(allow_addresses="127.0.0.0/8", host_pause=0, deadline=5)))


def rss(*titles: str, when: datetime | None = None) -> str:
    date = f"<pubDate>{format_datetime(when or datetime(2026, 11, 22, 5, 0, tzinfo=UTC))}</pubDate>"
    links = [f"<link>/news/{number}-a-story-told</link>" for number in range(len(titles))]
    items = "".join(f"<item><title>{title}</title>{link}{date}</item>" for title, link in zip(titles, links, strict=True))
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>T</title>{items}</channel></rss>'


def section(*titles: str) -> str:
    links = "".join(f'<a href="/news/{number}-a-story-told"><h2>{title}</h2></a>' for number, title in enumerate(titles))
    return f"<html><head><title>News</title></head><body><main>{links}</main></body></html>"


def sitemap(*urls: str, index: bool = False, when: str = "2026-11-22T05:00:00+00:00") -> str:
    kind, item = ("sitemapindex", "sitemap") if index else ("urlset", "url")
    inner = "".join(f"<{item}><loc>{url}</loc><lastmod>{when}</lastmod></{item}>" for url in urls)
    return f'<?xml version="1.0"?><{kind} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{inner}</{kind}>'
