"""What is remembered of the entries of each source's last feed: bytes that ``extractors.pieces`` packs and reads."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select

from storage.schema.feeds import feed_pieces as feed_pieces_table
from storage.store import Store, in_batches


def feed_pieces(store: Store, source_id: str) -> bytes:
    """What was remembered of a source's last feed, b"" where nothing was."""
    query = select(feed_pieces_table.c.pieces).where(feed_pieces_table.c.source_id == source_id)
    with store.read() as connection:
        return bytes(connection.execute(query).scalar() or b"")


def write_feed_pieces(store: Store, connection: Connection, pieces: Mapping[str, bytes]) -> None:
    """Remember this of the feeds of these sources, in the transaction that keeps their entries."""
    if not pieces:
        return
    new = store.insert(feed_pieces_table)
    statement = new.on_conflict_do_update(index_elements=["source_id"], set_={"pieces": new.excluded.pieces})
    for batch in in_batches([{"source_id": source_id, "pieces": packed} for source_id, packed in pieces.items()]):
        connection.execute(statement, batch)
