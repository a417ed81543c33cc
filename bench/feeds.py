"""What a changed feed with two new entries costs: ``python -m bench.feeds [FOLDER]``; feedparser's default beside ours, in one run.

CPU time of this process (the least of several readings, since noise only adds) and, for the last columns, of the child that parses as
well. Feeds are those of ``../shared/feeds`` of at least 60 kB, where that is present, else one made of the demo's kind of entries.
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedparser
import psutil

from domain.errors import ReadError
from extractors.addresses import item_key
from extractors.feeds import read_feed
from extractors.pieces import cut, divide, remembered
from extractors.pool import ParserPool

HOUSE = Path(__file__).resolve().parent.parent
OUT = HOUSE / "bench" / "out"
NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
URL = "https://news.example.org/feed"
SMALLEST = 60_000  # bytes
NEW, HEAD, RECORD = 2, 9, 32  # entries new in the changed feed; bytes of what is remembered: its head, and an entry
BATCHES, POLLS = 5, 40  # by way of a child process: the least of so many batches of so many polls
COLUMNS = (
    "feedparser", "unsanitised", "whole", "cut", "MB/s", "divide", "two new", "x new", "nothing new", "x nothing", "polled", "x polled",
)  # fmt: skip
UTF8 = "text/xml; charset=utf-8"


def least(work: Callable[[], Any], times: int = 25) -> float:
    """Milliseconds of CPU."""
    best = float("inf")
    for _ in range(times):
        item_key.cache_clear()  # the address of a new entry is new
        start = time.process_time_ns()
        work()
        best = min(best, (time.process_time_ns() - start) / 1e6)
    return best


def feeds() -> dict[str, bytes]:
    """Feeds by name, of which a second reading can be a part."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HOUSE.parent / "shared" / "feeds"
    if not folder.exists():
        text = "<p>Residents of the district told reporters that the water had been cut off for nine days.</p>" * 12
        items = "".join(
            f"<item><title>Story {number} of the district</title><link>https://news.example.org/{number}</link>"
            f"<pubDate>Sun, 22 Nov 2026 05:00:00 GMT</pubDate><description><![CDATA[{text}{number}]]></description></item>"
            for number in range(100)
        )
        return {"made up": f"<rss version='2.0'><channel><title>T</title>{items}</channel></rss>".encode()}
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.iterdir())
        if path.stat().st_size >= SMALLEST and path.suffix != ".jsonl"
    }


def whole(body: bytes, content_type: str = "") -> Any:
    return read_feed(body, content_type=content_type, url=URL, source_id="s", now=NOW)


def stored_but_new(body: bytes) -> bytes:
    """What would be remembered of this feed as it was two entries ago, b"" where nothing can be."""
    try:
        found = whole(body)
    except ReadError:
        return b""
    division = divide(body, "", url=URL, stored=b"", now=NOW)
    packed = remembered(division, found) if division else b""
    return packed[:HEAD] + packed[HEAD + NEW * RECORD :] if len(packed) >= HEAD + (NEW + 1) * RECORD else b""


def measured(body: bytes, stored: bytes) -> dict[str, float]:
    """What each part costs, in milliseconds."""
    division = divide(body, "", url=URL, stored=stored, now=NOW)
    assert division is not None
    document = division.document
    new = whole(document, UTF8)
    assert division.joins(new)
    assert len(new.entries) == NEW
    full = remembered(division, new)
    dividing = least(lambda: divide(body, "", url=URL, stored=stored, now=NOW))
    return {
        "whole": least(lambda: whole(body), 3),
        "cut": least(lambda: cut(body)),
        "divide": dividing,
        "two new": dividing + least(lambda: whole(document, UTF8)) + least(lambda: remembered(division, new)),
        "nothing new": least(lambda: divide(body, "", url=URL, stored=full, now=NOW)),
        "polled": asyncio.run(polled(body, stored)),
    }


def children() -> float:
    """Seconds of CPU the children of this process have used so far."""
    times = [child.cpu_times() for child in psutil.Process().children()]
    return sum(each.user + each.system for each in times)


async def polled(body: bytes, stored: bytes) -> float:
    """As the program does it, with the parsing in a child: CPU of both, each poll."""
    async with ParserPool(1) as pool:
        await pool.run(read_feed, b"<rss version='2.0'><channel/></rss>", url=URL, source_id="s", now=NOW)
        best = float("inf")
        for _ in range(BATCHES):
            start, before = time.process_time(), children()
            for _ in range(POLLS):
                division = divide(body, "", url=URL, stored=stored, now=NOW)
                assert division is not None
                found = await pool.run(read_feed, division.document, content_type=UTF8, url=URL, source_id="s", now=NOW)
                remembered(division, found)
            best = min(best, time.process_time() - start + children() - before)
        return 1000 * best / POLLS


def main() -> None:
    """Print the table and keep it as JSON."""
    bodies = feeds()
    # Before the first of ours is read: from then on feedparser is tuned in this process.
    default = {name: least(lambda body=body: feedparser.parse(io.BytesIO(body)), 3) for name, body in bodies.items()}  # type: ignore[misc]
    bare = {
        name: least(
            lambda body=body: feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False),  # type: ignore[misc]
            3,
        )
        for name, body in bodies.items()
    }
    table: dict[str, dict[str, float]] = {}
    print(f"{'ms of CPU':44} {'kB':>5}" + "".join(f"{name:>12}" for name in COLUMNS))
    for name, body in bodies.items():
        stored = stored_but_new(body)
        if not stored:
            print(f"{name[:44]:44} {len(body) // 1000:5}   read in whole each time: not sound, or too few entries")
            continue
        found = {"feedparser": default[name], "unsanitised": bare[name]} | measured(body, stored)
        found |= {"MB/s": len(body) / found["cut"] / 1000, "x new": found["feedparser"] / found["two new"]}
        found |= {"x nothing": found["feedparser"] / found["nothing new"], "x polled": found["feedparser"] / found["polled"]}
        table[name] = found
        print(f"{name[:44]:44} {len(body) // 1000:5}" + "".join(f"{found[column]:12.2f}" for column in COLUMNS))
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "feeds.json").write_text(json.dumps(table, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
