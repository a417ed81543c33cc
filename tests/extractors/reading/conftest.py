"""What tests of reading share: a short way to read a feed and a page, and a lone entry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from domain.values import Document, Entry, Feed
from extractors.feeds import read_feed
from extractors.pages import read_page

FEED = "https://news.example.org/feed.xml"
PAGE = "https://news.example.org/2026/11/pickets-in-the-west"


@pytest.fixture
def feed(now: datetime) -> Callable[..., Feed]:
    def read(body: bytes | str, content_type: str = "application/xml", url: str = FEED) -> Feed:
        raw = body.encode() if isinstance(body, str) else body
        return read_feed(raw, content_type=content_type, url=url, source_id="news", now=now)

    return read


@pytest.fixture
def page(now: datetime) -> Callable[..., Document]:
    def read(
        body: bytes | str, entry: Entry | None = None, url: str = PAGE, content_type: str = "text/html; charset=utf-8"
    ) -> Document:
        raw = body.encode() if isinstance(body, str) else body
        return read_page(raw, content_type=content_type, url=url, entry=entry or an_entry(), now=now)

    return read


def an_entry(title: str = "", summary: str = "", url: str = PAGE, published: datetime | None = None) -> Entry:
    return Entry("news", "key", url, "", title, summary=summary, published=published)


def rss(items: str, channel: str = "") -> str:
    return (
        f"<rss version='2.0'><channel><title>News</title><link>https://news.example.org/</link>{channel}{items}</channel></rss>"
    )


def item(**fields: str) -> str:
    return "<item>" + "".join(f"<{name}>{value}</{name}>" for name, value in fields.items()) + "</item>"
