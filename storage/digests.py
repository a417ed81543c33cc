"""Digests: who gets them, what may be told to whom, and composing once for a slot; how they are delivered is in ``storage.outbox``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, or_, select, update
from sqlalchemy.engine import Row
from sqlalchemy.orm import aliased

from domain.errors import StoreError
from domain.telling import PASSED_OVER, Carrier, Recipient, Tellable, Told
from domain.values import Ownership
from storage.carriers import carriers
from storage.flagging_rows import flagging_from
from storage.outbox import Letter, write_letter
from storage.queues import FLAGGED
from storage.schema.digest import digests, recipients, told
from storage.schema.items import flaggings, item_versions, items
from storage.store import MANY, Store, in_batches

TEXT_READ = 60_000  # characters of a text: the sentence that flagged stands far before that
FIRST_DAY = timedelta(days=1)  # what a new recipient's first digest reaches back to
CORRECTED = timedelta(days=7)  # how long after it was told an item's corrections are still news
SLACK = timedelta(days=2)  # looked at beyond the last digest for decisions: clocks jump, and what was told is known by itself


class AlreadyTold(StoreError):
    """Another digest took the slot, or told of an item, while this one was being composed; look again."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A recipient as the database knows them. ``since`` is where their telling begins: what was flagged before is history."""

    id: int
    recipient: Recipient
    active: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class Settled:
    """What a digest did with an item: in which section it told of it, or that it passed it over."""

    item: Tellable
    section: str


@dataclass(frozen=True, slots=True)
class Composed:
    """A digest ready to be kept; ``letter`` is None on an empty day of somebody who wants no mail then."""

    reader_id: int
    day: date
    since: datetime
    until: datetime
    complete: bool
    content: Mapping[str, Any]
    settled: tuple[Settled, ...]
    letter: Letter | None


def slot_of(day: date, reader_id: int) -> str:
    """The key under which one recipient's digest of one day is composed once."""
    return f"{day.isoformat()}/{reader_id}"


def sync_recipients(store: Store, given: Sequence[Recipient], *, now: datetime) -> list[Reader]:
    """Make the table say what the file says; one that left the file is kept inactive, with what they were told."""
    with store.begin(ordered=True) as connection:
        wanted = {each.address: each for each in given}
        connection.execute(update(recipients).where(recipients.c.active).values(active=False))
        for each in given:
            _keep_recipient(store, connection, each, active=True, by_file=True, now=now)
        rows = connection.execute(select(recipients).where(recipients.c.active).order_by(recipients.c.id)).all()
    return [_reader(row) for row in rows if row.address in wanted]


def add_reader(store: Store, recipient: Recipient, *, now: datetime) -> Reader:
    """Somebody named by hand: known from then on, but in no list, so that no schedule writes to them."""
    with store.begin(ordered=True) as connection:
        mine = select(recipients).where(recipients.c.address == recipient.address)
        known = connection.execute(mine).first()
        by_file = known is not None and bool(known.settings.get("by_file"))
        _keep_recipient(store, connection, recipient, active=known is not None and known.active, by_file=by_file, now=now)
        return _reader(connection.execute(mine).one())


def find_reader(store: Store, address: str) -> Reader | None:
    """A recipient by address, None where nobody has written to them yet."""
    with store.read() as connection:
        row = connection.execute(select(recipients).where(recipients.c.address == address)).first()
    return None if row is None else _reader(row)


def tellable(
    store: Store, reader: Reader | None, *, since: datetime, now: datetime, until: datetime | None = None
) -> list[Tellable]:
    """Everything a digest for this reader may speak of, by id; for nobody (None) all that was first flagged since then.

    That is: what is flagged and not told yet, whenever it became so (but not before the reader's own beginning, which is history);
    what was passed over and has changed; what people decided since then; and what was told lately and is no longer as it was told.
    """
    with store.read() as connection:
        ids = _new(connection, reader, reader.since if reader else since, until) | _decided(connection, reader, since)
        if reader is not None:
            ids |= _changed(connection, reader, now)
        return _read_items(store, connection, reader, sorted(ids))


def told_clusters(store: Store, reader: Reader, clusters: Sequence[int]) -> dict[int, datetime]:
    """Of these groups of equal texts, those of which the reader was told already, and when."""
    found: dict[int, datetime] = {}
    query = (
        select(items.c.cluster_id, func.min(told.c.at).label("at"))
        .join(told, told.c.item_id == items.c.id)
        .where(told.c.recipient_id == reader.id, told.c.version == 0, told.c.section != PASSED_OVER)
        .group_by(items.c.cluster_id)
    )
    with store.read() as connection:
        for some in in_batches(sorted(set(clusters)), MANY):
            found.update((row.cluster_id, row.at) for row in connection.execute(query.where(items.c.cluster_id.in_(some))))
    return found


def last_digest(store: Store, reader: Reader, *, before: date | None = None) -> tuple[date, datetime] | None:
    """Day and ``until`` of the last digest composed for a reader (before a day)."""
    query = (
        select(digests.c.day, digests.c.until)
        .where(digests.c.slot.like(f"%/{reader.id}"))
        .order_by(digests.c.day.desc())
        .limit(1)
    )
    if before is not None:
        query = query.where(digests.c.day < before)
    with store.read() as connection:
        row = connection.execute(query).first()
    return None if row is None else (row.day, row.until)


def is_composed(store: Store, reader: Reader, day: date) -> bool:
    """Whether the reader's digest of that day was composed already."""
    with store.read() as connection:
        return connection.execute(select(digests.c.id).where(digests.c.slot == slot_of(day, reader.id))).first() is not None


def keep_digest(store: Store, composed: Composed, *, run_id: int | None, now: datetime) -> int:
    """Keep a digest, what it told and its letter, all or nothing; returns its id.

    Raises AlreadyTold when the slot is taken or an item was told meanwhile: nothing was kept, nothing is lost, look again.
    """
    with store.begin(ordered=True) as connection:
        row = {
            "slot": slot_of(composed.day, composed.reader_id), "day": composed.day, "since": composed.since, "until": composed.until,
            "composed_at": now, "run_id": run_id, "complete": composed.complete, "content": dict(composed.content),
        }  # fmt: skip
        digest_id = connection.execute(
            store.insert(digests).values(row).on_conflict_do_nothing().returning(digests.c.id)
        ).scalar()
        if digest_id is None:
            raise AlreadyTold(f"The digest of {composed.day} for this reader was composed by another run meanwhile.")
        for each in composed.settled:
            _settle(store, connection, composed.reader_id, digest_id, each, now)
        if composed.letter is not None:
            write_letter(store, connection, composed.letter, digest_id=digest_id, now=now)
    return int(digest_id)


def _keep_recipient(
    store: Store, connection: Connection, given: Recipient, *, active: bool, by_file: bool, now: datetime
) -> None:
    row = {
        "address": given.address, "name": given.name, "language": given.language, "themes": list(given.themes), "regions": list(given.regions),
        "languages": list(given.languages), "hour": given.hour, "time_zone": given.time_zone, "active": active, "added_at": now,
        "settings": {"empty_day": given.empty_day, "by_file": by_file},
    }  # fmt: skip
    new = store.insert(recipients).values(row)
    kept = {name: new.excluded[name] for name in row if name not in {"address", "added_at"}}
    # Somebody added while the clock had jumped ahead must not wait for that day to come.
    earlier = case((recipients.c.added_at > new.excluded.added_at, new.excluded.added_at), else_=recipients.c.added_at)
    connection.execute(new.on_conflict_do_update(index_elements=["address"], set_={**kept, "added_at": earlier}))


def _reader(row: Row[Any]) -> Reader:
    recipient = Recipient(
        row.address, row.name, row.language, tuple(row.themes), tuple(row.regions), tuple(row.languages), row.hour, row.time_zone,
        "silent" if row.settings.get("empty_day") == "silent" else "mail",
    )  # fmt: skip
    return Reader(row.id, recipient, row.active, row.added_at - FIRST_DAY)


def _first_flagged() -> Any:
    f = aliased(flaggings)
    return select(func.min(f.c.at)).where(f.c.item_id == items.c.id, f.c.flagged).correlate(items).scalar_subquery()


def _new(connection: Connection, reader: Reader | None, since: datetime, until: datetime | None) -> set[int]:
    """Flagged now, first flagged since then (by whichever rules or version), and never told."""
    first = _first_flagged()
    query = select(items.c.id).where(items.c.grade == FLAGGED, first >= since)
    if until is not None:
        query = query.where(first < until)
    if reader is not None:
        query = query.where(~exists(select(told.c.item_id).where(_of(reader), told.c.item_id == items.c.id, told.c.version == 0)))
    return set(connection.execute(query).scalars())


def _decided(connection: Connection, reader: Reader | None, since: datetime) -> set[int]:
    """What people found relevant lately."""
    query = select(items.c.id).where(
        items.c.review == "relevant", items.c.reviewed_at >= since - (SLACK if reader else timedelta())
    )
    return set(connection.execute(query).scalars())


def _changed(connection: Connection, reader: Reader, now: datetime) -> set[int]:
    """Told lately and no longer as it was told; or passed over, ever, and no longer as it was then."""
    last = aliased(told)
    latest = ~exists(
        select(last.c.item_id).where(
            last.c.recipient_id == reader.id, last.c.item_id == told.c.item_id, last.c.version > told.c.version
        )
    )
    f = items.c.grade == FLAGGED
    differs: ColumnElement[bool] = or_(
        told.c.shown_version != items.c.version,
        told.c.shown_review != items.c.review,
        told.c.shown_flagged != f,
        told.c.shown_gone != items.c.gone_at.is_not(None),
    )
    judged_anew = or_(
        told.c.shown_flagging_id != items.c.flagging_id, told.c.shown_flagging_id.is_(None) != items.c.flagging_id.is_(None)
    )
    newest = connection.execute(select(func.max(told.c.at)).where(_of(reader))).scalar()
    if newest is None:
        return set()
    query = (
        select(items.c.id)
        .join(told, told.c.item_id == items.c.id)
        .where(
            _of(reader), latest,
            or_(
                and_(told.c.section != PASSED_OVER, told.c.at >= min(newest, now) - CORRECTED, differs),
                and_(told.c.section == PASSED_OVER, f, or_(differs, judged_anew)),
            ),
        )
    )  # fmt: skip
    return set(connection.execute(query).scalars())


def _of(reader: Reader) -> ColumnElement[bool]:
    return told.c.recipient_id == reader.id


def _read_items(store: Store, connection: Connection, reader: Reader | None, ids: Sequence[int]) -> list[Tellable]:
    text = func.substr(item_versions.c.text, 1, TEXT_READ).label("text")
    rows: list[Row[Any]] = []
    judged: dict[int, Any] = {}
    before: dict[int, Told] = {}
    for some in in_batches(list(ids), MANY):
        query = (
            select(items, text, _first_flagged().label("first_flagged"))
            .outerjoin(item_versions, item_versions.c.id == items.c.version_id)
            .where(items.c.id.in_(some))
            .order_by(items.c.id)
        )
        found = connection.execute(query).all()
        rows += found
        wanted = [row.flagging_id for row in found if row.flagging_id is not None]
        judged.update(
            (row.id, flagging_from(row)) for row in connection.execute(select(flaggings).where(flaggings.c.id.in_(wanted)))
        )
        if reader is not None:
            said = select(told).where(_of(reader), told.c.item_id.in_(some)).order_by(told.c.version)
            for row in connection.execute(said):
                before[row.item_id] = Told(
                    row.section, row.at, row.shown_version, row.shown_flagging_id, row.shown_flagged, row.shown_review, row.shown_gone, row.shown_title,
                    row.version + 1 if row.section != PASSED_OVER else 0,
                )  # fmt: skip
    held = carriers(store, [row.cluster_id for row in rows])
    return [
        Tellable(
            id=row.id, url=row.url, title=row.title, text=row.text or "", language=row.language, moment=row.moment,
            first_flagged=row.first_flagged, version=row.version, flagging_id=row.flagging_id, flagging=judged.get(row.flagging_id),
            flagged=row.grade == FLAGGED, review=row.review, gone=row.gone_at is not None, cluster_id=row.cluster_id,
            carriers=_carriers(row, held), told=before.get(row.id),
        )
        for row in rows
    ]  # fmt: skip


def _carriers(row: Row[Any], held: Mapping[int, Any]) -> tuple[Carrier, ...]:
    found = [
        (each.item_id != row.id or each.source_id != row.source_id, Carrier(
            each.source_id, each.source_title, Ownership(each.ownership) if each.ownership else None, each.url, each.moment,
        ))
        for each in held.get(row.cluster_id, ())
    ]  # fmt: skip
    found.sort(key=lambda pair: pair[0])
    first: dict[str, Carrier] = {}
    for _, each in found:
        first.setdefault(each.source_id, each)
    return tuple(first.values())


def _settle(store: Store, connection: Connection, reader_id: int, digest_id: int, settled: Settled, now: datetime) -> None:
    item = settled.item
    row = {
        "recipient_id": reader_id, "item_id": item.id, "digest_id": digest_id, "section": settled.section, "at": now,
        "version": item.told.times if item.told is not None else 0, "shown_version": item.version, "shown_flagging_id": item.flagging_id,
        "shown_flagged": item.flagged, "shown_review": item.review, "shown_gone": item.gone, "shown_title": item.title,
    }  # fmt: skip
    new = store.insert(told).values(row)
    kept = {name: new.excluded[name] for name in row if name not in {"recipient_id", "item_id", "version"}}
    # Only what no mail has spoken of may be written over.
    statement = new.on_conflict_do_update(
        index_elements=["recipient_id", "item_id", "version"], set_=kept, where=told.c.section == PASSED_OVER
    )
    if connection.execute(statement.returning(told.c.item_id)).first() is None:
        raise AlreadyTold(f"Item {item.id} was told by another run meanwhile.")
