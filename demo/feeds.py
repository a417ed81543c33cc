"""What the demo's outlets list their news in: RSS, Atom, JSON Feed and sitemaps; pure functions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape

from demo.newsroom import Outlet, Wording

_NEWS = "http://www.google.com/schemas/sitemap-news/0.9"
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"


@dataclass(frozen=True, slots=True)
class Listed:
    """An article as its outlet lists it just now."""

    url: str
    wording: Wording
    published: datetime
    updated: datetime


def written_rss(outlet: Outlet, home: str, items: Iterable[Listed]) -> bytes:
    """RSS 2.0; an outlet that serves ``rss-full`` gives the whole text, too. Links carry a tracker, as most do."""
    full = outlet.serves == "rss-full"
    parts = [
        f'<?xml version="1.0" encoding="{outlet.charset}"?>',
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>',
        f"<title>{escape(outlet.title)}</title><link>{home}/</link><language>{outlet.language}</language>",
    ]
    for item in items:
        content = "".join(f"<p>{escape(part)}</p>" for part in item.wording.paragraphs)
        parts += [
            f"<item><title>{escape(item.wording.title)}</title>",
            f"<link>{item.url}?utm_source=rss&amp;utm_medium=feed</link>",
            f'<guid isPermaLink="true">{item.url}</guid><pubDate>{format_datetime(item.published)}</pubDate>',
            f"<description>{escape(item.wording.summary)}</description>",
            f"<content:encoded><![CDATA[{content}]]></content:encoded></item>" if full else "</item>",
        ]
    return "\n".join([*parts, "</channel></rss>", ""]).encode(outlet.charset, "xmlcharrefreplace")


def written_atom(outlet: Outlet, home: str, items: Iterable[Listed], updated: datetime) -> bytes:
    parts = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{outlet.language}"><title>{escape(outlet.title)}</title>',
        f'<id>{home}/</id><link href="{home}/"/><updated>{updated.isoformat()}</updated>',
    ]
    for item in items:
        parts += [
            f'<entry><title>{escape(item.wording.title)}</title><id>{item.url}</id><link rel="alternate" href="{item.url}"/>',
            f"<published>{item.published.isoformat()}</published><updated>{item.updated.isoformat()}</updated>",
            f'<summary type="text">{escape(item.wording.summary)}</summary></entry>',
        ]
    return "\n".join([*parts, "</feed>", ""]).encode()


def written_json_feed(outlet: Outlet, home: str, items: Iterable[Listed]) -> bytes:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": outlet.title,
        "home_page_url": f"{home}/",
        "language": outlet.language,
        "items": [
            {
                "id": item.url,
                "url": item.url,
                "title": item.wording.title,
                "summary": item.wording.summary,
                "content_text": item.wording.summary,
                "date_published": item.published.isoformat(),
                "date_modified": item.updated.isoformat(),
            }
            for item in items
        ],
    }
    return json.dumps(feed, ensure_ascii=False, indent=1).encode()


def written_sitemap_index(home: str, updated: datetime) -> bytes:
    names = ("sitemap-pages.xml", "sitemap-news.xml")
    maps = "".join(f"<sitemap><loc>{home}/{name}</loc><lastmod>{updated.isoformat()}</lastmod></sitemap>\n" for name in names)
    return f'<?xml version="1.0" encoding="utf-8"?>\n<sitemapindex xmlns="{_SITEMAP}">\n{maps}</sitemapindex>\n'.encode()


def written_news_sitemap(outlet: Outlet, items: Iterable[Listed]) -> bytes:
    head = f'<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="{_SITEMAP}" xmlns:news="{_NEWS}">'
    name = f"<news:publication><news:name>{escape(outlet.title)}</news:name><news:language>{outlet.language}</news:language>"
    urls = [
        f"<url><loc>{item.url}</loc><lastmod>{item.updated.isoformat()}</lastmod><news:news>{name}</news:publication>"
        f"<news:publication_date>{item.published.isoformat()}</news:publication_date>"
        f"<news:title>{escape(item.wording.title)}</news:title></news:news></url>"
        for item in items
    ]
    return "\n".join([head, *urls, "</urlset>", ""]).encode()


def written_pages_sitemap(home: str) -> bytes:
    pages = "".join(f"<url><loc>{home}/{name}</loc></url>" for name in ("about", "contacts"))
    return f'<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="{_SITEMAP}">{pages}</urlset>\n'.encode()
