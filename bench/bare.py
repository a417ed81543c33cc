"""The floor: a bare loop of aiohttp, feedparser and trafilatura, and nothing else; ``python bench/bare.py articles|feeds|polls FILE …``.

Same settings as the product: feedparser without sanitising and resolving (``feeds-default``: with), trafilatura with favor_recall, four
connections at once. It stores nothing, checks nothing and forgets everything.
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
from pathlib import Path

import aiohttp


async def articles(feeds: list[str]) -> dict[str, str]:
    import feedparser
    import trafilatura

    done: dict[str, str] = {}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=4)) as session:

        async def page(url: str) -> None:
            async with session.get(url) as answer:
                body = await answer.read()
            done[url] = trafilatura.extract(body, favor_recall=True, include_comments=False) or ""

        for feed in feeds:
            async with session.get(feed) as answer:
                parsed = feedparser.parse(await answer.read(), sanitize_html=False, resolve_relative_uris=False)
            await asyncio.gather(*(page(entry.link) for entry in parsed.entries))
    return done


async def read_feeds(feeds: list[str], *, thorough: bool) -> int:
    import feedparser

    entries = 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=32)) as session:
        for feed in feeds:
            async with session.get(feed) as answer:
                body = io.BytesIO(await answer.read())
            entries += len(feedparser.parse(body, sanitize_html=thorough, resolve_relative_uris=thorough).entries)
    return entries


async def polls(feeds: list[str], etags: dict[str, str]) -> int:
    unchanged = 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=32)) as session:

        async def poll(url: str) -> None:
            nonlocal unchanged
            headers = {"If-None-Match": etags[url]} if url in etags else {}
            async with session.get(url, headers=headers) as answer:
                await answer.read()
                unchanged += answer.status == 304
                if "ETag" in answer.headers:
                    etags[url] = answer.headers["ETag"]

        await asyncio.gather(*(poll(url) for url in feeds))
    return unchanged


def main() -> None:
    feeds = Path(sys.argv[2]).read_text().split()
    if sys.argv[1] == "articles":
        texts = asyncio.run(articles(feeds))
        lines = (json.dumps(pair, ensure_ascii=False) + "\n" for pair in texts.items())
        Path(sys.argv[3]).write_text("".join(lines), encoding="utf-8")
        print(sum(map(bool, texts.values())))
        return
    if sys.argv[1].startswith("feeds"):
        print(asyncio.run(read_feeds(feeds, thorough=sys.argv[1] == "feeds-default")))
        return
    kept = Path(sys.argv[3])
    etags = dict(line.split(" ", 1) for line in kept.read_text().splitlines()) if kept.exists() else {}
    print(asyncio.run(polls(feeds, etags)))
    kept.write_text("".join(f"{url} {etag}\n" for url, etag in etags.items()))


if __name__ == "__main__":
    main()
