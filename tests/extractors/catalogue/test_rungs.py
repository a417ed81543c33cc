"""In which order rungs are read and when a better one is tried again: pure decisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from domain.values import Source
from extractors.rungs import children_to_read, is_stale, is_time_for_better, order_of_rungs

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def test_the_rung_in_use_comes_first_then_those_below_then_those_above() -> None:
    assert order_of_rungs(4, 2, better_first=False) == (2, 3, 0, 1)
    assert order_of_rungs(4, 2, better_first=True) == (0, 1, 2, 3)
    assert order_of_rungs(2, 7, better_first=False) == (0, 1)  # the list was shortened since


def test_the_best_rung_is_never_tried_again_needlessly() -> None:
    assert not is_time_for_better("s", 0, NOW - timedelta(days=9), NOW)
    assert not is_time_for_better("s", 1, None, NOW)
    assert not is_time_for_better("s", 1, NOW, NOW)


@pytest.mark.parametrize("source_id", ["lada", "azh", "diapazon"])
def test_a_better_rung_is_tried_exactly_once_a_day_at_the_source_s_own_hour(source_id: str) -> None:
    polls = [NOW + timedelta(minutes=15 * number) for number in range(4 * 24 * 10)]
    tried = [now for last, now in pairwise(polls) if is_time_for_better(source_id, 1, last, now)]
    assert len(tried) in (9, 10)
    assert {later - earlier for earlier, later in pairwise(tried)} == {timedelta(days=1)}


def test_sources_do_not_all_try_at_the_same_hour() -> None:
    hours = {
        hour
        for number in range(100)
        for hour in range(24)
        if is_time_for_better(f"source-{number}", 1, NOW + timedelta(hours=hour), NOW + timedelta(hours=hour + 1))
    }
    assert len(hours) > 18


def test_silence_is_measured_by_the_source_s_own_rhythm() -> None:
    daily, monthly = (Source("s", "S", "", (), rhythm=timedelta(days=days)) for days in (1, 30))
    hourly = Source("s", "S", "", (), rhythm=timedelta(hours=1))
    assert not is_stale(hourly, NOW - timedelta(days=13), NOW)
    assert is_stale(hourly, NOW - timedelta(days=15), NOW)
    assert is_stale(daily, NOW - timedelta(days=15), NOW)
    assert not is_stale(monthly, NOW - timedelta(days=200), NOW)
    assert not is_stale(daily, None, NOW)


def test_sitemaps_of_pages_tags_and_authors_are_left_out_where_there_are_others() -> None:
    names = ["page-sitemap", "post_tag-sitemap", "sitemap-posttype-post.2026-11", "category-sitemap", "authors"]
    found = children_to_read([f"https://a.kz/{name}.xml" for name in names])
    assert found == ("https://a.kz/sitemap-posttype-post.2026-11.xml",)
    assert children_to_read(["https://a.kz/tags/1.xml"]) == ("https://a.kz/tags/1.xml",)
    assert len(children_to_read([f"https://a.kz/{number}.xml" for number in range(9)])) == 3
