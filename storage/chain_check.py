"""Prove the evidence chain: that no record was changed, taken out or slipped in since it was written; nothing is mended here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, Table, func, select
from sqlalchemy.engine import Row
from sqlalchemy.exc import SQLAlchemyError

from storage import chain, records
from storage.captures import capture_from
from storage.problems import Problem
from storage.results import text_hash
from storage.runs import ledger_record
from storage.schema.evidence import blobs, captures, rechecks
from storage.schema.evidence import chain as links
from storage.schema.items import flaggings, item_versions
from storage.schema.review import verdicts
from storage.schema.watching import runs
from storage.store import Store

# Records read in one go: captures without their bodies, versions with their texts.
STEP = 500
# What a row raises when a byte of it was flipped: no number, no JSON, no UTF-8, another type.
UNREADABLE = (SQLAlchemyError, ValueError, TypeError, KeyError, AttributeError)


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
        yield from _bytes(connection)
        for subject in SUBJECTS:
            yield from _records(connection, subject)


def count_records(store: Store) -> int:
    """How many records the chain holds."""
    with store.read() as connection:
        return int(connection.execute(select(func.count()).select_from(links)).scalar_one())


def readable(connection: Connection, query: Select[Any], key: Column[Any], what: str) -> Iterator[Row[Any] | Problem]:
    """The rows of a query in the order of ``key``; one that cannot be read (a byte flipped within it) is a Problem of its own."""
    after = -(2**62)  # a record slipped in may have any number
    ordered = query.order_by(key)
    while True:
        ids = list(connection.execute(select(key).where(key > after).order_by(key).limit(STEP)).scalars())
        if not ids:
            return
        within = ordered.where(key > after, key <= ids[-1])
        try:
            rows = connection.execute(within).all()
        except UNREADABLE:
            for one in ids:
                try:
                    yield from connection.execute(query.where(key == one)).all()
                except UNREADABLE as error:
                    yield Problem("chain", f"{what} {one}", f"cannot be read, so it was altered ({_why(error)})")
        else:
            yield from rows
        after = ids[-1]


def _why(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0][:120]


def _links(connection: Connection) -> Iterator[Problem]:
    expected, before = 1, chain.BEGINNING
    for row in readable(connection, select(links), links.c.seq, "link"):
        if isinstance(row, Problem):
            yield row
            continue
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


def _bytes(connection: Connection) -> Iterator[Problem]:
    """Bodies that are not there although retention did not drop them, and bodies that nobody received."""
    c, dropped = captures.c, links.alias("dropped")
    gone = captures.outerjoin(dropped, (dropped.c.subject == "dropped") & (dropped.c.subject_id == c.id))
    for row in connection.execute(
        select(c.id).select_from(gone).where(c.blob_id.is_(None), dropped.c.seq.is_(None)).order_by(c.id)
    ):
        yield Problem(
            "chain", f"capture {row.id}", "its bytes are missing, and retention has not dropped them: they were taken out"
        )
    nobody = select(blobs.c.id).outerjoin(captures, c.blob_id == blobs.c.id).where(c.id.is_(None)).order_by(blobs.c.id)
    for row in connection.execute(nobody):
        yield Problem("chain", f"body {row.id}", "belongs to no capture: it was slipped in, or its capture was taken out")


def _records(connection: Connection, subject: Subject) -> Iterator[Problem]:
    table = subject.table
    joined = table.outerjoin(links, (links.c.subject == subject.name) & (links.c.subject_id == table.c.id))
    retired = _retired(connection) if table is runs else {}
    query = select(table, links.c.digest.label("link_digest")).select_from(joined).where(links.c.seq.is_not(None))
    for row in readable(connection, query, table.c.id, subject.name):
        yield from [row] if isinstance(row, Problem) else _altered(connection, subject, row, retired.get(row.id))
    unlinked = select(table.c.id).select_from(joined).where(links.c.seq.is_(None)).order_by(table.c.id)
    if subject.chained is not None:
        unlinked = unlinked.where(subject.chained)
    for row in connection.execute(unlinked):
        where = f"{subject.name} {row.id}"
        yield Problem("chain", where, "has no link in the chain: it was slipped in, or its link was taken out")
    lost = select(links.c.seq, links.c.subject_id).outerjoin(table, table.c.id == links.c.subject_id)
    for row in connection.execute(lost.where(links.c.subject == subject.name, table.c.id.is_(None)).order_by(links.c.seq)):
        yield Problem("chain", f"link {row.seq}", f"{subject.name} {row.subject_id} is missing: it was taken out")


def _altered(connection: Connection, subject: Subject, row: Row[Any], retired: str | None) -> Iterator[Problem]:
    where = f"{subject.name} {row.id}"
    try:
        digest = records.digest(subject.written(connection, row)) if retired is None else retired
        if digest != row.link_digest:
            late = "" if retired is None else ", before retention dropped its ledger"
            yield Problem("chain", where, f"is not what it was when it was stored: it was altered{late}")
        elif subject.table is item_versions and text_hash(row.title, row.text) != row.sha256:
            yield Problem("chain", where, "is not what it was when it was stored: its title or text was altered")
    except UNREADABLE as error:
        yield Problem("chain", where, f"cannot be read, so it was altered ({_why(error)})")


def _retired(connection: Connection) -> dict[int, str]:
    """Runs whose ledger retention has dropped, with the digest they had just before."""
    query = select(links.c.subject_id, links.c.digest).where(links.c.subject == "retired")
    return dict(connection.execute(query).tuples().all())
