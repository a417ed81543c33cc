"""When a source is polled next: as often as it publishes, within bounds, and ever more rarely while it fails; pure decisions.

Nothing here looks at a clock or rolls its own dice: ``now`` and the random numbers are passed in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

_WEIGHT = 0.3
"""What one observed gap counts against all before it; three or four polls follow a change of habit, one odd day does not."""
_SILENCE = 4
"""While nothing comes, the next look is after a quarter of the silence so far: a night of 8 hours ends in a look every 2."""
_JITTER = 0.1
_DOUBLINGS = 20
"""Back-off stops doubling here, far above any bound, so that no power overflows after years of failing."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """A source is polled at most every ``least`` and at least every ``most`` seconds (``poll_min``, ``poll_max``)."""

    least: float
    most: float

    def __post_init__(self) -> None:
        if not 0 < self.least <= self.most:
            raise ValueError(f"poll_min ({self.least:g} s) must be above 0 and not above poll_max ({self.most:g} s)")

    def clamp(self, seconds: float) -> float:
        return min(max(seconds, self.least), self.most)


@dataclass(frozen=True, slots=True)
class PollState:
    """What is remembered of a source between polls.

    ``next_at``: not before then (``None``: at once); ``gap``: seconds between two of its entries as observed, ``None`` before
    that is known; ``last_new``: when a poll last found something new; ``failures``: polls failed in a row.
    """

    next_at: datetime | None = None
    gap: float | None = None
    last_new: datetime | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class PollOutcome:
    """How a poll ended, as far as the rhythm goes.

    ``new``: entries not seen before (0 for an unchanged feed); ``gap``: the feed's own measure (``publishing_gap``), used until
    there are observations; ``fresh_until`` and ``retry_after`` (seconds) as the server said.
    """

    ok: bool
    new: int = 0
    gap: float | None = None
    fresh_until: datetime | None = None
    retry_after: float | None = None


def publishing_gap(published: Iterable[datetime | None], most: int = 30) -> float | None:
    """The median of the seconds between a feed's newest entries, ``None`` with fewer than three dates."""
    newest = sorted({date for date in published if date is not None}, reverse=True)[:most]
    if len(newest) < 3:
        return None
    from statistics import median  # imported when a feed was read: most polls read none

    return median((later - earlier).total_seconds() for later, earlier in pairwise(newest))


def is_due(state: PollState, now: datetime, bounds: Bounds) -> bool:
    """Whether a source's turn has come; also where its next turn is so far away that only a clock gone wrong can have set it."""
    if state.next_at is None:
        return True
    wait = (state.next_at - now).total_seconds()
    # The farthest next_poll sets is the longer of the bound and a day of Retry-After.
    return wait <= 0 or wait > 2 * max(bounds.most, 86_400.0)


def next_poll(state: PollState, outcome: PollOutcome, now: datetime, rng: Random, bounds: Bounds) -> PollState:
    """The state after a poll that ended at ``now``: when to come back, and what was learnt of the source's rhythm."""
    if not outcome.ok:
        failures = state.failures + 1
        wait = min(bounds.least * 2.0 ** min(failures - 1, _DOUBLINGS), bounds.most)
        # Half fixed, half chance: sources that failed together (one network cable) do not come back together.
        wait = max(wait * (0.5 + rng.random() / 2), bounds.least)
        return PollState(_later(now, wait, outcome.retry_after), state.gap, state.last_new, failures)
    gap = _learn(state, outcome, now)
    silence = _elapsed(state.last_new, now) or 0.0
    last_new = now if outcome.new or state.last_new is None else state.last_new
    wait = gap if gap is not None else bounds.least
    if not outcome.new:
        wait = max(wait, silence / _SILENCE)
    wait = bounds.clamp(bounds.clamp(wait) * (1 - _JITTER * rng.random()))
    if outcome.fresh_until is not None:
        wait = bounds.clamp(max(wait, (outcome.fresh_until - now).total_seconds()))
    return PollState(_later(now, wait, outcome.retry_after), gap, last_new, 0)


def _later(now: datetime, wait: float, retry_after: float | None) -> datetime:
    """Not before the server wants us back (its reading is bounded to a day in ``extractors.headers``)."""
    return now + timedelta(seconds=max(wait, min(retry_after or 0.0, 86_400.0)))


def _elapsed(since: datetime | None, now: datetime) -> float | None:
    """Seconds since then; ``None`` where it is unknown or in the future (the clock was set back)."""
    if since is None:
        return None
    seconds = (now - since).total_seconds()
    return seconds if seconds >= 0 else None


def _learn(state: PollState, outcome: PollOutcome, now: datetime) -> float | None:
    """The gap between two entries after this poll; a first poll finds a backlog, which says nothing of the rhythm."""
    known = state.gap if state.gap is not None else outcome.gap
    elapsed = _elapsed(state.last_new, now)
    if not outcome.new or elapsed is None:
        return known
    seen = elapsed / outcome.new
    return seen if known is None else (1 - _WEIGHT) * known + _WEIGHT * seen
