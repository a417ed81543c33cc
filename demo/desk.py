"""One outlet of the demo at work: a path in, a reply out; sockets are in ``demo.site``."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from demo.feeds import (
    Listed,
    written_atom,
    written_json_feed,
    written_news_sitemap,
    written_pages_sitemap,
    written_rss,
    written_sitemap_index,
)
from demo.newsroom import Article, Outlet
from demo.pages import written_article, written_consent, written_front, written_missing

_LISTS: Final = frozenset({"/rss.xml", "/feeds/all.xml", "/atom.xml", "/feed.json", "/sitemap-news.xml", "/news"})


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request is answered with."""

    status: int
    content_type: str
    body: bytes
    location: str = ""


class Desk:
    """One outlet at work: answers paths, and rewrites its article once the first wording was read."""

    def __init__(self, outlet: Outlet, home: str, now: datetime) -> None:
        self.outlet, self.home, self._now = outlet, home, now
        self._by_path = {f"/news/{article.slug}": article for article in outlet.articles}
        self._read: set[str] = set()
        self._rewritten: set[str] = set()
        self._lock = threading.Lock()

    def reply(self, path: str) -> Reply:
        """The answer to a GET of ``path`` (less its query)."""
        if self.outlet.blocked:
            return Reply(403, "text/html; charset=utf-8", b"<h1>403 Forbidden</h1>")
        if path in _LISTS:
            self._rewrite()
        if path in self._by_path:
            return self._article(self._by_path[path])
        return self._other(path)

    def listed(self, article: Article) -> Listed:
        """The article as it is listed now."""
        rewritten = article.slug in self._rewritten and article.later is not None
        published = self._now - article.age
        wording = article.later if rewritten and article.later is not None else article.wording
        return Listed(f"{self.home}/news/{article.slug}", wording, published, self._now if rewritten else published)

    def _rewrite(self) -> None:
        with self._lock:
            self._rewritten |= {article.slug for article in self.outlet.articles if article.later and article.slug in self._read}

    def _article(self, article: Article) -> Reply:
        page = f"text/html; charset={self.outlet.charset}"
        if article.behind == "consent":
            return Reply(200, page, written_consent(self.outlet))
        if article.behind == "gone":
            return Reply(404, page, written_missing(self.outlet))
        with self._lock:
            self._read.add(article.slug)
        others = [self.listed(other) for other in self.outlet.articles if other.slug != article.slug]
        return Reply(200, page, written_article(self.outlet, self.listed(article), others))

    def _other(self, path: str) -> Reply:
        """The lists an outlet of its kind serves, its front page, and for everything else a 404."""
        outlet = self.outlet
        html = f"text/html; charset={outlet.charset}"
        if outlet.moved and path == "/rss.xml":
            return Reply(301, "text/html", b"", location=f"{self.home}/feeds/all.xml")
        if path == "/robots.txt":
            return Reply(200, "text/plain", b"User-agent: *\nDisallow: /search\n")
        items = [self.listed(article) for article in outlet.articles]
        if path in ("/", "/news"):
            return Reply(200, html, written_front(outlet, items))
        found = self._lists(items).get(path)
        return Reply(200, *found) if found else Reply(404, html, written_missing(outlet))

    def _lists(self, items: list[Listed]) -> dict[str, tuple[str, bytes]]:
        """By path, the media type and body of each list this outlet serves."""
        outlet, home = self.outlet, self.home
        latest = max(item.updated for item in items)
        if outlet.serves == "atom":
            return {"/atom.xml": ("application/atom+xml", written_atom(outlet, home, items, latest))}
        if outlet.serves == "jsonfeed":
            return {"/feed.json": ("application/feed+json", written_json_feed(outlet, home, items))}
        if outlet.serves == "sitemap":
            return {
                "/sitemap.xml": ("application/xml", written_sitemap_index(home, latest)),
                "/sitemap-news.xml": ("application/xml", written_news_sitemap(outlet, items)),
                "/sitemap-pages.xml": ("application/xml", written_pages_sitemap(home)),
            }
        if outlet.serves == "section":
            return {}
        # No charset is said: the feed's own declaration is to be found, as on many sites in windows-1251.
        return dict.fromkeys(("/rss.xml", "/feeds/all.xml"), ("text/xml", written_rss(outlet, home, items)))
