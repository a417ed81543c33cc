"""What an answer's headers say, whatever a server puts there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.headers import Validators, read_date, read_fresh_until, read_media_type, read_retry_after, read_validators

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
DAY = 86_400.0


@given(st.text(), st.text(), st.none() | st.text())
def test_any_header_is_read_without_an_error_and_within_bounds(one: str, two: str, three: str | None) -> None:
    wait = read_retry_after(one, NOW, two)
    assert wait is None or 0 <= wait <= DAY
    until = read_fresh_until({"Cache-Control": one, "Expires": two, "Date": three or "", "Age": one}, NOW)
    assert until is None or NOW < until <= NOW + timedelta(days=1)
    assert read_media_type(one) == read_media_type(one).lower()
    sent = read_validators(one, two).headers()
    assert all(value.isascii() and value.isprintable() for value in sent.values())
    date = read_date(three)
    assert date is None or date.tzinfo is not None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 5 ", 5.0),
        ("0", 0.0),
        ("999999999999999", DAY),
        ("-1", None),
        ("soon", None),
        ("1e9", None),
        ("٣", None),
    ],
)
def test_retry_after_in_seconds(value: str, seconds: float | None) -> None:
    assert read_retry_after(value, NOW) == seconds


def test_retry_after_as_a_date_counts_by_the_server_s_own_clock() -> None:
    wrong_clock = "Sun, 22 Nov 2020 06:00:00 GMT"
    assert read_retry_after("Sun, 22 Nov 2020 06:10:00 GMT", NOW, wrong_clock) == 600
    assert read_retry_after("Sun, 22 Nov 2026 06:10:00 GMT", NOW) == 600
    assert read_retry_after("Sun, 22 Nov 2020 06:10:00 GMT", NOW) == 0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Cache-Control": "public, max-age=300"}, 300),
        ({"Cache-Control": "max-age=300", "Age": "100"}, 200),
        ({"Cache-Control": "max-age=300", "Age": "400"}, None),
        ({"Cache-Control": "max-age=31536000"}, DAY),
        ({"Cache-Control": "no-cache, max-age=300"}, None),
        ({"Cache-Control": "no-store"}, None),
        ({"Cache-Control": "max-age=0"}, None),
        ({"Cache-Control": "s-maxage=300"}, None),
        ({"Expires": "Sun, 22 Nov 2026 06:05:00 GMT"}, 300),
        ({"Expires": "0"}, None),
        ({"Cache-Control": "max-age=60", "Expires": "Sun, 22 Nov 2026 09:00:00 GMT"}, 60),
        ({}, None),
    ],
)
def test_how_long_an_answer_stays_fresh(headers: dict[str, str], seconds: float | None) -> None:
    until = read_fresh_until(headers, NOW)
    assert until == (None if seconds is None else NOW + timedelta(seconds=seconds))


def test_a_validator_that_hides_a_header_is_not_sent_back() -> None:
    assert Validators('"a"\r\nX-Evil: yes', "\udcff").headers() == {}
    assert read_validators('"' + "a" * 5_000 + '"', None) == Validators()
    assert Validators('W/"a"', "Sun, 22 Nov 2026 06:00:00 GMT").headers() == {
        "If-None-Match": 'W/"a"',
        "If-Modified-Since": "Sun, 22 Nov 2026 06:00:00 GMT",
    }
