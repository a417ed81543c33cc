"""What a poll says of a source's health, in a word and a sentence: pure; a 200 is not health, what a source yields is.

The words: *alive* (yields, and lately), *quiet* (yields, nothing new for long by its own rhythm), *moved to* (yields at another
address, for good), *blocked* (answers, but not to us), *not a feed* (something else is served), *empty* (read, no entry),
*dead* (there is nothing at the address) and *unreachable* (no answer, or a server in trouble: try again).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.values import Source
from extractors.ladder import Reading, Try

QUIET_AFTER: Final = 3
"""A source is quiet when its newest entry is older than this many of its rhythms …"""
QUIET_LEAST: Final = timedelta(days=2)
"""… and than a weekend, through which most newsrooms sleep."""


class SourceVerdict(StrEnum):
    """What a poll says of a source."""

    ALIVE = "alive"
    QUIET = "quiet"
    MOVED = "moved to"
    BLOCKED = "blocked"
    NOT_A_FEED = "not a feed"
    EMPTY = "empty"
    DEAD = "dead"
    UNREACHABLE = "unreachable"


YIELDING: Final = frozenset({SourceVerdict.ALIVE, SourceVerdict.QUIET, SourceVerdict.MOVED})
_FORBIDDEN: Final = frozenset({401, 402, 403, 407, 429, 451})
_GONE: Final = frozenset({404, 410})
# Kinds of ReadError and FetchError by what they mean for a source.
_BLOCKING: Final = frozenset({"robots", "refused", "challenge", "blocked", "login", "consent", "paywall"})
_BROKEN_OFF: Final = frozenset({"unreachable", "timeout", "tls", "protocol", "spared", "crash", "memory"})


@dataclass(frozen=True, slots=True)
class Check:
    """One line of ``sholu sources check``: what a source yields today; ``rung`` is the kind of the rung that was read."""

    source_id: str
    verdict: SourceVerdict
    rung: str
    status: int
    media_type: str
    size: int
    entries: int
    newest: datetime | None
    reason: str
    url: str = ""
    notes: tuple[str, ...] = ()

    @property
    def yields(self) -> bool:
        return self.verdict in YIELDING


def judge(source: Source, reading: Reading, now: datetime) -> Check:
    """The verdict on a source by one Reading of it (read without validators: an unchanged body says nothing of its age)."""
    verdict, reason = _yielding(source, reading, now) if reading.ok else _failing(reading)
    return Check(
        source_id=source.id,
        verdict=verdict,
        rung=reading.kind.value,
        status=reading.status,
        media_type=reading.media_type,
        size=reading.size,
        entries=reading.count,
        newest=reading.newest,
        reason=reason,
        url=reading.url,
        notes=reading.notes,
    )


def is_quiet(source: Source, newest: datetime | None, now: datetime) -> bool:
    """Whether the newest entry is too old for a source of this rhythm; never where no entry is dated."""
    return newest is not None and now - newest > max(QUIET_AFTER * source.rhythm, QUIET_LEAST)


def written_span(span: timedelta) -> str:
    """A span of time as a person says it: ``3 days``, ``5 hours``."""
    hours = int(span.total_seconds() // 3600)
    if hours >= 48:
        return f"{hours // 24} days"
    return f"{hours} hours" if hours >= 2 else f"{int(span.total_seconds() // 60)} minutes"


def _yielding(source: Source, reading: Reading, now: datetime) -> tuple[SourceVerdict, str]:
    lost = _lost(reading)
    if reading.unchanged:
        return SourceVerdict.ALIVE, _sentence("nothing changed since the last poll", lost)
    if not reading.count:
        return SourceVerdict.EMPTY, _sentence(f"the {reading.kind.value} can be read but has no entries", lost)
    if reading.moved_to:
        return SourceVerdict.MOVED, _sentence(f"moved to {reading.moved_to} for good; change the address in the list", lost)
    if is_quiet(source, reading.newest, now) and reading.newest is not None:
        age, rhythm = written_span(now - reading.newest), written_span(source.rhythm)
        return SourceVerdict.QUIET, _sentence(f"nothing for {age}, though it is expected to publish every {rhythm}", lost)
    if reading.newest is None:
        return SourceVerdict.ALIVE, _sentence("its entries bear no dates, so how fresh they are cannot be said", lost)
    return SourceVerdict.ALIVE, _sentence("", lost)


def _failing(reading: Reading) -> tuple[SourceVerdict, str]:
    """By the best rung that answered anything at all; a word on a rung that was never asked helps nobody."""
    asked = [each for each in reading.tries if each.error != "spared"] or list(reading.tries)
    words = [_word(each) for each in asked]
    order = (SourceVerdict.BLOCKED, SourceVerdict.EMPTY, SourceVerdict.NOT_A_FEED, SourceVerdict.DEAD, SourceVerdict.UNREACHABLE)
    verdict = min(words, key=order.index, default=SourceVerdict.UNREACHABLE)
    return verdict, reading.reason


def _word(tried: Try) -> SourceVerdict:
    if tried.error == "robots" and tried.retry:  # robots.txt could not be seen, which says nothing of what it would say
        return SourceVerdict.UNREACHABLE
    if tried.status in _FORBIDDEN or tried.error in _BLOCKING:
        return SourceVerdict.BLOCKED
    if tried.status in _GONE or tried.error in ("soft-404", "redirect"):
        return SourceVerdict.DEAD
    if tried.error == "empty":
        return SourceVerdict.EMPTY
    if tried.error in _BROKEN_OFF or tried.error == "status":
        return SourceVerdict.UNREACHABLE
    return SourceVerdict.NOT_A_FEED


def _lost(reading: Reading) -> list[str]:
    """What is wrong with the better rungs."""
    return [f"its {each.kind.value} ({each.url}) does not yield: {each.reason}" for each in reading.tries if each.error]


def _sentence(first: str, more: list[str]) -> str:
    return "; ".join(part for part in (first, *more) if part)
