"""Prove the evidence chain: that no record was changed, taken out or slipped in since it was written; nothing is mended here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, select
from sqlalchemy.engine import Row

from storage import chain, records
from storage.captures import capture_from
from storage.problems import Problem
from storage.results import text_hash
from storage.runs import ledger_record
from storage.schema.evidence import captures, rechecks
from storage.schema.evidence import chain as links
from storage.schema.items import flaggings, item_versions
from storage.schema.review import verdicts
from storage.schema.watching import runs
from storage.store import Store

# Records read in one go: captures without their bodies, versions with their texts.
STEP = 500


@dataclass(frozen=True, slots=True)
class Subject:
    """A kind of record that is chained: its table, which of its rows, and the bytes its digest is made of."""

    name: str
    table: Table
    written: Callable[[Connection, Row[Any]], str]
    chained: ColumnElement[bool] | None = None


def _row_record(names: tuple[str, ...]) -> Callable[[Connection, Row[Any]], str]:
    return lambda _connection, row: records.record(names, row._mapping)  # noqa: SLF001 - SQLAlchemy's public name


SUBJECTS = (
    Subject("capture", captures, lambda _connection, row: records.capture_record(capture_from(row, b""))),
    Subject("version", item_versions, _row_record(records.VERSION)),
    Subject("flagging", flaggings, _row_record(records.FLAGGING)),
    Subject("verdict", verdicts, _row_record(records.VERDICT)),
    Subject("recheck", rechecks, _row_record(records.RECHECK), rechecks.c.state != "waiting"),
    # A run that crashed closed nothing: what it stored has links of its own.
    Subject("run", runs, lambda connection, row: ledger_record(connection, row.id), runs.c.status.not_in(("running", "crashed"))),
)


def verify_chain(store: Store) -> Iterator[Problem]:
    """Every fault of the chain: gaps, links that do not follow, records altered, taken out or without a link."""
    with store.read() as connection:
        yield from _links(connection)
        yield from _heads(connection)
        for subject in SUBJECTS:
            yield from _records(connection, subject)


def count_records(store: Store) -> int:
    """How many records the chain holds."""
    with store.read() as connection:
        return int(connection.execute(select(func.count()).select_from(links)).scalar_one())


def _links(connection: Connection) -> Iterator[Problem]:
    expected, before = 1, chain.BEGINNING
    for row in connection.execute(select(links).order_by(links.c.seq).execution_options(yield_per=STEP)):
        where = f"link {row.seq}"
        if row.seq != expected:
            yield Problem("chain", where, f"links {expected} to {row.seq - 1} are missing: records were taken out")
        elif row.link != chain.next_link(before, row.seq, row.subject, row.subject_id, row.digest):
            yield Problem(
                "chain", where, f"the link of {row.subject} {row.subject_id} does not follow from the one before: it was altered"
            )
        expected, before = row.seq + 1, row.link


def _heads(connection: Connection) -> Iterator[Problem]:
    """The head each run noted when it ended: whoever cuts off the end of the chain must also change the runs."""
    query = (
        select(runs.c.id, runs.c.chain_seq, runs.c.chain_link, links.c.link)
        .outerjoin(links, links.c.seq == runs.c.chain_seq)
        .where(runs.c.chain_seq.is_not(None))
        .order_by(runs.c.id)
    )
    for row in connection.execute(query):
        if row.link != row.chain_link:
            yield Problem(
                "chain",
                f"run {row.id}",
                f"link {row.chain_seq} is not what it was when the run ended: the chain was cut or rewritten",
            )


def _records(connection: Connection, subject: Subject) -> Iterator[Problem]:
    table = subject.table
    joined = table.outerjoin(links, (links.c.subject == subject.name) & (links.c.subject_id == table.c.id))
    retired = _retired(connection) if table is runs else {}
    query = select(table, links.c.digest.label("link_digest")).select_from(joined).order_by(table.c.id)
    for row in connection.execute(query.execution_options(yield_per=STEP)):
        where = f"{subject.name} {row.id}"
        if row.link_digest is not None:
            if row.id in retired:
                if retired[row.id] != row.link_digest:
                    yield Problem("chain", where, "had been altered before retention dropped its ledger")
            elif records.digest(subject.written(connection, row)) != row.link_digest:
                yield Problem("chain", where, "is not what it was when it was stored: it was altered")
            elif subject.table is item_versions and text_hash(row.title, row.text) != row.sha256:
                yield Problem("chain", where, "is not what it was when it was stored: its title or text was altered")
    unlinked = select(table.c.id).select_from(joined).where(links.c.seq.is_(None)).order_by(table.c.id)
    if subject.chained is not None:
        unlinked = unlinked.where(subject.chained)
    for row in connection.execute(unlinked):
        where = f"{subject.name} {row.id}"
        yield Problem("chain", where, "has no link in the chain: it was slipped in, or its link was taken out")
    lost = select(links.c.seq, links.c.subject_id).outerjoin(table, table.c.id == links.c.subject_id)
    for row in connection.execute(lost.where(links.c.subject == subject.name, table.c.id.is_(None)).order_by(links.c.seq)):
        yield Problem("chain", f"link {row.seq}", f"{subject.name} {row.subject_id} is missing: it was taken out")


def _retired(connection: Connection) -> dict[int, str]:
    """Runs whose ledger retention has dropped, with the digest they had just before."""
    query = select(links.c.subject_id, links.c.digest).where(links.c.subject == "retired")
    return dict(connection.execute(query).tuples().all())
