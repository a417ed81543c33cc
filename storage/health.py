"""What each source gave and what was missed, from the ledgers of the runs; the state of the last poll is in ``sources``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select

from storage.schema.watching import outcomes, run_sources, runs
from storage.store import Store


@dataclass(frozen=True, slots=True)
class Yield:
    """What one source gave since a moment: polls and those that failed, and what became of its entries."""

    source_id: str
    polls: int
    failed_polls: int
    new: int
    updated: int
    skipped: int
    failed: int
    flagged: int


@dataclass(frozen=True, slots=True)
class Missed:
    """Entries that gave no text, by source and reason, and when last."""

    source_id: str
    kind: str
    reason: str
    count: int
    last: datetime


@dataclass(frozen=True, slots=True)
class PollLine:
    """How one poll of a source ended."""

    run_id: int
    at: datetime
    kind: str
    reason: str
    rung: str
    entries: int
    new: int
    flagged: int


def yields(store: Store, *, since: datetime) -> dict[str, Yield]:
    """What each source gave since then."""
    r = run_sources.c
    query = (
        select(
            r.source_id, func.count().label("polls"), func.sum(case((r.kind == "failed", 1), else_=0)).label("failed_polls"),
            func.sum(r.new).label("new"), func.sum(r.updated).label("updated"), func.sum(r.skipped).label("skipped"),
            func.sum(r.failed).label("failed"), func.sum(r.flagged).label("flagged"),
        )
        .where(r.at >= since)
        .group_by(r.source_id)
    )  # fmt: skip
    with store.read() as connection:
        return {row.source_id: Yield(row.source_id, *(int(value) for value in row[1:])) for row in connection.execute(query)}


def missed(store: Store, *, since: datetime, limit: int = 200) -> list[Missed]:
    """What could not be read since then, the commonest first."""
    o = outcomes.c
    with store.read() as connection:
        first = connection.execute(select(func.min(runs.c.id)).where(runs.c.started_at >= since)).scalar()
        if first is None:
            return []
        query = (
            select(o.source_id, o.kind, o.reason, func.count().label("count"), func.max(o.at).label("last"))
            .where(o.run_id >= first, o.kind.in_(("failed", "skipped")))
            .group_by(o.source_id, o.kind, o.reason)
            .order_by(func.count().desc(), o.source_id)
            .limit(limit)
        )
        return [Missed(row.source_id, row.kind, row.reason, row[3], row.last) for row in connection.execute(query)]


def last_polls(store: Store, source_id: str, *, limit: int = 30) -> list[PollLine]:
    """How the last polls of a source ended, the latest first."""
    r = run_sources.c
    query = select(run_sources).where(r.source_id == source_id).order_by(r.at.desc()).limit(limit)
    with store.read() as connection:
        return [
            PollLine(row.run_id, row.at, row.kind, row.reason, row.rung, row.entries, row.new, row.flagged)
            for row in connection.execute(query)
        ]
