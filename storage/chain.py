"""The evidence chain: one line of hashes over all that must be provable, so that a changed, missing or added record shows.

``link(n) = sha256(link(n-1) + LF + "seq subject subject_id digest")`` in hex, ``link(0)`` is 64 zeros, ``seq`` counts from 1
without gaps. Subjects are captures, versions, flaggings, verdicts, rechecks and closed runs with their ledger; what a digest is
made of is in ``storage.records``. Checking the chain is in ``storage.chain_check``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import Connection, select

from domain.values import Capture
from storage import records
from storage.rows import insert_rows
from storage.schema.evidence import chain

BEGINNING = "0" * 64


def next_link(before: str, seq: int, subject: str, subject_id: int, digest: str) -> str:
    """The link after ``before``; anyone can compute it with sha256sum."""
    return hashlib.sha256(f"{before}\n{seq} {subject} {subject_id} {digest}".encode()).hexdigest()


def capture_digest(capture: Capture) -> str:
    """SHA-256 over all that is kept of a capture; the body stands in it by its hash."""
    return records.digest(records.capture_record(capture))


def append(connection: Connection, added: Sequence[tuple[str, int, str]]) -> tuple[int, str]:
    """Add (subject, id, digest) of records within a transaction begun with ``ordered=True``: two writers would fork the chain.

    Returns the new head: its number and its link.
    """
    head = connection.execute(select(chain.c.seq, chain.c.link).order_by(chain.c.seq.desc()).limit(1)).first()
    seq, link = (head.seq, head.link) if head else (0, BEGINNING)
    rows = []
    for subject, subject_id, digest in added:
        seq += 1
        link = next_link(link, seq, subject, subject_id, digest)
        rows.append((seq, subject, subject_id, digest, link))
    insert_rows(connection, chain, rows)
    return seq, link
