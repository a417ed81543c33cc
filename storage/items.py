"""Items: what became of entries, saved in batches so that a rerun changes nothing; looking items up is in ``storage.shelf``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.engine import Row

from domain.values import BodyFrom, Outcome, OutcomeKind
from storage import search_index
from storage.endings import Ended, mark_of, recorded_endings, settled_entries, write_endings
from storage.flagging_rows import flagging_from
from storage.results import Change, CurrentVersion, Held, NotStored, Read, Result, change, text_hash
from storage.schema.items import flaggings, item_versions, items
from storage.schema.types import short_key, storable
from storage.schema.watching import entries
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
    recorded = recorded_endings(connection, run_id, batch)
    settled = settled_entries(connection, run_id, batch)
    endings: dict[int, Outcome] = {}
    waiting: list[tuple[int, Result]] = []
    for place, result in enumerate(batch):
        before = recorded.get(mark_of(result))
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
            marks = {("entry", *mark_of(result))} | (
                set() if isinstance(result, NotStored) else {("item", short_key(result.key))}
            )
            (later if keys & marks else this).append((place, result))
            keys |= marks
        ended = _save_round(store, connection, run_id, [result for _, result in this], now)
        endings.update((place, replace(each.outcome, item_id=each.item_id)) for (place, _), each in zip(this, ended, strict=True))
        waiting = later
    return [endings[place] for place in range(len(batch))]


def _save_round(store: Store, connection: Connection, run_id: int, results: Sequence[Result], now: datetime) -> list[Ended]:
    shelved = _shelved(connection, [short_key(result.key) for result in results if not isinstance(result, NotStored)])
    gave = _gave(connection, results)
    fresh = [result for result in results if isinstance(result, Read) and short_key(result.key) not in shelved]
    made = _insert_items(store, connection, run_id, fresh, now)
    ended: list[Ended] = []
    rewritten: list[tuple[Read, _Shelved, Change]] = []
    for result in results:
        if isinstance(result, NotStored):
            ended.append(Ended(result, Outcome(result.kind, result.pending.entry.url, result.reason), result.pending.item_id))
            continue
        shelf = shelved.get(short_key(result.key))
        if shelf is None:
            ended.append(_new_or_lost(result, made))
            continue
        judged = _judge(result, shelf, now)
        if isinstance(result, Read) and judged in {Change.NEW_VERSION, Change.FORMER_VERSION}:
            rewritten.append((result, shelf, judged))
        ended.append(Ended(result, _outcome(result, shelf, judged, known=gave.get(result.pending.id) == shelf.id), shelf.id))
    _insert_versions(store, connection, run_id, rewritten, now)
    write_endings(store, connection, run_id, ended, now)
    return ended


def _gave(connection: Connection, results: Sequence[Result]) -> dict[int, int]:
    """What each entry has given before, asked now: another run may have stored it since the entry was handed out."""
    ids = [result.pending.id for result in results]
    query = select(entries.c.id, entries.c.item_id).where(entries.c.id.in_(ids), entries.c.item_id.is_not(None))
    return dict(connection.execute(query).tuples().all())


def _new_or_lost(result: Read | Held, made: dict[str, int]) -> Ended:
    if isinstance(result, Held):
        lost = Outcome(
            OutcomeKind.FAILED,
            result.pending.entry.url,
            "its item is no longer kept; it is read again in the next run",
        )
        return Ended(result, lost, None)
    flagged = result.flagging is not None and result.flagging.flagged
    return Ended(result, Outcome(OutcomeKind.NEW, result.document.url, result.note, flagged), made[short_key(result.key)])


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
