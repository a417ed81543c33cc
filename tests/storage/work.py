"""A small deterministic day's work for fault tests: it can be killed anywhere and begun again, and ends in the same rows."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import sys
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, select

from domain.errors import StoreError
from domain.values import Counts, OutcomeKind, PollKind, SourceReport
from storage.captures import save_captures
from storage.entries import Body, PendingEntry, next_try, pending_entries, take_entries
from storage.items import save_results
from storage.results import NotStored, Read, Result
from storage.runs import add_reports, begin_run, end_run, sweep_runs
from storage.schema.evidence import captures
from storage.schema.items import flaggings, item_sources, item_terms, item_versions, items, sketch_hashes
from storage.schema.watching import entries, poll_states
from storage.sources import PollState, claim_sources, sync_sources
from storage.sources import poll_states as stored_states
from storage.store import Store, open_store
from tests.storage.conftest import a_capture, a_document, a_flagging, a_source, an_entry

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
SOURCES = ("azattyq", "orda", "vlast")
ENTRIES = 24
BATCH = 5


def work(address: str, polls: int = 2) -> None:
    """Polls of three sources: the second changes some texts; some articles are in all three, and one page always fails."""
    store = open_store(address)
    sweep_runs(store, now=NOW)
    sync_sources(store, [a_source(each) for each in SOURCES], now=NOW)
    for poll in range(polls):
        at = NOW + timedelta(hours=poll)
        run = begin_run(store, kind="collect", now=at, parameters={})
        claimed = sorted(claim_sources(store, SOURCES, run_id=run, now=at))
        for source_id, (pending, unchanged) in _taken(store, run, claimed, poll, at).items():
            _work_through(store, run, source_id, pending, unchanged, poll, at)
        end_run(store, run, now=at, status="done")
    store.close()


def _taken(
    store: Store, run: int, claimed: list[str], poll: int, at: datetime
) -> dict[str, tuple[tuple[PendingEntry, ...], int]]:
    """What waits of each source, and how many of its entries are unchanged: the feeds that changed are taken in one transaction."""
    etag = f'"{poll}"'
    states = stored_states(store, claimed)
    # Where the ETag is known already the server says 304, and only the queue is worked.
    changed = [each for each in claimed if each not in states or states[each].etag < etag]
    bodies = [
        Body(
            source_id,
            [an_entry(number, source_id, summary=str(poll * (number % 3))) for number in range(ENTRIES)],
            PollState(source_id, etag=etag),
            a_capture(f"https://example.org/{source_id}.xml", f"<rss>{source_id} {poll}</rss>".encode() * 20, at),
        )
        for source_id in changed
    ]
    taken = dict(zip(changed, take_entries(store, run, bodies, now=at), strict=True))
    waiting = {each: (tuple(pending_entries(store, [each], now=at)), 0) for each in claimed if each not in taken}
    return waiting | {source_id: (each.pending, each.unchanged) for source_id, each in taken.items()}


def _work_through(
    store: Store, run: int, source_id: str, pending: tuple[PendingEntry, ...], unchanged: int, poll: int, at: datetime
) -> None:
    kinds = [OutcomeKind.UNCHANGED] * unchanged
    flagged = 0
    for start in range(0, len(pending), BATCH):
        ended = save_results(store, run, _read(store, run, pending[start : start + BATCH], poll, at), now=at)
        kinds += [each.kind for each in ended]
        flagged += sum(each.flagged for each in ended)
    counts = Counts(**{str(kind): kinds.count(kind) for kind in OutcomeKind}, flagged=flagged)
    add_reports(store, run, [SourceReport(source_id, PollKind.OK, "", "feed", ENTRIES, counts)], now=at)


def _read(store: Store, run: int, pending: tuple[PendingEntry, ...], poll: int, at: datetime) -> list[Result]:
    # Never of the row's own number: a killed transaction leaves a gap in those of PostgreSQL, and the page would be another.
    numbers = [int(each.entry.key.removeprefix("key-")) for each in pending]
    bodies = [
        f"<p>{each.entry.source_id} {each.entry.key} {poll * (number % 2)}".encode() * 50
        for each, number in zip(pending, numbers, strict=True)
    ]
    ids = save_captures(store, run, [a_capture(each.entry.url, body, at) for each, body in zip(pending, bodies, strict=True)])
    results: list[Result] = []
    for each, number, capture_id in zip(pending, numbers, ids, strict=True):
        if number == 7:
            results.append(
                NotStored(each, OutcomeKind.FAILED, "a consent wall", next_try(each.tries + 1, at + timedelta(days=1)))
            )
            continue
        # Every fourth article is the same address in all sources: one item with three outlets.
        key = f"shared-{number}" if number % 4 == 0 else f"{each.entry.source_id}-{number}"
        document = a_document(key, f"Text of {key} as of poll {poll if number % 6 == 0 else 0}. " + "слово " * 100)
        sketch = tuple(range(number * 1000, number * 1000 + 48))  # equal texts across sources
        results.append(Read(each, key, document, a_flagging(document, flagged=number % 2 == 0), capture_id, at, sketch))
    return results


def essence(store: Store) -> dict[str, list[Any]]:
    """What two stores that went through the same news must agree in: all but the numbers of rows and runs."""
    i, v, e = items.c, item_versions.c, entries.c
    queries = {
        "items": select(i.key, i.url, i.source_id, i.first_seen, i.version, i.title, i.grade, i.score, i.changed_at, i.moment),
        "versions": select(i.key, v.number, v.sha256, v.text, v.diff, v.fetched_at, v.seen_at).join(items, i.id == v.item_id),
        "flaggings": select(i.key, v.number, flaggings.c.rules_version, flaggings.c.score, flaggings.c.spans)
        .join(items, i.id == flaggings.c.item_id)
        .join(item_versions, v.id == flaggings.c.version_id),
        "outlets": select(i.key, item_sources.c.source_id, item_sources.c.entry_key).join(items, i.id == item_sources.c.item_id),
        "terms": select(i.key, item_terms.c.kind, item_terms.c.value, item_terms.c.grade).join(
            items, i.id == item_terms.c.item_id
        ),
        "hashes": select(i.key, sketch_hashes.c.hash).join(items, i.id == sketch_hashes.c.item_id),
        "entries": select(e.source_id, e.key, e.title, e.summary, e.state, e.tries, e.due, e.reason, e.first_seen),
        "polls": select(poll_states.c.source_id, poll_states.c.etag),
        "captures": select(captures.c.url_asked, captures.c.fetched_at, captures.c.sha256),
    }
    with store.read() as connection:
        found = {name: sorted(_line(row) for row in connection.execute(query)) for name, query in queries.items()}
        groups: dict[int, list[str]] = {}
        for key, cluster in connection.execute(select(i.key, i.cluster_id)):
            groups.setdefault(cluster, []).append(key)
    return found | {"groups": sorted(sorted(group) for group in groups.values())}


def _line(row: Any) -> str:
    # PostgreSQL keeps the keys of JSON in an order of its own, and a killed transaction leaves a gap in its row numbers,
    # which a reason may name.
    line = repr([json.dumps(each, sort_keys=True) if isinstance(each, list) else each for each in row])
    return re.sub(r"\(item \d+\)", "(item …)", line)


def work_until(address: str, statement: int) -> None:
    """The same work, killed at its n-th step with the database (a statement, or the instant before a commit)."""
    steps = count(1)

    def step(*_: object) -> None:
        if next(steps) == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", step)
    event.listen(Engine, "commit", step)
    work(address)


def work_on_a_small_disk(address: str, room: int, said: str) -> None:
    """The same work where no file may grow over ``room`` bytes; ends with status 4 and its sentence in the file ``said``."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    try:
        work(address)
    except StoreError as error:
        Path(said).write_text(str(error), encoding="utf-8")
        sys.exit(error.exit_code)
