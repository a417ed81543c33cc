"""The table of what is remembered of each source's last feed, apart from its poll state: it is read only where a feed has changed."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, LargeBinary, String, Table

from storage.schema.types import metadata

feed_pieces = Table(
    "feed_pieces",
    metadata,
    Column("source_id", String(200), ForeignKey("sources.id", ondelete="CASCADE"), primary_key=True),
    Column("pieces", LargeBinary, nullable=False),  # packed by extractors.pieces: 32 bytes an entry
)
