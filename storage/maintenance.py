"""Keeping the store small and quick: what retention drops by age, and indexes made anew; when it is done is the flow's business.

What a person decided, what the rules flagged or nearly flagged, what a digest told and the captures of all these are never
touched, however old. Rows that the evidence chain names stay as well: of a capture only the bytes go, its hash remains.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, func, not_, or_, select, text, update

from storage import chain, search_index
from storage.runs import retire_ledger
from storage.schema.digest import told
from storage.schema.evidence import blobs, captures, rechecks
from storage.schema.items import flaggings, item_sources, item_versions, items, sketch_hashes, sketches
from storage.schema.review import login_failures, sessions, verdicts
from storage.schema.watching import entries, facts, outcomes, run_sources, runs, source_days
from storage.similar import WINDOW
from storage.store import MANY, Store, in_batches

STEP = 500  # rows a transaction: others get their turn in between


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what is kept, in days; 0: for ever. Captures of clear, undecided items only; see the head of this file."""

    captures: int = 180
    ledger: int = 400
    entries: int = 400


@dataclass(frozen=True, slots=True)
class Dropped:
    """What retention dropped, or in a dry run would drop; ``capture_bytes`` as kept (compressed)."""

    captures: int = 0
    capture_bytes: int = 0
    ledger_lines: int = 0
    entries: int = 0
    sketches: int = 0
    sessions: int = 0

    def __str__(self) -> str:
        return (
            f"the bytes of {self.captures} captures ({self.capture_bytes / 1e6:.1f} MB), {self.ledger_lines} ledger lines, "
            f"{self.entries} entries that left their feeds, {self.sketches} sketches, {self.sessions} sessions and failed logins"
        )


def retire(
    store: Store, retention: Retention, *, now: datetime, dry_run: bool = False, alive: Callable[[], None] = lambda: None
) -> Dropped:
    """Drop what is older than ``retention`` allows, a few hundred rows a transaction; ``alive`` is called between them.

    Cut off and started again it goes on where it was. In a dry run it only counts.
    """
    found: Counter[str] = Counter()
    if retention.captures:
        for count, size in _drop_bodies(store, now - timedelta(days=retention.captures), dry_run):
            found["captures"] += count
            found["capture_bytes"] += size
            alive()
    if retention.ledger:
        before = now - timedelta(days=retention.ledger)
        for count in _drop_ledger(store, before, dry_run):
            found["ledger_lines"] += count
            alive()
    if retention.entries:
        old = and_(entries.c.last_seen < now - timedelta(days=retention.entries), entries.c.state != "pending")
        found["entries"] = _drop(store, entries, entries.c.id, old, dry_run=dry_run, alive=alive)
    # A text is compared with those of two weeks; what is older is never looked up again.
    outdated = sketches.c.moment < now - 2 * WINDOW
    stale = sketch_hashes.c.item_id.in_(select(sketches.c.item_id).where(outdated))
    if not dry_run:
        with store.begin() as connection:
            connection.execute(delete(sketch_hashes).where(stale))
    found["sketches"] = _drop(store, sketches, sketches.c.item_id, outdated, dry_run=dry_run, alive=alive)
    found["sessions"] = _drop(
        store, sessions, sessions.c.token_sha256, sessions.c.until < now - timedelta(days=1), dry_run=dry_run, alive=alive
    )
    found["sessions"] += _drop(
        store, login_failures, login_failures.c.id, login_failures.c.at < now - timedelta(days=30), dry_run=dry_run, alive=alive
    )
    return Dropped(**found)


def kept_items() -> ColumnElement[bool]:
    """Which items retention never touches: flagged or nearly so (now or by any text they had), decided, told of in a digest."""
    i = items.c
    decided = exists().where(verdicts.c.item_id == i.id)
    reported = exists().where(told.c.item_id == i.id)
    return or_(i.grade != 0, i.review != "open", decided, reported)


def _droppable(before: datetime) -> ColumnElement[bool]:
    """Captures whose bytes may go: old, still there, and of no item that is kept; what gave no item at all may go as well."""
    c, v = captures.c, item_versions.c
    needed = exists().where(v.capture_id == c.id, v.item_id == items.c.id, kept_items())
    # Flagged once is kept for good, even where later rules see nothing in it.
    once = _once_flagged(c.id)
    seen_again = exists().where(rechecks.c.capture_id == c.id, rechecks.c.item_id == items.c.id, kept_items())
    announced = exists().where(item_sources.c.capture_id == c.id, item_sources.c.item_id == items.c.id, kept_items())
    return and_(c.fetched_at < before, c.blob_id.is_not(None), not_(needed), not_(once), not_(seen_again), not_(announced))


def _once_flagged(capture_id: ColumnElement[int]) -> ColumnElement[bool]:
    v, f = item_versions.c, flaggings.c
    return exists().where(v.capture_id == capture_id, f.item_id == v.item_id, or_(f.flagged, f.near_miss))


def _drop_bodies(store: Store, before: datetime, dry_run: bool) -> Iterator[tuple[int, int]]:
    c, b = captures.c, blobs.c
    chosen = select(c.id, c.blob_id, c.sha256).where(_droppable(before))
    if dry_run:
        with store.read() as connection:
            ids = connection.execute(chosen).all()
            held = {row.blob_id for row in ids}
            size = sum(_sizes(connection, batch) for batch in in_batches(sorted(held), MANY))
        yield len(ids), size
        return
    while True:
        with store.begin(ordered=True) as connection:
            rows = connection.execute(chosen.order_by(c.id).limit(STEP)).all()
            if not rows:
                return
            # Said in the chain: bytes that are missing without that were taken out.
            chain.append(connection, [("dropped", row.id, row.sha256) for row in rows])
            connection.execute(update(captures).where(c.id.in_([row.id for row in rows])).values(blob_id=None))
            # The same bytes may have come with another capture that is kept.
            loose = [row.blob_id for row in rows]
            free = b.id.in_(loose) & not_(exists().where(c.blob_id == b.id))
            size = int(connection.execute(select(func.coalesce(func.sum(func.length(b.data)), 0)).where(free)).scalar_one())
            connection.execute(delete(blobs).where(free))
        yield len(rows), size


def _sizes(connection: Connection, ids: list[int]) -> int:
    return int(
        connection.execute(select(func.coalesce(func.sum(func.length(blobs.c.data)), 0)).where(blobs.c.id.in_(ids))).scalar_one()
    )


def _drop_ledger(store: Store, before: datetime, dry_run: bool) -> Iterator[int]:
    """The lines of old runs, once their sums stand in ``source_days``; the runs themselves stay."""
    o, s, r = outcomes.c, run_sources.c, runs.c
    old = and_(r.started_at < before, r.status != "running")
    told_of = or_(exists().where(s.run_id == r.id), exists().where(o.run_id == r.id))
    with store.read() as connection:
        ids = list(connection.execute(select(r.id).where(old, told_of).order_by(r.id)).scalars())
    for run_id in ids:
        with store.begin(ordered=True) as connection:
            lines = connection.execute(select(func.count()).select_from(outcomes).where(o.run_id == run_id)).scalar_one()
            sums = connection.execute(select(run_sources).where(s.run_id == run_id)).all()
            if not dry_run:
                days: Counter[tuple[str, date, str]] = Counter()
                for row in sums:
                    mark = (row.source_id, row.at.date())
                    days[(*mark, "polls")] += 1
                    days[(*mark, "failed" if row.kind == "failed" else "ok")] += 1
                    for name in ("entries", "new", "flagged"):
                        days[(*mark, name)] += getattr(row, name)
                _add_days(store, connection, days)
                retire_ledger(connection, run_id)
                # Both in one transaction: sums without their lines would be a fault that `sholu db check` finds.
                connection.execute(delete(outcomes).where(o.run_id == run_id))
                connection.execute(delete(run_sources).where(s.run_id == run_id))
        yield int(lines) + len(sums)


def _add_days(store: Store, connection: Connection, days: Counter[tuple[str, date, str]]) -> None:
    names = ("polls", "ok", "failed", "entries", "new", "flagged")
    for source_id, day in sorted({(source_id, day) for source_id, day, _ in days}):
        given = {name: days[source_id, day, name] for name in names}
        new = store.insert(source_days).values(source_id=source_id, day=day, reason="", **given)
        added = {name: source_days.c[name] + new.excluded[name] for name in names}
        connection.execute(new.on_conflict_do_update(index_elements=["source_id", "day"], set_=added))


def _drop(
    store: Store, table: Table, key: ColumnElement[Any], old: ColumnElement[bool], *, dry_run: bool, alive: Callable[[], None]
) -> int:
    if dry_run:
        with store.read() as connection:
            return int(connection.execute(select(func.count()).select_from(table).where(old)).scalar_one())
    total = 0
    while True:
        with store.begin() as connection:
            chosen = list(connection.execute(select(key).where(old).limit(STEP)).scalars())
            if chosen:
                connection.execute(delete(table).where(key.in_(chosen)))
        total += len(chosen)
        if len(chosen) < STEP:
            return total
        alive()


def index_anew(store: Store, *, alive: Callable[[], None] = lambda: None) -> int:
    """Fill the full-text index again where it does not hold every item; returns how many were indexed (0: it was whole)."""
    kept = "item_search_docsize" if store.dialect == "sqlite" else "item_search"
    count = text(f"SELECT count(*) FROM {kept}")  # noqa: S608 - one of our two names
    with store.read() as connection:
        held = connection.execute(select(func.count()).select_from(items)).scalar_one()
        if connection.execute(count).scalar_one() == held:
            return 0
    clear = (
        "INSERT INTO item_search (item_search) VALUES ('delete-all')" if store.dialect == "sqlite" else "DELETE FROM item_search"
    )
    i, v = items.c, item_versions.c
    done = 0
    # One transaction: a search meanwhile finds the old index, not an empty one, and a run cannot put an item in twice.
    with store.begin(ordered=True) as connection:
        connection.execute(text(clear))
        after = 0
        while True:
            query = (
                select(i.id, v.title, v.text)
                .join(item_versions, v.id == i.version_id)
                .where(i.id > after)
                .order_by(i.id)
                .limit(STEP)
            )
            rows = connection.execute(query).all()
            search_index.replace_in_index(store, connection, [], [search_index.row(*row) for row in rows])
            done += len(rows)
            if len(rows) < STEP:
                break
            after = rows[-1].id
    alive()
    return done


def tidy(store: Store) -> None:
    """Fresh statistics for the planner, and on SQLite the write-ahead log folded back into the file."""
    if store.dialect == "sqlite":
        with store.read() as connection:
            connection.exec_driver_sql("PRAGMA optimize")
        with store.read() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
        return
    with store.begin() as connection:
        connection.exec_driver_sql("ANALYZE")


def note_fact(store: Store, name: str, value: object, *, now: datetime) -> None:
    """Keep one of the program's own notes, in the place of the one of that name."""
    new = store.insert(facts).values(name=name, value=value, at=now)
    with store.begin() as connection:
        connection.execute(new.on_conflict_do_update(index_elements=["name"], set_={"value": new.excluded.value, "at": now}))


def fact(store: Store, name: str) -> tuple[object, datetime] | None:
    """A note and when it was made."""
    with store.read() as connection:
        row = connection.execute(select(facts.c.value, facts.c.at).where(facts.c.name == name)).first()
    return None if row is None else (row.value, row.at)
