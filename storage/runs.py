"""Runs and their ledger: who is at work, what each source gave, how each entry ended; what was found lives elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.engine import Row
from sqlalchemy.exc import IntegrityError

from domain.errors import StoreError
from domain.values import Counts, Outcome, OutcomeKind, PollKind, SourceReport
from storage import records
from storage.chain import append
from storage.process import Process, is_gone, this_process
from storage.schema.evidence import chain
from storage.schema.types import short_key
from storage.schema.watching import claims, outcomes, run_sources, runs
from storage.store import Store, in_batches

# Without a sign of life for this long a run on another machine is taken for dead. Runs renew at least every third of it.
LEASE_S = 900.0
# Polls a statement: rows of a few small columns, and every statement has a price of its own.
POLLS = 2_000
COUNTED = tuple(each.name for each in fields(Counts))
HOLDING = ("running", "done", "incomplete")  # statuses that keep a slot taken


class SlotTaken(StoreError):
    """The slot is being worked or was done: a second run of it has nothing to do (not a fault)."""

    def __init__(self, kind: str, slot: str, run_id: int, status: str) -> None:
        how = "under way" if status == "running" else "done"
        super().__init__(f"The {kind} for {slot} is already {how} (run {run_id}); nothing is done twice.")
        self.run_id, self.status = run_id, status


@dataclass(frozen=True, slots=True)
class Run:
    """One run as the ledger has it; ``counts`` is the sum of its sources."""

    id: int
    kind: str
    slot: str | None
    status: str
    reason: str
    parameters: Mapping[str, Any]
    rules_version: str
    host: str
    pid: int
    started_at: datetime
    ended_at: datetime | None
    counts: Counts = field(default_factory=Counts)


@dataclass(frozen=True, slots=True)
class DeadRun:
    """A run found dead by the sweep; its claims are free again, its pending entries are worked by the next run."""

    id: int
    kind: str
    slot: str | None
    started_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run with a line a source; what ``sholu run`` prints at the end."""

    run: Run
    sources: tuple[SourceReport, ...]


def begin_run(
    store: Store,
    *,
    kind: str,
    now: datetime,
    parameters: Mapping[str, Any],
    slot: str | None = None,
    rules_version: str = "",
    lease_s: float = LEASE_S,
) -> int:
    """Enter a run of this process and return its id.

    ``slot`` names what may be done once (a digest's day): raises SlotTaken when a run of the same kind holds it, also for two
    processes in the same instant. A slot whose run failed, crashed or was cancelled is free. Call ``sweep_runs`` before.
    """
    me = this_process()
    row = {
        "kind": kind,
        "slot": slot,
        "status": "running",
        "parameters": dict(parameters),
        "rules_version": rules_version,
        "host": me.host,
        "boot": me.boot,
        "pid": me.pid,
        "process_started": me.started,
        "started_at": now,
        "lease_until": now + timedelta(seconds=lease_s),
    }
    with store.begin() as connection:
        if slot is not None:
            _refuse_taken_slot(connection, kind, slot)
        try:
            with connection.begin_nested():
                return int(connection.execute(runs.insert().values(row).returning(runs.c.id)).scalar_one())
        except IntegrityError:
            # PostgreSQL: the other one entered between our look and our insert.
            if slot is not None:
                _refuse_taken_slot(connection, kind, slot)
            raise


def _refuse_taken_slot(connection: Connection, kind: str, slot: str) -> None:
    held = select(runs.c.id, runs.c.status).where(runs.c.kind == kind, runs.c.slot == slot, runs.c.status.in_(HOLDING))
    found = connection.execute(held).first()
    if found is not None:
        raise SlotTaken(kind, slot, found.id, found.status)


def renew_run(store: Store, run_id: int, *, now: datetime, lease_s: float = LEASE_S) -> None:
    """A sign of life: the run and all it has claimed stay its own until ``now + lease_s`` (seconds)."""
    until = now + timedelta(seconds=lease_s)
    with store.begin() as connection:
        connection.execute(update(runs).where(runs.c.id == run_id, runs.c.status == "running").values(lease_until=until))
        connection.execute(update(claims).where(claims.c.run_id == run_id).values(until=until))


def end_run(store: Store, run_id: int, *, now: datetime, status: str, reason: str = "") -> None:
    """Close a run (``status``: done, incomplete, failed, cancelled), free what it claimed and note the head of the chain.

    The run with its ledger becomes the last link of the chain itself: nothing may be entered for it afterwards.
    """
    with store.begin(ordered=True) as connection:
        open_still = (runs.c.id == run_id, runs.c.status.in_(("running", "crashed")))
        closed = update(runs).where(*open_still).values(status=status, reason=reason, ended_at=now)
        if not connection.execute(closed).rowcount:
            return  # closed before: its record stands in the chain as it was then
        seq, link = append(connection, [("run", run_id, records.digest(ledger_record(connection, run_id)))])
        connection.execute(update(runs).where(runs.c.id == run_id).values(chain_seq=seq, chain_link=link))
        connection.execute(delete(claims).where(claims.c.run_id == run_id))


def status_after(error: BaseException) -> str:
    """The status of a run that this ended: whatever is no Exception (Ctrl-C, a cancelled task, the scheduler's signal, which comes up
    wherever we happen to be) is somebody who wanted it ended.
    """
    return "failed" if isinstance(error, Exception) else "cancelled"


def end_interrupted(store: Store, *, now: datetime, reason: str) -> None:
    """Close every run that stands as running, for a ledger of which no process is left (one restored from a back-up).

    As cancelled, not crashed: nothing died, and nobody is to be alarmed by it.
    """
    with store.read() as connection:
        left = connection.execute(select(runs.c.id).where(runs.c.status == "running").order_by(runs.c.id)).scalars().all()
    for run_id in left:
        end_run(store, run_id, now=now, status="cancelled", reason=reason)


def ledger_record(connection: Connection, run_id: int) -> str:
    """The record of a run and its ledger that stands in the evidence chain (see ``storage.records``)."""
    run = connection.execute(select(runs).where(runs.c.id == run_id)).mappings().one()
    query = select(*(run_sources.c[name] for name in records.SUM)).where(run_sources.c.run_id == run_id)
    sums = [dict(zip(records.SUM, row, strict=True)) for row in connection.execute(query)]
    lines = connection.execute(select(outcomes).where(outcomes.c.run_id == run_id)).mappings()
    return records.run_record(run, sums, lines)


def retire_ledger(connection: Connection, run_id: int) -> None:
    """Say in the chain that retention drops the ledger of a run, before it does: what is missing without that was taken out.

    Within a transaction begun with ``ordered=True``. A run that crashed has no link and needs none.
    """
    linked = select(chain.c.seq).where(chain.c.subject == "run", chain.c.subject_id == run_id)
    if connection.execute(linked).first() is not None:
        append(connection, [("retired", run_id, records.digest(ledger_record(connection, run_id)))])


def sweep_runs(store: Store, *, now: datetime) -> list[DeadRun]:
    """Mark runs ``crashed`` whose process is gone here or whose lease is over elsewhere, and free their claims at once."""
    with store.read() as connection:
        alive = connection.execute(select(runs).where(runs.c.status == "running")).all()
    dead = [DeadRun(row.id, row.kind, row.slot, row.started_at, reason) for row in alive if (reason := _why_dead(row, now))]
    if not dead:
        return []
    with store.begin() as connection:
        for run in dead:
            ended = update(runs).where(runs.c.id == run.id, runs.c.status == "running")
            connection.execute(ended.values(status="crashed", reason=run.reason, ended_at=now))
        connection.execute(delete(claims).where(claims.c.run_id.in_([run.id for run in dead])))
    return dead


def _why_dead(row: Row[Any], now: datetime) -> str:
    gone = is_gone(Process(row.host, row.boot, row.pid, row.process_started))
    if gone:
        return f"its process {row.pid} on {row.host} ended without closing the run"
    # A process seen alive is alive, whatever the clock says: a clock that jumps must not start the same work twice.
    if gone is None and row.lease_until < now:
        return f"no sign of life from {row.host} since its lease ended"
    return ""


def add_reports(store: Store, run_id: int, reports: Sequence[SourceReport], *, now: datetime) -> None:
    """Enter one ledger line a source; said again for the same source, the line is replaced."""
    if reports:
        with store.begin() as connection:
            write_reports(store, connection, run_id, reports, now=now)


def write_reports(store: Store, connection: Connection, run_id: int, reports: Sequence[SourceReport], *, now: datetime) -> None:
    """As ``add_reports``, within the caller's transaction."""
    rows = [
        {
            "run_id": run_id,
            "source_id": report.source_id,
            "kind": report.kind.value,
            "reason": report.reason,
            "rung": report.rung,
            "entries": report.entries,
            "seen": report.counts.seen,
            **{name: getattr(report.counts, name) for name in COUNTED},
            "at": now,
        }
        for report in reports
    ]
    if not rows:
        return
    new = store.insert(run_sources)
    statement = new.on_conflict_do_update(
        index_elements=["run_id", "source_id"],
        set_={name: new.excluded[name] for name in rows[0] if name not in {"run_id", "source_id"}},
    )
    for batch in in_batches(rows, POLLS):
        connection.execute(statement, batch)


def add_outcomes(store: Store, run_id: int, source_id: str, ended: Iterable[tuple[str, Outcome]], *, now: datetime) -> None:
    """Enter how entries ended, as (entry key, Outcome); for those that never reach ``save_results``, which enters its own.

    Unchanged ones are only counted, in the report. An entry that stands again in the same body (a duplicate) gets a line of its
    own beside that of the first. Said again in the same run, the first ending stands.
    """
    times: Counter[str] = Counter()
    rows = []
    for key, outcome in ended:
        if outcome.kind is OutcomeKind.UNCHANGED:
            continue
        times[key] += 1
        # The first of its kind will end by save_results under the bare key: the line of the second must not stand in its place.
        subject = f"{key} #{times[key] + 1}" if outcome.kind is OutcomeKind.DUPLICATE else key
        rows.append(outcome_row(run_id, source_id, subject, outcome, now=now))
    with store.begin() as connection:
        write_outcomes(store, connection, rows)


def outcome_row(
    run_id: int, source_id: str, key: str, outcome: Outcome, *, now: datetime, item_id: int | None = None
) -> dict[str, Any]:
    """One row of the ledger's details."""
    return {
        "run_id": run_id,
        "source_id": source_id,
        "subject": short_key(key),
        "kind": str(outcome.kind),
        "url": outcome.url,
        "reason": outcome.reason,
        "flagged": outcome.flagged,
        "item_id": item_id,
        "at": now,
    }


def write_outcomes(store: Store, connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Insert ledger details within the caller's transaction; an ending already entered stands."""
    for batch in in_batches(rows):
        connection.execute(store.insert(outcomes).on_conflict_do_nothing(), batch)


def run_outcomes(store: Store, run_id: int, source_id: str | None = None) -> list[tuple[str, Outcome]]:
    """The details of a run as (source id, Outcome), all but the unchanged."""
    query = select(outcomes).where(outcomes.c.run_id == run_id).order_by(outcomes.c.source_id, outcomes.c.at, outcomes.c.subject)
    if source_id is not None:
        query = query.where(outcomes.c.source_id == source_id)
    with store.read() as connection:
        return [
            (row.source_id, Outcome(OutcomeKind(row.kind), row.url, row.reason, row.flagged)) for row in connection.execute(query)
        ]


def run_report(store: Store, run_id: int) -> RunReport:
    """A run and its sources, in the order of their ids. Raises StoreError where there is no such run."""
    lines = select(run_sources).where(run_sources.c.run_id == run_id).order_by(run_sources.c.source_id)
    with store.read() as connection:
        found = connection.execute(select(runs).where(runs.c.id == run_id)).first()
        if found is None:
            raise StoreError(f"There is no run {run_id} in {store.address}; `sholu runs` lists them.")
        reports = tuple(_report(row) for row in connection.execute(lines))
    total = Counts()
    for report in reports:
        total = total + report.counts
    return RunReport(_run(found, total), reports)


def list_runs(store: Store, *, kind: str | None = None, limit: int = 50) -> list[Run]:
    """The latest runs, newest first."""
    query = select(runs).order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(limit)
    if kind is not None:
        query = query.where(runs.c.kind == kind)
    with store.read() as connection:
        rows = connection.execute(query).all()
        totals = _totals(connection, [row.id for row in rows])
    return [_run(row, totals.get(row.id, Counts())) for row in rows]


def _totals(connection: Connection, ids: Sequence[int]) -> dict[int, Counts]:
    names = list(asdict(Counts()))
    sums = [func.sum(run_sources.c[name]) for name in names]
    query = select(run_sources.c.run_id, *sums).where(run_sources.c.run_id.in_(ids)).group_by(run_sources.c.run_id)
    return {row[0]: Counts(*(int(value) for value in row[1:])) for row in connection.execute(query)}


def _report(row: Row[Any]) -> SourceReport:
    counts = Counts(**{name: getattr(row, name) for name in asdict(Counts())})
    return SourceReport(row.source_id, PollKind(row.kind), row.reason, row.rung, row.entries, counts)


def _run(row: Row[Any], counts: Counts) -> Run:
    return Run(
        row.id, row.kind, row.slot, row.status, row.reason, row.parameters, row.rules_version, row.host, row.pid,
        row.started_at, row.ended_at, counts,
    )  # fmt: skip
