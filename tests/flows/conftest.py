"""A world for the main job: a small news site on loopback that tests write page by page, and settings that may speak to it."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from domain.settings import Settings

RULEBOOK = {
    "rulebook.yaml": "name: Testland\ncountry: kz\nlanguages: [en, ru, kk]\n",
    "entities/places.yaml": """
- id: kz
  type: country
  names: {en: [Kazakhstan], ru: [Казахстан], kk: [Қазақстан]}
- id: almaty
  type: city
  region: KZ-75
  names: {en: [Almaty], ru: [Алматы], kk: [Алматы]}
""",
    "lexicon/acts.yaml": """
- id: act
  tags: [protest_act]
  en: ["protest:nv", rally]
  ru: [митинг]
  kk: [митинг]
""",
    "rules/protest.yaml": """
- id: kz.protest
  theme: protest
  threshold: 3
  signals:
    - {name: act in the country, any: [protest_act], anchor: kz, points: 3}
  flag: [{en: "A rally was held in Almaty."}]
  ignore: [{en: "A rally was held in Paris."}]
""",
}


@dataclass
class Site:
    """A site that answers what a test told it to; ``asked`` counts requests by path, ``log`` keeps them in order."""

    port: int = 0
    pages: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    before: Callable[[str], None] | None = None

    def address(self, path: str, host: str = "127.0.3.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def put(
        self, path: str, body: str | bytes, *, status: int = 200, type: str = "text/html; charset=utf-8", **headers: str
    ) -> None:
        data = body.encode() if isinstance(body, str) else body
        self.pages[path] = (
            status,
            {"Content-Type": type} | {name.replace("_", "-"): value for name, value in headers.items()},
            data,
        )

    def article(self, path: str, title: str, *paragraphs: str) -> None:
        text = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs or (filler(title),))
        self.put(
            path,
            f"<html><head><title>{escape(title)}</title></head><body><nav>Home</nav><article><h1>{escape(title)}</h1>{text}</article></body></html>",
        )

    def feed(
        self,
        path: str,
        *entries: tuple[str, str],
        when: datetime = datetime(2026, 11, 22, 5, tzinfo=UTC),
        host: str = "127.0.3.1",
    ) -> None:
        items = "".join(
            f"<item><title>{escape(title)}</title><link>{self.address(link, host)}</link><guid>{link}</guid>"
            f"<pubDate>{format_datetime(when)}</pubDate></item>"
            for title, link in entries
        )
        self.put(
            path,
            f'<?xml version="1.0"?><rss version="2.0"><channel><title>T</title>{items}</channel></rss>',
            type="application/rss+xml",
        )


def filler(subject: str) -> str:
    """A paragraph long enough to be an article's."""
    return " ".join(
        f"{subject}. Officials said on day {number} that the matter would be looked into, and residents told reporters what they had seen there."
        for number in range(1, 6)
    )


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            made.asked[self.path] += 1
            if made.before:
                made.before(self.path)
            status, headers, body = made.pages.get(self.path, (404, {"Content-Type": "text/plain"}, b"nothing here"))
            etag = '"' + hashlib.sha256(body).hexdigest()[:12] + '"'
            if status == 200 and self.headers.get("If-None-Match") == etag:
                made.asked["304"] += 1
                self.send_response(304)
                self.send_header("ETag", etag)
                self.end_headers()
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status == 200:
                self.send_header("ETag", etag)
            if "gzip" in self.headers.get("Accept-Encoding", "") and "Content-Encoding" not in headers:
                body = gzip.compress(body, 1, mtime=0)
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("0.0.0.0", 0), Handler)
    server.daemon_threads = True
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    for name, text in RULEBOOK.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def settings(tmp_path: Path, rules: Path, site: Site) -> Settings:
    sources = tmp_path / "sources.yaml"
    sources.write_text(
        f"- id: one\n  title: One\n  home: {site.address('/')}\n  feed: {site.address('/one.xml')}\n  languages: [en]\n  country: KZ\n"
        f"- id: two\n  title: Two\n  home: {site.address('/', '127.0.3.2')}\n  feed: {site.address('/two.xml', '127.0.3.2')}\n  languages: [en]\n",
        encoding="utf-8",
    )
    site.feed("/one.xml", ("Rally in Almaty", "/a1"), ("Quiet day in Almaty", "/a2"))
    site.feed("/two.xml", ("Weather report", "/b1"), host="127.0.3.2")
    site.article("/a1", "Rally in Almaty", filler("A rally was held in Almaty"))
    site.article("/a2", "Quiet day in Almaty")
    site.article("/b1", "Weather report")
    return Settings(
        home=tmp_path / "var",
        sources=sources,
        rules=rules,
        allow_addresses="127.0.0.0/8",
        workers=1,
        host_pause=0.0,
        deadline=5.0,
        _env_file=None,
    )  # type: ignore[call-arg]  # not a setting: type checkers see only those
