"""Entries: what feeds said, and the queue of those whose page is still to be read; what became of them is in items."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select, update
from sqlalchemy.engine import Row

from domain.values import Capture, DateFrom, Entry
from storage.schema.types import short_key
from storage.schema.watching import entries
from storage.sources import PollState, write_poll_states
from storage.store import MANY, Store, in_batches

# When a page that failed is tried again; after the last one the entry is given up and listed as such. A page that is not there
# after twelve days will not come; a change in the feed begins anew.
BACK_OFF = (
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=3),
    timedelta(days=7),
)
# A due time further away than any back-off was written by a clock that had jumped ahead.
LONGEST = timedelta(days=30)
DAY = timedelta(days=1)
# Entries a transaction, about: it holds the database for a fifth of a second. Packing so many bytes of a body takes as long as one.
AT_ONCE = 2_000
BYTES_AN_ENTRY = 10_000

_New = tuple[str, Entry, datetime]  # the key, the entry, when its page is due


@dataclass(frozen=True, slots=True)
class PendingEntry:
    """An entry whose page is to be read: ``tries`` how often it failed, ``idle`` how often its changes brought no new text,
    ``item_id`` what it gave before, ``capture_id`` the feed's bytes it stood in (None: not kept)."""

    id: int
    entry: Entry
    tries: int
    idle: int
    first_seen: datetime
    fingerprint: str
    item_id: int | None
    capture_id: int | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What a poll brought: ``len(pending) + unchanged + len(repeated)`` is what the run has seen of this source.

    ``pending`` is all work there is for the source now: entries new or changed, and those from before whose next try has come.
    ``repeated`` are entries whose key stood in the same body before: duplicates.
    """

    pending: tuple[PendingEntry, ...]
    unchanged: int
    repeated: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """What one body of a feed said: its entries, the poll state to be kept with them, and the body as received (None: not to be kept)."""

    source_id: str
    entries: Sequence[Entry]
    state: PollState
    capture: Capture | None = None


def fingerprint(entry: Entry) -> str:
    """What of an entry must change for its page to be read again: the title, the feed's own text and its "updated"."""
    said = f"{entry.url}\x1f{entry.title}\x1f{entry.summary}\x1f{entry.content}".encode(errors="replace")
    words = hashlib.blake2b(said, digest_size=8)
    stamp = "" if entry.updated is None else entry.updated.isoformat()
    return words.hexdigest() + hashlib.blake2b(stamp.encode(), digest_size=4).hexdigest()


def next_try(tries: int, now: datetime) -> datetime | None:
    """When an entry that has now failed ``tries`` times is tried again; ``None``: it is given up."""
    return now + BACK_OFF[tries - 1] if tries <= len(BACK_OFF) else None


def take_entries(store: Store, run_id: int, bodies: Sequence[Body], *, now: datetime) -> list[Taken]:
    """Keep what feeds said, all that belongs to one body in ONE transaction, so that an ETag is never kept without its entries.

    Many bodies share a transaction: what one costs is then mostly its entries. Of a body that brings news the bytes are kept too:
    what announced an article, and often all there is of it, is evidence.

    Entries new or changed become pending. An entry whose changes have brought no new text ("updated" always now, a counter
    in the summary) is read again ever more rarely, and counts as unchanged until then.
    """
    taken: dict[int, Taken] = {}
    for some in _shares(bodies):
        taken.update(_take(store, run_id, some, now))
    return [taken[place] for place in range(len(bodies))]


def pending_entries(
    store: Store, source_ids: Collection[str] | None, *, now: datetime, limit: int | None = None
) -> list[PendingEntry]:
    """The queue of those sources (``None``: of all), oldest due first: what a dead run left, and tries whose time has come."""
    with store.read() as connection:
        return _pending(connection, None if source_ids is None else sorted(source_ids), now, limit)


def preview_entries(store: Store, source_id: str, found: Sequence[Entry], *, now: datetime) -> Taken:
    """What ``take_entries`` would make of these entries, without keeping anything: for a dry run."""
    first, _ = _without_repeats(found)
    with store.read() as connection:
        held = _held(connection, source_id, list(first))
    new = [entry for key, entry in first.items() if key not in held or _must_be_read(held[key], entry)]
    pending = tuple(PendingEntry(0, entry, 0, 0, now, fingerprint(entry), None) for entry in new)
    return Taken(pending, len(first) - len(new), ())


def retry_now(store: Store, source_ids: Collection[str], *, now: datetime) -> int:
    """Make what waits for its next try, or was given up, due at once for these sources (``--force``); returns how many."""
    count = 0
    with store.begin() as connection:
        for batch in in_batches(sorted(source_ids), MANY):
            waiting = update(entries).where(entries.c.source_id.in_(batch), entries.c.state.in_(("pending", "given-up")))
            count += connection.execute(waiting.values(state="pending", due=now)).rowcount
    return count


def put_off(store: Store, entry_ids: Sequence[int], *, a_run: int, pace: timedelta, now: datetime) -> None:
    """Give entries for which a run had no time left their turns: ``a_run`` of them at once, the next as many a ``pace`` later."""
    turns = [
        {"b_id": entry_id, "b_due": now + min(place // a_run * pace, LONGEST - DAY)} for place, entry_id in enumerate(entry_ids)
    ]
    waiting = (
        update(entries).where(entries.c.id == bindparam("b_id"), entries.c.state == "pending").values(due=bindparam("b_due"))
    )
    with store.begin() as connection:
        for batch in in_batches(turns, MANY):
            connection.execute(waiting, batch)


def sources_with_pending(store: Store, *, now: datetime) -> set[str]:
    """Ids of the sources that have work in the queue although they may not be due for a poll."""
    with store.read() as connection:
        return set(connection.execute(select(entries.c.source_id).where(*_is_due(now)).distinct()).scalars())


def given_up(store: Store, *, limit: int = 200) -> list[tuple[Entry, str]]:
    """Entries whose page never came, latest first, each with the reason of its last failure."""
    query = (
        select(entries)
        .where(entries.c.state == "given-up")
        .order_by(entries.c.last_seen.desc(), entries.c.id.desc())
        .limit(limit)
    )
    with store.read() as connection:
        return [(_entry(row), row.reason) for row in connection.execute(query)]


def _shares(bodies: Sequence[Body]) -> Iterator[list[tuple[int, Body]]]:
    """Bodies with their places, as they share transactions; two runs that take the same ones do so in the same order."""
    share: list[tuple[int, Body]] = []
    size = 0
    for place, body in sorted(enumerate(bodies), key=lambda one: one[1].source_id):
        share.append((place, body))
        size += len(body.entries) + (len(body.capture.body) // BYTES_AN_ENTRY if body.capture else 0)
        if size >= AT_ONCE:
            yield share
            share, size = [], 0
    if share:
        yield share


def _take(store: Store, run_id: int, bodies: Sequence[tuple[int, Body]], now: datetime) -> dict[int, Taken]:
    """What came of bodies, by their places; one transaction."""
    read = [(place, body, *_without_repeats(body.entries)) for place, body in bodies]
    with store.together(ordered=True), store.begin() as connection:
        news: list[tuple[Body, list[_New]]] = []
        seen: list[int] = []
        for _, body, first, _ in read:
            held = _held(connection, body.source_id, list(first))
            new: list[_New] = []
            for key, entry in first.items():
                before = held.get(key)
                if before is None or _must_be_read(before, entry):
                    new.append((key, entry, now if before is None else _due(before, entry, now)))
                elif now - before.last_seen >= DAY:
                    seen.append(before.id)
            if new:
                news.append((body, new))
        captured = _keep_bodies(store, run_id, [body.capture for body, _ in news])
        waiting = [
            (body.source_id, capture_id, *each) for (body, new), capture_id in zip(news, captured, strict=True) for each in new
        ]
        upsert = _upsert(store)
        for some in in_batches(waiting):  # rows are made as they are written: of a feed of 10,000 entries they take 30 MB
            rows = [
                _row(run_id, source_id, key, entry, now=now, due=due) | {"capture_id": capture_id}
                for source_id, capture_id, key, entry, due in some
            ]
            connection.execute(upsert, rows)
        for batch in in_batches(seen, MANY):
            connection.execute(update(entries).where(entries.c.id.in_(batch)).values(last_seen=now))
        write_poll_states(store, connection, [body.state for _, body in bodies])
        queue: dict[str, list[PendingEntry]] = {body.source_id: [] for _, body in bodies}
        for each in _pending(connection, list(queue), now, None):
            queue[each.entry.source_id].append(each)
    return {place: _taken(queue[body.source_id], first, repeated) for place, body, first, repeated in read}


def _keep_bodies(store: Store, run_id: int, received: Sequence[Capture | None]) -> list[int | None]:
    """The ids under which these bytes are kept."""
    there = [capture for capture in received if capture is not None]
    if not there:
        return [None] * len(received)
    from storage.captures import save_captures  # with its compressor: most runs find no news

    ids = iter(save_captures(store, run_id, there))
    return [None if capture is None else next(ids) for capture in received]


def _taken(pending: Sequence[PendingEntry], first: Mapping[str, Entry], repeated: Sequence[Entry]) -> Taken:
    worked = {short_key(each.entry.key) for each in pending}
    return Taken(tuple(pending), sum(key not in worked for key in first), tuple(repeated))


def _without_repeats(found: Sequence[Entry]) -> tuple[dict[str, Entry], list[Entry]]:
    """Entries by their keys, and those whose key stood in the same body before."""
    first: dict[str, Entry] = {}
    repeated: list[Entry] = []
    for entry in found:
        key = short_key(entry.key)
        if key in first:
            repeated.append(entry)
        else:
            first[key] = entry
    return first, repeated


def _must_be_read(before: Row[Any], entry: Entry) -> bool:
    return bool(before.fingerprint != fingerprint(entry))


def _due(before: Row[Any], entry: Entry, now: datetime) -> datetime:
    if before.title != entry.title or before.idle == 0:
        return now
    wait: timedelta = min(timedelta(hours=1) * 2 ** min(before.idle - 1, 10), BACK_OFF[-1])
    due: datetime = min(now + wait, before.due) if before.state == "pending" else now + wait
    return due


def _held(connection: Connection, source_id: str, keys: list[str]) -> dict[str, Row[Any]]:
    e = entries.c
    found: dict[str, Row[Any]] = {}
    for batch in in_batches(keys, MANY):
        query = select(e.id, e.key, e.title, e.fingerprint, e.state, e.idle, e.due, e.last_seen)
        found.update((row.key, row) for row in connection.execute(query.where(e.source_id == source_id, e.key.in_(batch))))
    return found


def _row(run_id: int, source_id: str, key: str, entry: Entry, *, now: datetime, due: datetime) -> dict[str, Any]:
    return {
        "source_id": source_id,
        "key": key,
        "url": entry.url,
        "guid": entry.guid,
        "title": entry.title,
        "summary": entry.summary,
        "content": entry.content,
        "published": entry.published,
        "published_from": str(entry.published_from) if entry.published_from else None,
        "updated": entry.updated,
        "authors": list(entry.authors),
        "language": entry.language,
        "fingerprint": fingerprint(entry),
        "first_seen": now,
        "last_seen": now,
        "state": "pending",
        "tries": 0,
        "due": due,
        "reason": "",
        "run_id": run_id,
    }


def _upsert(store: Store) -> Any:
    """An insert that changes the entry that is there, but for when it was first seen; what a run makes of it is kept."""
    new = store.insert(entries)
    kept = {"id", "source_id", "key", "first_seen", "idle", "item_id"}
    changed = {column.name: new.excluded[column.name] for column in entries.c if column.name not in kept}
    return new.on_conflict_do_update(index_elements=["source_id", "key"], set_=changed)


def _is_due(now: datetime) -> Iterable[Any]:
    return entries.c.state == "pending", or_(entries.c.due <= now, entries.c.due > now + LONGEST)


def _pending(connection: Connection, source_ids: list[str] | None, now: datetime, limit: int | None) -> list[PendingEntry]:
    query = select(entries).where(*_is_due(now)).order_by(entries.c.due, entries.c.id).limit(limit)
    if source_ids is None:
        return [_pending_entry(row) for row in connection.execute(query)]
    if len(source_ids) <= MANY:
        return [_pending_entry(row) for row in connection.execute(query.where(entries.c.source_id.in_(source_ids)))]
    found = [
        row for batch in in_batches(source_ids, MANY) for row in connection.execute(query.where(entries.c.source_id.in_(batch)))
    ]
    found.sort(key=lambda row: (row.due, row.id))
    return [_pending_entry(row) for row in found[:limit]]


def _pending_entry(row: Row[Any]) -> PendingEntry:
    return PendingEntry(row.id, _entry(row), row.tries, row.idle, row.first_seen, row.fingerprint, row.item_id, row.capture_id)


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        source_id=row.source_id,
        key=row.key,
        url=row.url,
        guid=row.guid,
        title=row.title,
        summary=row.summary,
        content=row.content,
        published=row.published,
        published_from=DateFrom(row.published_from) if row.published_from else None,
        updated=row.updated,
        authors=tuple(row.authors),
        language=row.language,
    )
