"""What an article is held to be: one item, whatever its feed calls it today; what changes in it is a version with a diff."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from xml.sax.saxutils import escape

import pytest

from domain.settings import Settings
from flows.report import RunReport
from flows.steps import CollectOptions, collect
from tests.flows.conftest import Site, filler

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
TEXT = filler("Miners in the north stopped work")
CHANGED = filler("Miners in the north went back to work")


@pytest.fixture
def one(settings: Settings) -> Settings:
    """Settings with the first source alone."""
    only = settings.sources.parent / "only.yaml"
    only.write_text(settings.sources.read_text(encoding="utf-8").split("- id: two")[0], encoding="utf-8")
    return settings.changed(sources=only)


class Paper:
    """One source whose feed a test writes and polls, an hour between two polls."""

    def __init__(self, settings: Settings, site: Site) -> None:
        self.settings, self.site, self.now = settings, site, NOW

    def poll(self, *entries: str) -> RunReport:
        body = f'<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>T</title>{"".join(entries)}</channel></rss>'
        self.site.put("/one.xml", body, type="application/rss+xml")
        self.now += timedelta(hours=1)
        return asyncio.run(collect(self.settings, CollectOptions(), clock=lambda: self.now))

    def query(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(self.settings.home / "sholu.db")) as connection:
            return connection.execute(sql).fetchall()

    @property
    def items(self) -> int:
        return int(self.query("SELECT count(*) FROM items")[0][0])

    @property
    def versions(self) -> list[tuple[int, str, str]]:
        """Number, title and diff of every version, of all items in order."""
        return self.query("SELECT number, title, diff FROM item_versions ORDER BY item_id, number")


@pytest.fixture
def paper(one: Settings, site: Site) -> Paper:
    return Paper(one, site)


def entry(link: str, title: str = "Miners stop work", *, guid: str = "", text: str = "") -> str:
    """An entry; with ``text`` it carries the article in full, so that it is read although its page cannot be."""
    said = f"<content:encoded>{escape(text)}</content:encoded>" if text else ""
    named = f'<guid isPermaLink="false">{escape(guid)}</guid>' if guid else ""
    return f"<item><title>{title}</title><link>{escape(link)}</link>{named}<pubDate>{format_datetime(NOW)}</pubDate>{said}</item>"


# The address as first seen is http://paper.invalid/2026/11/<slug>; each of these is another way to the same article.
SAME = {
    "https": "https://paper.invalid/2026/11/{}",
    "tracking": "http://paper.invalid/2026/11/{}?utm_source=rss&utm_medium=feed&fbclid=IwAR0",
    "www": "http://www.paper.invalid/2026/11/{}",
    "mobile": "http://m.paper.invalid/2026/11/{}",
    "amp-host": "https://amp.paper.invalid/2026/11/{}",
    "amp-path": "https://paper.invalid/2026/11/{}/amp/",
    "amp-query": "http://paper.invalid/2026/11/{}?amp=1",
    "amp-cache": "https://paper-invalid.cdn.ampproject.org/c/s/paper.invalid/2026/11/{}",
    "slash": "http://paper.invalid/2026/11/{}/",
    "slashes": "http://paper.invalid//2026/11/{}",
    "fragment": "http://paper.invalid/2026/11/{}#comments",
    "capitals": "HTTP://PAPER.invalid:80/2026/11/{}",
    "dot": "http://paper.invalid./2026/11/{}",
    "all": "https://m.paper.invalid:443/2026/11/{}/amp?utm_campaign=x&amp=1#top",
}


def test_an_article_under_another_of_its_addresses_is_the_same_item(paper: Paper) -> None:
    def told(change: str, *, variant: bool) -> list[str]:
        return [
            entry((address if variant else "http://paper.invalid/2026/11/{}").format(f"story-{name}"), f"Story {name} {change}",
                  guid=f"{name} {variant} {change}", text=filler(f"Story {name} {change}"))
            for name, address in SAME.items()
        ]  # fmt: skip

    paper.poll(*told("begins", variant=False))
    again = paper.poll(*told("begins", variant=True))
    assert (paper.items, again.counts.new, again.counts.updated) == (len(SAME), 0, 0)
    changed = paper.poll(*told("ends", variant=True))
    assert (paper.items, changed.counts.new, changed.counts.updated) == (len(SAME), 0, len(SAME))
    later = [(title, diff) for number, title, diff in paper.versions if number == 2]
    assert {title for title, _ in later} == {f"Story {name} ends" for name in SAME}
    for title, diff in later:
        assert f"+{title}" in diff
        assert f"-{title.replace('ends', 'begins')}" in diff


def test_another_article_is_another_item_although_it_shares_a_guid(paper: Paper) -> None:
    others = (
        "http://paper.invalid/2026/11/miners-stop-work-again",
        "http://other.invalid/2026/11/miners-stop-work",
        "http://paper.invalid/2026/11/miners-stop-work?page=2",
        "http://paper.invalid/index.php?id=2",
        "http://paper.invalid/2026/11/Miners-Stop-Work",
    )
    paper.poll(entry("http://paper.invalid/2026/11/miners-stop-work", guid="same", text=TEXT))
    for number, other in enumerate(others, 1):
        report = paper.poll(
            entry(other, f"Teachers stop work {number}", guid="same", text=filler(f"Teachers stopped work {number}"))
        )
        assert (paper.items, report.counts.new) == (1 + number, 1), other


def test_guids_that_change_with_every_build_bring_nothing_new(paper: Paper, site: Site) -> None:
    site.article("/a1", "Miners stop work", TEXT)
    for build in range(4):
        report = paper.poll(entry(site.address("/a1"), guid=f"build-{build}"))
    assert (paper.items, len(paper.versions), report.counts.seen, report.counts.new) == (1, 1, 1, 0)


def test_a_guid_used_again_for_other_news_without_an_address_is_a_new_version(paper: Paper) -> None:
    without = '<item><title>{}</title><guid isPermaLink="false">1</guid><description>{}</description></item>'
    paper.poll(without.format("Miners stop work", TEXT))
    report = paper.poll(without.format("Miners go back", CHANGED))
    assert (paper.items, report.counts.updated) == (1, 1), "neither a new item nor silence"
    assert "+Miners go back" in paper.versions[1][2]


def test_a_changed_title_alone_is_a_version(paper: Paper, site: Site) -> None:
    site.article("/a1", "Miners stop work", TEXT)
    paper.poll(entry(site.address("/a1")))
    report = paper.poll(entry(site.address("/a1"), "Miners said to stop work"))
    assert (paper.items, report.counts.updated) == (1, 1)
    assert [title for _, title, _ in paper.versions] == ["Miners stop work", "Miners said to stop work"]


def test_a_changed_body_is_a_version_once_the_feed_says_that_something_changed(paper: Paper, site: Site) -> None:
    site.article("/a1", "Miners stop work", TEXT)
    paper.poll(entry(site.address("/a1")))
    site.article("/a1", "Miners stop work", CHANGED)
    report = paper.poll(entry(site.address("/a1")).replace("</item>", "<description>Changed since.</description></item>"))
    assert (paper.items, report.counts.updated) == (1, 1)
    assert "+Miners in the north went back" in paper.versions[1][2]


def test_a_page_cannot_pass_itself_off_as_another_article(paper: Paper, site: Site) -> None:
    hostile = (
        "https://other.invalid/their-story", "/", "/victim", "javascript:alert(1)", "//127.0.3.9/victim", "http://127.0.3.1:1/victim",
        "http://user:pw@127.0.3.1/victim", "x" * 5_000,
    )  # fmt: skip
    site.article("/victim", "Teachers stop work", filler("Teachers in the south stopped work"))
    victim = entry(site.address("/victim"), "Teachers stop work")
    paper.poll(victim)
    entries = []
    for number, canonical in enumerate(hostile):
        path, title = f"/hostile{number}", f"Story {number} of the miners"
        site.article(path, title, filler(title))
        status, headers, body = site.pages[path]
        site.pages[path] = (
            status,
            headers,
            body.replace(b"</head>", f'<link rel="canonical" href="{canonical}"></head>'.encode()),
        )
        entries.append(entry(site.address(path), title))
    report = paper.poll(*entries, victim)
    assert (paper.items, report.counts.new, report.counts.updated) == (1 + len(hostile), len(hostile), 0)
    urls = {url for (url,) in paper.query("SELECT url FROM items")}
    assert urls == {site.address("/victim"), *(site.address(f"/hostile{number}") for number in range(len(hostile)))}


def test_a_canonical_address_that_means_the_same_article_joins_two(paper: Paper, site: Site) -> None:
    for path in ("/print/miners-stop-work-2026", "/2026/miners-stop-work-2026"):
        site.article(path, "Miners stop work", TEXT)
        status, headers, body = site.pages[path]
        link = b'<link rel="canonical" href="/2026/miners-stop-work-2026"></head>'
        site.pages[path] = (status, headers, body.replace(b"</head>", link))
    paper.poll(entry(site.address("/2026/miners-stop-work-2026")))
    report = paper.poll(entry(site.address("/print/miners-stop-work-2026")))
    assert (paper.items, report.counts.new, report.counts.duplicate) == (1, 0, 1)


def test_entries_that_share_a_guid_in_one_body_stay_apart_from_poll_to_poll(paper: Paper, site: Site) -> None:
    for number in range(1, 4):
        site.article(f"/a{number}", f"Story {number} of the miners", filler(f"Story {number} of the miners"))
    entries = [entry(site.address(f"/a{number}"), f"Story {number} of the miners", guid="same") for number in range(1, 4)]
    paper.poll(*entries)
    report = paper.poll(*reversed(entries))
    assert (paper.items, len(paper.versions), report.counts.new, report.counts.updated) == (3, 3, 0, 0)
