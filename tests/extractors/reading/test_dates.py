"""The moment a feed's date means, in the forms that outlets of Kazakhstan and their programs write it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from extractors.addresses import item_key
from extractors.feeds import read_feed

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def published(said: str) -> datetime | None:
    body = f"<rss version='2.0'><channel><item><title>News</title><pubDate>{said}</pubDate></item></channel></rss>"
    return read_feed(body.encode(), url="https://a.example/feed", source_id="a", now=NOW).entries[0].published


@pytest.mark.parametrize(
    ("said", "hour"),
    [
        ("Sun, 22 Nov 2026 10:00:00 +0500", 5),
        ("Sun, 22 Nov 2026 10:00:00 GMT+5", 5),
        ("Sun, 22 Nov 2026 10:00:00 UTC+05:00", 5),
        ("Sun, 22 Nov 2026 10:00:00 +9900", 10),
        ("2026-11-22T10:00:00-25:00", 10),
        ("2026-11-22T14:30:00+14:00", 0),
        ("Sun, 22 Nov 2026 10:00:00 ALMT", 5),
        ("Sun, 22 Nov 2026 10:00:00 QYZT", 5),
        ("Sun, 22 Nov 2026 10:00:00 MSK", 7),
        ("Вс, 22 ноя 2026 10:00:00 +0500", 5),
        ("Жс, 22 Қар 2026 10:00:00 +0500", 5),
        ("22 ноября 2026 г. в 10:00", 10),
        ("2026 жылғы 22 қараша", 0),
        ("2026 ж. 22 қараша, 10:00", 10),
        ("22-11-2026", 0),
        ("22-11-2026 10:00", 10),
        ("22.11.2026 10:00", 10),
        ("2026/11/22 10:00", 10),
        ("2026.11.22 10:00", 10),
        ("11/22/2026 5:00:00 PM", 17),
        ("Sun, 22 Nov 2026 5:00 PM", 17),
        ("Sun, 22 Nov 2026 12:30 AM GMT", 0),
        ("2026-11-22 05:00 PM", 17),
        ("20261122T100000Z", 10),
        ("2026-11-22T10:00:00,123+05:00", 5),
    ],
)
def test_a_date_is_the_moment_it_means(said: str, hour: int) -> None:
    found = published(said)
    assert found is not None
    assert (found.date(), found.hour) == (datetime(2026, 11, 22).date(), hour)


@pytest.mark.parametrize(
    "said", ["2026 год", "22-13-2026", "2026/22/11", "13/13/2026", "вчера в 10:00", "Sun, 22 Nov 2026 99:00 PM"]
)
def test_what_is_no_date_is_none(said: str) -> None:
    assert published(said) is None


@pytest.mark.parametrize(
    "end", ["?PHPSESSID=ab12", ";jsessionid=AB12.node1", "?_=1795330800", "?ASPSESSIONIDABCD=x", "?utm_source=rss&sessionid=1"]
)
def test_a_session_in_an_address_names_no_other_article(end: str) -> None:
    assert item_key(f"https://a.example/news/1{end}") == item_key("https://a.example/news/1")
