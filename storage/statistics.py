"""Counts over many items and verdicts: rules at work, pictures, agreement, speed; single lists are in ``queues``.

What must read every verdict is kept as a summary (table ``facts``) with the time it was made, and made again when it is old: the
page that shows it takes as long with a million items as with a thousand.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import Connection, case, func, select

from domain.errors import StoreError
from storage.schema.items import flaggings, item_terms, items
from storage.schema.review import current_verdicts, verdicts
from storage.schema.watching import facts, sources
from storage.store import Store

FRESH = timedelta(seconds=20)  # a summary this young is shown as it is …
CHEAP = 0.15  # … an older one is made at once if making it took no longer than this (seconds), else beside the page
SUMMARY = "desk.summary"
DECISIONS = ("relevant", "not-relevant", "unsure")


def known_values(store: Store, kind: str, *, limit: int = 200) -> list[str]:
    """The values a kind of term has, found by jumping along the index from one to the next: a DISTINCT would read all rows."""
    found: list[str] = []
    with store.read() as connection:
        after = ""
        while len(found) < limit:
            query = select(func.min(item_terms.c.value)).where(item_terms.c.kind == kind, item_terms.c.value > after)
            value = connection.execute(query).scalar()
            if value is None:
                break
            found.append(value)
            after = value
    return found


def speed_today(store: Store, reviewer: str, *, since: datetime) -> tuple[int, float | None]:
    """How many the reviewer decided since then, and the median of the seconds a decision took, however many items it was about."""
    query = (
        select(verdicts.c.batch, verdicts.c.seconds)
        .where(verdicts.c.reviewer == reviewer, verdicts.c.at >= since, verdicts.c.act == "decide")
        .limit(2_000)
    )
    with store.read() as connection:
        spent = connection.execute(query).all()
    told = {row.batch: row.seconds for row in spent if row.seconds is not None}
    return len(spent), median(told.values()) if told else None


@dataclass(frozen=True, slots=True)
class Tally:
    """What one rule (or one signal of a rule, ``rule/signal``) flagged and what people said of it; alone: without any other's help."""

    name: str
    flagged: int
    relevant: int
    not_relevant: int
    undecided: int
    alone: int
    alone_relevant: int
    alone_not_relevant: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts as of a moment, which is a little ago where there is very much to count."""

    at: datetime
    rules: tuple[Tally, ...]
    signals: tuple[Tally, ...]
    agreement: tuple[tuple[int, int, int, int], ...]  # (said relevant, said not, said unsure, how many items of that kind)
    disputed: int


_AT_WORK = threading.Lock()


def summary(store: Store, *, now: datetime) -> Summary:
    """The summary of all flags and verdicts. Nothing changed since it was made: as it is. Else made again, at once while that is quick."""
    mark, held = _held_summary(store)
    if held is not None and held["mark"] == mark:
        return _read_summary(held)
    if held is None or held["cost"] <= CHEAP:
        return _read_summary(make_summary(store, now=now))
    if now - datetime.fromisoformat(held["at"]) > FRESH and _AT_WORK.acquire(blocking=False):
        threading.Thread(target=_make_beside, args=(store, now), name="summary", daemon=True).start()
    return _read_summary(held)


def make_summary(store: Store, *, now: datetime) -> dict[str, Any]:
    """Count everything anew and keep it; returns what was kept."""
    begun = time.perf_counter()
    mark, _ = _held_summary(store)
    with store.read() as connection:
        made: dict[str, Any] = {
            "mark": mark, "at": now.isoformat(), "rules": _tallies(connection, "rule"), "signals": _tallies(connection, "signal"),
            "agreement": _value_counts(connection),
            "disputed": connection.execute(select(func.count()).select_from(items).where(items.c.review == "disputed")).scalar_one(),
        }  # fmt: skip
    made["cost"] = round(time.perf_counter() - begun, 3)
    with suppress(StoreError), store.begin() as connection:  # a database held by a long run: the next look makes it again
        row = store.insert(facts).values(name=SUMMARY, value=made, at=now)
        connection.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": made, "at": now}))
    return made


def days_of(store: Store, kind: str, *, since: datetime, grade: int = 2) -> dict[str, list[datetime]]:
    """For every value of a kind of term, the moments of its items since then; at most 50,000 a value."""
    found: dict[str, list[datetime]] = {}
    t = item_terms.c
    for value in known_values(store, kind):
        query = select(t.moment).where(t.kind == kind, t.value == value, t.grade == grade, t.moment >= since).limit(50_000)
        with store.read() as connection:
            moments = list(connection.execute(query).scalars())
        if moments:
            found[value] = moments
    return found


def counts_of(store: Store, kind: str, *, since: datetime, grade: int = 2) -> dict[str, int]:
    """For every value of a kind of term, how many items since then."""
    t = item_terms.c
    found: dict[str, int] = {}
    for value in known_values(store, kind):
        query = select(func.count()).select_from(item_terms)
        query = query.where(t.kind == kind, t.value == value, t.grade == grade, t.moment >= since)
        with store.read() as connection:
            count = connection.execute(query).scalar_one()
        if count:
            found[value] = count
    return found


def outlets_by(store: Store, *, since: datetime) -> dict[tuple[str, str], int]:
    """Flagged items since then by (ownership of the outlet, language)."""
    query = (
        select(sources.c.ownership, items.c.language, func.count())
        .join(sources, sources.c.id == items.c.source_id)
        .where(items.c.grade == 2, items.c.moment >= since)
        .group_by(sources.c.ownership, items.c.language)
    )
    with store.read() as connection:
        return {(ownership or "", language): count for ownership, language, count in connection.execute(query)}


def judged_moments(store: Store, *, since: datetime) -> dict[str, list[datetime]]:
    """The moments of flagged items since then that were judged, by what was said; at most 50,000 each."""
    found = {}
    for review in ("relevant", "not-relevant"):
        query = select(items.c.moment).where(items.c.grade == 2, items.c.review == review, items.c.moment >= since).limit(50_000)
        with store.read() as connection:
            found[review] = list(connection.execute(query).scalars())
    return found


def _held_summary(store: Store) -> tuple[str, dict[str, Any] | None]:
    with store.read() as connection:
        highest = [
            connection.execute(select(func.max(column))).scalar() or 0 for column in (verdicts.c.id, items.c.id, flaggings.c.id)
        ]
        held = connection.execute(select(facts.c.value).where(facts.c.name == SUMMARY)).scalar()
    return ".".join(str(one) for one in highest), held


def _make_beside(store: Store, now: datetime) -> None:
    try:
        with suppress(StoreError):
            make_summary(store, now=now)
    finally:
        _AT_WORK.release()


def _tallies(connection: Connection, kind: str) -> list[list[Any]]:
    rows: dict[str, list[Any]] = {}
    t = item_terms.c
    base = select(t.value, items.c.review, func.count()).join(items, items.c.id == t.item_id).where(t.grade == 2)
    for which, query in (("all", base.where(t.kind == kind)), ("alone", base.where(t.kind == "alone"))):
        for value, review, count in connection.execute(query.group_by(t.value, items.c.review)):
            if which == "alone" and ("/" in value) is not (kind == "signal"):
                continue
            row = rows.setdefault(value, [value, 0, 0, 0, 0, 0, 0, 0])
            if which == "all":
                row[1] += count
                row[2 if review == "relevant" else 3 if review == "not-relevant" else 4] += count
            else:
                row[5] += count
                row[6] += count if review == "relevant" else 0
                row[7] += count if review == "not-relevant" else 0
    return sorted(rows.values(), key=lambda row: (-row[1], row[0]))


def _value_counts(connection: Connection) -> list[list[int]]:
    """Of items that at least two people judged without knowing of each other: how often each mix of words was said."""
    v = current_verdicts.c
    said = {name: func.sum(case((v.decision == name, 1), else_=0)).label(name.replace("-", "_")) for name in DECISIONS}
    by_item = select(*said.values()).where(v.blind.is_(True)).group_by(v.item_id).having(func.count() >= 2).subquery()
    query = select(*by_item.c, func.count()).group_by(*by_item.c)
    return [[int(value) for value in row] for row in connection.execute(query)]


def _read_summary(held: dict[str, Any]) -> Summary:
    return Summary(
        datetime.fromisoformat(held["at"]), tuple(Tally(*row) for row in held["rules"]), tuple(Tally(*row) for row in held["signals"]),
        tuple((row[0], row[1], row[2], row[3]) for row in held["agreement"]), held["disputed"],
    )  # fmt: skip
