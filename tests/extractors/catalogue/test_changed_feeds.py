"""Of a feed that has changed only what is new is parsed; where that is not certain to be the same, all of it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from extractors.client import Client
from extractors.ladder import Reading, climb
from tests.extractors.catalogue.conftest import Here, Host

ONE, TWO, THREE = "Akim meets the residents", "Miners stop work in the west", "A bridge is closed for repairs"


@dataclass
class Watching(Here):
    """A pool in this process that keeps what it was given to parse."""

    calls: int = 0
    parsed: list[bytes] = field(default_factory=list)

    async def run(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        self.parsed.append(next(given for given in args if isinstance(given, bytes)))
        return await super().run(function, *args, **kwargs)


@dataclass
class Poller:
    """Polls one source again and again, handing each poll what the last one left behind."""

    client: Client
    host: Host
    now: datetime
    pool: Watching = field(default_factory=Watching)
    stored: bytes = b""

    async def poll(self, body: str, after: timedelta = timedelta(0)) -> Reading:
        self.host.serve("/rss", body)
        self.pool.parsed.clear()

        async def pieces() -> bytes:
            return self.stored

        fetch: Callable[[], Awaitable[bytes]] = pieces
        reading = await climb(self.client, self.pool, self.host.source(("feed", "/rss")), now=self.now + after, pieces=fetch)
        self.stored = self.stored if reading.pieces is None else reading.pieces
        return reading


@pytest.fixture
def poller(client: Client, host: Host, now: datetime) -> Poller:
    return Poller(client, host, now)


def item(title: str, number: int, more: str = "") -> str:
    return f"<item><title>{title}</title><link>/news/{number}</link><guid>{number}</guid><pubDate>Sun, 22 Nov 2026 0{number}:00:00 GMT</pubDate>{more}</item>"


def rss(*items: str, head: str = "", root: str = "rss version='2.0'") -> str:
    return f"<?xml version='1.0'?><{root}><channel><title>T</title>{head}{''.join(items)}</channel></rss>"


def titles(reading: Reading) -> list[str]:
    return [entry.title for entry in reading.entries]


async def test_only_the_new_entries_of_a_changed_feed_are_parsed(poller: Poller) -> None:
    async with poller.client:
        first = await poller.poll(rss(item(ONE, 1), item(TWO, 2)))
        second = await poller.poll(rss(item(THREE, 3), item(ONE, 1), item(TWO, 2)))
    assert (titles(first), len(first.held)) == ([ONE, TWO], 0)
    assert (titles(second), len(second.held), second.count) == ([THREE], 2, 3)
    (parsed,) = poller.pool.parsed
    assert ONE.encode() not in parsed
    assert TWO.encode() not in parsed


async def test_a_feed_with_nothing_new_in_it_is_not_parsed_at_all(poller: Poller, now: datetime) -> None:
    async with poller.client:
        await poller.poll(rss(item(ONE, 1), item(TWO, 2), head="<lastBuildDate>Sun, 22 Nov 2026 05:00:00 GMT</lastBuildDate>"))
        reading = await poller.poll(
            rss(item(ONE, 1), item(TWO, 2), head="<lastBuildDate>Sun, 22 Nov 2026 05:15:00 GMT</lastBuildDate>")
        )
    assert poller.pool.parsed == []
    assert (reading.ok, reading.unchanged, reading.entries, reading.count) == (True, False, (), 2)
    assert reading.newest == datetime(2026, 11, 22, 2, tzinfo=now.tzinfo)
    assert [when.hour for when in reading.dates if when] == [1, 2]


async def test_a_changed_title_under_the_same_guid_is_noticed(poller: Poller) -> None:
    async with poller.client:
        await poller.poll(rss(item(ONE, 1), item(TWO, 2)))
        reading = await poller.poll(rss(item(ONE, 1), item(TWO + ", two held", 2)))
    assert titles(reading) == [TWO + ", two held"]


async def test_an_entry_that_left_and_returns_is_read_again(poller: Poller) -> None:
    async with poller.client:
        await poller.poll(rss(item(ONE, 1), item(TWO, 2)))
        await poller.poll(rss(item(TWO, 2)))
        reading = await poller.poll(rss(item(ONE, 1), item(TWO, 2)))
    assert titles(reading) == [ONE]


async def test_a_new_entry_under_the_address_of_an_old_one_has_the_whole_feed_read(poller: Poller) -> None:
    async with poller.client:
        await poller.poll(rss(item(ONE, 1)))
        reading = await poller.poll(rss(item(TWO, 1, "<category>x</category>"), item(ONE, 1)))
    assert titles(reading) == [TWO, ONE]
    assert len({entry.key for entry in reading.entries}) == 2


async def test_what_stands_around_the_entries_is_part_of_what_they_mean(poller: Poller) -> None:
    other_base, language = "rss version='2.0' xml:base='https://other.example/'", "<language>kk</language>"
    async with poller.client:
        await poller.poll(rss(item(ONE, 1)))
        moved = await poller.poll(rss(item(ONE, 1), root=other_base))
        spoken = await poller.poll(rss(item(ONE, 1), root=other_base, head=language))
    assert [entry.url for entry in moved.entries] == ["https://other.example/news/1"]
    assert [entry.language for entry in spoken.entries] == ["kk"]


async def test_once_a_day_the_whole_feed_is_read(poller: Poller) -> None:
    async with poller.client:
        await poller.poll(rss(item(ONE, 1)))
        soon = await poller.poll(rss(item(ONE, 1), item(TWO, 2)), timedelta(hours=23))
        later = await poller.poll(rss(item(ONE, 1), item(TWO, 2), head="<ttl>5</ttl>"), timedelta(hours=25))
    assert (titles(soon), titles(later)) == ([TWO], [ONE, TWO])


NEW = item(THREE, 3)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(rss(NEW, "<!-- ", item(ONE, 1), " -->", item(TWO, 2)), id="an entry commented out"),
        pytest.param(rss(NEW, "<description><![CDATA[", item(ONE, 1), "]]></description>", item(TWO, 2)), id="an entry quoted"),
        pytest.param(rss(NEW, "<generator x='", item(ONE, 1), "'/>", item(TWO, 2)), id="an entry within a tag"),
        pytest.param(rss(NEW, f"<x>{item(ONE, 1)}</y>", item(TWO, 2)), id="broken around an old entry"),
        pytest.param(rss(NEW.replace("</title>", "")), id="broken in the new entry"),
        pytest.param(rss(NEW.replace("</item>", "</item >"), item(ONE, 1), item(TWO, 2)), id="a blank in the closing tag"),
        pytest.param(rss(NEW.replace("<link>", "<item><link>").replace("</guid>", "</guid></item>"), item(ONE, 1)), id="nested"),
        pytest.param(rss(NEW, "<Item><title>Odd</title></Item>", item(ONE, 1)), id="an entry in capitals"),
        pytest.param(rss(NEW, "<item/>", item(ONE, 1), item(TWO, 2)), id="an empty entry"),
        pytest.param(rss(NEW, item(ONE, 1), item(TWO, 2)).replace("<title>T<", "<title>T\x00<"), id="a control character"),
        pytest.param(rss(NEW, "<!\x00-- ", item(ONE, 1), " -->", item(TWO, 2)), id="a comment hidden by one"),
        pytest.param(rss(NEW.replace("<title>", "<title>&nbsp;"), item(ONE, 1)), id="an entity nobody declared"),
        pytest.param("<!DOCTYPE rss [<!ENTITY x 'y'>]>" + rss(NEW, item(ONE, 1))[21:], id="a declared entity"),
        pytest.param(
            rss(item(THREE, 3, "<a:x xmlns:a='urn:a'/>"), item(ONE, 1, "<a:x xmlns:a='urn:b'/>")), id="a prefix of two meanings"
        ),
        pytest.param(rss(NEW, NEW, item(ONE, 1)), id="a new entry twice"),
        pytest.param(rss(NEW, item(ONE, 1), item(ONE, 1)), id="an old entry twice"),
        pytest.param(rss(NEW, item(ONE, 1), item(TWO, 2)).encode("utf-16").decode("latin-1"), id="half a character set"),
    ],
)
async def test_an_odd_feed_reads_as_if_it_had_never_been_seen(poller: Poller, changed: str) -> None:
    async with poller.client:
        await poller.poll(rss(item(ONE, 1), item(TWO, 2)))
        first = {entry.key for entry in (await climb_anew(poller, rss(item(ONE, 1), item(TWO, 2)))).entries}
        partly = await poller.poll(changed)
        whole = await climb_anew(poller, changed)
    assert partly.count == whole.count
    assert partly.ok == whole.ok
    kept = [entry for entry in whole.entries if entry in partly.entries]
    assert list(partly.entries) == kept, "the same entries, in the same order"
    assert {entry.key for entry in whole.entries} - {entry.key for entry in partly.entries} <= first


async def climb_anew(poller: Poller, body: str) -> Reading:
    poller.host.serve("/rss", body)
    return await climb(poller.client, poller.pool, poller.host.source(("feed", "/rss")), now=poller.now)
