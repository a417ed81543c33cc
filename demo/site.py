"""The demo's news site on loopback: one small server an outlet, each on a port of its own.

``python -m demo.site --sources FILE`` serves it until Ctrl-C; ``with DemoSite(now=…) as site`` serves it from a program.
Nothing but 127.0.0.1 is listened on. One article changes between two polls: once its page was read, the next look at the
outlet's list finds it rewritten.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from demo.desk import Desk
from demo.newsroom import Outlet, load_newsroom
from domain.values import Rung, RungKind, Source
from extractors.catalogue import written_stanzas

HOST: Final = "127.0.0.1"
# The rungs an outlet is listed with, best first, by how it serves; "/feed" is always dead, to make the ladder be climbed.
_RUNGS: Final = {
    "rss": ((RungKind.FEED, "/rss.xml"),),
    "rss-full": ((RungKind.FEED, "/rss.xml"),),
    "atom": ((RungKind.FEED, "/atom.xml"), (RungKind.SECTION, "/news")),
    "jsonfeed": ((RungKind.FEED, "/feed.json"),),
    "sitemap": ((RungKind.SITEMAP, "/sitemap.xml"),),
    "section": ((RungKind.FEED, "/feed"), (RungKind.SECTION, "/news")),
}


@dataclass(frozen=True, slots=True)
class Truth:
    """What is to come of one article: its address, what it is about, and ``copy_of`` (an address) where it repeats another.

    ``behind`` is ``consent`` or ``gone`` where its page cannot be read, so that only the feed's words are to be had.
    """

    url: str
    outlet_id: str
    language: str
    title: str
    themes: tuple[str, ...]
    behind: str = ""
    copy_of: str = ""
    why: str = ""

    @property
    def relevant(self) -> bool:
        return bool(self.themes)


class _Handler(BaseHTTPRequestHandler):
    """Speaks HTTP for one Desk: conditional requests by ETag and date, HEAD, and nothing else."""

    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 60  # a connection kept alive and forgotten must not hold its thread

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        reply = self.server.desk.reply(self.path.partition("?")[0])
        etag = f'"{hashlib.sha256(reply.body).hexdigest()[:20]}"'
        # The tag alone decides: a page may change twice within the second that a date can tell.
        unchanged = reply.status == 200 and etag in self.headers.get("If-None-Match", "")
        self.send_response(304 if unchanged else reply.status)
        if reply.status == 200:
            self.send_header("ETag", etag)
            self.send_header("Last-Modified", format_datetime(self.server.since, usegmt=True))
        if reply.location:
            self.send_header("Location", reply.location)
        if not unchanged:
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if with_body and not unchanged:
            self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        """Say nothing: the job under demonstration has the word."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a client's kept-alive connection must not keep the site from closing
    desk: Desk

    def __init__(self, port: int, since: datetime) -> None:
        super().__init__((HOST, port), _Handler)
        self.since = since

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error of the site's."""


class DemoSite:
    """All outlets being served; a context manager. ``port`` is the first of as many ports as there are outlets, 0 for any."""

    def __init__(self, *, now: datetime, port: int = 0, outlets: Sequence[Outlet] | None = None) -> None:
        self.now = now.astimezone(UTC).replace(microsecond=0)
        self.outlets = tuple(outlets) if outlets is not None else load_newsroom()
        self._servers: list[_Server] = []
        try:
            for place, outlet in enumerate(self.outlets):
                server = _Server(port + place if port else 0, self.now)
                self._servers.append(server)
                server.desk = Desk(outlet, f"http://{HOST}:{server.server_address[1]}", self.now)
        except OSError:
            self.close()
            raise

    def __enter__(self) -> Self:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for server in self._servers:
            server.shutdown()
        self.close()

    def close(self) -> None:
        for server in self._servers:
            server.server_close()

    @property
    def sources(self) -> tuple[Source, ...]:
        """The outlets as sources, by id."""
        return tuple(_source(server.desk) for server in self._servers)

    @property
    def truth(self) -> tuple[Truth, ...]:
        """What is to come of every article that can be found out about, by address."""
        homes = {article.slug: server.desk.home for server in self._servers for article in server.desk.outlet.articles}
        found = [
            Truth(
                url=f"{server.desk.home}/news/{article.slug}",
                outlet_id=article.outlet_id,
                language=server.desk.outlet.language,
                title=article.wording.title,
                themes=article.themes,
                behind=article.behind,
                copy_of=f"{homes[article.copy_of]}/news/{article.copy_of}" if article.copy_of else "",
                why=article.why,
            )
            for server in self._servers
            if not server.desk.outlet.blocked
            for article in server.desk.outlet.articles
        ]
        return tuple(sorted(found, key=lambda each: each.url))

    def write_sources(self, file: Path) -> Path:
        """Write the outlets' stanzas to a YAML file, for ``SHOLU_SOURCES``."""
        file.write_text("# Made-up outlets, served on this machine only.\n\n" + written_stanzas(self.sources), encoding="utf-8")
        return file


def _source(desk: Desk) -> Source:
    outlet = desk.outlet
    return Source(
        id=outlet.id,
        title=outlet.title,
        home=f"{desk.home}/",
        rungs=tuple(Rung(kind, desk.home + path) for kind, path in _RUNGS[outlet.serves]),
        languages=(outlet.language,),
        country=outlet.country,
        region=outlet.region,
        ownership=outlet.ownership,
        rhythm=outlet.rhythm,
        note="Made up for the demonstration.",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the site until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m demo.site", description="A made-up news site on this machine.")
    parser.add_argument("--port", type=int, default=8750, help="the first of nine ports (default 8750; 0: any that are free)")
    parser.add_argument("--sources", type=Path, metavar="FILE", help="write the list of its sources here, for SHOLU_SOURCES")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="write here, as JSON, what each article is about")
    given = parser.parse_args(arguments)
    try:
        site = DemoSite(now=datetime.now(UTC), port=given.port)
    except (OSError, OverflowError) as error:
        print(f"The site cannot be opened on port {given.port} and the next ({error}). Give another --port.", file=sys.stderr)
        return 2
    with site:
        for source in site.sources:
            print(f"{source.home:<26} {source.title}")
        if given.sources:
            site.write_sources(given.sources)
            print(f"\nSHOLU_SOURCES={given.sources} SHOLU_ALLOW_ADDRESSES=127.0.0.0/8 sholu run")
        if given.truth:
            truth = [{"url": each.url, "title": each.title, "themes": each.themes} for each in site.truth]
            given.truth.write_text(json.dumps(truth, ensure_ascii=False, indent=1), encoding="utf-8")
        print("Ctrl-C ends it.", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
