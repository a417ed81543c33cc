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
_DOTTED = re.compile(r"\b(\d{1,2})([./-])(\d{1,2})\2(\d{4})\b" + _CLOCK)
_YEAR_FIRST = re.compile(r"\b(\d{4})[./](\d{1,2})[./](\d{1,2})\b" + _CLOCK)
_WORDED = re.compile(r"\b(\d{1,2})\s+([^\W\d_]{3,12})\.?,?\s+(\d{4})" + _CLOCK)
_KAZAKH = re.compile(r"\b(\d{4})\s*(?:жылғы|жылдың|жылы|жыл|ж\.?)\s+(\d{1,2})\s+([^\W\d_]{3,12})" + _CLOCK)
_ZONE = re.compile(r"(?:(?:GMT|UTC)\s*)?([+-])(\d{2}):?(\d{2})\s*$")
# Zones that no reader of dates knows: it would take 10:00 in Almaty for 10:00 in Greenwich.
_ODD_ZONE = re.compile(r"\s*\b(?:(?:GMT|UTC)\s?([+-])(\d{1,2})(?::?([0-5]\d))?|(MSK)|(ALMT|QYZT|AQTT|ORAT))\s*$", re.IGNORECASE)
# No place is more than fourteen hours from Greenwich: +9900 would move an article by four days. The hour itself is believed, as UTC.
_NO_ZONE = re.compile(r"(?<=:[0-5]\d)\s?[+-](?:1[5-9]|[2-9]\d):?\d\d\s*$")
_TWELVE_HOURS = re.compile(r"\b(1[0-2]|0?\d)(:[0-5]\d(?::[0-5]\d)?)\s?([AP])\.?M\b\.?", re.IGNORECASE)
_MISREAD = re.compile(
    rf"-\d|\d{{4}}-?W\d|\d{{4}}[^\d-]|\d{{8}}T\d|\d{{4}}-\d\d-\d\dT[\d:]+,\d|\d{{1,2}}-\d{{1,2}}-\d{{4}}|.{{0,100}}(?:{_ODD_ZONE.pattern}|{_NO_ZONE.pattern}|{_TWELVE_HOURS.pattern})",
    re.IGNORECASE | re.DOTALL,
)
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
    """Whether feedparser makes another day or hour of a date: of a negative year (July), of a week (the month's first), of a year
    that is followed by anything but a hyphen (this month's first), of 22-11-2026 (the 20th of 2022), of seconds with a comma, of
    hours after noon, of a zone it does not know or that is none.
    """
    return _MISREAD.match(text.strip()[:120]) is not None


def read_date(text: str) -> datetime | None:
    """A date as ISO 8601, RFC 2822, dotted (31.12.2021 18:30) or in words (5 января 2022, 18:30); None when it is none."""
    text = _LEAP_SECOND.sub(r"\1:59", text.strip()[:120])
    if text.startswith("-"):
        return None
    text = _NO_ZONE.sub(" +0000", text)
    text = _ODD_ZONE.sub(_offset, _TWELVE_HOURS.sub(_of_the_day, text))
    return _iso(text) or _rfc2822(text) or _dotted(text) or _year_first(text) or _worded(text) or _kazakh(text)


def _of_the_day(clock: re.Match[str]) -> str:
    return f"{int(clock[1]) % 12 + (12 if clock[3] in 'Pp' else 0):02}{clock[2]}"


def _offset(zone: re.Match[str]) -> str:
    """A zone as RFC 5322 has it; all Kazakhstan has been five hours ahead since March 2024."""
    if zone[2]:
        return f" {zone[1]}{int(zone[2]):02}{zone[3] or '00'}"
    return " +0300" if zone[4] else " +0500"


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
    if match is None:
        return None
    day, month = int(match[1]), int(match[3])
    if match[2] == "/" and month > 12:  # as Americans write it; where both may be a month, it is not
        day, month = month, day
    return _make(int(match[4]), month, day, *match.groups()[4:], zone=text[match.end() :])


def _year_first(text: str) -> datetime | None:
    match = _YEAR_FIRST.search(text)
    return _make(int(match[1]), int(match[2]), int(match[3]), *match.groups()[3:], zone=text[match.end() :]) if match else None


def _worded(text: str) -> datetime | None:
    match = _WORDED.search(text)
    month = _month(match[2]) if match else None
    return _make(int(match[3]), month, int(match[1]), *match.groups()[3:], zone=text[match.end() :]) if match and month else None


def _kazakh(text: str) -> datetime | None:
    match = _KAZAKH.search(text)
    month = _month(match[3]) if match else None
    return _make(int(match[1]), month, int(match[2]), *match.groups()[3:], zone=text[match.end() :]) if match and month else None


def _month(name: str) -> int | None:
    return _MONTHS.get(name[:3].lower())


def _make(year: int, month: int, day: int, *clock: str | None, zone: str = "") -> datetime | None:
    offset = _ZONE.search(zone)
    minutes = (int(offset[2]) * 60 + int(offset[3])) * (-1 if offset[1] == "-" else 1) if offset else 0
    hour, minute, second = (int(part or 0) for part in (*clock, None, None, None)[:3])
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=timezone(timedelta(minutes=minutes)))
    except ValueError:
        return None
