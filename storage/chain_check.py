"""Prove the evidence chain: that no record was changed, taken out or slipped in since it was written; nothing is mended here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Select, select
from sqlalchemy.engine import Row

from storage import chain
from storage.captures import capture_from
from storage.problems import Problem
from storage.results import text_hash
from storage.schema.evidence import captures
from storage.schema.evidence import chain as links
from storage.schema.items import item_versions
from storage.schema.watching import runs
from storage.store import Store

# Records read in one go: captures without their bodies, versions with their texts.
STEP = 500


def verify_chain(store: Store) -> Iterator[Problem]:
    """Every fault of the chain: gaps, links that do not follow, records altered, taken out or without a link."""
    with store.read() as connection:
        yield from _links(connection)
        yield from _heads(connection)
        yield from _records(connection, "capture", _capture_query(), _capture_digest)
        yield from _records(connection, "version", _version_query(), _version_digest)


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


def _records(connection: Connection, subject: str, query: Select[Any], digest_of: Any) -> Iterator[Problem]:
    for row in connection.execute(query.execution_options(yield_per=STEP)):
        where = f"{subject} {row.id}"
        if row.link_digest is None:
            yield Problem("chain", where, "has no link in the chain: it was slipped in, or its link was taken out")
        elif digest_of(row) != row.link_digest:
            yield Problem("chain", where, "is not what it was when it was stored: it was altered")
    table = captures if subject == "capture" else item_versions
    lost = select(links.c.seq, links.c.subject_id).outerjoin(table, table.c.id == links.c.subject_id)
    for row in connection.execute(lost.where(links.c.subject == subject, table.c.id.is_(None)).order_by(links.c.seq)):
        yield Problem("chain", f"link {row.seq}", f"{subject} {row.subject_id} is missing: it was taken out")


def _capture_query() -> Select[Any]:
    joined = captures.outerjoin(links, (links.c.subject == "capture") & (links.c.subject_id == captures.c.id))
    return select(captures, links.c.digest.label("link_digest")).select_from(joined).order_by(captures.c.id)


def _capture_digest(row: Row[Any]) -> str:
    return chain.capture_digest(capture_from(row, b""))


def _version_query() -> Select[Any]:
    v = item_versions
    joined = v.outerjoin(links, (links.c.subject == "version") & (links.c.subject_id == v.c.id))
    return select(v.c.id, v.c.title, v.c.text, links.c.digest.label("link_digest")).select_from(joined).order_by(v.c.id)


def _version_digest(row: Row[Any]) -> str:
    return text_hash(row.title, row.text)
