"""What is remembered of the entries of each source's last feed: bytes that ``extractors.pieces`` packs and reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select

from storage.schema.feeds import feed_pieces as feed_pieces_table
from storage.store import MANY, Store, in_batches


def feed_pieces(store: Store, source_ids: Sequence[str]) -> list[bytes]:
    """What was remembered of the last feed of each of these sources, b"" where nothing was."""
    f = feed_pieces_table.c
    found: dict[str, bytes] = {}
    with store.read() as connection:
        for batch in in_batches(list(source_ids), MANY):
            found.update(
                (row.source_id, bytes(row.pieces))
                for row in connection.execute(select(f.source_id, f.pieces).where(f.source_id.in_(batch)))
            )
    return [found.get(source_id, b"") for source_id in source_ids]


def write_feed_pieces(store: Store, connection: Connection, pieces: Mapping[str, bytes]) -> None:
    """Remember this of the feeds of these sources, in the transaction that keeps their entries."""
    if not pieces:
        return
    new = store.insert(feed_pieces_table)
    statement = new.on_conflict_do_update(index_elements=["source_id"], set_={"pieces": new.excluded.pieces})
    for batch in in_batches([{"source_id": source_id, "pieces": packed} for source_id, packed in pieces.items()]):
        connection.execute(statement, batch)
