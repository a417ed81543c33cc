"""What is read of a changed feed is what the whole feed would have given, less what was read before: on every feed there is."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import ReadError
from domain.values import Entry, Feed
from extractors.feeds import read_feed
from extractors.pieces import Division, divide, key_digest, remembered
from tests.conftest import HOUSE, SHARED

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
URL = "https://a.example/news/feed"
FEEDS = sorted(
    path
    for folder in (HOUSE / "tests" / "fuzz" / "corpus" / "feed", SHARED / "feeds")
    if folder.exists()
    for path in folder.iterdir()
    if path.suffix != ".jsonl"
)
# Real feeds, of those beside the project, of which entries must be known again: the rest is broken, or a case of a test suite.
LEAST_KNOWN_AGAIN = 80


def read(body: bytes, content_type: str = "") -> Feed:
    return read_feed(body, content_type=content_type, url=URL, source_id="s", now=NOW)


def first_reading(body: bytes) -> tuple[Feed, Division, bytes] | None:
    """The whole feed, and what is remembered of it; None where nothing can be."""
    try:
        whole = read(body)
    except ReadError:
        return None
    division = divide(body, "", url=URL, stored=b"", now=NOW)
    return (whole, division, remembered(division, whole)) if division else None


def less(stored: bytes, dropped: set[bytes]) -> bytes:
    """What is remembered, as if the entries of these keys had not been there."""
    head, size = stored[:9], 32
    records = [stored[start : start + size] for start in range(9, len(stored), size)]
    return head + b"".join(record for record in records if record[16:24] not in dropped)


def second_reading(body: bytes, stored: bytes) -> tuple[Division, tuple[Entry, ...]] | None:
    """What a later poll reads of a body; None where it falls back to the whole."""
    division = divide(body, "", url=URL, stored=stored, now=NOW)
    assert division is not None
    if not division.document:
        return division, ()
    if not division.held:
        return division, read(body).entries
    try:
        feed = read(division.document, "text/xml; charset=utf-8")
    except ReadError:
        return None
    return (division, feed.entries) if division.joins(feed) else None


def known_keys(stored: bytes) -> set[bytes]:
    return {stored[start + 16 : start + 24] for start in range(9, len(stored), 32)}


@pytest.mark.parametrize("path", FEEDS, ids=lambda path: path.name[:60])
def test_any_part_of_a_feed_reads_as_it_does_within_the_whole(path: Path) -> None:
    body = path.read_bytes()
    first = first_reading(body)
    if first is None:
        return
    whole, _, stored = first
    keys = [key_digest(entry.key) for entry in whole.entries]
    chance = random.Random(path.name)
    for share in (0.0, 0.1, 0.5, 0.9, 1.0):
        unseen = {key for key in keys if chance.random() < share}
        found = second_reading(body, less(stored, unseen))
        assert found is not None, "the same body must be readable in part"
        division, entries = found
        held = {piece.key for piece in division.held}
        assert held == known_keys(stored) - unseen
        assert entries == tuple(entry for entry in whole.entries if key_digest(entry.key) not in held)
        assert [piece.published for piece in division.held] == [
            entry.published and entry.published.replace(microsecond=0) for entry in whole.entries if key_digest(entry.key) in held
        ]


def test_entries_of_most_real_feeds_are_known_again() -> None:
    if len(FEEDS) < 100:
        pytest.skip("needs feeds of the labelled material, which is not on this machine")
    known = [path.name for path in FEEDS if (first := first_reading(path.read_bytes())) and known_keys(first[2])]
    assert len(known) >= LEAST_KNOWN_AGAIN


# What an entry may be made of: what feedparser keeps count of across elements, and what could hide or break a boundary.
_WITHIN = """<title>Story of miners</title>|<title>Another story</title>|<link>https://a.example/1</link>|<link>/two</link>
|<link href='https://a.example/3'/>|<link/>|<guid>42</guid>|<guid isPermaLink='false'>tag:1</guid>|<id>https://a.example/4</id>
|<description>Text of it &amp; more</description>|<description>&lt;p lang='de'&gt;Text&lt;/p&gt;</description>|<summary>Brief</summary>
|<content type='html'><div xml:lang='kk' base='/x/'>Raw <b>text</b></div></content>|<content>Plain</content>
|<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml' xml:base='/y/'><p>Told</p><svg/></div></content>
|<content:encoded><![CDATA[<p>Whole <!-- text</p>]]></content:encoded>|<description><![CDATA[</item><item>]]></description>
|<image><url>/i</url><title>Image</title><link>/image</link></image>|<source url='/s'>Source</source>|<source><title>S</title><id>9</id></source>
|<author><name>A. B.</name></author>|<dc:creator xmlns:dc='http://purl.org/dc/elements/1.1/'>C. D.</dc:creator>
|<x:a xmlns:x='urn:one'>1</x:a>|<x:a xmlns:x='http://purl.org/dc/elements/1.1/'>2</x:a>|<language>ru</language>|<textInput><name>n</name></textInput>
|<media:title xmlns:media='http://search.yahoo.com/mrss/'>M</media:title>|<enclosure url='/e.mp3'/>|<category>c</category>
|<pubDate>Sun, 22 Nov 2026 01:00:00 GMT</pubDate>|<updated>2026-11-21T00:00:00Z</updated>|<pubDate>2030-01-01</pubDate>
|<!-- </item> -->|<?x </item> ?>|<!-- open|<![CDATA[ open|]]>|-->|&nbsp;|&#0;|&#x10;|\x01|<b>|</b>|<item>|</item>|<Item/>|<entry/>"""
WITHIN = st.sampled_from([each.strip("\n") for each in _WITHIN.split("|")])
_SOUND = [each.strip("\n") for each in _WITHIN.split("|<!-- </item>", maxsplit=1)[0].split("|")]
ENTRY = st.one_of(st.lists(st.sampled_from(_SOUND), min_size=1, max_size=5), st.lists(WITHIN, min_size=1, max_size=4)).map(
    "".join
)
AROUND = st.sampled_from(
    [
        "",
        "",
        "",
        " ",
        "<title>T</title>",
        "<language>kk</language>",
        "<image><url>/u</url></image>",
        "<!-- ",
        " -->",
        "<x y='",
        "'/>",
        "text",
    ]
)
ROOTS = st.sampled_from(
    [
        ("<rss version='2.0'><channel>", "item", "</channel></rss>"),
        ("<rss version='2.0' xml:lang='ru' xmlns:content='http://purl.org/rss/1.0/modules/content/'><channel>", "item", "</channel></rss>"),
        ("<feed xmlns='http://www.w3.org/2005/Atom' xml:base='/base/'>", "entry", "</feed>"),
        (
            "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'><channel/>",
            "item",
            "</rdf:RDF>",
        ),
    ]
)  # fmt: skip


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    ROOTS,
    st.lists(ENTRY, min_size=1, max_size=5),
    st.lists(ENTRY, max_size=3),
    st.lists(AROUND, min_size=18, max_size=18),
    st.randoms(),
)
def test_a_changed_feed_of_odd_entries_reads_as_the_whole_of_it_would(root, before, added, around, chance):
    start, name, end = root
    kept = [entry for entry in before if chance.random() < 0.8]
    after = added + kept if chance.random() < 0.8 else kept + added

    def written(entries: list[str], gaps: list[str]) -> bytes:
        joined = "".join(f"{gap}<{name}>{entry}</{name}>" for gap, entry in zip(gaps, entries, strict=False))
        return f"{start}{joined}{gaps[-1]}{end}".encode()

    try:
        first = read(written(before, around[:9]))
        whole = read(written(after, around[9:]))
    except ReadError:
        return
    division = divide(written(before, around[:9]), "", url=URL, stored=b"", now=NOW)
    stored = remembered(division, first) if division else b""
    division = divide(written(after, around[9:]), "", url=URL, stored=stored, now=NOW)
    if division is None or not division.held:
        return
    entries: tuple[Entry, ...] = ()
    if division.document:
        try:
            found = read(division.document, "text/xml; charset=utf-8")
        except ReadError:
            return
        if not division.joins(found):
            return
        entries = found.entries
    held = {piece.key for piece in division.held}
    assert entries == tuple(entry for entry in whole.entries if key_digest(entry.key) not in held)
    assert len(entries) + len(division.held) == len(whole.entries)


def test_a_broken_entry_among_known_ones_costs_none_of_them() -> None:
    known = "".join(f"<item><title>Story {n}</title><link>https://a.example/{n}</link></item>" for n in range(3))
    feed = "<rss version='2.0'><channel><title>Paper</title>{}</channel></rss>"
    first = first_reading(feed.format(known).encode())
    assert first is not None
    body = feed.format(f"{known}<item>&nbsp;</item>").encode()
    division = divide(body, "", url=URL, stored=first[2], now=NOW)
    assert division is not None
    assert len(division.held) == 3
    assert read(division.document).entries == ()
