"""What each peer makes of the same feeds, run in an environment of the peer's own: ``python peer.py NAME SOURCES.txt LIMIT``.

Prints how many articles had a text. Only the peers' documented interfaces are used, with their default settings; pages are fetched by
themselves where they do that, from the same loopback server.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path


def links(feeds: list[str]) -> Iterator[str]:
    """The articles of feeds by the standard library: a peer without feeds of its own is given them for nothing."""
    import re
    from urllib.request import urlopen

    for feed in feeds:
        yield from re.findall(r"<link>(http[^<]+\.html)</link>", urlopen(feed).read().decode())  # loopback


def trafilatura(feeds: list[str], limit: int) -> int:
    """extract with its defaults. Its own downloader and feed finder refuse loopback, so both are done for it as cheaply as can be."""
    from urllib.request import urlopen

    from trafilatura import extract

    return sum(bool(extract(urlopen(url).read(), url=url)) for url in islice(links(feeds), limit))


def newspaper4k(feeds: list[str], limit: int) -> int:
    import newspaper

    done = 0
    for url in islice(links(feeds), limit):
        article = newspaper.Article(url)
        article.download()
        article.parse()
        done += bool(article.text)
    return done


def news_please(feeds: list[str], limit: int) -> int:
    from newsplease import NewsPlease

    found = [NewsPlease.from_url(url) for url in islice(links(feeds), limit)]
    return sum(bool(getattr(article, "maintext", None)) for article in found)


def reader(feeds: list[str], limit: int) -> int:
    """Feeds only: it fetches no articles. ``limit`` is not used."""
    del limit
    import tempfile

    from reader import make_reader

    with tempfile.TemporaryDirectory() as place:
        kept = make_reader(str(Path(place) / "db.sqlite"))
        for feed in feeds:
            kept.add_feed(feed)
        kept.update_feeds()
        return kept.get_entry_counts().total or 0


PEERS = {"trafilatura": trafilatura, "newspaper4k": newspaper4k, "news-please": news_please, "reader": reader}

if __name__ == "__main__":
    print(PEERS[sys.argv[1]](Path(sys.argv[2]).read_text(encoding="utf-8").split(), int(sys.argv[3])))
