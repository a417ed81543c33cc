"""Tables of what was received and of the proof that it was not altered since: blobs, captures, the chain, rechecks."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, UniqueConstraint

from storage.schema.types import Id, Json, Moment, Words, metadata, partial

blobs = Table(
    "blobs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("sha256", String(64), nullable=False, unique=True),  # of the bytes before compression
    Column("size", Id, nullable=False),
    Column("data", LargeBinary, nullable=False),  # see storage.packing
)

captures = Table(
    "captures",
    metadata,
    Column("id", Id, primary_key=True),
    Column("run_id", Id, ForeignKey("runs.id"), nullable=False),
    Column("url_asked", Words, nullable=False),
    Column("url_answered", Words, nullable=False),
    Column("fetched_at", Moment, nullable=False),
    Column("status", Integer, nullable=False),
    Column("media_type", Words, nullable=False),
    Column("headers", Json, nullable=False),
    Column("request_headers", Json, nullable=False),
    Column("redirects", Json, nullable=False),
    Column("server_address", String(100), nullable=False),
    Column("certificate", String(64), nullable=False),
    Column("sha256", String(64), nullable=False),
    # NULL once retention has dropped the bytes; the hash and all else stay.
    Column("blob_id", Id, ForeignKey("blobs.id")),
    Index("ix_captures_fetched_at", "fetched_at"),
    Index("ix_captures_blob_id", "blob_id"),
    Index("ix_captures_sha256", "sha256"),
    sqlite_autoincrement=True,
)

# One chain over everything that must be provable later: seq has no gaps; for the links see storage/chain.py.
chain = Table(
    "chain",
    metadata,
    Column("seq", Id, primary_key=True, autoincrement=False),
    Column("subject", String(20), nullable=False),  # capture, version, verdict, …
    Column("subject_id", Id, nullable=False),
    Column("digest", String(64), nullable=False),  # of the record itself
    Column("link", String(64), nullable=False),
    UniqueConstraint("subject", "subject_id"),
)

timestamps = Table(
    "timestamps",
    metadata,
    Column("id", Id, primary_key=True),
    Column("seq", Id, nullable=False),
    Column("link", String(64), nullable=False),
    Column("authority", Words, nullable=False),
    Column("token", LargeBinary, nullable=False),  # RFC 3161, DER
    Column("at", Moment, nullable=False),
    Index("ix_timestamps_seq", "seq"),
)

warc_files = Table(
    "warc_files",
    metadata,
    Column("id", Id, primary_key=True),
    Column("path", Words, nullable=False, unique=True),
    Column("first_capture", Id, nullable=False),
    Column("last_capture", Id, nullable=False),
    Column("records", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("written_at", Moment, nullable=False),
)

rechecks = Table(
    "rechecks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("item_id", Id, ForeignKey("items.id", ondelete="CASCADE"), nullable=False),
    Column("label", String(20), nullable=False),  # 1h, 24h, 7d
    Column("due", Moment, nullable=False),
    Column("state", String(20), nullable=False),  # waiting, same, changed, gone, failed
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("done_at", Moment),
    Column("capture_id", Id, ForeignKey("captures.id")),
    Column("version_id", Id, ForeignKey("item_versions.id", ondelete="SET NULL")),
    Column("reason", Words, nullable=False, server_default=""),
    Column("run_id", Id, ForeignKey("runs.id")),
    UniqueConstraint("item_id", "label"),
    partial("ix_rechecks_waiting", "due", where="state = 'waiting'"),
    Index("ix_rechecks_done_at", "done_at"),
)
