"""Items: what became of entries, saved in batches so that a rerun changes nothing; looking items up is in ``storage.shelf``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, tuple_, update
from sqlalchemy.engine import Row

from domain.values import BodyFrom, Outcome, OutcomeKind
from storage import search_index
from storage.flagging_rows import flagging_from
from storage.results import Change, CurrentVersion, Held, NotStored, Read, Result, change, text_hash
from storage.runs import outcome_row, write_outcomes
from storage.schema.items import flaggings, item_sources, item_versions, items
from storage.schema.types import short_key, storable
from storage.schema.watching import entries, outcomes
from storage.similar import Sketched, group
from storage.store import BATCH, MANY, Store, in_batches
from storage.version_rows import (
    NewVersion,
    judgement_columns,
    moment_of,
    text_columns,
    text_diff,
    write_flaggings,
    write_terms,
    write_texts,
)


@dataclass(frozen=True, slots=True)
class HeldItem:
    """What is known of an item whose key is held: enough to choose whether its page is worth reading again."""

    id: int
    source_id: str
    version: int
    body_from: BodyFrom
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class _Shelved:
    """An item as it stands in the database while a batch is worked."""

    id: int
    source_id: str
    first_seen: datetime
    version_id: int
    title: str
    text: str
    current: CurrentVersion
    former: dict[str, int]  # text hash → version id
    highest: int
    grade: int
    flagging_id: int | None


@dataclass(frozen=True, slots=True)
class _Ended:
    """How one result ended, and what its entry is to be told."""

    result: Result
    outcome: Outcome
    item_id: int | None


def held_items(store: Store, keys: Iterable[str]) -> dict[str, HeldItem]:
    """Of these item keys, those that are held; one statement for 500 keys."""
    i, v = items.c, item_versions.c
    asked = {short_key(key): key for key in keys}
    found: dict[str, HeldItem] = {}
    with store.read() as connection:
        for batch in in_batches(sorted(asked), MANY):
            query = select(i.id, i.key, i.source_id, i.version, i.body_from, v.fetched_at).join(
                item_versions, v.id == i.version_id
            )
            for row in connection.execute(query.where(i.key.in_(batch))):
                found[asked[row.key]] = HeldItem(row.id, row.source_id, row.version, BodyFrom(row.body_from), row.fetched_at)
    return found


def save_results(store: Store, run_id: int, results: Sequence[Result], *, now: datetime) -> list[Outcome]:
    """Store results, one transaction for every 200, and return how each ended, in order.

    In the same transaction the entry leaves the queue and its outcome enters the ledger of the run, so callers do not enter it
    again (unchanged ones are only counted, by the caller, in the report). The same batch again gives the same rows and the same
    outcomes. An entry has one ending a run; only a failed one may be bettered in the same run.
    """
    ended: list[Outcome] = []
    for batch in in_batches(list(results), BATCH):
        with store.begin(ordered=True) as connection:
            ended.extend(write_results(store, connection, run_id, batch, now=now))
    return ended


def write_results(store: Store, connection: Connection, run_id: int, batch: Sequence[Result], *, now: datetime) -> list[Outcome]:
    """``save_results`` for one batch, within the caller's transaction (begun with ``ordered=True``)."""
    recorded = _recorded(connection, run_id, batch)
    settled = _settled(connection, run_id, batch)
    endings: dict[int, Outcome] = {}
    waiting: list[tuple[int, Result]] = []
    for place, result in enumerate(batch):
        before = recorded.get(_mark(result))
        if before is not None and (before.kind is not OutcomeKind.FAILED or isinstance(result, NotStored)):
            endings[place] = before
        elif before is None and (held := settled.get((result.pending.id, result.pending.fingerprint))):
            # Unchanged ones are not in the ledger, and what was said once must not be judged again: the item may have changed since.
            endings[place] = Outcome(OutcomeKind.UNCHANGED, result.pending.entry.url, item_id=held)
        else:
            waiting.append((place, result))
    # What relies on an item comes after what may make it.
    waiting.sort(key=lambda each: isinstance(each[1], Held))
    while waiting:
        # One result a key (and an entry) in a round: the second of a key must see what the first has left.
        this: list[tuple[int, Result]] = []
        later: list[tuple[int, Result]] = []
        keys: set[tuple[str, ...]] = set()
        for place, result in waiting:
            marks = {("entry", *_mark(result))} | (set() if isinstance(result, NotStored) else {("item", short_key(result.key))})
            (later if keys & marks else this).append((place, result))
            keys |= marks
        ended = _save_round(store, connection, run_id, [result for _, result in this], now)
        endings.update((place, replace(each.outcome, item_id=each.item_id)) for (place, _), each in zip(this, ended, strict=True))
        waiting = later
    return [endings[place] for place in range(len(batch))]


def _mark(result: Result) -> tuple[str, str]:
    return result.pending.entry.source_id, short_key(result.pending.entry.key)


def _recorded(connection: Connection, run_id: int, batch: Sequence[Result]) -> dict[tuple[str, str], Outcome]:
    o = outcomes.c
    query = select(o.source_id, o.subject, o.kind, o.url, o.reason, o.flagged, o.item_id).where(
        o.run_id == run_id, tuple_(o.source_id, o.subject).in_([_mark(result) for result in batch])
    )
    return {
        (row.source_id, row.subject): Outcome(OutcomeKind(row.kind), row.url, row.reason, row.flagged, row.item_id)
        for row in connection.execute(query)
    }


def _settled(connection: Connection, run_id: int, batch: Sequence[Result]) -> dict[tuple[int, str], int]:
    """The entries of a batch that this run has worked already as they are, with the items they gave."""
    e = entries.c
    query = select(e.id, e.fingerprint, e.item_id).where(
        e.id.in_([result.pending.id for result in batch]), e.run_id == run_id, e.state == "done", e.item_id.is_not(None)
    )
    return {(row.id, row.fingerprint): row.item_id for row in connection.execute(query)}


def _save_round(store: Store, connection: Connection, run_id: int, results: Sequence[Result], now: datetime) -> list[_Ended]:
    shelved = _shelved(connection, [short_key(result.key) for result in results if not isinstance(result, NotStored)])
    gave = _gave(connection, results)
    fresh = [result for result in results if isinstance(result, Read) and short_key(result.key) not in shelved]
    made = _insert_items(store, connection, run_id, fresh, now)
    ended: list[_Ended] = []
    rewritten: list[tuple[Read, _Shelved, Change]] = []
    for result in results:
        if isinstance(result, NotStored):
            ended.append(_Ended(result, Outcome(result.kind, result.pending.entry.url, result.reason), result.pending.item_id))
            continue
        shelf = shelved.get(short_key(result.key))
        if shelf is None:
            ended.append(_new_or_lost(result, made))
            continue
        judged = _judge(result, shelf, now)
        if isinstance(result, Read) and judged in {Change.NEW_VERSION, Change.FORMER_VERSION}:
            rewritten.append((result, shelf, judged))
        ended.append(_Ended(result, _outcome(result, shelf, judged, known=gave.get(result.pending.id) == shelf.id), shelf.id))
    _insert_versions(store, connection, run_id, rewritten, now)
    _note_outlets(store, connection, ended, now)
    _settle_entries(connection, run_id, ended, now)
    _enter(store, connection, run_id, ended, now)
    return ended


def _gave(connection: Connection, results: Sequence[Result]) -> dict[int, int]:
    """What each entry has given before, asked now: another run may have stored it since the entry was handed out."""
    ids = [result.pending.id for result in results]
    query = select(entries.c.id, entries.c.item_id).where(entries.c.id.in_(ids), entries.c.item_id.is_not(None))
    return dict(connection.execute(query).tuples().all())


def _new_or_lost(result: Read | Held, made: dict[str, int]) -> _Ended:
    if isinstance(result, Held):
        lost = Outcome(
            OutcomeKind.FAILED,
            result.pending.entry.url,
            "its item is no longer kept; it is read again in the next run",
        )
        return _Ended(result, lost, None)
    flagged = result.flagging is not None and result.flagging.flagged
    return _Ended(result, Outcome(OutcomeKind.NEW, result.document.url, result.note, flagged), made[short_key(result.key)])


def _judge(result: Read | Held, shelf: _Shelved, now: datetime) -> Change:
    if isinstance(result, Held):
        return Change.SAME
    document = result.document
    sha256 = text_hash(storable(document.title), storable(document.text))
    return change(shelf.current, frozenset(shelf.former), sha256, document.body_from, result.fetched_at or now)


def _outcome(result: Read | Held, shelf: _Shelved, judged: Change, *, known: bool) -> Outcome:
    url = result.document.url if isinstance(result, Read) else result.pending.entry.url
    flagged = isinstance(result, Read) and result.flagging is not None and result.flagging.flagged
    if judged is Change.NEW_VERSION:
        return Outcome(OutcomeKind.UPDATED, url, f"its text has changed: version {shelf.highest + 1}", flagged)
    if judged is Change.FORMER_VERSION:
        return Outcome(OutcomeKind.UPDATED, url, "its text is that of a former version again", flagged)
    if not known:
        where = "in this source" if shelf.source_id == result.pending.entry.source_id else f"through {shelf.source_id}"
        return Outcome(OutcomeKind.DUPLICATE, url, f"the article is held already, first seen {where} (item {shelf.id})")
    said = {Change.POORER: "only its summary could be read; the full text is kept", Change.OLDER: "a later version is held"}
    return Outcome(OutcomeKind.UNCHANGED, url, said.get(judged, ""))


def _shelved(connection: Connection, keys: list[str]) -> dict[str, _Shelved]:
    i, v = items.c, item_versions.c
    found: dict[str, Row[Any]] = {}
    former: dict[int, dict[str, int]] = {}
    highest: dict[int, int] = {}
    for batch in in_batches(sorted(set(keys)), MANY):
        query = select(
            i.id,
            i.key,
            i.source_id,
            i.first_seen,
            i.version_id,
            i.grade,
            i.flagging_id,
            v.number,
            v.sha256,
            v.body_from,
            v.fetched_at,
            v.title,
            v.text,
        ).join(item_versions, v.id == i.version_id)
        found.update((row.key, row) for row in connection.execute(query.where(i.key.in_(batch))))
    for ids in in_batches([row.id for row in found.values()], MANY):
        for row in connection.execute(select(v.item_id, v.sha256, v.id, v.number).where(v.item_id.in_(ids))):
            former.setdefault(row.item_id, {})[row.sha256] = row.id
            highest[row.item_id] = max(row.number, highest.get(row.item_id, 0))
    return {
        key: _Shelved(
            id=row.id,
            source_id=row.source_id,
            first_seen=row.first_seen,
            version_id=row.version_id,
            title=row.title,
            text=row.text,
            current=CurrentVersion(row.number, row.sha256, BodyFrom(row.body_from), row.fetched_at),
            former=former[row.id],
            highest=highest[row.id],
            grade=row.grade,
            flagging_id=row.flagging_id,
        )
        for key, row in found.items()
    }


def _insert_items(store: Store, connection: Connection, run_id: int, fresh: Sequence[Read], now: datetime) -> dict[str, int]:
    if not fresh:
        return {}
    rows = [_item_row(result, now) | {"run_id": run_id} for result in fresh]
    made: dict[str, int] = {}
    for row in connection.execute(items.insert().returning(items.c.id, items.c.key), rows):
        made[row.key] = row.id
    texts = [NewVersion(made[short_key(result.key)], 1, result, now) for result in fresh]
    write_texts(store, connection, run_id, texts, now)
    connection.execute(update(items).where(items.c.cluster_id == 0).values(cluster_id=items.c.id))
    indexed = [_indexed(each.item_id, each.result) for each in texts]
    search_index.replace_in_index(store, connection, [], indexed)
    group(store, connection, [Sketched(each.item_id, moment_of(each.result.document, now), each.result.sketch) for each in texts])
    return made


def _indexed(item_id: int, result: Read) -> dict[str, Any]:
    return search_index.row(item_id, storable(result.document.title), storable(result.document.text))


def _item_row(result: Read, now: datetime) -> dict[str, Any]:
    return {
        "key": short_key(result.key),
        "source_id": result.pending.entry.source_id,
        "first_seen": now,
        "cluster_id": 0,  # its own id, which is not known yet: set right after
        **text_columns(result.document, now, now),
        **judgement_columns(result.flagging),
        "version": 1,
        "version_id": None,
        "flagging_id": None,
    }


def _insert_versions(
    store: Store, connection: Connection, run_id: int, rewritten: Sequence[tuple[Read, _Shelved, Change]], now: datetime
) -> None:
    if not rewritten:
        return
    added = [
        NewVersion(shelf.id, shelf.highest + 1, result, shelf.first_seen, text_diff(shelf.title, shelf.text, result.document))
        for result, shelf, judged in rewritten
        if judged is Change.NEW_VERSION
    ]
    if added:
        write_texts(store, connection, run_id, added, now)
    for result, shelf, judged in rewritten:
        if judged is Change.FORMER_VERSION:
            columns = _restored(store, connection, run_id, result, shelf, now=now)
        else:
            columns = text_columns(result.document, shelf.first_seen, now) | judgement_columns(result.flagging)
            columns["version"] = shelf.highest + 1
        connection.execute(update(items).where(items.c.id == shelf.id).values(columns))
    before = [search_index.row(shelf.id, shelf.title, shelf.text) for _, shelf, _ in rewritten]
    search_index.replace_in_index(store, connection, before, [_indexed(shelf.id, result) for result, shelf, _ in rewritten])
    sketched = [Sketched(shelf.id, moment_of(result.document, shelf.first_seen), result.sketch) for result, shelf, _ in rewritten]
    group(store, connection, sketched)


def _restored(
    store: Store, connection: Connection, run_id: int, result: Read, shelf: _Shelved, *, now: datetime
) -> dict[str, Any]:
    """What an item says once a former version is in force again (an edit was taken back): what that version said, not this page."""
    version_id = shelf.former[text_hash(storable(result.document.title), storable(result.document.text))]
    version = connection.execute(select(item_versions).where(item_versions.c.id == version_id)).one()
    moment = version.published or shelf.first_seen
    flagging, flagging_id = None, None
    if result.flagging is not None:
        flagging_id = write_flaggings(store, connection, run_id, [(shelf.id, version_id, result.flagging)], now)[version_id]
        flagging = flagging_from(connection.execute(select(flaggings).where(flaggings.c.id == flagging_id)).one())
        write_terms(connection, [(shelf.id, flagging, moment)])
    # The later text stays on record with its times; fetched_at moves so that the edit taken back is not undone by an older fetch.
    connection.execute(update(item_versions).where(item_versions.c.id == version_id).values(fetched_at=result.fetched_at or now))
    names = ("url", "title", "language", "published", "published_from", "body_from")
    said = {name: getattr(version, name) for name in names} | {"version": version.number, "version_id": version_id}
    return said | {"moment": moment, "changed_at": now, "flagging_id": flagging_id} | judgement_columns(flagging)


def _note_outlets(store: Store, connection: Connection, ended: Sequence[_Ended], now: datetime) -> None:
    rows = [
        {
            "item_id": each.item_id,
            "source_id": each.result.pending.entry.source_id,
            "url": each.result.pending.entry.url or each.outcome.url,
            "entry_key": short_key(each.result.pending.entry.key),
            "first_seen": now,
            "capture_id": each.result.pending.capture_id,
        }
        for each in ended
        if each.item_id is not None and not isinstance(each.result, NotStored)
    ]
    for batch in in_batches(rows):
        connection.execute(store.insert(item_sources).on_conflict_do_nothing(), batch)


def _settle_entries(connection: Connection, run_id: int, ended: Sequence[_Ended], now: datetime) -> None:
    # The fingerprint must still be the one that was worked: an entry that changed meanwhile stays in the queue.
    same = update(entries).where(entries.c.id == bindparam("b_id"), entries.c.fingerprint == bindparam("b_fingerprint"))
    done = [_entry_row(each, run_id, now) for each in ended]
    # Different columns need different statements: an entry that is done loses its text, one that is retried keeps it.
    for names in sorted({tuple(row) for row in done}):
        connection.execute(same, [row for row in done if tuple(row) == names])


def _entry_row(each: _Ended, run_id: int, now: datetime) -> dict[str, Any]:
    pending = each.result.pending
    row: dict[str, Any] = {
        "b_id": pending.id,
        "b_fingerprint": pending.fingerprint,
        "run_id": run_id,
        "reason": each.outcome.reason,
    }
    if isinstance(each.result, NotStored):
        tries = pending.tries + (each.result.kind is OutcomeKind.FAILED)
        if each.result.retry_at is not None:
            return row | {"state": "pending", "tries": tries, "due": each.result.retry_at}
        return row | {"state": "skipped" if each.result.kind is OutcomeKind.SKIPPED else "given-up", "tries": tries}
    if each.item_id is None:
        return row | {"state": "pending", "tries": pending.tries, "due": now}
    # Only a change of an entry that had been read before can turn out to have changed nothing.
    idle = pending.idle + 1 if each.outcome.kind is OutcomeKind.UNCHANGED else 0
    said = "" if each.outcome.kind is OutcomeKind.UNCHANGED else each.outcome.reason
    return row | {
        "state": "done",
        "reason": said,
        "tries": 0,
        "idle": idle,
        "item_id": each.item_id,
        "summary": "",
        "content": "",
    }


def _enter(store: Store, connection: Connection, run_id: int, ended: Sequence[_Ended], now: datetime) -> None:
    bettered = [_mark(each.result) for each in ended if each.outcome.kind is not OutcomeKind.FAILED]
    for batch in in_batches(bettered):
        o = outcomes.c
        failed = delete(outcomes).where(o.run_id == run_id, o.kind == "failed", tuple_(o.source_id, o.subject).in_(batch))
        connection.execute(failed)
    rows = [
        outcome_row(run_id, *_mark(each.result), each.outcome, now=now, item_id=each.item_id)
        for each in ended
        if each.outcome.kind is not OutcomeKind.UNCHANGED
    ]
    write_outcomes(store, connection, rows)
