"""Keeping what feeds and pages gave, in batches in a thread: entries with their feed, captures, texts with the rules' verdict."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from domain.values import Capture, Outcome, OutcomeKind
from flows.batches import Batcher
from storage.entries import Body, Taken, next_try, take_entries
from storage.feed_pieces import feed_pieces
from storage.results import NotStored, Read, Result
from storage.store import Store

if TYPE_CHECKING:
    from rules.engine.rulebook import Rulebook

log = logging.getLogger("sholu.collect")

FEED_BATCH = 64  # feeds a transaction; bounds how many bodies wait in memory
FEED_DELAY = 0.3  # seconds a feed waits for others; its host is given a second's pause before the first page is asked for anyway
PIECES_DELAY = 0.1  # seconds a feed that changed waits for others, so that they share a question to the database
CAPTURE_BATCH = 64  # pages a transaction; bounds how many bodies wait in memory
# Seconds a page waits for others; its host is given a second's pause anyway, so that no page comes later for it.
CAPTURE_DELAY = 0.95
RESULT_BATCH = 200  # the measured knee of executemany
# Seconds; nobody waits for a result to be stored before asking for the next page, and a killed run reads it again.
RESULT_DELAY = 2.0


@dataclass(frozen=True, slots=True)
class Draft:
    """A result no rule has seen yet, and the country of its source, which anchors what it says."""

    result: Result
    country: str | None


@dataclass(frozen=True, slots=True)
class Stored:
    """A result as it was stored, with the verdict on it, and how its entry's turn ended."""

    result: Result
    outcome: Outcome


def feed_batches(store: Store, run_id: int, now: datetime, polling: Collection[str]) -> Batcher[Body, Taken]:
    """Where the entries of a run's feeds go; ``polling`` are the sources whose feed is still being read."""
    save = partial(take_entries, store, run_id, now=now)
    return Batcher(save, size=FEED_BATCH, delay=FEED_DELAY, more=lambda _: bool(polling))


def piece_batches(store: Store, polling: Collection[str]) -> Batcher[str, bytes]:
    """Where a run learns what was remembered of the last feed of a source; ``polling`` as above."""
    return Batcher(partial(feed_pieces, store), size=FEED_BATCH, delay=PIECES_DELAY, more=lambda waiting: waiting < len(polling))


def capture_batches(store: Store, run_id: int, reading: Collection[str]) -> Batcher[Capture, int]:
    """Where a run's captures go; what comes back is the capture's id. ``reading`` are the sources that pages are asked for, each
    of which waits for its capture before it asks for another."""
    more = lambda waiting: waiting < len(reading)  # noqa: E731
    return Batcher(partial(_save_captures, store, run_id), size=CAPTURE_BATCH, delay=CAPTURE_DELAY, more=more)


def result_batches(
    store: Store, run_id: int, rulebook: Rulebook, clock: Callable[[], datetime], reading: Collection[str]
) -> Batcher[Draft, Stored]:
    """Where a run's results go; ``reading`` are the sources of which more may come.

    They are judged here and not one by one as pages come: documents that are judged one after the other find the rules in the
    core's caches, which saves a quarter of it, and meanwhile the loop goes on asking for pages.
    """
    save = partial(_judge_and_save, store, run_id, rulebook, clock)
    return Batcher(save, size=RESULT_BATCH, delay=RESULT_DELAY, more=lambda _: bool(reading))


def judged(rulebook: Rulebook, draft: Draft, run_id: int, now: datetime) -> Result:
    """A result with the rules' verdict on its text; a fault of ours in one text costs that text: it is told, kept and tried again."""
    result = draft.result
    if not isinstance(result, Read):
        return result
    document, pending = result.document, result.pending
    try:
        flagging = rulebook.flag(
            title=document.title,
            text=document.text,
            language=document.language,
            published=document.published or pending.first_seen,
            source_country=draft.country,
        )
    except Exception as error:  # whatever it is, the other texts must not pay for it
        reason = f"a fault in Sholu itself: {type(error).__name__}: {error}"
        source_id = pending.entry.source_id
        log.exception("%s: %s: %s", source_id, pending.entry.url, reason, extra={"run": run_id, "source": source_id})
        return NotStored(pending, OutcomeKind.FAILED, reason, retry_at=next_try(pending.tries + 1, now))
    return replace(result, flagging=flagging)


def _save_captures(store: Store, run_id: int, batch: Sequence[Capture]) -> Sequence[int]:
    from storage.captures import save_captures  # imported with the first page: most runs read none

    return save_captures(store, run_id, batch)


def _judge_and_save(
    store: Store, run_id: int, rulebook: Rulebook, clock: Callable[[], datetime], batch: Sequence[Draft]
) -> list[Stored]:
    from storage.items import save_results  # as above

    now = clock()
    results = [judged(rulebook, draft, run_id, now) for draft in batch]
    return [Stored(*both) for both in zip(results, save_results(store, run_id, results, now=now), strict=True)]
