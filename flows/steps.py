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
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from domain.errors import ConfigError, SholuError, StoreError, ValueRefused
from domain.settings import Settings
from domain.values import Counts, Entry, Outcome, OutcomeKind, PollKind, Source, SourceReport
from extractors.headers import Validators
from extractors.kept_list import known_sources
from extractors.ladder import Reading, climb
from extractors.meter import Meter
from extractors.rhythm import Bounds
from flows.judging import after_poll, is_offline, is_out_of_reach, read_state
from flows.logs import TRACEBACK_ONCE
from flows.report import RunReport
from flows.shards import Shard
from flows.world import Clock, CollectOptions, Tell, World, open_world
from rules.engine.late import open_rulebook
from storage.entries import Body, Taken, preview_entries
from storage.looks import UNKNOWN_MACHINE, looks_wait
from storage.runs import end_run
from storage.sources import PollState

log = logging.getLogger("sholu.collect")
log.addFilter(TRACEBACK_ONCE)

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
    listed = known_sources(settings.sources, settings.home / "cache")
    sources = chosen_sources(listed, options.sources, settings.sources)
    rulebook = open_rulebook(settings.rules, settings.home / "cache")
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
    if not await asyncio.to_thread(looks_wait, world.store, now=world.clock()):
        return ""
    from flows.rechecking import PER_SOURCE_IN_RUN, Hands, recheck_with

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
            from difflib import get_close_matches

            near = get_close_matches(wanted, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else "; `sholu sources list` shows them"
            raise ConfigError(f"there is no source {wanted!r}{hint}", file=file)
    return tuple(known[wanted] for wanted in dict.fromkeys(ids))


async def collect_shard(world: World, shard: Shard) -> list[SourceReport]:
    """Work through the sources of a shard, side by side; one bad source hurts only itself."""
    done = await asyncio.gather(*(_collect_source(world, source) for source in shard.sources))
    await world.ledger.enter([state for _, state in done], [report for report, _ in done])
    return [report for report, _ in done]


async def _collect_source(world: World, source: Source) -> tuple[SourceReport, PollState]:
    state = world.states.get(source.id, PollState(source.id))
    bounds = Bounds(world.settings.poll_min, world.settings.poll_max)
    meter = Meter(world.settings.source_seconds)
    ended: list[Outcome] = []
    try:
        reading = await read_source(world, source, state, meter)
        taken = await _take(world, source, state, reading, ended)
        if reading.capture is not None:
            reading = replace(reading, capture=None)  # kept now: its bytes must not lie in memory while pages are read
        await _work_through(world, source, taken, reading, meter, ended)
    except Exception as error:  # what the database refuses of one source, or a fault of ours in it, must not cost the others
        if isinstance(error, StoreError) and not isinstance(error, ValueRefused):
            raise  # the database is everybody's: the run ends, and says why
        reason = str(error) if isinstance(error, SholuError) else f"a fault in Sholu itself: {type(error).__name__}: {error}"
        log.exception("%s: %s", source.id, reason, extra={"run": world.run_id, "source": source.id})
        world.tell("sources", 0, 1)
        # What had ended before the fault stands in the ledger, so it is counted.
        report = SourceReport(source.id, PollKind.FAILED, reason, counts=counted(ended))
        return report, replace(state, last_polled=world.now, last_kind="failed", last_reason=reason)
    counts = counted(ended)
    whole = not older_entries(reading.entries, world.options.since)
    kept = after_poll(state, source, reading, new=counts.new, now=world.now, rng=world.rng, bounds=bounds, whole=whole)
    report = SourceReport(
        source_id=source.id,
        kind=PollKind(kept.last_kind),
        reason=kept.last_reason,
        rung=reading.kind.value,
        entries=reading.count,
        counts=counts,
    )
    if is_out_of_reach(reading):
        world.out_of_reach.append(reading)
    said = f"{source.id}: {report.kind.value}, {report.entries} entries, {counts.new} new, {counts.flagged} flagged {report.reason}".strip()
    # That nothing changed stands in the ledger: a line for each of a thousand such polls, four times an hour, would hide the others.
    level = logging.DEBUG if report.kind is PollKind.UNCHANGED else logging.INFO
    log.log(level, said, extra={"run": world.run_id, "source": source.id})
    world.tell("sources", 0, 1)
    return report, kept


async def read_source(world: World, source: Source, state: PollState, meter: Meter | None = None) -> Reading:
    """Read a source by its ladder: what its address in use yields, or the next rung where it does not."""
    fresh = world.options.force
    # Of entries that are not read again, nothing is known that could be passed over by its date.
    whole = fresh or world.options.since is not None
    world.polling.add(source.id)
    try:
        return await climb(
            world.client,
            world.pool,
            source,
            now=world.now,
            rung=state.rung,
            address=state.address,
            validators=Validators() if fresh else Validators(state.etag or None, state.last_modified or None),
            body_sha256="" if fresh else state.body_sha256,
            pieces=None if whole else partial(world.pieces.put, source.id),
            last_polled=state.last_polled,
            last_new=state.last_new,
            entries_last=state.entries_last if state.last_ok else None,
            meter=meter,
        )
    finally:
        world.polling.discard(source.id)


async def _take(world: World, source: Source, state: PollState, reading: Reading, ended: list[Outcome]) -> Taken:
    """What of a source waits to be read: of its feed, whose entries are kept here with its bytes, and from before.

    An outcome is added to ``ended`` for every entry that is passed over.
    """
    since = world.options.since
    late = older_entries(reading.entries, since)
    entries: Sequence[Entry] = reading.entries
    if late:
        passed = {entry.key for entry in late}
        entries = [entry for entry in entries if entry.key not in passed]
        reason = f"published before {since:%Y-%m-%d}, the day the run was asked to begin with"
        await _end_early(world, source, late, OutcomeKind.SKIPPED, reason, ended)
    if world.options.dry_run:
        return await asyncio.to_thread(preview_entries, world.store, source.id, entries, now=world.now)
    if not reading.ok or reading.unchanged:
        return Taken(world.waiting.get(source.id, ()), 0, ())
    seen = read_state(state, reading, whole=not late)
    taken = await world.feeds.put(Body(source.id, entries, seen, reading.capture))
    if taken.repeated:
        await _end_early(world, source, taken.repeated, OutcomeKind.DUPLICATE, "stands twice in the feed", ended)
    return taken


async def _end_early(
    world: World, source: Source, entries: Sequence[Entry], kind: OutcomeKind, reason: str, ended: list[Outcome]
) -> None:
    from flows.pages import ended_early  # with all that pages need

    ended += await ended_early(world, source, entries, kind, reason)


async def _work_through(world: World, source: Source, taken: Taken, reading: Reading, meter: Meter, ended: list[Outcome]) -> None:
    """Add one outcome to ``ended`` for every entry this run sees of a source: those of the feed, and those that waited from before."""
    held = len(reading.held)
    if taken.pending and held:
        from extractors.pieces import key_digest

        # An entry that stood in the last feed and is read now since its page failed then is counted by what comes of that.
        worked = {key_digest(each.entry.key) for each in taken.pending}
        held = sum(piece.key not in worked for piece in reading.held)
    ended += [Outcome(OutcomeKind.UNCHANGED, "")] * (taken.unchanged + held)
    if not taken.pending:
        return  # most polls end here: all that pages need is not even imported, which takes as long as a hundred polls
    from flows.pages import read_all

    await read_all(world, source, taken.pending, reading.server_address or UNKNOWN_MACHINE, meter, ended)


def counted(ended: Sequence[Outcome]) -> Counts:
    """Outcomes as a ledger line counts them; flagged are counted among the new and the updated."""
    if not ended:
        return Counts()  # of a thousand polls nearly all
    kinds = Counter(outcome.kind for outcome in ended)
    return Counts(**{kind.value: kinds[kind] for kind in OutcomeKind}, flagged=sum(outcome.flagged for outcome in ended))


def older_entries(entries: Sequence[Entry], since: datetime | None) -> tuple[Entry, ...]:
    """The entries that a run asked to begin with a day passes over; one without a date is never passed over."""
    return tuple(entry for entry in entries if since and entry.published and entry.published < since)
