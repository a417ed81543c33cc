"""Tables of the desk: people, their sessions, what they decided, tags, blind samples and the audit log."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from storage.schema.types import Id, Json, Moment, Words, metadata

users = Table(
    "users",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("display_name", Words, nullable=False),
    Column("password_hash", Words, nullable=False),  # argon2; "" for one known by a proxy's header only
    Column("role", String(20), nullable=False),  # reader, reviewer, admin
    Column("language", String(10), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("last_login", Moment),
    Column("settings", Json, nullable=False),
    sqlite_autoincrement=True,
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_sha256", String(64), primary_key=True),  # the token itself is only in the browser
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("last_seen", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("address", String(100), nullable=False),
    Index("ix_sessions_user_id", "user_id"),
    Index("ix_sessions_until", "until"),
)

login_failures = Table(
    "login_failures",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("address", String(100), nullable=False),
    Column("at", Moment, nullable=False),
    Index("ix_login_failures_name_at", "name", "at"),
    Index("ix_login_failures_address_at", "address", "at"),
)

# Append-only: an undo is a row of its own that names the row undone.
verdicts = Table(
    "verdicts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("item_id", Id, ForeignKey("items.id"), nullable=False),
    Column("version_id", Id, ForeignKey("item_versions.id"), nullable=False),  # the text that was judged
    Column("flagging_id", Id, ForeignKey("flaggings.id")),  # … and what the rules had said of it
    Column("reviewer", String(200), nullable=False),
    Column("act", String(20), nullable=False),  # decide, undo, settle
    Column("decision", String(20), nullable=False),  # relevant, not-relevant, unsure; "" for an undo
    Column("reason", String(40), nullable=False, server_default=""),
    Column("note", Words, nullable=False, server_default=""),
    Column("undoes", Id, ForeignKey("verdicts.id")),
    Column("blind", Boolean, nullable=False),
    Column("sample_id", Id, ForeignKey("samples.id")),
    Column("seconds", Float),  # how long it was on the screen
    Column("batch", String(40), nullable=False, server_default=""),  # decided together, undone together
    Column("at", Moment, nullable=False),
    Index("ix_verdicts_item_id_reviewer", "item_id", "reviewer", "id"),
    Index("ix_verdicts_reviewer_at", "reviewer", "at"),
    Index("ix_verdicts_at", "at"),
    UniqueConstraint("undoes"),
    sqlite_autoincrement=True,
)

# What each reviewer now holds of an item; made from verdicts and always to be had from them again.
current_verdicts = Table(
    "current_verdicts",
    metadata,
    Column("item_id", Id, ForeignKey("items.id"), primary_key=True, autoincrement=False),
    Column("reviewer", String(200), primary_key=True),
    Column("verdict_id", Id, ForeignKey("verdicts.id"), nullable=False),
    Column("decision", String(20), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("blind", Boolean, nullable=False),
    Column("settles", Boolean, nullable=False),
    Column("at", Moment, nullable=False),
    Index("ix_current_verdicts_reviewer_decision_at", "reviewer", "decision", "at"),
    Index("ix_current_verdicts_decision_at", "decision", "at"),
)

item_tags = Table(
    "item_tags",
    metadata,
    Column("item_id", Id, ForeignKey("items.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("tag", String(100), primary_key=True),
    Column("reviewer", String(200), nullable=False),
    Column("at", Moment, nullable=False),
    Index("ix_item_tags_tag", "tag", "item_id"),
)

samples = Table(
    "samples",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("drawn_at", Moment, nullable=False),
    Column("drawn_by", String(200), nullable=False),
    Column("parameters", Json, nullable=False),  # seed, frame (since, until, grade), size of the frame
    Column("frame_size", Integer, nullable=False),
)

sample_items = Table(
    "sample_items",
    metadata,
    Column("sample_id", Id, ForeignKey("samples.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("item_id", Id, ForeignKey("items.id"), primary_key=True, autoincrement=False),
    Column("place", Integer, nullable=False),
    Column("grade", Integer, nullable=False),  # as it was when drawn
    Index("ix_sample_items_item_id", "item_id"),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("who", String(200), nullable=False),
    Column("what", String(60), nullable=False),  # login, login-refused, export, decide, undo, user-added, …
    Column("subject", Words, nullable=False),
    Column("detail", Json, nullable=False),
    Column("address", String(100), nullable=False),
    Index("ix_audit_log_at", "at"),
    Index("ix_audit_log_who_at", "who", "at"),
    sqlite_autoincrement=True,
)
