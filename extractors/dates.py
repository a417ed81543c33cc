"""Which date an article bears and whether to believe it; reading dates from feeds' text, pages and addresses.

A date in the future, or from before the press was on the web, is never trusted: the next origin is asked.
"""

from __future__ import annotations

import re
from calendar import timegm
from datetime import UTC, datetime, timedelta, timezone
from time import struct_time

# The oldest date believed: there is no web page older. Feeds give 0001, 1900, 1970 and 1980 when their clock or CMS is unset.
EARLIEST = datetime(1991, 8, 6, tzinfo=UTC)
# Clocks of servers differ by minutes; a feed that writes local time as if it were UTC is hours ahead and not believed.
AHEAD = timedelta(minutes=10)

_MONTHS = {
    "янв": 1, "фев": 2, "мар": 3, "апр": 4, "мая": 5, "май": 5, "июн": 6, "июл": 7, "авг": 8, "сен": 9, "окт": 10,
    "ноя": 11, "дек": 12,
    "қаң": 1, "ақп": 2, "нау": 3, "сәу": 4, "мам": 5, "мау": 6, "шіл": 7, "там": 8, "қыр": 9, "қаз": 10, "қар": 11, "жел": 12,
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
_CLOCK = r"(?:\D{1,6}(\d{1,2}):(\d{2})(?::(\d{2}))?)?"
_DOTTED = re.compile(r"\b(\d{1,2})[./](\d{1,2})[./](\d{4})" + _CLOCK)
_WORDED = re.compile(r"\b(\d{1,2})\s+([^\W\d_]{3,12})\.?,?\s+(\d{4})" + _CLOCK)
_ZONE = re.compile(r"(?:(?:GMT|UTC)\s*)?([+-])(\d{2}):?(\d{2})\s*$")
_MISREAD = re.compile(r"-\d|\d{4}-?W\d")
_LEAP_SECOND = re.compile(r"(:\d{2}):60(?!\d)")
_IN_ADDRESS = (
    re.compile(r"[/_-]((?:19|20)\d{2})[/_-](\d{1,2})[/_-](\d{1,2})(?!\d)"),
    re.compile(r"[/_-]((?:19|20)\d{2})(\d{2})(\d{2})(?!\d)"),
    re.compile(r"[/_-](\d{1,2})[._-](\d{1,2})[._-]((?:19|20)\d{2})(?!\d)"),
)


def believable(when: datetime | None, now: datetime) -> datetime | None:
    """The date in UTC when it can be trusted, else None; a naive date is taken as UTC."""
    if when is None:
        return None
    try:
        when = (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    except (OverflowError, ValueError):  # year 1 or 9999 with an offset that leaves the calendar
        return None
    return when if EARLIEST <= when <= now + AHEAD else None


def from_struct(parsed: struct_time | None) -> datetime | None:
    """feedparser's parsed date (UTC), or None where it is no date at all."""
    if parsed is None:
        return None
    try:
        return datetime.fromtimestamp(timegm(parsed), UTC)
    except (OverflowError, OSError, ValueError):
        return None


def misread(text: str) -> bool:
    """Whether feedparser makes another day of a date: of a negative year (July), of a week (the month's first)."""
    return _MISREAD.match(text.strip()) is not None


def read_date(text: str) -> datetime | None:
    """A date as ISO 8601, RFC 2822, dotted (31.12.2021 18:30) or in words (5 января 2022, 18:30); None when it is none."""
    text = _LEAP_SECOND.sub(r"\1:59", text.strip()[:120])
    if text.startswith("-"):
        return None
    return _iso(text) or _rfc2822(text) or _dotted(text) or _worded(text)


def date_from_address(url: str) -> datetime | None:
    """The day an article's address names (/2022/01/05/, -20220105, /05-01-2022/), at midnight UTC; None when it names none."""
    for number, pattern in enumerate(_IN_ADDRESS):
        if match := pattern.search(url):
            first, second, third = (int(part) for part in match.groups())
            year, month, day = (third, second, first) if number == 2 else (first, second, third)
            if found := _make(year, month, day):
                return found
    return None


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _rfc2822(text: str) -> datetime | None:
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _dotted(text: str) -> datetime | None:
    match = _DOTTED.search(text)
    return _make(int(match[3]), int(match[2]), int(match[1]), *match.groups()[3:], zone=text[match.end() :]) if match else None


def _worded(text: str) -> datetime | None:
    match = _WORDED.search(text)
    month = _MONTHS.get(match[2][:3].lower()) if match else None
    return _make(int(match[3]), month, int(match[1]), *match.groups()[3:], zone=text[match.end() :]) if match and month else None


def _make(year: int, month: int, day: int, *clock: str | None, zone: str = "") -> datetime | None:
    offset = _ZONE.search(zone)
    minutes = (int(offset[2]) * 60 + int(offset[3])) * (-1 if offset[1] == "-" else 1) if offset else 0
    hour, minute, second = (int(part or 0) for part in (*clock, None, None, None)[:3])
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=timezone(timedelta(minutes=minutes)))
    except ValueError:
        return None
