"""Reading the pages of one source: fetch, keep the bytes, extract, flag, store; each entry ends in one outcome with its reason."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.errors import FetchError, ReadError, StoreError, ValueRefused
from domain.values import BodyFrom, Capture, Entry, Outcome, OutcomeKind, Source
from extractors.addresses import item_key
from extractors.articles import Article, article_from_entry, read_article
from extractors.meter import Meter
from flows.report import FlaggedItem, telling_words
from flows.storing import Draft, judged
from flows.world import World
from storage.entries import (
    PendingEntry,
    next_try,
    put_off,
)
from storage.items import held_items
from storage.results import Held, NotStored, Read, Result
from storage.runs import add_outcomes

log = logging.getLogger("sholu.collect")

LEAST_A_RUN = 10  # entries of a source that a run is trusted with, however few the one before could read
FULL_TEXT = 600  # characters: from here on a feed's own text is an article's, not its teaser


async def read_all(
    world: World, source: Source, pending: Sequence[PendingEntry], found_at: str, meter: Meter, ended: list[Outcome]
) -> None:
    """Read the pages of a source one after the other; each result is stored while the next page is asked for.

    ``found_at`` is the machine whose feed named the addresses: a public one may not send us into a network of our own.
    When the time on the ``meter`` is over, what is left waits for later runs. How each ended is added to ``ended`` as it ends.
    """
    world.tell("pages", len(pending), 0)
    keys = {each.id: key_of(each.entry) for each in pending}
    held = await asyncio.to_thread(held_items, world.store, keys.values()) if pending else {}
    storing: set[asyncio.Task[None]] = set()
    try:
        world.reading.add(source.id)
        for number, each in enumerate(pending):
            if meter.is_over:
                ended += await _put_off(world, source, pending[number:], a_run=max(number, LEAST_A_RUN))
                break
            shelved = held.get(keys[each.id])
            if shelved is not None and shelved.source_id != source.id and shelved.body_from is BodyFrom.PAGE:
                # The same address was read for another outlet: it is one item, and its page is not asked for twice.
                result: Result = Held(each, keys[each.id])
            else:
                async with world.pages:
                    result = await _read_safely(world, source, each, found_at, meter)
            for stored in [task for task in storing if task.done()]:
                stored.result()  # raises where the database refused it: nothing more is then asked for
                storing.remove(stored)  # a task that has ended still takes a kilobyte
            storing.add(asyncio.create_task(_store(world, source, result, ended)))
        world.reading.discard(source.id)
        await asyncio.gather(*storing)
    finally:
        world.reading.discard(source.id)
        for task in storing:
            task.cancel()


async def _put_off(world: World, source: Source, left: Sequence[PendingEntry], *, a_run: int) -> list[Outcome]:
    """Leave to later runs what this one has no time for: a source with thousands of entries, or a slow one, holds nobody up."""
    if not world.options.dry_run:
        pace = timedelta(seconds=world.settings.poll_min)
        await asyncio.to_thread(put_off, world.store, [each.id for each in left], a_run=a_run, pace=pace, now=world.now)
    log.info("%s: %s entries are left for later runs", source.id, len(left), extra={"run": world.run_id, "source": source.id})
    world.tell("pages", 0, len(left))
    reason = f"left for a later run: this source has had its {world.settings.source_seconds:g} seconds"
    return await ended_early(world, source, [each.entry for each in left], OutcomeKind.SKIPPED, reason)


async def _store(world: World, source: Source, result: Result, ended: list[Outcome]) -> None:
    """Store one result; whatever became of an entry ends in one outcome with its reason, and a line in the log."""
    draft = Draft(result, source.country)
    if world.options.dry_run:
        result = judged(world.rulebook, draft, world.run_id, world.now)
        outcome = _would_be(result)
    else:
        try:
            stored = await world.results.put(draft)
        except ValueRefused as error:
            log.error("%s: %s", source.id, error, extra={"run": world.run_id, "source": source.id})  # noqa: TRY400  # it says itself what it is
            pending = result.pending
            result = NotStored(pending, OutcomeKind.FAILED, str(error), retry_at=next_try(pending.tries + 1, world.now))
            stored = await world.results.put(Draft(result, source.country))
        result, outcome = stored.result, stored.outcome
    said = f"{source.id}: {outcome.kind.value} {outcome.url} {outcome.reason}".strip()
    log.info(said, extra={"run": world.run_id, "source": source.id, "item": outcome.item_id})
    if outcome.flagged and outcome.kind in (OutcomeKind.NEW, OutcomeKind.UPDATED) and isinstance(result, Read):
        world.flagged.append(_flagged_item(source, result, outcome))
    ended.append(outcome)
    world.tell("pages", 0, 1)


async def ended_early(world: World, source: Source, entries: Sequence[Entry], kind: OutcomeKind, reason: str) -> list[Outcome]:
    """The outcome of entries that need no page, entered in the ledger."""
    ended = [(entry.key, Outcome(kind, entry.url, reason)) for entry in entries]
    if ended and not world.options.dry_run:
        await asyncio.to_thread(add_outcomes, world.store, world.run_id, source.id, ended, now=world.now)
    return [outcome for _, outcome in ended]


def key_of(entry: Entry, answered: str = "") -> str:
    """The identity of the item an entry stands for: its article's address, or where it has none the entry itself."""
    return item_key(answered or entry.url) or f"{entry.source_id} {entry.key}"


async def _read_safely(world: World, source: Source, pending: PendingEntry, found_at: str, meter: Meter) -> Result:
    """``_read_entry``, where a fault of ours on one page costs that page: it is told, kept in the queue and tried again."""
    try:
        return await _read_entry(world, source, pending, found_at, meter)
    except Exception as error:  # whatever it is, the other pages of the source must not pay for it
        if isinstance(error, StoreError) and not isinstance(error, ValueRefused):
            raise  # the database is everybody's: the run ends, and says why
        reason = f"a fault in Sholu itself: {type(error).__name__}: {error}"
        log.exception("%s: %s: %s", source.id, pending.entry.url, reason, extra={"run": world.run_id, "source": source.id})
        return NotStored(pending, OutcomeKind.FAILED, reason, retry_at=next_try(pending.tries + 1, world.now))


async def _read_entry(world: World, source: Source, pending: PendingEntry, found_at: str, meter: Meter) -> Result:
    """The page, or the feed's own full text where the page fails, or the reason why there is neither."""
    entry = pending.entry
    if not entry.url:
        return _read(pending, article_from_entry(entry, world.now, source.languages), key_of(entry))
    try:
        answer = await world.client.fetch(entry.url, accept="page", robots=True, owner=source.id, found_at=found_at, meter=meter)
        capture = answer.capture
        # Bytes first: whatever goes wrong from here on, the page as received is kept.
        began = time.monotonic()
        capture_id = None if world.options.dry_run else await world.captures.put(capture)
        meter.add(time.monotonic() - began)
        article = await world.pool.metered(
            meter,
            read_article,
            capture.body,
            content_type=content_type_of(capture),
            url=capture.url_answered,
            entry=entry,
            now=world.now,
            languages=source.languages,
        )
    except (FetchError, ReadError) as error:
        return _without_page(world, source, pending, error)
    key = key_of(entry, article[0].url)
    return _read(pending, article, key, capture_id=capture_id, fetched_at=capture.fetched_at)


def content_type_of(capture: Capture) -> str:
    """The Content-Type header as sent, with its charset."""
    return next((value for name, value in capture.headers if name.lower() == "content-type"), capture.media_type)


def _without_page(world: World, source: Source, pending: PendingEntry, error: FetchError | ReadError) -> Result:
    """What becomes of an entry whose page did not yield: the feed's full text if it has one, else another try, else what the feed says."""
    entry, tries = pending.entry, pending.tries + 1
    due = next_try(tries, world.now)
    if len(entry.content) >= FULL_TEXT or (due is None and (entry.content or entry.summary or entry.title)):
        article = article_from_entry(entry, world.now, source.languages)
        return _read(pending, article, key_of(entry), note=f"the page could not be read: {error.reason}")
    again = f"; tried again from {due:%Y-%m-%d %H:%M} UTC on" if due else "; given up after the last try"
    return NotStored(pending, OutcomeKind.FAILED, f"{error.reason}{again}", retry_at=due)


def _read(
    pending: PendingEntry,
    article: Article,
    key: str,
    *,
    capture_id: int | None = None,
    fetched_at: datetime | None = None,
    note: str = "",
) -> Read:
    """A document no rule has seen yet."""
    document, sketched = article
    return Read(pending, key, document, None, capture_id=capture_id, fetched_at=fetched_at, sketch=sketched, note=note)


def _would_be(result: Result) -> Outcome:
    """The outcome a result would have if it were stored, as far as that can be said without storing it."""
    match result:
        case Read(pending=pending, flagging=flagging):
            kind = OutcomeKind.NEW if pending.item_id is None else OutcomeKind.UPDATED
            return Outcome(kind, pending.entry.url, flagged=bool(flagging and flagging.flagged))
        case Held(pending=pending):
            return Outcome(OutcomeKind.DUPLICATE, pending.entry.url, "held already through another outlet")
        case NotStored(pending=pending, kind=kind, reason=reason):
            return Outcome(kind, pending.entry.url, reason)


def _flagged_item(source: Source, result: Read, outcome: Outcome) -> FlaggedItem:
    document, flagging = result.document, result.flagging
    assert flagging is not None, "only what the rules judged can be flagged"
    return FlaggedItem(
        item_id=outcome.item_id,
        title=document.title,
        url=document.url,
        outlet=source.title,
        themes=flagging.themes,
        places=flagging.places,
        words=telling_words(flagging),
        score=flagging.score,
    )
