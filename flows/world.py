"""What the steps of one run share: the store, the client, the pool, the claims; opened before a run and closed whatever happens."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING

from domain.errors import StoreError
from domain.settings import Settings
from domain.values import Capture, PollKind, Source, SourceReport
from extractors.client import Client
from extractors.client_options import client_options
from extractors.ladder import Reading
from extractors.pool import ParserPool
from extractors.rhythm import Bounds
from flows.batches import Batcher
from flows.judging import asked_to_wait, turn_has_come
from flows.ledger import Ledger
from flows.memory import give_back_memory
from flows.report import FlaggedItem
from flows.shards import Shard, groups_of, shards_of
from flows.storing import Draft, Stored, capture_batches, feed_batches, piece_batches, result_batches
from storage.entries import (
    Body,
    PendingEntry,
    Taken,
    pending_entries,
    retry_now,
    sources_with_pending,
)
from storage.runs import add_reports, begin_run, end_run, renew_run, status_after, sweep_runs
from storage.sources import PollState, claim_hosts, claim_sources, held_by_others, poll_states, sync_sources
from storage.store import MANY, Store, open_store

if TYPE_CHECKING:
    from rules.engine.rulebook import Rulebook

log = logging.getLogger("sholu.collect")

Tell = Callable[[str, int, int], None]
Clock = Callable[[], datetime]

SHARDS = 8  # Prefect tasks a run: enough to spread over workers, few enough to cost next to nothing
PAGES_AT_ONCE = 64  # pages between "asked for" and "stored", over all sources: bounds memory, not politeness
LEASE = 180.0  # seconds a claim holds without a sign of life
RENEW = 45.0  # seconds between two signs of life


@dataclass(frozen=True, slots=True)
class CollectOptions:
    """What a run is asked to do; ``sources`` empty means all of them, ``slot`` is the schedule's.

    ``at_most`` makes the run one worker of several on one database: it takes a share of about so many sources, whole hosts of them.
    """

    sources: tuple[str, ...] = ()
    force: bool = False
    since: datetime | None = None
    due_only: bool = False
    dry_run: bool = False
    slot: str | None = None
    at_most: int | None = None


@dataclass(frozen=True, slots=True)
class World:
    """All that the steps of one run share; opened by ``open_world``, closed with it."""

    settings: Settings
    options: CollectOptions
    rulebook: Rulebook
    store: Store
    client: Client
    pool: ParserPool
    pieces: Batcher[str, bytes]
    feeds: Batcher[Body, Taken]
    captures: Batcher[Capture, int]
    results: Batcher[Draft, Stored]
    polling: set[str]
    reading: set[str]
    ledger: Ledger
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
    give_back_memory()  # before the first thread has a heap of its own
    now = clock()
    store = await asyncio.to_thread(open_store, settings.database)
    try:
        run_id, states = await asyncio.to_thread(_enter_run, store, options, rulebook, listed, sources, now)
        try:
            plan, waiting = await asyncio.to_thread(_plan_run, settings, options, store, sources, states, run_id, now)
            async with AsyncExitStack() as stack:
                client = await stack.enter_async_context(Client(client_options(settings), clock=clock))
                pool = await stack.enter_async_context(
                    ParserPool(settings.workers, seconds=settings.parse_seconds, memory=settings.parse_memory)
                )
                ledger = Ledger(store, run_id, clock=clock, shards=len(plan.shards), keep_states=not options.dry_run)
                stack.push_async_callback(ledger.close)
                polling: set[str] = set()
                reading: set[str] = set()
                world = World(
                    settings=settings,
                    options=options,
                    rulebook=rulebook,
                    store=store,
                    client=client,
                    pool=pool,
                    pieces=piece_batches(store, polling),
                    feeds=feed_batches(store, run_id, now, polling),
                    captures=capture_batches(store, run_id, reading),
                    results=result_batches(store, run_id, rulebook, clock, reading),
                    polling=polling,
                    reading=reading,
                    ledger=ledger,
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
            status = status_after(error)
            with suppress(StoreError):
                await asyncio.shield(
                    asyncio.to_thread(end_run, store, run_id, now=clock(), status=status, reason=str(error) or status)
                )
            raise
    finally:
        store.close()


def _enter_run(
    store: Store, options: CollectOptions, rulebook: Rulebook, listed: Sequence[Source], sources: Sequence[Source], now: datetime
) -> tuple[int, Mapping[str, PollState]]:
    """The run's id, and how its sources stood after their last poll."""
    for dead in sweep_runs(store, now=now):
        log.warning("run %s of %s had died (%s); what it left is finished now", dead.id, dead.started_at.isoformat(), dead.reason)
    parameters = {
        "sources": list(options.sources),
        "force": options.force,
        "since": options.since.isoformat() if options.since else None,
        "due_only": options.due_only,
        "dry_run": options.dry_run,
    }
    with store.together():
        run_id = begin_run(
            store,
            kind="collect",
            now=now,
            parameters=parameters,
            slot=options.slot,
            rules_version=rulebook.version,
            lease_s=LEASE,
        )
        sync_sources(store, listed, now=now)
        return run_id, poll_states(store, [source.id for source in sources])


def _plan_run(
    settings: Settings,
    options: CollectOptions,
    store: Store,
    sources: Sequence[Source],
    states: Mapping[str, PollState],
    run_id: int,
    now: datetime,
) -> tuple[Plan, Mapping[str, tuple[PendingEntry, ...]]]:
    """What the run will do, with its sources claimed, and what waits in the queue of each."""
    with store.together():
        plan = make_plan(settings, options, store, sources, states, run_id, now)
        add_reports(store, run_id, plan.passed_over, now=now)
        return plan, _waiting(store, plan, options, now)


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
    # Longest overdue first: where there are too few workers for all, no source is always the one left over.
    due.sort(key=lambda source: _turn(states.get(source.id)))
    mine = _share(store, due, options.at_most, run_id, now)
    if options.at_most is not None:
        # What other workers have taken is their business, and not told as passed over.
        due = [source for source in due if source.id in mine]
        states = poll_states(store, mine)
        # Between our look and our claim another worker may have read a source and let it go: its turn is over then.
        due = [
            source
            for source in due
            if not options.due_only or source.id in queued or turn_has_come(states.get(source.id), now, bounds)
        ]
    claimed = claim_sources(store, [source.id for source in due if source.id in mine], run_id=run_id, now=now, lease_s=LEASE)
    passed_over += [
        SourceReport(source.id, PollKind.SKIPPED, "another run is reading this source, or another of its host, right now")
        for source in due
        if source.id not in claimed
    ]
    return Plan(shards_of([source for source in due if source.id in claimed], SHARDS), tuple(passed_over))


def _turn(state: PollState | None) -> datetime:
    """When the turn of a source came; one that was never polled comes first."""
    return state.next_due if state is not None and state.next_due is not None else datetime.min.replace(tzinfo=UTC)


def _share(store: Store, due: Sequence[Source], at_most: int | None, run_id: int, now: datetime) -> set[str]:
    """The ids of about ``at_most`` of the sources due (None: of all), whole hosts of them, none at which another run reads."""
    held = held_by_others(store, "host", run_id=run_id, now=now)
    groups = deque(group for group in groups_of(due) if not group.hosts & held)
    wanted = len(due) if at_most is None else at_most
    mine: set[str] = set()
    while groups and len(mine) < wanted:
        some, more = [], 0
        while groups and more < wanted - len(mine):
            some.append(groups.popleft())
            more += len(some[-1].sources)
        asked = [(group.hosts, [source.id for source in group.sources]) for group in some]
        got = claim_hosts(store, asked, run_id=run_id, now=now, lease_s=LEASE)
        mine.update(key for (_, ids), is_ours in zip(asked, got, strict=True) if is_ours for key in ids)
    return mine


def _waiting(store: Store, plan: Plan, options: CollectOptions, now: datetime) -> dict[str, tuple[PendingEntry, ...]]:
    """The queue of the sources at hand: what a run before left undone, and retries whose time has come."""
    ids = [source.id for shard in plan.shards for source in shard.sources]
    found: dict[str, list[PendingEntry]] = {}
    if options.force:
        retry_now(store, ids, now=now)
    if len(ids) > MANY:  # one question for all of them, and mostly nobody is left to be asked about
        at_work = sources_with_pending(store, now=now)
        ids = [source_id for source_id in ids if source_id in at_work]
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
