"""A source's verdict is what it yields against its own rhythm, in a word and a sentence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.values import Entry, Rung, RungKind, Source
from extractors.ladder import Reading, Try
from extractors.verdicts import SourceVerdict, judge

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
URL = "https://a.kz/rss"
SOURCE = Source("a", "A", "https://a.kz/", (Rung(RungKind.FEED, URL),), rhythm=timedelta(days=1))
ENTRY = Entry("a", "k", "https://a.kz/1", "", "A title")
YIELD = Reading("a", 0, RungKind.FEED, URL, ok=True, entries=(ENTRY,), newest=NOW, status=200, media_type="text/xml", size=900)


def failed(error: str, status: int = 0, reason: str = "why") -> Reading:
    tries = (Try(0, RungKind.FEED, URL, error, reason, status),)
    return Reading("a", 0, RungKind.FEED, URL, ok=False, status=status, tries=tries, reason=reason)


def test_a_source_that_yields_lately_is_alive_and_its_facts_are_told() -> None:
    check = judge(SOURCE, YIELD, NOW)
    assert (check.verdict, check.rung, check.status, check.media_type) == ("alive", "feed", 200, "text/xml")
    assert (check.size, check.entries, check.newest, check.reason) == (900, 1, NOW, "")
    assert check.yields


@pytest.mark.parametrize(("rhythm", "age", "verdict"), [(1, 2, "alive"), (1, 4, "quiet"), (7, 20, "alive"), (7, 22, "quiet")])
def test_quiet_is_measured_by_the_rhythm(rhythm: int, age: int, verdict: str) -> None:
    source = replace(SOURCE, rhythm=timedelta(days=rhythm))
    assert judge(source, replace(YIELD, newest=NOW - timedelta(days=age)), NOW).verdict == verdict


def test_an_hourly_source_is_not_quiet_over_a_weekend() -> None:
    source = replace(SOURCE, rhythm=timedelta(hours=1))
    assert judge(source, replace(YIELD, newest=NOW - timedelta(hours=40)), NOW).verdict == "alive"


def test_a_quiet_source_says_for_how_long() -> None:
    check = judge(SOURCE, replace(YIELD, newest=NOW - timedelta(days=9)), NOW)
    assert check.reason == "nothing for 9 days, though it is expected to publish every 24 hours"


def test_entries_without_dates_are_alive_and_the_doubt_is_told() -> None:
    check = judge(SOURCE, replace(YIELD, newest=None), NOW)
    assert check.verdict == "alive"
    assert "no dates" in check.reason


def test_a_source_that_moved_says_where_to() -> None:
    check = judge(SOURCE, replace(YIELD, moved_to="https://a.kz/new"), NOW)
    assert (check.verdict, check.yields) == ("moved to", True)
    assert "https://a.kz/new" in check.reason


def test_a_feed_without_entries_is_empty() -> None:
    assert judge(SOURCE, replace(YIELD, entries=(), newest=None), NOW).verdict == "empty"


@pytest.mark.parametrize(
    ("error", "status", "verdict"),
    [
        ("status", 403, "blocked"),
        ("status", 429, "blocked"),
        ("status", 451, "blocked"),
        ("robots", 0, "blocked"),
        ("refused", 0, "blocked"),
        ("challenge", 200, "blocked"),
        ("status", 404, "dead"),
        ("status", 410, "dead"),
        ("soft-404", 200, "dead"),
        ("not-a-feed", 200, "not a feed"),
        ("no-articles", 200, "not a feed"),
        ("too-big", 200, "not a feed"),
        ("empty", 200, "empty"),
        ("unreachable", 0, "unreachable"),
        ("timeout", 0, "unreachable"),
        ("tls", 0, "unreachable"),
        ("status", 500, "unreachable"),
        ("status", 503, "unreachable"),
    ],
)
def test_a_failure_has_its_word_and_keeps_its_sentence(error: str, status: int, verdict: str) -> None:
    check = judge(SOURCE, failed(error, status, "The reason"), NOW)
    assert (check.verdict, check.reason, check.yields) == (verdict, "The reason", False)


def test_a_robots_txt_that_could_not_be_seen_is_no_refusal() -> None:
    tries = (Try(0, RungKind.SECTION, URL, "robots", "cannot be seen", retry=True),)
    assert judge(SOURCE, Reading("a", 0, RungKind.SECTION, URL, ok=False, tries=tries), NOW).verdict == "unreachable"


def test_of_several_rungs_the_one_that_answered_best_gives_the_word() -> None:
    tries = (
        Try(0, RungKind.FEED, URL, "status", "gone", 404),
        Try(1, RungKind.SECTION, "https://a.kz/", "challenge", "a captcha", 200),
        Try(2, RungKind.SECTION, "https://b.kz/", "spared", "not asked"),
    )
    assert judge(SOURCE, Reading("a", 0, RungKind.FEED, URL, ok=False, tries=tries), NOW).verdict is SourceVerdict.BLOCKED


def test_a_lower_rung_that_yields_is_alive_and_the_better_one_s_trouble_is_told() -> None:
    tries = (
        Try(0, RungKind.FEED, URL, "status", "There is nothing at this address (404)", 404),
        Try(1, RungKind.SECTION, "https://a.kz/"),
    )
    check = judge(SOURCE, replace(YIELD, rung=1, kind=RungKind.SECTION, tries=tries), NOW)
    assert (check.verdict, check.rung) == ("alive", "section")
    assert check.reason == "its feed (https://a.kz/rss) does not yield: There is nothing at this address (404)"
