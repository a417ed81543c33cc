"""Sitemaps as rungs: news, archives, indexes, gzip and plain lists."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pytest

from domain.errors import ReadError
from domain.values import DateFrom
from extractors.sitemaps import read_sitemap

URL = "https://a.example/sitemap.xml"
SPACES = (
    "xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' "
    "xmlns:news='http://www.google.com/schemas/sitemap-news/0.9' "
    "xmlns:image='http://www.google.com/schemas/sitemap-image/1.1'"
)


def read(body: str | bytes, now: datetime):
    return read_sitemap(body.encode() if isinstance(body, str) else body, url=URL, source_id="a", now=now)


def urlset(*urls: str) -> str:
    return f"<?xml version='1.0' encoding='UTF-8'?><urlset {SPACES}>" + "".join(f"<url>{url}</url>" for url in urls) + "</urlset>"


def test_a_news_sitemap_gives_titles_dates_and_languages(now):
    body = urlset(
        "<loc>https://a.example/1</loc><image:image><image:title>Фото</image:title></image:image><news:news><news:publication><news:name>A</news:name>"
        "<news:language>ru</news:language></news:publication><news:publication_date>2026-11-21T10:00:00+05:00</news:publication_date>"
        "<news:title>Митинг &amp; суд</news:title></news:news>"
    )
    (entry,) = read(body, now).entries
    assert (entry.url, entry.title, entry.language) == ("https://a.example/1", "Митинг & суд", "ru")
    assert (entry.published, entry.published_from) == (datetime(2026, 11, 21, 5, tzinfo=UTC), DateFrom.FEED)


def test_of_an_archive_the_recent_is_read_newest_first_and_the_rest_is_counted(now):
    body = urlset(*(f"<loc>https://a.example/{day}</loc><lastmod>2026-11-{day:02}</lastmod>" for day in range(1, 23)))
    feed = read(body, now)
    assert feed.entries[0].url == "https://a.example/22"
    assert len(feed.entries) == 14
    assert feed.notes == ("8 addresses older than 14 days left out",)


def test_an_index_sends_on_to_its_sitemaps_newest_first_and_to_no_other_site(now):
    body = (
        f"<sitemapindex {SPACES}><sitemap><loc>https://a.example/s1.xml</loc><lastmod>2026-01-01</lastmod></sitemap>"
        "<sitemap><loc>/s2.xml</loc><lastmod>2026-11-01</lastmod></sitemap><sitemap><loc>https://evil.example/s.xml</loc></sitemap></sitemapindex>"
    )
    assert read(body, now).more == ("https://a.example/s2.xml", "https://a.example/s1.xml")


def test_other_sites_addresses_are_passed_over(now):
    assert read(urlset("<loc>https://evil.example/1</loc>"), now).entries == ()


def test_a_gzipped_sitemap_is_unpacked(now):
    assert len(read(gzip.compress(urlset("<loc>https://a.example/1</loc>").encode()), now).entries) == 1


def test_a_gzip_bomb_is_refused(now):
    with pytest.raises(ReadError, match="unpacks to more than") as refused:
        read(gzip.compress(bytes(30_000_000)), now)
    assert refused.value.kind == "too-big"


def test_a_plain_list_of_addresses_is_read(now):
    assert [entry.url for entry in read("https://a.example/1\nhttps://a.example/2\n", now).entries] == [
        "https://a.example/1",
        "https://a.example/2",
    ]


@pytest.mark.parametrize("body", ["", "hello", "<html><body>404</body></html>", "<rss></rss>", "<", b"\x1f\x8bbroken"])
def test_what_is_no_sitemap_is_refused(now, body):
    with pytest.raises(ReadError):
        read(body, now)
