"""How a poll is judged and when the source's next turn comes: pure decisions between what a poll yielded and what is kept of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from domain.values import PollKind, Source
from extractors.ladder import Reading
from extractors.rhythm import Bounds, PollOutcome, is_due, next_poll, publishing_gap
from extractors.rhythm import PollState as Rhythm
from extractors.verdicts import is_quiet, written_span
from storage.sources import PollState


def rhythm_of(state: PollState) -> Rhythm:
    """What the scheduler remembers of a source, out of what is stored."""
    gap: Any = state.rhythm.get("gap")
    return Rhythm(
        next_at=state.next_due, gap=float(gap) if gap is not None else None, last_new=state.last_new, failures=state.failures
    )


def turn_has_come(state: PollState | None, now: datetime, bounds: Bounds) -> bool:
    """Whether a source is due by its own rhythm."""
    return state is None or is_due(rhythm_of(state), now, bounds)


def asked_to_wait(state: PollState | None, now: datetime) -> datetime | None:
    """Until when the server itself wants to be left alone (Retry-After), None where it does not: obeyed by hand, too."""
    text = state.rhythm.get("not_before") if state else None
    if not isinstance(text, str):
        return None
    until = datetime.fromisoformat(text)
    # A day is the longest that is believed; a later one was written by a clock that had jumped.
    return until if now < until <= now + timedelta(days=1) else None


def after_poll(
    state: PollState,
    source: Source,
    reading: Reading,
    *,
    new: int,
    now: datetime,
    rng: Random,
    bounds: Bounds,
    whole: bool = True,
) -> PollState:
    """The state to keep after a poll: validators of what was read, the rung in use, when to come back and what was learnt."""
    outcome = PollOutcome(
        ok=reading.ok,
        new=new,
        gap=publishing_gap(reading.dates),
        fresh_until=reading.fresh_until,
        retry_after=reading.retry_after,
    )
    rhythm = next_poll(rhythm_of(state), outcome, now, rng, bounds)
    remembered = {name: value for name, value in state.rhythm.items() if name not in ("gap", "not_before")}
    if rhythm.gap is not None:
        remembered["gap"] = rhythm.gap
    if reading.retry_after:
        remembered["not_before"] = (now + timedelta(seconds=reading.retry_after)).isoformat()
    kind, reason = judge(source, reading, rhythm.last_new, new=new, now=now)
    kept = replace(
        state,
        next_due=rhythm.next_at,
        interval_s=(rhythm.next_at - now).total_seconds() if rhythm.next_at else 0.0,
        failures=rhythm.failures,
        last_polled=now,
        last_kind=kind.value,
        last_reason=reason,
        rhythm=remembered,
        last_ok=now if reading.ok else state.last_ok,
        last_new=rhythm.last_new if reading.ok else state.last_new,
    )
    if not reading.ok:
        return kept
    # What is remembered of the entries was kept together with them.
    return kept if reading.unchanged else replace(read_state(kept, reading, whole=whole), pieces=None)


def read_state(state: PollState, reading: Reading, *, whole: bool = True) -> PollState:
    """The part of the state that must be kept together with the entries of the body it speaks of.

    A body of which a part was passed over (``whole`` false) is not remembered: the next poll reads it again.
    """
    return replace(
        state,
        rung=reading.rung,
        address=reading.moved_to,
        etag=(whole and reading.validators.etag) or "",
        last_modified=(whole and reading.validators.last_modified) or "",
        body_sha256=reading.body_sha256 if whole else "",
        entries_last=reading.count,
        pieces=reading.pieces if whole else None,
    )


def judge(source: Source, reading: Reading, last_new: datetime | None, *, new: int, now: datetime) -> tuple[PollKind, str]:
    """How a poll ended, in a word and a sentence; a source is judged by what it yields against its own rhythm."""
    if not reading.ok:
        return PollKind.FAILED, reading.reason
    latest = max((when for when in (last_new if not reading.newest else None, reading.newest) if when is not None), default=None)
    # Of a bare address nobody has said how often it publishes: it cannot be called quiet.
    if source.ownership is not None and not new and latest is not None and is_quiet(source, latest, now):
        return (
            PollKind.QUIET,
            f"nothing newer than {latest:%Y-%m-%d}, though something is expected every {written_span(source.rhythm)}",
        )
    if reading.unchanged:
        return PollKind.UNCHANGED, _on_the_way(reading)
    if not reading.count:
        return PollKind.QUIET, reading.reason
    return PollKind.OK, "; ".join(filter(None, (_on_the_way(reading), *reading.notes)))


def _on_the_way(reading: Reading) -> str:
    """What rungs were tried in vain before the one that was read, "" for none."""
    return reading.reason if any(each.error for each in reading.tries) else ""


def is_out_of_reach(reading: Reading) -> bool:
    """Whether a source failed as it would without any network: no answer from anything it names, its robots.txt included."""
    return not reading.ok and {each.error for each in reading.tries} <= {"unreachable", "spared", "robots", "timeout"}


def is_offline(readings: Collection[Reading], asked: int) -> bool:
    """Whether there is no network: not one of the sources asked could be reached, and not merely because all of them are slow."""
    kinds = {each.error for reading in readings for each in reading.tries}
    return 0 < asked == len(readings) and "unreachable" in kinds
