"""What each peer makes of the same feeds, run in an environment of its own: ``python bench/peer.py NAME SOURCES.txt LIMIT TEXTS.jsonl [FOLDER]``.

Only the peers' documented interfaces are used, with their default settings. They fetch the pages themselves where they do that, from the
same server. Texts are written to a file, a line an article, to be judged by others; the last line printed is how many had one.
FOLDER is where a peer keeps what it remembers from one run to the next. Nothing of this project is imported: it is not there.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from urllib.request import urlopen


def links(feeds: list[str]) -> Iterator[str]:
    """The articles of feeds by the standard library: a peer without feeds of its own is given them for nothing."""
    for feed in feeds:
        yield from re.findall(r"<link>(http[^<]+\.html)</link>", urlopen(feed).read().decode())  # loopback


def trafilatura(feeds: list[str], limit: int) -> Iterator[tuple[str, str]]:
    """extract with its defaults. Its own downloader and feed finder refuse loopback, so both are done for it as cheaply as can be."""
    from trafilatura import extract

    for url in islice(links(feeds), limit):
        yield url, extract(urlopen(url).read(), url=url) or ""


def newspaper4k(feeds: list[str], limit: int) -> Iterator[tuple[str, str]]:
    """Without the pictures, for which it would ask the hosts that pages name."""
    import newspaper

    def text_of(url: str) -> str:
        article = newspaper.Article(url, fetch_images=False)
        article.download()
        article.parse()
        return article.text or ""

    for url in islice(links(feeds), limit):
        yield url, or_nothing(text_of, url)


def news_please(feeds: list[str], limit: int) -> Iterator[tuple[str, str]]:
    """Without the pictures, too."""
    from newsplease import NewsPlease

    def text_of(url: str) -> str:
        return getattr(NewsPlease.from_url(url, fetch_images=False), "maintext", None) or ""

    for url in islice(links(feeds), limit):
        yield url, or_nothing(text_of, url)


def or_nothing(text_of: Callable[[str], str], url: str) -> str:
    """A text, or none where a peer gives a page up (a Korean one, for want of a further package, ends both of them)."""
    try:
        return text_of(url)
    except Exception:  # noqa: BLE001  # whatever it is: the other pages are still to be read
        return ""


def fundus(feeds: list[str], limit: int) -> Iterator[tuple[str, str]]:
    """Its hand-written selectors on pages of its own publishers, fetched for it as cheaply as can be; the order of outlets is in FOLDER."""
    from datetime import datetime
    from urllib.parse import urlsplit

    from fundus import PublisherCollection

    publishers = {str(urlsplit(each.domain).hostname).removeprefix("www."): each for each in PublisherCollection}
    outlets = Path(sys.argv[5]).read_text(encoding="utf-8").split()
    month = datetime(2019, 11, 20)  # noqa: DTZ001  # the pages' time, without a zone as Fundus has it; a parser of another time would not know them
    parsers = {outlet: publishers[outlet].parser(month) for outlet in set(outlets)}
    for url in islice(links(feeds), limit):
        number = int(url.rpartition("/")[2].removesuffix(".html"))
        found = parsers[outlets[number % len(outlets)]].parse(urlopen(url).read().decode(errors="replace"), "suppress")
        body = found.get("body")
        yield url, str(body) if body and not isinstance(body, Exception) else ""


def fundus_outlets(_feeds: list[str], _limit: int) -> Iterator[tuple[str, str]]:
    """The hosts Fundus has selectors for."""
    from urllib.parse import urlsplit

    from fundus import PublisherCollection

    yield from ((str(urlsplit(each.domain).hostname).removeprefix("www."), "") for each in PublisherCollection)


def reader(feeds: list[str], limit: int) -> Iterator[tuple[str, str]]:
    """Feeds only: it fetches no articles."""
    del limit
    from reader import make_reader

    kept = make_reader(str(Path(sys.argv[5]) / "reader.sqlite"))
    for feed in feeds:
        kept.add_feed(feed, exist_ok=True)
    kept.update_feeds(scheduled=False)  # else it leaves alone for an hour what it has just read
    yield from ((entry.id, "entry") for entry in kept.get_entries())


def rss2email(feeds: list[str], limit: int) -> Iterator[tuple[str, str]]:
    """Feeds only, too; mails are made and not sent."""
    del limit
    from rss2email.main import run

    folder = Path(sys.argv[5])
    config = folder / "r2e.cfg"
    if not config.exists():
        heads = "".join(f"[feed.f{number}]\nurl = {feed}\n" for number, feed in enumerate(feeds))
        config.write_text(f"[DEFAULT]\nfrom = bench@example.org\nto = bench@example.org\n{heads}", encoding="utf-8")
    with suppress(SystemExit):
        run(["-c", str(config), "-d", str(folder / "r2e.json"), "run", "--no-send"])
    kept = json.loads((folder / "r2e.json").read_text(encoding="utf-8"))
    yield from ((guid, "entry") for feed in kept["feeds"] for guid in feed["seen"])


PEERS = {
    "trafilatura": trafilatura,
    "newspaper4k": newspaper4k,
    "news-please": news_please,
    "fundus": fundus,
    "fundus-outlets": fundus_outlets,
    "reader": reader,
    "rss2email": rss2email,
}

if __name__ == "__main__":
    name, listed, most, texts = sys.argv[1:5]
    done = 0
    with Path(texts).open("w", encoding="utf-8") as file:
        for subject, text in PEERS[name](Path(listed).read_text(encoding="utf-8").split(), int(most)):
            done += bool(text)
            file.write(json.dumps([subject, text], ensure_ascii=False) + "\n")
    print(done)
