"""Keep the full-text index beside the items; asking it is in ``storage.search``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, text

from storage.store import Store, in_batches
from storage.words import folded, indexed

# Signs of a text that are indexed: PostgreSQL refuses more than a megabyte of words in one row.
LONGEST = 300_000

SQLITE_DELETE = text("INSERT INTO item_search (item_search, rowid, title, text) VALUES ('delete', :id, :title, :text)")
SQLITE_INSERT = text("INSERT INTO item_search (rowid, title, text) VALUES (:id, :title, :text)")
POSTGRES_UPSERT = text(
    "INSERT INTO item_search (item_id, words) "
    "VALUES (:id, setweight(to_tsvector('simple', :title), 'A') || to_tsvector('simple', :text)) "
    "ON CONFLICT (item_id) DO UPDATE SET words = excluded.words"
)


def row(item_id: int, title: str, body: str) -> dict[str, Any]:
    """An item as the index takes it."""
    return {"id": item_id, "title": title[:LONGEST], "text": body[:LONGEST]}


def replace_in_index(
    store: Store, connection: Connection, before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]
) -> None:
    """Take the rows ``before`` (exactly as they were put in) out of the index and put ``after`` in."""
    if store.dialect == "postgresql":
        for batch in in_batches([_said(row, indexed) for row in after]):
            connection.execute(POSTGRES_UPSERT, batch)
        return
    # The index keeps no text of its own (it would be the size of the texts again), so what leaves it must be said word for word.
    # Its tokeniser parts words once more, whatever it is given: they need not be parted for it.
    for batch in in_batches([_said(row, folded) for row in before]):
        connection.execute(SQLITE_DELETE, batch)
    for batch in in_batches([_said(row, folded) for row in after]):
        connection.execute(SQLITE_INSERT, batch)


def _said(row: dict[str, Any], say: Callable[[str], str]) -> dict[str, Any]:
    return {"id": row["id"], "title": say(row["title"]), "text": say(row["text"])}
