"""How the turns of entries end: what the queue, the list of an item's outlets and the ledger are told; what became of the item itself
is decided in ``items``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, select, tuple_, update

from domain.values import Outcome, OutcomeKind
from storage.results import NotStored, Result
from storage.runs import outcome_row, write_outcomes
from storage.schema.items import item_sources
from storage.schema.types import short_key
from storage.schema.watching import entries, outcomes
from storage.store import Store, in_batches


@dataclass(frozen=True, slots=True)
class Ended:
    """How one result ended, and what its entry is to be told."""

    result: Result
    outcome: Outcome
    item_id: int | None


def mark_of(result: Result) -> tuple[str, str]:
    """What an ending is entered under: one an entry and run."""
    return result.pending.entry.source_id, short_key(result.pending.entry.key)


def recorded_endings(connection: Connection, run_id: int, batch: Sequence[Result]) -> dict[tuple[str, str], Outcome]:
    """How entries of a batch have ended before in this run."""
    o = outcomes.c
    query = select(o.source_id, o.subject, o.kind, o.url, o.reason, o.flagged, o.item_id).where(
        *_under(run_id, [mark_of(result) for result in batch])
    )
    return {
        (row.source_id, row.subject): Outcome(OutcomeKind(row.kind), row.url, row.reason, row.flagged, row.item_id)
        for row in connection.execute(query)
    }


def _under(run_id: int, marks: Sequence[tuple[str, str]]) -> tuple[ColumnElement[bool], ...]:
    """What is entered for a run under these marks. SQLite finds no pairs in an index: with their sources named it walks through the
    endings of those, and not of the whole run."""
    o = outcomes.c
    sources = sorted({source_id for source_id, _ in marks})
    return o.run_id == run_id, o.source_id.in_(sources), tuple_(o.source_id, o.subject).in_(marks)


def settled_entries(connection: Connection, run_id: int, batch: Sequence[Result]) -> dict[tuple[int, str], int]:
    """The entries of a batch that this run has worked already as they are, with the items they gave."""
    e = entries.c
    query = select(e.id, e.fingerprint, e.item_id).where(
        e.id.in_([result.pending.id for result in batch]), e.run_id == run_id, e.state == "done", e.item_id.is_not(None)
    )
    return {(row.id, row.fingerprint): row.item_id for row in connection.execute(query)}


def write_endings(store: Store, connection: Connection, run_id: int, ended: Sequence[Ended], now: datetime) -> None:
    """Have the entries of a round leave the queue (or wait for their next try), with their outcomes in the ledger of the run."""
    _note_outlets(store, connection, ended, now)
    _settle_entries(connection, run_id, ended, now)
    _enter(store, connection, run_id, ended, now)


def _note_outlets(store: Store, connection: Connection, ended: Sequence[Ended], now: datetime) -> None:
    rows = [
        {
            "item_id": each.item_id,
            "source_id": each.result.pending.entry.source_id,
            "url": each.result.pending.entry.url or each.outcome.url,
            "entry_key": short_key(each.result.pending.entry.key),
            "first_seen": now,
            "capture_id": each.result.pending.capture_id,
        }
        for each in ended
        if each.item_id is not None and not isinstance(each.result, NotStored)
    ]
    for batch in in_batches(rows):
        connection.execute(store.insert(item_sources).on_conflict_do_nothing(), batch)


def _settle_entries(connection: Connection, run_id: int, ended: Sequence[Ended], now: datetime) -> None:
    # The fingerprint must still be the one that was worked: an entry that changed meanwhile stays in the queue.
    same = update(entries).where(entries.c.id == bindparam("b_id"), entries.c.fingerprint == bindparam("b_fingerprint"))
    done = [_entry_row(each, run_id, now) for each in ended]
    # Different columns need different statements: an entry that is done loses its text, one that is retried keeps it.
    for names in sorted({tuple(row) for row in done}):
        connection.execute(same, [row for row in done if tuple(row) == names])


def _entry_row(each: Ended, run_id: int, now: datetime) -> dict[str, Any]:
    pending = each.result.pending
    row: dict[str, Any] = {
        "b_id": pending.id,
        "b_fingerprint": pending.fingerprint,
        "run_id": run_id,
        "reason": each.outcome.reason,
    }
    if isinstance(each.result, NotStored):
        tries = pending.tries + (each.result.kind is OutcomeKind.FAILED)
        if each.result.retry_at is not None:
            return row | {"state": "pending", "tries": tries, "due": each.result.retry_at}
        return row | {"state": "skipped" if each.result.kind is OutcomeKind.SKIPPED else "given-up", "tries": tries}
    if each.item_id is None:
        return row | {"state": "pending", "tries": pending.tries, "due": now}
    # Only a change of an entry that had been read before can turn out to have changed nothing.
    idle = pending.idle + 1 if each.outcome.kind is OutcomeKind.UNCHANGED else 0
    said = "" if each.outcome.kind is OutcomeKind.UNCHANGED else each.outcome.reason
    return row | {
        "state": "done",
        "reason": said,
        "tries": 0,
        "idle": idle,
        "item_id": each.item_id,
        "summary": "",
        "content": "",
    }


def _enter(store: Store, connection: Connection, run_id: int, ended: Sequence[Ended], now: datetime) -> None:
    bettered = [mark_of(each.result) for each in ended if each.outcome.kind is not OutcomeKind.FAILED]
    for batch in in_batches(bettered):
        connection.execute(delete(outcomes).where(outcomes.c.kind == "failed", *_under(run_id, batch)))
    rows = [
        outcome_row(run_id, *mark_of(each.result), each.outcome, now=now, item_id=each.item_id)
        for each in ended
        if each.outcome.kind is not OutcomeKind.UNCHANGED
    ]
    write_outcomes(store, connection, rows)
