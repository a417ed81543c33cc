"""Sources as the database knows them, how the last poll of each ended, and who is polling which right now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, text, update
from sqlalchemy.engine import Row

from domain.values import Ownership, Rung, RungKind, Source, SourceReport, SourceState
from storage.feed_pieces import write_feed_pieces
from storage.process import Process, is_gone
from storage.runs import LEASE_S, POLLS, write_reports
from storage.schema.types import Moment, write_json
from storage.schema.watching import claims, runs, sources
from storage.schema.watching import poll_states as poll_states_table
from storage.store import MANY, Store, in_batches

# No lease is longer; one that ends later than this was written by a clock that had jumped ahead.
LONGEST_LEASE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PollState:
    """How a source stood after its last poll, and when it is polled next.

    ``rung`` is the index of the rung in use, ``address`` where that rung has moved to for good ("" if it has not),
    ``body_sha256`` the hash of the last body read; ``interval_s`` in seconds; ``entries_last`` the entries of the last body;
    ``rhythm`` what the scheduler remembers for itself (JSON). ``pieces`` is what to remember of the entries of the body just read
    (``extractors.pieces``); None leaves what is remembered, and so it is in every state that was loaded.
    """

    source_id: str
    rung: int = 0
    address: str = ""
    etag: str = ""
    last_modified: str = ""
    body_sha256: str = ""
    next_due: datetime | None = None
    interval_s: float = 0.0
    failures: int = 0
    last_polled: datetime | None = None
    last_ok: datetime | None = None
    last_new: datetime | None = None
    last_kind: str = ""
    last_reason: str = ""
    entries_last: int = 0
    rhythm: Mapping[str, Any] = field(default_factory=dict)
    pieces: bytes | None = None


STATE_NAMES = tuple(each.name for each in fields(PollState) if each.name != "pieces")


def sync_sources(store: Store, given: Sequence[Source], *, now: datetime) -> None:
    """Make the table say what the files say; one that left the files is kept as not listed, with all it gave."""
    with store.begin() as connection:
        held = {row[0]: tuple(row) for row in connection.execute(select(*(sources.c[name] for name in SOURCE_NAMES)))}
        wanted = {source.id: _source_values(source) for source in given}
        added = [_row_of(values) | {"added_at": now, "changed_at": now} for key, values in wanted.items() if key not in held]
        changed = [
            _row_of(values) | {"b_id": key, "changed_at": now}
            for key, values in wanted.items()
            if key in held and values != held[key]
        ]
        left = [key for key, values in held.items() if values[-1] and key not in wanted]
        for batch in in_batches(added):
            # Two runs that start at once both bring the new sources: the second insert finds them there.
            connection.execute(store.insert(sources).on_conflict_do_nothing(), batch)
        for row in changed:
            key = row.pop("b_id")
            connection.execute(update(sources).where(sources.c.id == key).values(row))
        for batch in in_batches(left, MANY):
            connection.execute(update(sources).where(sources.c.id.in_(batch)).values(listed=False, changed_at=now))


def stored_sources(store: Store, *, listed: bool | None = None) -> list[Source]:
    """The sources the database knows, by id; ``listed=True`` only those still in the files."""
    query = select(sources).order_by(sources.c.id)
    if listed is not None:
        query = query.where(sources.c.listed == listed)
    with store.read() as connection:
        return [_source(row) for row in connection.execute(query)]


def poll_states(store: Store, ids: Collection[str] | None = None) -> dict[str, PollState]:
    """The poll state of each source that was ever polled; one statement for 500 sources, or one for all."""
    found: dict[str, PollState] = {}
    with store.read() as connection:
        for query in _queries(ids):
            for row in connection.execute(query):
                found[row[0]] = PollState(*row)
    return found if ids is None else {key: found[key] for key in ids if key in found}


def save_polls(store: Store, run_id: int, states: Iterable[PollState], reports: Sequence[SourceReport], *, now: datetime) -> None:
    """Keep how polls ended in one transaction: the states of the sources, and their lines in the ledger of the run."""
    with store.begin() as connection:
        write_poll_states(store, connection, states)
        write_reports(store, connection, run_id, reports, now=now)


def save_poll_states(store: Store, states: Iterable[PollState]) -> None:
    """Keep the poll states of sources whose poll brought no entries (unchanged, failed); with entries use ``take_entries``."""
    with store.begin() as connection:
        write_poll_states(store, connection, states)


def write_poll_states(store: Store, connection: Connection, states: Iterable[PollState]) -> None:
    """Upsert poll states within the caller's transaction."""
    states = list(states)
    write_feed_pieces(store, connection, {state.source_id: state.pieces for state in states if state.pieces is not None})
    rows = [{name: getattr(state, name) for name in STATE_NAMES} | {"rhythm": dict(state.rhythm)} for state in states]
    if not rows:
        return
    new = store.insert(poll_states_table)
    statement = new.on_conflict_do_update(
        index_elements=["source_id"], set_={name: new.excluded[name] for name in STATE_NAMES if name != "source_id"}
    )
    for batch in in_batches(rows, POLLS):
        connection.execute(statement, batch)


def forget_validators(store: Store, ids: Collection[str]) -> None:
    """Make the next poll of these sources a full one (``--force``): ETag, date and body hash are dropped."""
    with store.begin() as connection:
        for batch in in_batches(sorted(ids), MANY):
            blank = update(poll_states_table).where(poll_states_table.c.source_id.in_(batch))
            connection.execute(blank.values(etag="", last_modified="", body_sha256="", next_due=None))


def claim_sources(store: Store, ids: Collection[str], *, run_id: int, now: datetime, lease_s: float = LEASE_S) -> set[str]:
    """Claim sources for a run and return those it got; the rest are being polled by another run.

    A claim is free when its lease is over, its run is closed, or its process on this host is gone.
    """
    return claim(store, "source", ids, run_id=run_id, now=now, lease_s=lease_s)


def claim(store: Store, kind: str, names: Collection[str], *, run_id: int, now: datetime, lease_s: float = LEASE_S) -> set[str]:
    """Claim names of a ``kind`` (source, host, flow); see ``claim_sources``. Two at once never both get a name."""
    with store.begin() as connection:
        return _claim(store, connection, kind, names, run_id=run_id, now=now, lease_s=lease_s)


def claim_hosts(
    store: Store,
    groups: Sequence[tuple[Collection[str], Collection[str]]],
    *,
    run_id: int,
    now: datetime,
    lease_s: float = LEASE_S,
) -> list[bool]:
    """Claim hosts for a run, group by group: each is (hosts, ids of the sources polled there), and is got whole or not at all.

    On PostgreSQL a group that another worker is claiming in this very moment is passed over, not waited for: twenty workers that
    start in the same second each take other sources at once.
    """
    with store.begin() as connection:
        tried = [True] * len(groups)
        if store.dialect == "postgresql":
            free = _lock_free(connection, {key for _, ids in groups for key in ids})
            tried = [free.issuperset(ids) for _, ids in groups]
        names = {name for (hosts, _), wanted in zip(groups, tried, strict=True) if wanted for name in hosts}
        got = _claim(store, connection, "host", names, run_id=run_id, now=now, lease_s=lease_s)
        whole = [wanted and got.issuperset(hosts) for (hosts, _), wanted in zip(groups, tried, strict=True)]
        kept = {name for (hosts, _), mine in zip(groups, whole, strict=True) if mine for name in hosts}
        for batch in in_batches(sorted(got - kept), MANY):
            mine = (claims.c.kind == "host", claims.c.run_id == run_id, claims.c.name.in_(batch))
            connection.execute(delete(claims).where(*mine))
    return whole


def held_by_others(store: Store, kind: str, *, run_id: int, now: datetime) -> set[str]:
    """Names of a kind that other runs hold right now: it is no use to ask for them."""
    query = select(claims.c.name).where(claims.c.kind == kind, claims.c.run_id != run_id, claims.c.until >= now)
    with store.read() as connection:
        return set(connection.execute(query).scalars())


def _lock_free(connection: Connection, ids: Collection[str]) -> set[str]:
    """Of these sources, those nobody else is claiming just now; they are ours until the end of the transaction."""
    free: set[str] = set()
    for batch in in_batches(sorted(ids), MANY):
        # No key is touched: rows that name a source may be written meanwhile.
        query = select(sources.c.id).where(sources.c.id.in_(batch)).order_by(sources.c.id)
        free.update(connection.execute(query.with_for_update(skip_locked=True, key_share=True)).scalars())
    return free


def _claim(
    store: Store, connection: Connection, kind: str, names: Collection[str], *, run_id: int, now: datetime, lease_s: float
) -> set[str]:
    if dead := _dead_holders(connection, kind, run_id):
        connection.execute(delete(claims).where(claims.c.kind == kind, claims.c.run_id.in_(dead)))
    if not names:
        return set()
    given = {
        "kind": kind,
        # Always in the same order: two workers that claim the same rows never wait for each other in a ring.
        "names": write_json(sorted(set(names))),
        "run_id": run_id,
        "now": now,
        "until": now + timedelta(seconds=lease_s),
        "latest": now + max(LONGEST_LEASE, timedelta(seconds=2 * lease_s)),
    }
    statement = _CLAIM[store.dialect].bindparams(*(bindparam(name, type_=Moment) for name in ("now", "until", "latest")))
    return set(connection.execute(statement, given).scalars())


# All names in one statement, as a list in JSON: a row a name through executemany took 30 times as long.
_CLAIM = {
    dialect: text(f"""
        INSERT INTO claims (kind, name, run_id, claimed_at, until)
        SELECT :kind, given.value, :run_id, :now, :until FROM {listed} WHERE true
        ON CONFLICT (kind, name) DO UPDATE SET run_id = excluded.run_id, claimed_at = excluded.claimed_at, until = excluded.until
        WHERE claims.run_id = :run_id OR claims.until < :now OR claims.until > :latest
        RETURNING name
    """)  # noqa: S608  # both parts of it stand here
    for dialect, listed in {
        "sqlite": "json_each(:names) AS given",
        "postgresql": "json_array_elements_text(CAST(:names AS json)) AS given(value)",
    }.items()
}


def _dead_holders(connection: Connection, kind: str, run_id: int) -> list[int]:
    holders = select(runs).where(
        runs.c.id.in_(select(claims.c.run_id).where(claims.c.kind == kind).distinct()), runs.c.id != run_id
    )
    return [
        row.id
        for row in connection.execute(holders)
        if row.status != "running" or is_gone(Process(row.host, row.boot, row.pid, row.process_started))
    ]


def renew_claims(store: Store, run_id: int, *, now: datetime, lease_s: float = LEASE_S) -> None:
    """Keep what a run has claimed for another ``lease_s`` seconds (``renew_run`` does this too)."""
    with store.begin() as connection:
        connection.execute(update(claims).where(claims.c.run_id == run_id).values(until=now + timedelta(seconds=lease_s)))


def release_claims(store: Store, run_id: int, ids: Collection[str] | None = None, *, kind: str = "source") -> None:
    """Free claims of a run, all of that kind or those named (``end_run`` frees all)."""
    with store.begin() as connection:
        mine = delete(claims).where(claims.c.run_id == run_id, claims.c.kind == kind)
        if ids is None:
            connection.execute(mine)
            return
        for batch in in_batches(sorted(ids), MANY):
            connection.execute(mine.where(claims.c.name.in_(batch)))


def _queries(ids: Collection[str] | None) -> list[Any]:
    every = select(*(poll_states_table.c[name] for name in STATE_NAMES))
    if ids is None or len(ids) > MANY:
        return [every]  # one statement for a whole house; what was not asked for is left out afterwards
    return [every.where(poll_states_table.c.source_id.in_(sorted(ids)))]


SOURCE_NAMES = (
    "id", "title", "home", "rungs", "languages", "country", "region", "ownership", "state", "verified", "verified_by", "rhythm_s",
    "note", "listed",
)  # fmt: skip


def _source_values(source: Source) -> tuple[Any, ...]:
    """A source as its columns, in the order of ``SOURCE_NAMES``."""
    return (
        source.id,
        source.title,
        source.home,
        [[rung.kind.value, rung.url] for rung in source.rungs],
        list(source.languages),
        source.country,
        source.region,
        source.ownership.value if source.ownership else None,
        source.state.value,
        source.verified,
        source.verified_by,
        source.rhythm.total_seconds(),
        source.note,
        True,
    )


def _row_of(values: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(SOURCE_NAMES, values, strict=True))


def _source(row: Row[Any]) -> Source:
    return Source(
        id=row.id,
        title=row.title,
        home=row.home,
        rungs=tuple(Rung(RungKind(kind), url) for kind, url in row.rungs),
        languages=tuple(row.languages),
        country=row.country,
        region=row.region,
        ownership=Ownership(row.ownership) if row.ownership else None,
        state=SourceState(row.state),
        verified=row.verified,
        verified_by=row.verified_by,
        rhythm=timedelta(seconds=row.rhythm_s),
        note=row.note,
    )
