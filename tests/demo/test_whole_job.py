"""The whole job on the demo's site: every article ends where the truth says, and the second run finds only what changed."""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from demo.newsroom import load_newsroom
from demo.site import DemoSite, Truth
from domain.settings import Settings
from domain.values import PollKind
from flows.report import RunReport
from flows.steps import collect
from flows.world import CollectOptions
from storage.shelf import list_items
from storage.store import open_store

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
# Stories the rules do not see yet; this number may only fall. Decoys flagged: none, ever.
MOST_MISSED = 0


@dataclass(frozen=True)
class Day:
    """Two runs on the site, a quarter of an hour apart, and what is stored after each."""

    site: DemoSite
    first: RunReport
    second: RunReport
    items: dict[str, Any]
    later: dict[str, Any]

    def truth(self) -> list[tuple[Truth, Any]]:
        return [(truth, self.items[truth.url]) for truth in self.site.truth if truth.url in self.items]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    home = tmp_path_factory.mktemp("demo")
    with DemoSite(now=NOW) as site:
        sources = site.write_sources(home / "sources.yaml")
        settings = Settings(home=home, sources=sources, allow_addresses="127.0.0.0/8", host_pause=0)
        first = asyncio.run(collect(settings, CollectOptions(), clock=lambda: NOW))
        items = stored(settings)
        later = NOW + timedelta(minutes=15)
        second = asyncio.run(collect(settings, CollectOptions(force=True), clock=lambda: later))
        return Day(site, first, second, items, stored(settings))


def stored(settings: Settings) -> dict[str, Any]:
    with closing(open_store(settings.database)) as store:
        return {item.url: item for item in list_items(store)}


def test_every_article_whose_page_can_be_read_is_stored_once(day: Day) -> None:
    assert set(day.items) == {truth.url for truth in day.site.truth if not truth.behind}
    assert day.first.counts.new == len(day.items)


def test_walls_and_dead_pages_are_failures_with_a_reason_and_no_articles(day: Day) -> None:
    behind = [truth for truth in day.site.truth if truth.behind]
    assert day.first.counts.failed == len(behind) == 2
    assert not [truth.url for truth in behind if truth.url in day.items]


def test_texts_are_those_of_the_articles_and_nothing_of_the_frame(day: Day) -> None:
    articles = [article for outlet in load_newsroom() for article in outlet.articles]
    wordings = {(article.outlet_id, article.wording.title): article.wording for article in articles}
    for truth, item in day.truth():
        paragraphs = wordings[truth.outlet_id, truth.title].paragraphs
        assert item.title == truth.title
        assert item.language == truth.language
        assert all(part in item.text for part in paragraphs), truth.url
        # At most the headline stands in the text beside the paragraphs.
        assert len(item.text) <= sum(map(len, paragraphs)) + len(paragraphs) * 2 + len(truth.title) + 2, truth.url


def test_no_decoy_is_flagged_and_few_stories_are_missed(day: Day) -> None:
    wrong = [truth.title for truth, item in day.truth() if item.flagging.flagged and not truth.relevant]
    missed = [truth.title for truth, item in day.truth() if truth.relevant and not item.flagging.flagged]
    assert not wrong
    assert len(missed) <= MOST_MISSED, missed


def test_the_blocked_source_fails_alone_and_the_quiet_one_is_called_quiet(day: Day) -> None:
    kinds = {report.source_id: report.kind for report in day.first.sources}
    assert {source for source, kind in kinds.items() if kind is PollKind.FAILED} == {"demo-hourly-post"}
    again = {report.source_id: report.kind for report in day.second.sources}
    assert again["demo-quarterly"] in (PollKind.QUIET, PollKind.UNCHANGED)
    assert day.first.exit_code == 1


def test_the_second_run_finds_the_rewritten_story_and_doubles_nothing(day: Day) -> None:
    assert (day.second.counts.new, day.second.counts.updated) == (0, 1)
    assert set(day.later) == set(day.items)
    changed = [url for url in day.items if day.later[url].title != day.items[url].title]
    assert len(changed) == 1
    assert day.later[changed[0]].version == 2
