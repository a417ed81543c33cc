"""The main job, step by step: poll, fetch, extract, flag, store. Plain functions that know no scheduler.

One path serves everybody: `sholu run` calls `collect` as it is, and the Prefect flow calls it with its own way of running
the shards, so that both leave the same rows. A step carries a value from one folder to the next; what a page means and
how a row is kept is decided there, not here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from random import Random

from domain.errors import ConfigError, FetchError, ReadError, SholuError, StoreError
from domain.settings import Settings
from domain.values import BodyFrom, Capture, Counts, Entry, Outcome, OutcomeKind, PollKind, Source, SourceReport
from extractors.addresses import item_key
from extractors.articles import Article, article_from_entry, read_article
from extractors.catalogue import load_sources
from extractors.client import Client, client_options
from extractors.headers import Validators
from extractors.ladder import Reading, climb
from extractors.meter import Meter
from extractors.pool import ParserPool
from extractors.rhythm import Bounds
from flows.batches import Batcher
from flows.judging import after_poll, asked_to_wait, is_offline, is_out_of_reach, read_state, turn_has_come
from flows.rechecking import PER_SOURCE_IN_RUN, Hands, recheck_with
from flows.report import FlaggedItem, RunReport, telling_words
from flows.shards import Shard, shards_of
from rules.engine.rulebook import Rulebook, load_rulebook
from storage.captures import save_captures
from storage.entries import (
    PendingEntry,
    Taken,
    next_try,
    pending_entries,
    preview_entries,
    put_off,
    retry_now,
    sources_with_pending,
    take_entries,
)
from storage.items import held_items, save_results
from storage.results import Held, NotStored, Read, Result
from storage.runs import add_outcomes, add_reports, begin_run, end_run, renew_run, sweep_runs
from storage.sources import PollState, claim_sources, poll_states, save_poll_states, sync_sources
from storage.store import Store, open_store

log = logging.getLogger("sholu.collect")

Tell = Callable[[str, int, int], None]
Clock = Callable[[], datetime]

SHARDS = 8  # Prefect tasks a run: enough to spread over workers, few enough to cost next to nothing
CAPTURE_BATCH = 16  # pages a transaction; bounds how many bodies wait in memory
CAPTURE_DELAY = 0.1  # seconds a page waits for others, so that they share a transaction; a host is given a second's pause anyway
RESULT_BATCH = 200  # the measured knee of executemany
RESULT_DELAY = 0.5  # seconds; nobody waits for a result to be stored before asking for the next page
PAGES_AT_ONCE = 48  # pages between "asked for" and "stored", over all sources: bounds memory, not politeness
LEASE = 180.0  # seconds a claim holds without a sign of life
RENEW = 45.0  # seconds between two signs of life
UNKNOWN_MACHINE = "0.0.0.0"  # where the feed did not answer this time: taken for a public one, so that no queue leads inside
LEAST_A_RUN = 10  # entries of a source that a run is trusted with, however few the one before could read
FULL_TEXT = 600  # characters: from here on a feed's own text is an article's, not its teaser


@dataclass(frozen=True, slots=True)
class CollectOptions:
    """What a run is asked to do; ``sources`` empty means all of them, ``slot`` is the schedule's."""

    sources: tuple[str, ...] = ()
    force: bool = False
    since: datetime | None = None
    due_only: bool = False
    dry_run: bool = False
    slot: str | None = None


@dataclass(frozen=True, slots=True)
class World:
    """All that the steps of one run share; opened by ``open_world``, closed with it."""

    settings: Settings
    options: CollectOptions
    rulebook: Rulebook
    store: Store
    client: Client
    pool: ParserPool
    captures: Batcher[Capture, int]
    results: Batcher[Result, Outcome]
    pages: asyncio.Semaphore
    states: Mapping[str, PollState]
    waiting: Mapping[str, tuple[PendingEntry, ...]]
    run_id: int
    now: datetime
    clock: Clock
    rng: Random
    tell: Tell
    flagged: list[FlaggedItem]
    out_of_reach: list[Reading]


RunShards = Callable[[World, Sequence[Shard]], Awaitable[Sequence[Sequence[SourceReport]]]]


def _nobody_watches(_what: str, _more: int, _done: int) -> None:
    """The progress display of a run nobody watches."""


async def run_shards_here(world: World, shards: Sequence[Shard]) -> list[list[SourceReport]]:
    """All shards in this event loop, as the Prefect flow does with tasks around them."""
    return list(await asyncio.gather(*(collect_shard(world, shard) for shard in shards)))


async def collect(
    settings: Settings,
    options: CollectOptions,
    *,
    clock: Clock,
    run_shards: RunShards = run_shards_here,
    tell: Tell = _nobody_watches,
) -> RunReport:
    """Do the main job once and say what came of it.

    Raises ConfigError before anything is touched where settings or data are wrong, StoreError where the database refuses.
    """
    started = time.monotonic()
    listed = load_sources(settings.sources)
    sources = chosen_sources(listed, options.sources, settings.sources)
    rulebook = load_rulebook(settings.rules, settings.home / "cache")
    async with open_world(settings, options, listed, sources, rulebook, clock=clock, tell=tell) as (world, plan):
        tell("sources", sum(len(shard.sources) for shard in plan.shards), 0)
        found = await run_shards(world, plan.shards)
        reports = (*plan.passed_over, *(report for shard in found for report in shard))
        report = RunReport(
            run_id=world.run_id,
            sources=tuple(sorted(reports, key=lambda each: each.source_id)),
            flagged_items=tuple(sorted(world.flagged, key=lambda item: -item.score)),
            rules_version=rulebook.version,
            seconds=time.monotonic() - started,
            database=world.store.address,
            offline=is_offline(world.out_of_reach, len(reports)),
            dry_run=options.dry_run,
        )
        status = {0: "done", 1: "incomplete"}.get(report.exit_code, "failed")
        await asyncio.to_thread(end_run, world.store, world.run_id, now=clock(), status=status, reason=report.closing())
        return report if options.dry_run else replace(report, looked_again=await _look_again(world, sources))


async def _look_again(world: World, sources: Sequence[Source]) -> str:
    """Later looks at flagged items whose time has come, with this run's client; "" where none was due."""
    hands = Hands(world.store, world.client, world.pool, world.rulebook, world.clock)
    chosen = [source.id for source in sources] if world.options.sources else None
    report = await recheck_with(hands, sources=chosen, per_source=PER_SOURCE_IN_RUN)
    return report.closing() if report.looked else ""


def chosen_sources(sources: Sequence[Source], ids: Sequence[str], file: Path) -> tuple[Source, ...]:
    """The sources asked for, all of them unless some are; raises ConfigError for an id that is not in the list."""
    if not ids:
        return tuple(sources)
    known = {source.id: source for source in sources}
    for wanted in ids:
        if wanted not in known:
            near = get_close_matches(wanted, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else "; `sholu sources list` shows them"
            raise ConfigError(f"there is no source {wanted!r}{hint}", file=file)
    return tuple(known[wanted] for wanted in dict.fromkeys(ids))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will do: the shards to work through, and reports on sources that are passed over, each with its reason."""

    shards: tuple[Shard, ...]
    passed_over: tuple[SourceReport, ...] = ()


@asynccontextmanager
async def open_world(
    settings: Settings,
    options: CollectOptions,
    listed: Sequence[Source],
    sources: Sequence[Source],
    rulebook: Rulebook,
    *,
    clock: Clock,
    tell: Tell,
) -> AsyncIterator[tuple[World, Plan]]:
    """Open the store, enter the run, claim its sources and start the client; whatever happens the run is closed again."""
    now = clock()
    store = await asyncio.to_thread(open_store, settings.database)
    try:
        run_id = await asyncio.to_thread(_enter_run, store, options, rulebook, listed, now)
        try:
            states = await asyncio.to_thread(poll_states, store, [source.id for source in sources])
            plan = await asyncio.to_thread(make_plan, settings, options, store, sources, states, run_id, now)
            await asyncio.to_thread(add_reports, store, run_id, plan.passed_over, now=now)
            waiting = await asyncio.to_thread(_waiting, store, plan, options, now)
            async with AsyncExitStack() as stack:
                client = await stack.enter_async_context(Client(client_options(settings), clock=clock))
                pool = await stack.enter_async_context(
                    ParserPool(settings.workers, seconds=settings.parse_seconds, memory=settings.parse_memory)
                )
                world = World(
                    settings=settings,
                    options=options,
                    rulebook=rulebook,
                    store=store,
                    client=client,
                    pool=pool,
                    captures=Batcher(lambda batch: save_captures(store, run_id, batch), size=CAPTURE_BATCH, delay=CAPTURE_DELAY),
                    results=Batcher(
                        lambda batch: save_results(store, run_id, batch, now=clock()), size=RESULT_BATCH, delay=RESULT_DELAY
                    ),
                    pages=asyncio.Semaphore(PAGES_AT_ONCE),
                    states=states,
                    waiting=waiting,
                    run_id=run_id,
                    now=now,
                    clock=clock,
                    rng=Random(),  # noqa: S311  # spreads polls in time
                    tell=tell,
                    flagged=[],
                    out_of_reach=[],
                )
                alive = asyncio.create_task(_stay_alive(store, run_id, clock))
                stack.push_async_callback(_cancelled, alive)
                yield world, plan
        except BaseException as error:
            status = "cancelled" if isinstance(error, asyncio.CancelledError | KeyboardInterrupt) else "failed"
            with suppress(StoreError):
                await asyncio.shield(
                    asyncio.to_thread(end_run, store, run_id, now=clock(), status=status, reason=str(error) or status)
                )
            raise
    finally:
        store.close()


def _enter_run(store: Store, options: CollectOptions, rulebook: Rulebook, listed: Sequence[Source], now: datetime) -> int:
    for dead in sweep_runs(store, now=now):
        log.warning("run %s of %s had died (%s); what it left is finished now", dead.id, dead.started_at.isoformat(), dead.reason)
    parameters = {
        "sources": list(options.sources),
        "force": options.force,
        "since": options.since.isoformat() if options.since else None,
        "due_only": options.due_only,
        "dry_run": options.dry_run,
    }
    run_id = begin_run(
        store, kind="collect", now=now, parameters=parameters, slot=options.slot, rules_version=rulebook.version, lease_s=LEASE
    )
    sync_sources(store, listed, now=now)
    return run_id


def make_plan(
    settings: Settings,
    options: CollectOptions,
    store: Store,
    sources: Sequence[Source],
    states: Mapping[str, PollState],
    run_id: int,
    now: datetime,
) -> Plan:
    """Which sources are polled now, and why the others are not; those polled are claimed for this run."""
    bounds = Bounds(settings.poll_min, settings.poll_max)
    queued = sources_with_pending(store, now=now) if options.due_only else frozenset[str]()
    due, passed_over = [], []
    for source in sources:
        state = states.get(source.id)
        until = asked_to_wait(state, now)
        if options.due_only and source.id not in queued and not turn_has_come(state, now, bounds):
            continue
        if until is not None and not options.force:
            passed_over.append(
                SourceReport(source.id, PollKind.SKIPPED, f"the server asked to be left alone until {until:%Y-%m-%d %H:%M} UTC")
            )
        else:
            due.append(source)
    claimed = claim_sources(store, [source.id for source in due], run_id=run_id, now=now, lease_s=LEASE)
    passed_over += [
        SourceReport(source.id, PollKind.SKIPPED, "another run is reading this source right now")
        for source in due
        if source.id not in claimed
    ]
    return Plan(shards_of([source for source in due if source.id in claimed], SHARDS), tuple(passed_over))


def _waiting(store: Store, plan: Plan, options: CollectOptions, now: datetime) -> dict[str, tuple[PendingEntry, ...]]:
    """The queue of the sources at hand: what a run before left undone, and retries whose time has come."""
    ids = [source.id for shard in plan.shards for source in shard.sources]
    found: dict[str, list[PendingEntry]] = {}
    if options.force:
        retry_now(store, ids, now=now)
    for entry in pending_entries(store, ids, now=now):
        found.setdefault(entry.entry.source_id, []).append(entry)
    return {source_id: tuple(entries) for source_id, entries in found.items()}


async def _stay_alive(store: Store, run_id: int, clock: Clock) -> None:
    while True:
        await asyncio.sleep(RENEW)
        try:
            await asyncio.to_thread(renew_run, store, run_id, now=clock(), lease_s=LEASE)
        except StoreError as error:
            log.warning("could not renew the claims of run %s: %s", run_id, error)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def collect_shard(world: World, shard: Shard) -> list[SourceReport]:
    """Work through the sources of a shard, side by side; one bad source hurts only itself."""
    done = await asyncio.gather(*(_collect_source(world, source) for source in shard.sources))
    if not world.options.dry_run:
        await asyncio.to_thread(save_poll_states, world.store, [state for _, state in done])
    await asyncio.to_thread(add_reports, world.store, world.run_id, [report for report, _ in done], now=world.clock())
    return [report for report, _ in done]


async def _collect_source(world: World, source: Source) -> tuple[SourceReport, PollState]:
    state = world.states.get(source.id, PollState(source.id))
    bounds = Bounds(world.settings.poll_min, world.settings.poll_max)
    meter = Meter(world.settings.source_seconds)
    try:
        reading = await read_source(world, source, state, meter)
        outcomes = Counter[OutcomeKind]()
        flagged = 0
        for outcome in await _outcomes(world, source, state, reading, meter):
            outcomes[outcome.kind] += 1
            flagged += outcome.flagged
    except StoreError:
        raise  # the database is everybody's: the run ends, and says why
    except Exception as error:  # a fault of ours in one source must not cost the others
        reason = str(error) if isinstance(error, SholuError) else f"a fault in Sholu itself: {type(error).__name__}: {error}"
        log.exception("%s: %s", source.id, reason, extra={"run": world.run_id, "source": source.id})
        world.tell("sources", 0, 1)
        return SourceReport(source.id, PollKind.FAILED, reason), replace(
            state, last_polled=world.now, last_kind="failed", last_reason=reason
        )
    counts = Counts(**{kind.value: outcomes[kind] for kind in OutcomeKind}, flagged=flagged)
    whole = not older_entries(reading.entries, world.options.since)
    kept = after_poll(state, source, reading, new=counts.new, now=world.now, rng=world.rng, bounds=bounds, whole=whole)
    report = SourceReport(
        source_id=source.id,
        kind=PollKind(kept.last_kind),
        reason=kept.last_reason,
        rung=reading.kind.value,
        entries=len(reading.entries),
        counts=counts,
    )
    if is_out_of_reach(reading):
        world.out_of_reach.append(reading)
    said = (
        f"{source.id}: {report.kind.value}, {report.entries} entries, {counts.new} new, {flagged} flagged {report.reason}".strip()
    )
    log.info(said, extra={"run": world.run_id, "source": source.id})
    world.tell("sources", 0, 1)
    return report, kept


async def read_source(world: World, source: Source, state: PollState, meter: Meter | None = None) -> Reading:
    """Read a source by its ladder: what its address in use yields, or the next rung where it does not."""
    fresh = world.options.force
    return await climb(
        world.client,
        world.pool,
        source,
        now=world.now,
        rung=state.rung,
        address=state.address,
        validators=Validators() if fresh else Validators(state.etag or None, state.last_modified or None),
        body_sha256="" if fresh else state.body_sha256,
        last_polled=state.last_polled,
        last_new=state.last_new,
        entries_last=state.entries_last if state.last_ok else None,
        meter=meter,
    )


async def _outcomes(world: World, source: Source, state: PollState, reading: Reading, meter: Meter) -> list[Outcome]:
    """One outcome for every entry this run sees of a source: those of the feed, and those that waited from before."""
    entries = reading.entries
    since = world.options.since
    ended: list[Outcome] = []
    late = older_entries(reading.entries, since)
    if late:
        passed = {entry.key for entry in late}
        entries = tuple(entry for entry in entries if entry.key not in passed)
        reason = f"published before {since:%Y-%m-%d}, the day the run was asked to begin with"
        ended += await _ended_early(world, source, late, OutcomeKind.SKIPPED, reason)
    if world.options.dry_run:
        taken = await asyncio.to_thread(preview_entries, world.store, source.id, entries, now=world.now)
    elif reading.ok and not reading.unchanged:
        seen = read_state(state, reading, whole=not late)
        taken = await asyncio.to_thread(take_entries, world.store, world.run_id, source.id, entries, seen, now=world.now)
        ended += await _ended_early(world, source, taken.repeated, OutcomeKind.DUPLICATE, "stands twice in the feed")
    else:
        taken = Taken(world.waiting.get(source.id, ()), 0, ())
    ended += [Outcome(OutcomeKind.UNCHANGED, "")] * taken.unchanged
    return ended + await _read_all(world, source, taken.pending, reading.server_address or UNKNOWN_MACHINE, meter)


async def _read_all(world: World, source: Source, pending: Sequence[PendingEntry], found_at: str, meter: Meter) -> list[Outcome]:
    """Read the pages of a source one after the other; each result is stored while the next page is asked for.

    ``found_at`` is the machine whose feed named the addresses: a public one may not send us into a network of our own.
    When the time on the ``meter`` is over, what is left waits for later runs.
    """
    world.tell("pages", len(pending), 0)
    keys = {each.id: key_of(each.entry) for each in pending}
    held = await asyncio.to_thread(held_items, world.store, keys.values()) if pending else {}
    storing: list[asyncio.Task[Outcome]] = []
    left: list[Outcome] = []
    try:
        for number, each in enumerate(pending):
            if meter.is_over:
                left = await _put_off(world, source, pending[number:], a_run=max(number, LEAST_A_RUN))
                break
            shelved = held.get(keys[each.id])
            if shelved is not None and shelved.source_id != source.id and shelved.body_from is BodyFrom.PAGE:
                # The same address was read for another outlet: it is one item, and its page is not asked for twice.
                result: Result = Held(each, keys[each.id])
            else:
                async with world.pages:
                    result = await _read_entry(world, source, each, found_at, meter)
            storing.append(asyncio.create_task(_store(world, source, result)))
        return [*await asyncio.gather(*storing), *left]
    finally:
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
    return await _ended_early(world, source, [each.entry for each in left], OutcomeKind.SKIPPED, reason)


async def _store(world: World, source: Source, result: Result) -> Outcome:
    """Store one result; whatever became of an entry ends in one outcome with its reason, and a line in the log."""
    outcome = _would_be(result) if world.options.dry_run else await world.results.put(result)
    said = f"{source.id}: {outcome.kind.value} {outcome.url} {outcome.reason}".strip()
    log.info(said, extra={"run": world.run_id, "source": source.id, "item": outcome.item_id})
    if outcome.flagged and outcome.kind in (OutcomeKind.NEW, OutcomeKind.UPDATED) and isinstance(result, Read):
        world.flagged.append(_flagged_item(source, result, outcome))
    world.tell("pages", 0, 1)
    return outcome


def older_entries(entries: Sequence[Entry], since: datetime | None) -> tuple[Entry, ...]:
    """The entries that a run asked to begin with a day passes over; one without a date is never passed over."""
    return tuple(entry for entry in entries if since and entry.published and entry.published < since)


async def _ended_early(world: World, source: Source, entries: Sequence[Entry], kind: OutcomeKind, reason: str) -> list[Outcome]:
    """The outcome of entries that need no page, entered in the ledger."""
    ended = [(entry.key, Outcome(kind, entry.url, reason)) for entry in entries]
    if ended and not world.options.dry_run:
        await asyncio.to_thread(add_outcomes, world.store, world.run_id, source.id, ended, now=world.now)
    return [outcome for _, outcome in ended]


def key_of(entry: Entry, answered: str = "") -> str:
    """The identity of the item an entry stands for: its article's address, or where it has none the entry itself."""
    return item_key(answered or entry.url) or f"{entry.source_id} {entry.key}"


async def _read_entry(world: World, source: Source, pending: PendingEntry, found_at: str, meter: Meter) -> Result:
    """The page, or the feed's own full text where the page fails, or the reason why there is neither."""
    entry = pending.entry
    if not entry.url:
        return _flagged_read(world, source, pending, article_from_entry(entry, world.now, source.languages), key_of(entry))
    try:
        answer = await world.client.fetch(
            entry.url, accept="page", robots=True, owner=source.id, found_at=found_at, meter=meter
        )
        capture = answer.capture
        # Bytes first: whatever goes wrong from here on, the page as received is kept.
        capture_id = None if world.options.dry_run else await world.captures.put(capture)
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
    return _flagged_read(world, source, pending, article, key, capture_id=capture_id, fetched_at=capture.fetched_at)


def content_type_of(capture: Capture) -> str:
    """The Content-Type header as sent, with its charset."""
    return next((value for name, value in capture.headers if name.lower() == "content-type"), capture.media_type)


def _without_page(world: World, source: Source, pending: PendingEntry, error: FetchError | ReadError) -> Result:
    """What becomes of an entry whose page did not yield: the feed's full text if it has one, else another try, else what the feed says."""
    entry, tries = pending.entry, pending.tries + 1
    due = next_try(tries, world.now)
    if len(entry.content) >= FULL_TEXT or (due is None and (entry.content or entry.summary or entry.title)):
        article = article_from_entry(entry, world.now, source.languages)
        return _flagged_read(world, source, pending, article, key_of(entry), note=f"the page could not be read: {error.reason}")
    again = f"; tried again from {due:%Y-%m-%d %H:%M} UTC on" if due else "; given up after the last try"
    return NotStored(pending, OutcomeKind.FAILED, f"{error.reason}{again}", retry_at=due)


def _flagged_read(
    world: World,
    source: Source,
    pending: PendingEntry,
    article: Article,
    key: str,
    *,
    capture_id: int | None = None,
    fetched_at: datetime | None = None,
    note: str = "",
) -> Read:
    """A document with the rules' verdict on it."""
    document, sketched = article
    flagging = world.rulebook.flag(
        title=document.title,
        text=document.text,
        language=document.language,
        published=document.published or pending.first_seen,
        source_country=source.country,
    )
    return Read(pending, key, document, flagging, capture_id=capture_id, fetched_at=fetched_at, sketch=sketched, note=note)


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
