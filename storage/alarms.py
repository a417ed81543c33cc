"""Alarms: what is wrong with the service itself, opened once and closed once; who is told, and how, is in ``flows/alarms.py``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.engine import Row

from storage.schema.digest import alarms, digests, outbox, recipients
from storage.schema.watching import runs
from storage.store import Store

ENDED = ("done", "incomplete", "failed", "crashed")
"""How a run can end that says something of the service; one that a person cancelled says nothing."""
UNSENT = ("queued", "sending", "given-up")
"""States of a mail that has not gone out; a refused address is the digest's own news, not the service's."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something found wrong: ``kind`` and ``subject`` say which alarm it is, ``reason`` is the sentence for a person."""

    kind: str
    subject: str
    reason: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm as it stands; ``closed_at`` None while it lasts. ``told`` are the phases ("opened", "over") that were mailed."""

    id: int
    kind: str
    subject: str
    reason: str
    opened_at: datetime
    last_seen: datetime
    closed_at: datetime | None
    detail: Mapping[str, Any]

    @property
    def told(self) -> frozenset[str]:
        return frozenset(self.detail.get("told", ()))


@dataclass(frozen=True, slots=True)
class LastRun:
    """How the latest run of a kind went, as far as an alarm needs it; ``good_at``: when the last one that ended well began."""

    kind: str
    run_id: int
    status: str
    reason: str
    started_at: datetime
    good_at: datetime | None
    first_at: datetime


@dataclass(frozen=True, slots=True)
class Owed:
    """A recipient's rhythm: the digest is due every day at ``hour`` of ``time_zone``."""

    recipient_id: int
    address: str
    hour: int
    time_zone: str
    added_at: datetime


def settle_alarms(
    store: Store, found: Sequence[Trouble], kinds: Collection[str], *, now: datetime
) -> tuple[list[Alarm], list[Alarm]]:
    """Open an alarm for each new trouble and close those of these ``kinds`` that are over; returns (opened, closed).

    In one transaction and under a unique key, so that two watchdogs at once open an alarm once.
    """
    a = alarms.c
    troubles = {(each.kind, each.subject[:200]): each for each in found}
    opened, closed = [], []
    with store.begin(ordered=True) as connection:
        standing = {(row.kind, row.subject): row for row in connection.execute(select(alarms).where(a.closed_at.is_(None)))}
        for mark, trouble in troubles.items():
            row = standing.get(mark)
            if row is not None:
                detail = {**row.detail, **trouble.detail}
                connection.execute(
                    update(alarms).where(a.id == row.id).values(last_seen=now, reason=trouble.reason, detail=detail)
                )
                continue
            values = {
                "kind": mark[0],
                "subject": mark[1],
                "opened_at": now,
                "last_seen": now,
                "reason": trouble.reason,
                "detail": dict(trouble.detail),
            }
            made = connection.execute(alarms.insert().values(values).returning(alarms)).one()
            opened.append(_alarm(made))
        for mark, row in standing.items():
            if row.kind in kinds and mark not in troubles:
                over = connection.execute(update(alarms).where(a.id == row.id).values(closed_at=now).returning(alarms)).one()
                closed.append(_alarm(over))
    return opened, closed


def open_alarms(store: Store) -> list[Alarm]:
    """What is wrong right now, the latest first."""
    with store.read() as connection:
        query = select(alarms).where(alarms.c.closed_at.is_(None)).order_by(alarms.c.opened_at.desc(), alarms.c.id.desc())
        return [_alarm(row) for row in connection.execute(query)]


def list_alarms(store: Store, *, limit: int = 100) -> list[Alarm]:
    """The latest alarms, open or over, newest first."""
    with store.read() as connection:
        return [_alarm(row) for row in connection.execute(select(alarms).order_by(alarms.c.id.desc()).limit(limit))]


def untold_alarms(store: Store, *, since: datetime) -> list[tuple[Alarm, str]]:
    """Alarms of which a mail is still to go out, with the phase it tells of; those from before ``since`` are let go.

    An alarm that was over before its first mail could be sent is told once, as over.
    """
    a = alarms.c
    query = select(alarms).where(or_(a.closed_at.is_(None), a.closed_at >= since)).order_by(a.id)
    with store.read() as connection:
        known = [_alarm(row) for row in connection.execute(query)]
    phases = [(alarm, "over" if alarm.closed_at else "opened") for alarm in known]
    return [(alarm, phase) for alarm, phase in phases if phase not in alarm.told]


def note_told(store: Store, alarm_id: int, phase: str) -> None:
    """A mail about this phase of the alarm has gone out."""
    a = alarms.c
    with store.begin() as connection:
        detail = connection.execute(select(a.detail).where(a.id == alarm_id)).scalar_one()
        told = sorted({*detail.get("told", ()), phase})
        connection.execute(update(alarms).where(a.id == alarm_id).values(detail={**detail, "told": told}))


def last_runs(store: Store) -> dict[str, LastRun]:
    """The latest whole run of each kind: dry runs and runs of single sources say nothing of the service and are left out."""
    r = runs.c
    found: dict[str, LastRun] = {}
    with store.read() as connection:
        for kind in connection.execute(select(r.kind).distinct()).scalars().all():
            first = connection.execute(select(func.min(r.started_at)).where(r.kind == kind)).scalar_one()
            good = connection.execute(
                select(func.max(r.started_at)).where(r.kind == kind, r.status.in_(("done", "incomplete")))
            ).scalar_one()
            query = select(runs).where(r.kind == kind, r.status.in_(ENDED)).order_by(r.started_at.desc(), r.id.desc()).limit(50)
            row = next((row for row in connection.execute(query) if _is_whole(row.parameters)), None)
            under_way = connection.execute(select(func.max(r.started_at)).where(r.kind == kind, r.status == "running")).scalar()
            if row is None:
                continue
            started = max(row.started_at, under_way) if under_way else row.started_at
            found[kind] = LastRun(kind, row.id, row.status, row.reason, started, good, first)
    return found


def _is_whole(parameters: Mapping[str, Any]) -> bool:
    return not parameters.get("sources") and not parameters.get("dry_run")


def digest_debts(store: Store) -> list[Owed]:
    """Every active recipient's rhythm, for telling whether a digest of theirs is late."""
    r = recipients.c
    with store.read() as connection:
        rows = connection.execute(select(r.id, r.address, r.hour, r.time_zone, r.added_at).where(r.active).order_by(r.id)).all()
    return [Owed(row.id, row.address, row.hour, row.time_zone, row.added_at) for row in rows]


def composed_slots(store: Store, slots: Collection[str]) -> set[str]:
    """Which of these digests were composed (``storage.digests.slot_of``)."""
    with store.read() as connection:
        return set(connection.execute(select(digests.c.slot).where(digests.c.slot.in_(sorted(slots)))).scalars())


def unsent_digests(store: Store, *, before: datetime, since: datetime) -> list[tuple[str, str, str]]:
    """Digests put into the outbox in between that have not gone out, as (address, slot, the server's last words)."""
    o = outbox.c
    query = select(o.address, o.slot, o.answer).where(
        o.kind == "digest", o.state.in_(UNSENT), o.queued_at < before, o.queued_at >= since
    )
    with store.read() as connection:
        return [(row.address, row.slot, row.answer) for row in connection.execute(query.order_by(o.id))]


def _alarm(row: Row[Any]) -> Alarm:
    return Alarm(row.id, row.kind, row.subject, row.reason, row.opened_at, row.last_seen, row.closed_at, row.detail)
