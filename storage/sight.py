"""What a digest says of its own eyesight: how much of the panel was seen, what was missed, and counts by day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from itertools import pairwise

from sqlalchemy import Connection, exists, func, select
from sqlalchemy.orm import aliased

from domain.telling import Figures, Sight, Unseen
from domain.values import PollKind, SourceState
from storage.queues import FLAGGED, NEAR
from storage.schema.items import items
from storage.schema.watching import outcomes, poll_states, run_sources, runs, sources
from storage.store import Store

# How a poll ends that got the source's word; of one that failed or was passed over nobody knows what there was.
READ = (PollKind.OK.value, PollKind.UNCHANGED.value, PollKind.QUIET.value)


def sight(store: Store, *, since: datetime, until: datetime) -> Sight:
    """What was seen of the panel: listed sources that are not known dead, read at least once since then."""
    p, s = poll_states.c, sources.c
    query = (
        select(s.id, s.title, p.last_ok, p.last_polled, p.last_kind, p.last_reason)
        .outerjoin(poll_states, p.source_id == s.id)
        .where(s.listed, s.state != SourceState.DEAD.value)
        .order_by(s.title, s.id)
    )
    r = runs.c
    ended = select(func.count()).where(
        r.kind == "collect", r.started_at >= since, r.started_at < until, r.status.in_(("done", "incomplete"))
    )
    with store.read() as connection:
        rows = connection.execute(query).all()
        first = connection.execute(select(func.min(r.id)).where(r.started_at >= since)).scalar()
        unread = 0
        if first is not None:
            o = outcomes.c
            # An article that failed in one run and was read in a later one was not missed.
            read = aliased(outcomes)
            better = select(read.c.run_id).where(
                read.c.source_id == o.source_id, read.c.subject == o.subject, read.c.run_id > o.run_id, read.c.kind != "failed"
            )
            counted = (
                select(o.source_id, o.subject)
                .where(o.run_id >= first, o.kind == "failed", ~better.exists())
                .distinct()
                .subquery()
            )
            unread = connection.execute(select(func.count()).select_from(counted)).scalar_one()
        count = connection.execute(ended).scalar_one()
    unseen = []
    seen = 0
    for row in rows:
        read_lately = row.last_ok is not None and row.last_ok >= since
        seen += read_lately
        if not read_lately:
            reason = row.last_reason if row.last_polled is not None and row.last_polled >= since else ""
            unseen.append(Unseen(row.id, row.title, False, reason, row.last_ok))
        elif row.last_kind == "quiet":
            unseen.append(Unseen(row.id, row.title, True, row.last_reason, row.last_ok))
    return Sight(since, len(rows), seen, tuple(unseen), unread, count)


def figures(store: Store, *, since: datetime, edges: Sequence[tuple[date, datetime]]) -> Figures:
    """Items flagged by day (``edges``: each day and the moment at which it begins, in order), and near misses seen since then."""
    begins = [begin for _, begin in edges]
    counts = [0] * len(edges)
    with store.read() as connection:
        seen = connection.execute(
            select(items.c.first_seen).where(items.c.grade == FLAGGED, items.c.first_seen >= begins[0])
        ).scalars()
        for moment in seen:
            counts[max(place for place, begin in enumerate(begins) if begin <= moment)] += 1
        watched = [
            bool(count) or _watched(connection, begin, end)
            for count, (begin, end) in zip(counts, pairwise([*begins, None]), strict=True)
        ]
        near = connection.execute(
            select(func.count())
            .select_from(items)
            .where(items.c.grade == NEAR, items.c.review == "open", items.c.first_seen >= since)
        ).scalar_one()
    told = zip(edges, counts, watched, strict=True)
    return Figures(tuple((day, count if known else None) for (day, _), count, known in told), near)


def _watched(connection: Connection, begin: datetime | None, end: datetime | None) -> bool:
    """Whether any source was read in a run of that time (no end: until now); that a run took place is not enough."""
    reads = exists().where(run_sources.c.run_id == runs.c.id, run_sources.c.kind.in_(READ))
    query = select(runs.c.id).where(runs.c.kind == "collect", runs.c.started_at >= begin, reads).limit(1)
    return connection.execute(query if end is None else query.where(runs.c.started_at < end)).first() is not None
