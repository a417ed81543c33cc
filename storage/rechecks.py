"""Later looks at flagged items: when each is due, what was found, and what changed since a time; pages are fetched elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, update

from domain.values import BodyFrom, Entry, Outcome, OutcomeKind
from storage import chain, records
from storage.entries import PendingEntry
from storage.items import write_results
from storage.looks import LONGEST, UNKNOWN_MACHINE
from storage.results import Read
from storage.runs import outcome_row, write_outcomes
from storage.schema.evidence import captures, rechecks
from storage.schema.items import flaggings, item_sources, item_versions, items
from storage.schema.types import short_key
from storage.schema.watching import entries, sources
from storage.store import MANY, Store, in_batches

# When a flagged item is looked at again, counted from the moment it was flagged: an edit or a removal under pressure comes
# within hours, a quiet correction within days.
LOOKS: Mapping[str, timedelta] = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7)}
# A page that could not be fetched is tried again after these; then the look is given up as failed, and the next one comes.
BACK_OFF = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6))


class Found(StrEnum):
    """What a later look at a page found."""

    SAME = "same"
    CHANGED = "changed"
    GONE = "gone"
    BACK = "back"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DueLook:
    """An item whose page is to be looked at again; ``labels`` are the looks that are due by now, settled by one fetch.

    ``entry`` is what its feed says of it, as far as that is still known; ``title``, ``text`` and ``body_from`` are of the version
    in force; ``capture_id`` is that of the page it was read from (None: it was read from the feed).
    """

    item_id: int
    labels: tuple[str, ...]
    tries: int
    key: str
    url: str
    source_id: str
    country: str | None
    languages: tuple[str, ...]
    first_seen: datetime
    gone: bool
    title: str
    text: str
    body_from: BodyFrom
    capture_id: int | None
    found_at: str
    entry: PendingEntry


@dataclass(frozen=True, slots=True)
class Look:
    """What one later look found: ``read`` is the page's text where it changed, ``retry_at`` when a failed one is tried again."""

    due: DueLook
    found: Found
    reason: str = ""
    capture_id: int | None = None
    read: Read | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ItemChange:
    """Something that happened to an item after it was stored: changed (``diff`` is unified, by line), gone, or back."""

    item_id: int
    kind: Found
    at: datetime
    title: str
    url: str
    source_id: str
    version: int
    diff: str = ""
    reason: str = ""


def schedule_rechecks(store: Store) -> int:
    """Plan the looks at every flagged item that has none yet; said again it changes nothing. Returns how many items were planned."""
    i, f, r = items.c, flaggings.c, rechecks.c
    planned = select(r.item_id).where(r.item_id == i.id).exists()
    first = select(func.min(f.at)).where(f.item_id == i.id, f.flagged).scalar_subquery()
    query = select(i.id, i.first_seen, first.label("flagged_at")).where(i.grade == 2, i.url.like("http%"), ~planned)
    with store.read() as connection:  # most times there is nothing to write, and readers wait for nobody
        found = connection.execute(query.order_by(i.id)).all()
    rows = [
        {"item_id": row.id, "label": label, "due": (row.flagged_at or row.first_seen) + after, "state": "waiting"}
        for row in found
        for label, after in LOOKS.items()
    ]
    if rows:
        with store.begin() as connection:
            for batch in in_batches(rows):
                connection.execute(store.insert(rechecks).on_conflict_do_nothing(), batch)
    return len(found)


def due_rechecks(
    store: Store, *, now: datetime, source_ids: Collection[str] | None = None, limit: int = 500, per_source: int = 50
) -> list[DueLook]:
    """Items whose look is due, the longest waiting first, at most ``per_source`` of one source: its host is asked slowly."""
    i, r, v, feed = items.c, rechecks.c, item_versions.c, captures.alias()
    due = and_(r.state == "waiting", or_(r.due <= now, r.due > now + LONGEST))
    query = (
        select(
            r.item_id, r.label, r.tries, i.key, i.url, i.source_id, i.first_seen, i.gone_at, sources.c.country, sources.c.languages,
            v.title, v.text, v.body_from, v.published, v.capture_id, func.coalesce(captures.c.server_address, feed.c.server_address).label("found_at"),
        )
        .join(items, i.id == r.item_id)
        .join(item_versions, v.id == i.version_id)
        .join(sources, sources.c.id == i.source_id)
        .outerjoin(captures, captures.c.id == v.capture_id)
        .outerjoin(item_sources, and_(item_sources.c.item_id == i.id, item_sources.c.source_id == i.source_id))
        .outerjoin(feed, feed.c.id == item_sources.c.capture_id)
        .where(due)
        .order_by(r.due, r.id)
    )  # fmt: skip
    if source_ids is not None:
        query = query.where(i.source_id.in_(sorted(source_ids)))
    with store.read() as connection:
        looks: dict[int, list[Any]] = {}
        of_source: dict[str, set[int]] = {}
        for row in connection.execute(query.execution_options(yield_per=MANY)):
            mine = of_source.setdefault(row.source_id, set())
            if row.item_id in looks or (len(looks) < limit and len(mine) < per_source):
                looks.setdefault(row.item_id, []).append(row)
                mine.add(row.item_id)
        announced = _announced(connection, list(looks))
    return [_due(rows, announced.get(item_id)) for item_id, rows in looks.items()]


def save_looks(store: Store, run_id: int, looks: Sequence[Look], *, now: datetime) -> list[Outcome]:
    """Store what later looks found, versions and all, in one transaction; returns the outcome of each, in order.

    A look that another run has settled meanwhile changes nothing and counts as unchanged.
    """
    with store.begin(ordered=True) as connection:
        ids = [look.due.item_id for look in looks]
        waiting = set(
            connection.execute(
                select(rechecks.c.item_id).where(rechecks.c.item_id.in_(ids), rechecks.c.state == "waiting")
            ).scalars()
        )
        return [
            _save(store, connection, run_id, look, now)
            if look.due.item_id in waiting
            else Outcome(OutcomeKind.UNCHANGED, look.due.url, "another run has looked meanwhile", item_id=look.due.item_id)
            for look in looks
        ]


def changes_since(store: Store, since: datetime, until: datetime | None = None) -> list[ItemChange]:
    """What happened to flagged items after they were stored, in the order it happened: new versions, pages gone, pages back.

    For the digest and the desk: an item is told of while it is flagged, or was by any of its versions.
    """
    i, v, r = items.c, item_versions.c, rechecks.c
    once = select(flaggings.c.id).where(flaggings.c.item_id == i.id, flaggings.c.flagged).exists()
    what = (i.id, i.title, i.url, i.source_id)

    def between(moment: Any) -> Any:
        return moment > since if until is None else and_(moment > since, moment <= until)

    found: list[ItemChange] = []
    with store.read() as connection:
        edits = select(*what, v.number, v.seen_at, v.diff).join(item_versions, v.item_id == i.id)
        found.extend(
            ItemChange(row.id, Found.CHANGED, row.seen_at, row.title, row.url, row.source_id, row.number, row.diff)
            for row in connection.execute(edits.where(v.number > 1, once, between(v.seen_at)))
        )
        looks = select(*what, i.version, r.state, r.done_at, r.reason).join(rechecks, r.item_id == i.id)
        # One fetch may settle several looks: they say the same at the same time.
        told = {
            (row.id, row.done_at): ItemChange(
                row.id, Found(row.state), row.done_at, row.title, row.url, row.source_id, row.version, reason=row.reason
            )
            for row in connection.execute(looks.where(r.state.in_((Found.GONE, Found.BACK)), between(r.done_at)))
        }
        earlier = {
            row.item_id: row.first
            for row in connection.execute(
                select(r.item_id, func.min(r.done_at).label("first")).where(r.state == Found.GONE).group_by(r.item_id)
            )
        }
    # Gone at the first look and at the second is one disappearance.
    found += [each for (item_id, at), each in told.items() if each.kind is Found.BACK or earlier[item_id] == at]
    return sorted(found, key=lambda each: (each.at, each.item_id))


def _announced(connection: Connection, ids: list[int]) -> dict[int, Any]:
    """What the feed an item was first seen through said of it."""
    e, s = entries.c, item_sources.c
    found: dict[int, Any] = {}
    for batch in in_batches(ids, MANY):
        query = select(s.item_id, entries).join(item_sources, and_(s.source_id == e.source_id, s.entry_key == e.key))
        query = query.join(items, and_(items.c.id == s.item_id, items.c.source_id == s.source_id))
        found.update((row.item_id, row) for row in connection.execute(query.where(s.item_id.in_(batch))))
    return found


def _due(rows: Sequence[Any], said: Any) -> DueLook:
    row = rows[0]
    entry = Entry(
        source_id=row.source_id,
        key=said.key if said else row.key,
        url=row.url,
        guid=said.guid if said else "",
        title=said.title if said else "",
        published=said.published if said else row.published,
        language=said.language if said else None,
        authors=tuple(said.authors) if said else (),
    )
    # Without a fingerprint the entry itself is left alone: its queue is the feed's business.
    pending = PendingEntry(said.id if said else 0, entry, 0, 0, row.first_seen, "", row.item_id)
    return DueLook(
        item_id=row.item_id,
        labels=tuple(each.label for each in rows),
        tries=max(each.tries for each in rows),
        key=row.key,
        url=row.url,
        source_id=row.source_id,
        country=row.country,
        languages=tuple(row.languages),
        first_seen=row.first_seen,
        gone=row.gone_at is not None,
        title=row.title,
        text=row.text,
        body_from=BodyFrom(row.body_from),
        capture_id=row.capture_id,
        found_at=row.found_at or UNKNOWN_MACHINE,
        entry=pending,
    )


def _save(store: Store, connection: Connection, run_id: int, look: Look, now: datetime) -> Outcome:
    due, found, reason = look.due, look.found, look.reason
    if look.read is not None:
        [outcome] = write_results(store, connection, run_id, [look.read], now=now)
        if outcome.kind is not OutcomeKind.UPDATED:
            # The same text after all (two runs at once, or a poorer reading than the one kept): nothing has changed.
            found, reason = (Found.BACK if due.gone else Found.SAME), outcome.reason or reason
    elif found is Found.FAILED:
        outcome = Outcome(OutcomeKind.FAILED, due.url, reason, item_id=due.item_id)
    elif (found is Found.GONE) is not due.gone:
        outcome = Outcome(OutcomeKind.UPDATED, due.url, reason, item_id=due.item_id)
    else:
        outcome = Outcome(OutcomeKind.UNCHANGED, due.url, reason, item_id=due.item_id)
    if look.read is None:
        row = outcome_row(run_id, due.source_id, due.entry.entry.key, outcome, now=now, item_id=due.item_id)
        write_outcomes(store, connection, [] if outcome.kind is OutcomeKind.UNCHANGED else [row])
    _mark_item(connection, due, found, now)
    _settle(connection, run_id, look, found, reason, now)
    return outcome


def _mark_item(connection: Connection, due: DueLook, found: Found, now: datetime) -> None:
    if found is Found.FAILED or (found is Found.GONE) is due.gone:
        return
    gone_at = now if found is Found.GONE else None
    connection.execute(update(items).where(items.c.id == due.item_id).values(gone_at=gone_at, changed_at=now))


def _settle(connection: Connection, run_id: int, look: Look, found: Found, reason: str, now: datetime) -> None:
    mine = (rechecks.c.item_id == look.due.item_id, rechecks.c.label.in_(look.due.labels), rechecks.c.state == "waiting")
    tries = look.due.tries + 1
    if look.retry_at is not None:
        connection.execute(update(rechecks).where(*mine).values(tries=tries, due=look.retry_at, reason=reason, run_id=run_id))
        return
    version = select(items.c.version_id).where(items.c.id == look.due.item_id).scalar_subquery()
    settled = {
        "state": str(found),
        "tries": tries,
        "done_at": now,
        "capture_id": look.capture_id,
        "reason": reason,
        "run_id": run_id,
    }
    done = (
        connection.execute(update(rechecks).where(*mine).values(version_id=version, **settled).returning(rechecks.c.id))
        .scalars()
        .all()
    )
    rows = connection.execute(select(rechecks).where(rechecks.c.id.in_(sorted(done))).order_by(rechecks.c.id)).mappings().all()
    chain.append(connection, [("recheck", row["id"], records.digest(records.record(records.RECHECK, row))) for row in rows])


def retry_at(tries: int, now: datetime) -> datetime | None:
    """When a look that has now failed ``tries`` times is tried again; None: it is given up."""
    return now + BACK_OFF[tries - 1] if tries <= len(BACK_OFF) else None


def item_key_of(due: DueLook) -> str:
    """The identity under which a changed text is saved: that of the item, whatever the page calls itself now."""
    return short_key(due.key)
