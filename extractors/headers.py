"""What an answer's headers say, read strictly and within bounds: pure functions from header text to plain values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER = 86_400.0
"""Seconds; a host that asks for a longer silence is asked again after a day."""
MAX_AGE = 86_400.0
"""Seconds; an answer is never believed to be fresh for longer than a day."""
_MAX_VALIDATOR = 1_024
_SAFE = re.compile(r"[\x20-\x7e]*\Z")
_MAX_AGE = re.compile(r"(?:^|,)\s*max-age\s*=\s*\"?(\d{1,12})", re.IGNORECASE)
_NO_STORE = re.compile(r"(?:^|,)\s*(?:no-cache|no-store)\s*(?:,|=|$)", re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"\s*([\w!#$&^.+-]{1,80}/[\w!#$&^.+-]{1,80})\s*(?:;|,|$)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Validators:
    """What makes the next request conditional: the last answer's ETag and Last-Modified, as sent."""

    etag: str | None = None
    last_modified: str | None = None

    def headers(self) -> dict[str, str]:
        found = {}
        if self.etag and _is_safe(self.etag):
            found["If-None-Match"] = self.etag
        if self.last_modified and _is_safe(self.last_modified):
            found["If-Modified-Since"] = self.last_modified
        return found


def _is_safe(value: str) -> bool:
    """What a server gave us to send back is sent only where it is short and printable ASCII: no second header hides in it."""
    return len(value) <= _MAX_VALIDATOR and bool(_SAFE.match(value))


def read_validators(etag: str | None, last_modified: str | None) -> Validators:
    """An answer's validators, less those that could not be sent back."""
    return Validators(*(value if value and _is_safe(value) else None for value in (etag, last_modified)))


def read_date(value: str | None) -> datetime | None:
    """An HTTP date in UTC, or ``None`` where it is none."""
    if not value or len(value) > 100:
        return None
    try:
        moment = parsedate_to_datetime(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def read_retry_after(value: str | None, now: datetime, date: str | None = None) -> float | None:
    """Seconds to wait by a Retry-After header (a number or a date, counted from the server's own Date), within a day."""
    if not value:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), MAX_RETRY_AFTER)
    moment = read_date(text)
    if moment is None:
        return None
    return min(max((moment - (read_date(date) or now)).total_seconds(), 0.0), MAX_RETRY_AFTER)


def read_fresh_until(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Until when the server says its answer stays good (Cache-Control, else Expires), at most a day; ``None``: it is silent."""
    seconds: float | None = None
    if cache_control := headers.get("Cache-Control"):
        if _NO_STORE.search(cache_control):
            return None
        if found := _MAX_AGE.search(cache_control):
            seconds = float(found[1])
            if (age := headers.get("Age")) and age.isascii() and age.isdigit():
                seconds -= float(age[:12])
    if seconds is None and (until := read_date(headers.get("Expires"))):
        seconds = (until - (read_date(headers.get("Date")) or now)).total_seconds()
    if seconds is None or seconds <= 0:
        return None
    return now + timedelta(seconds=min(seconds, MAX_AGE))


def read_media_type(value: str | None) -> str:
    """The bare media type in lower case, ``""`` where none is given or it is no media type."""
    found = _MEDIA_TYPE.match(value[:500]) if value else None
    return found[1].lower() if found else ""
