"""The store in numbers for a monitoring system; each question reads an index or a small table, so that it may be asked every minute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select, text

from storage.schema.digest import alarms, outbox
from storage.schema.items import items
from storage.schema.watching import entries, poll_states, runs, sources
from storage.store import Store

GRADES = {2: "flagged", 1: "near_miss", 0: "clear", -1: "not_judged"}


@dataclass(frozen=True, slots=True)
class Gauges:
    """Counts by a label each; ``last_good`` and ``last_begun`` by kind of run."""

    items: Mapping[str, int]
    undecided: int
    pending: int
    sources: int
    failing: int
    seen: int
    last_begun: Mapping[str, datetime]
    last_good: Mapping[str, datetime]
    running: Mapping[str, int]
    alarms: Mapping[str, int]
    mails: Mapping[str, int]


def is_readable(store: Store) -> None:
    """Ask the database for nothing in particular; raises StoreError where it does not answer."""
    with store.read() as connection:
        connection.execute(text("SELECT 1"))


def gauges(store: Store, *, since: datetime) -> Gauges:
    """The numbers now; ``seen`` counts the sources read since then."""
    i, r, s, p = items.c, runs.c, sources.c, poll_states.c
    with store.read() as connection:

        def counted(query: object) -> dict[str, int]:
            return {str(name): int(count) for name, count in connection.execute(query)}  # type: ignore[call-overload]

        by_grade = dict(connection.execute(select(i.grade, func.count()).group_by(i.grade)).tuples().all())
        undecided = connection.execute(select(func.count()).where(i.grade == 2, i.review == "open")).scalar_one()
        pending = connection.execute(select(func.count()).where(entries.c.state == "pending")).scalar_one()
        panel = (
            select(
                func.count().label("listed"),
                func.coalesce(func.sum(case((p.failures > 0, 1), else_=0)), 0).label("failing"),
                func.coalesce(func.sum(case((p.last_ok >= since, 1), else_=0)), 0).label("seen"),
            )
            .select_from(sources.outerjoin(poll_states, p.source_id == s.id))
            .where(s.listed, s.state != "dead")
        )
        listed = connection.execute(panel).one()
        good = func.max(case((r.status.in_(("done", "incomplete")), r.started_at)))
        times = connection.execute(
            select(r.kind, func.max(r.started_at).label("begun"), good.label("good")).group_by(r.kind)
        ).all()
        running = counted(select(r.kind, func.count()).where(r.status == "running").group_by(r.kind))
        wrong = counted(select(alarms.c.kind, func.count()).where(alarms.c.closed_at.is_(None)).group_by(alarms.c.kind))
        mails = counted(select(outbox.c.state, func.count()).group_by(outbox.c.state))
    return Gauges(
        items={word: int(by_grade.get(grade, 0)) for grade, word in GRADES.items()},
        undecided=int(undecided),
        pending=int(pending),
        sources=int(listed.listed),
        failing=int(listed.failing),
        seen=int(listed.seen),
        last_begun={row.kind: row.begun for row in times if row.begun},
        last_good={row.kind: row.good for row in times if row.good},
        running=running,
        alarms=wrong,
        mails=mails,
    )
