"""A source is read by the best rung that yields, and what each rung gave is said."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.values import RungKind
from extractors.client import Client
from extractors.ladder import Reading, climb
from tests.extractors.catalogue.conftest import Here, Host, rss, section, sitemap

STORY, OTHER = "Akim meets the residents of a village", "Another story with a long enough title"


def left_behind(reading: Reading) -> dict[str, Any]:
    """What a poll hands to the next."""
    return {
        "rung": reading.rung,
        "address": reading.moved_to,
        "validators": reading.validators,
        "body_sha256": reading.body_sha256,
        "entries_last": len(reading.entries),
    }


async def test_the_first_rung_that_yields_is_enough(client: Client, pool: Here, host: Host, now: datetime) -> None:
    host.serve("/rss", rss(STORY))
    host.serve("/news", section(STORY))
    async with client:
        reading = await climb(client, pool, host.source(("feed", "/rss"), ("section", "/news")), now=now)
    assert (reading.ok, reading.rung, reading.kind, reading.error) == (True, 0, RungKind.FEED, "")
    assert [entry.title for entry in reading.entries] == [STORY]
    assert host.asked == ["/rss"]


@pytest.mark.parametrize(
    ("body", "status", "error", "words"),
    [
        ("", 404, "status", "nothing at this address (404)"),
        ("", 403, "status", "forbids it (403)"),
        ("", 500, "status", "500"),
        ("<html><body><p>Welcome</p></body></html>", 200, "not-a-feed", "web page"),
        ("", 200, "empty", "empty"),
    ],
)
async def test_a_rung_that_does_not_yield_gives_way_to_the_next(
    client: Client, pool: Here, host: Host, now: datetime, body: str, status: int, error: str, words: str
) -> None:
    host.serve("/rss", body, status=status)
    host.serve("/news", section(STORY))
    async with client:
        reading = await climb(client, pool, host.source(("feed", "/rss"), ("section", "/news")), now=now)
    assert (reading.ok, reading.rung, [entry.title for entry in reading.entries]) == (True, 1, [STORY])
    assert (reading.tries[0].error, reading.tries[1].error) == (error, "")
    assert words in reading.reason
    assert "read by its section" in reading.reason


async def test_a_feed_without_entries_gives_way_and_is_kept_where_nothing_is_better(
    client: Client, pool: Here, host: Host, now: datetime
) -> None:
    host.serve("/rss", rss())
    async with client:
        alone = await climb(client, pool, host.source(("feed", "/rss"), ("section", "/news")), now=now)
        host.serve("/news", section(STORY))
        both = await climb(client, pool, host.source(("feed", "/rss"), ("section", "/news")), now=now)
    assert (alone.ok, alone.rung, alone.entries) == (True, 0, ())
    assert "no entries" in alone.reason
    assert (both.rung, len(both.entries)) == (1, 1)


async def test_an_empty_feed_that_stays_unchanged_still_gives_way_later(
    client: Client, pool: Here, host: Host, now: datetime
) -> None:
    host.serve("/rss", rss(), ETag='"1"')
    source = host.source(("feed", "/rss"), ("section", "/news"))
    async with client:
        first = await climb(client, pool, source, now=now)
        host.serve("/news", section(STORY))
        second = await climb(client, pool, source, now=now, **left_behind(first))
    assert (second.rung, second.unchanged, len(second.entries)) == (1, False, 1)


async def test_a_feed_forgotten_for_ages_gives_way_to_a_section_with_news(
    client: Client, pool: Here, host: Host, now: datetime
) -> None:
    host.serve("/rss", rss(STORY, when=now - timedelta(days=400)))
    source = host.source(("feed", "/rss"), ("section", "/news"))
    async with client:
        alone = await climb(client, pool, source, now=now)
        host.serve("/news", section(OTHER))
        both = await climb(client, pool, source, now=now)
    assert (alone.ok, alone.rung, len(alone.entries)) == (True, 0, 1)
    assert (both.rung, [entry.title for entry in both.entries]) == (1, [OTHER])


async def test_nothing_changed_means_nothing_is_parsed(client: Client, pool: Here, host: Host, now: datetime) -> None:
    source = host.source(("feed", "/rss"))
    async with client:
        for headers in ({"ETag": '"1"'}, {}):
            host.serve("/rss", rss(STORY), **headers)
            first = await climb(client, pool, source, now=now)
            calls = pool.calls
            second = await climb(client, pool, source, now=now, **left_behind(first))
            assert (second.ok, second.unchanged, second.entries, pool.calls) == (True, True, (), calls)
            assert second.body_sha256 == first.body_sha256
            assert second.status == (304 if headers else 200)


async def test_the_rung_in_use_is_read_first_and_the_better_one_once_a_day(
    client: Client, pool: Here, host: Host, now: datetime
) -> None:
    host.serve("/news", section(STORY))
    source = host.source(("feed", "/rss"), ("section", "/news"))
    async with client:
        first = await climb(client, pool, source, now=now)
        host.asked.clear()
        await climb(client, pool, source, now=now, last_polled=now, **left_behind(first))
        assert "/rss" not in host.asked
        host.serve("/rss", rss(OTHER))
        next_day = await climb(client, pool, source, now=now + timedelta(days=1), last_polled=now, **left_behind(first))
    assert (next_day.rung, [entry.title for entry in next_day.entries]) == (0, [OTHER])


async def test_a_rung_in_use_that_dies_lets_the_ones_above_be_tried_again(
    client: Client, pool: Here, host: Host, now: datetime
) -> None:
    host.serve("/rss", rss(STORY))
    source = host.source(("feed", "/rss"), ("section", "/news"))
    async with client:
        reading = await climb(client, pool, source, now=now, rung=1, last_polled=now)
    assert (reading.ok, reading.rung) == (True, 0)


async def test_when_no_rung_yields_every_reason_is_told(client: Client, pool: Here, host: Host, now: datetime) -> None:
    host.serve("/rss", status=403)
    host.serve("/news", "<html><body>Hello</body></html>")
    async with client:
        reading = await climb(client, pool, host.source(("feed", "/rss"), ("section", "/news")), now=now)
    assert (reading.ok, reading.rung, reading.error, reading.status) == (False, 0, "status", 403)
    assert "403" in reading.reason
    assert "page without links to articles" in reading.reason
    assert len(reading.tries) == 2


async def test_of_a_body_that_could_not_be_read_type_and_size_are_told(
    client: Client, pool: Here, host: Host, now: datetime
) -> None:
    body = "<html><body><p>Welcome</p></body></html>"
    host.serve("/rss", body, Content_Type="text/html; charset=utf-8")
    async with client:
        reading = await climb(client, pool, host.source(("feed", "/rss")), now=now)
    assert (reading.ok, reading.status, reading.media_type, reading.size) == (False, 200, "text/html", len(body))


async def test_the_other_rungs_of_a_host_that_asks_for_quiet_are_spared(
    client: Client, pool: Here, host: Host, now: datetime
) -> None:
    host.serve("/rss", status=429, Retry_After="120")
    host.serve("/news", section(STORY))
    async with client:
        reading = await climb(client, pool, host.source(("feed", "/rss"), ("section", "/news")), now=now)
    assert (reading.ok, reading.retry_after) == (False, 120)
    assert host.asked == ["/rss"]
    assert reading.tries[1].error == "spared"


async def test_a_host_that_is_away_is_asked_once_and_another_host_still_tried(
    client: Client, pool: Here, host: Host, now: datetime
) -> None:
    host.serve("/news", section(STORY))
    away = "http://127.0.0.1:9"
    source = host.source(("feed", f"{away}/rss"), ("feed", f"{away}/atom"), ("section", "/news"))
    async with client:
        reading = await climb(client, pool, source, now=now)
    # Both are 127.0.0.1, but a machine of one's own is many hosts, told apart by port.
    assert [each.error for each in reading.tries] == ["unreachable", "spared", ""]
    assert reading.ok


async def test_a_feed_that_moved_for_good_is_read_there_and_asked_there_from_then_on(
    client: Client, pool: Here, host: Host, now: datetime
) -> None:
    host.serve("/rss", status=301, Location="/feeds/all")
    host.serve("/feeds/all", rss(STORY), ETag='"1"')
    source = host.source(("feed", "/rss"))
    async with client:
        first = await climb(client, pool, source, now=now)
        assert first.moved_to == f"{host.url}/feeds/all"
        host.asked.clear()
        second = await climb(client, pool, source, now=now, **left_behind(first))
        assert (host.asked, second.unchanged, second.moved_to) == (["/feeds/all"], True, first.moved_to)
        host.serve("/rss", rss(OTHER))
        host.serve("/feeds/all", status=404)
        third = await climb(client, pool, source, now=now, **left_behind(second))
    assert ([entry.title for entry in third.entries], third.moved_to) == ([OTHER], "")


async def test_a_move_to_something_else_is_not_believed(client: Client, pool: Here, host: Host, now: datetime) -> None:
    host.serve("/rss", status=301, Location="/")
    host.serve("/", "<html><body><p>Our new site</p></body></html>")
    async with client:
        reading = await climb(client, pool, host.source(("feed", "/rss")), now=now)
    assert (reading.ok, reading.moved_to, reading.error) == (False, "", "not-a-feed")


async def test_a_sitemap_index_is_followed_to_its_newest_news(client: Client, pool: Here, host: Host, now: datetime) -> None:
    names = ["page-sitemap.xml", "post-sitemap1.xml", "post-sitemap2.xml", "post-sitemap3.xml", "post-sitemap4.xml", "tags.xml"]
    host.serve("/sitemap.xml", sitemap(*(f"{host.url}/{name}" for name in names), index=True))
    for number in range(1, 5):
        host.serve(f"/post-sitemap{number}.xml", sitemap(f"{host.url}/news/{number}-a-story-told"))
    source = host.source(("sitemap", "/sitemap.xml"))
    async with client:
        first = await climb(client, pool, source, now=now)
        assert host.asked == ["/sitemap.xml", "/post-sitemap4.xml", "/post-sitemap3.xml", "/post-sitemap2.xml"]
        assert len(first.entries) == 3
        second = await climb(client, pool, source, now=now, **left_behind(first))
        assert (second.unchanged, second.entries) == (True, ())
        host.serve("/post-sitemap4.xml", sitemap(f"{host.url}/news/4-a-story-told", f"{host.url}/news/5-a-story-told"))
        third = await climb(client, pool, source, now=now, **left_behind(second))
    assert (third.unchanged, len(third.entries)) == (False, 4)


async def test_an_index_whose_sitemaps_fail_does_not_yield(client: Client, pool: Here, host: Host, now: datetime) -> None:
    host.serve("/sitemap.xml", sitemap(f"{host.url}/gone.xml", index=True))
    host.serve("/news", section(STORY))
    async with client:
        reading = await climb(client, pool, host.source(("sitemap", "/sitemap.xml"), ("section", "/news")), now=now)
    assert (reading.rung, reading.tries[0].error) == (1, "empty")


async def test_a_section_page_that_robots_txt_forbids_is_not_read(client: Client, pool: Here, host: Host, now: datetime) -> None:
    host.serve("/robots.txt", "User-agent: *\nDisallow: /news\n")
    host.serve("/news", section(STORY))
    async with client:
        reading = await climb(client, pool, host.source(("section", "/news")), now=now)
    assert (reading.ok, reading.error) == (False, "robots")
    assert "/news" not in host.asked
