"""Tables of what we watch and how each run went: sources, their poll state, runs, claims, entries and the ledger."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Float, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from storage.schema.types import Id, Json, Moment, Words, metadata, partial

runs = Table(
    "runs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(40), nullable=False),  # collect, digest, reflag, …
    Column("slot", String(200)),  # what may be done only once, e.g. "2026-11-22T08:00+05:00"; NULL for a run by hand
    Column("status", String(20), nullable=False),  # running, done, incomplete, failed, cancelled, crashed
    Column("reason", Words, nullable=False, server_default=""),
    Column("parameters", Json, nullable=False),
    Column("rules_version", String(100), nullable=False, server_default=""),
    Column("host", String(255), nullable=False),  # with boot and pid space: whether a pid can be looked up from here
    Column("boot", String(100), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("process_started", String(40), nullable=False),  # a pid is used again, a pid with its start time is not
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("lease_until", Moment, nullable=False),
    Column("chain_seq", Id),  # head of the evidence chain when the run ended
    Column("chain_link", String(64)),
    Index("ix_runs_started_at", "started_at"),
    Index("ix_runs_kind_started_at", "kind", "started_at"),
    # Two schedulers at once, or one that starts a slot twice: the second is refused here. A slot that crashed is free again.
    partial("uq_runs_kind_slot", "kind", "slot", unique=True, where="status IN ('running', 'done', 'incomplete')"),
    partial("ix_runs_running", "status", where="status = 'running'"),
    sqlite_autoincrement=True,
)

claims = Table(
    "claims",
    metadata,
    Column("kind", String(20), primary_key=True),  # source, host, flow, entry-shard
    Column("name", String(255), primary_key=True),
    Column("run_id", Id, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("claimed_at", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Index("ix_claims_run_id", "run_id"),
)

sources = Table(
    "sources",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("title", Words, nullable=False),
    Column("home", Words, nullable=False),
    Column("rungs", Json, nullable=False),  # [[kind, url], …]
    Column("languages", Json, nullable=False),
    Column("country", String(10)),
    Column("region", String(10)),
    Column("ownership", String(20)),
    Column("state", String(20), nullable=False),
    Column("verified", Date),
    Column("verified_by", Words, nullable=False, server_default=""),
    Column("rhythm_s", Float, nullable=False),
    Column("note", Words, nullable=False, server_default=""),
    Column("listed", Boolean, nullable=False),  # false once it left the files: its items stay
    Column("added_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
)

poll_states = Table(
    "poll_states",
    metadata,
    Column("source_id", String(200), ForeignKey("sources.id", ondelete="CASCADE"), primary_key=True),
    Column("rung", Integer, nullable=False, server_default="0"),
    Column("address", Words, nullable=False, server_default=""),
    Column("etag", Words, nullable=False, server_default=""),
    Column("last_modified", Words, nullable=False, server_default=""),
    Column("body_sha256", String(64), nullable=False, server_default=""),
    Column("next_due", Moment),
    Column("interval_s", Float, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("last_polled", Moment),
    Column("last_ok", Moment),
    Column("last_new", Moment),
    Column("last_kind", String(20), nullable=False, server_default=""),
    Column("last_reason", Words, nullable=False, server_default=""),
    Column("entries_last", Integer, nullable=False, server_default="0"),
    Column("rhythm", Json, nullable=False),  # statistics the scheduler keeps for itself
    Index("ix_poll_states_next_due", "next_due"),
)

entries = Table(
    "entries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("source_id", String(200), ForeignKey("sources.id"), nullable=False),
    Column("key", Words, nullable=False),
    Column("url", Words, nullable=False),
    Column("guid", Words, nullable=False),
    Column("title", Words, nullable=False),
    Column("summary", Words, nullable=False, server_default=""),  # emptied once the entry is done: the item holds the text
    Column("content", Words, nullable=False, server_default=""),
    Column("published", Moment),
    Column("published_from", String(20)),
    Column("updated", Moment),
    Column("authors", Json, nullable=False),
    Column("language", Words),
    Column("fingerprint", String(32), nullable=False),  # of the title and the feed's own text
    Column("first_seen", Moment, nullable=False),
    Column("last_seen", Moment, nullable=False),  # to the day
    Column("state", String(20), nullable=False),  # pending, done, skipped, given-up
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("idle", Integer, nullable=False, server_default="0"),  # changes in a row that changed no text
    Column("due", Moment, nullable=False),
    Column("reason", Words, nullable=False, server_default=""),
    Column("item_id", Id),  # no foreign key: items come and go by retention, and an item names its entry
    Column("run_id", Id, ForeignKey("runs.id")),  # the run that last touched it
    Column("capture_id", Id),  # the feed's bytes in which it was last seen new or changed; rows of captures are never removed
    UniqueConstraint("source_id", "key"),
    partial("ix_entries_pending", "due", where="state = 'pending'"),
    Index("ix_entries_item_id", "item_id"),
    Index("ix_entries_last_seen", "last_seen"),
)

run_sources = Table(
    "run_sources",
    metadata,
    Column("run_id", Id, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("source_id", String(200), ForeignKey("sources.id"), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("reason", Words, nullable=False),
    Column("rung", Words, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("new", Integer, nullable=False),
    Column("updated", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("duplicate", Integer, nullable=False),
    Column("skipped", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("flagged", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Index("ix_run_sources_source_id_at", "source_id", "at"),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("run_id", Id, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("source_id", String(200), ForeignKey("sources.id"), primary_key=True),
    Column("subject", Words, primary_key=True),  # the entry's key: one ending for an entry in a run
    Column("kind", String(20), nullable=False),  # never "unchanged": those are only counted
    Column("url", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("flagged", Boolean, nullable=False),
    Column("item_id", Id),
    Column("at", Moment, nullable=False),
)

source_days = Table(
    "source_days",
    metadata,
    Column("source_id", String(200), ForeignKey("sources.id", ondelete="CASCADE"), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("polls", Integer, nullable=False),
    Column("ok", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("new", Integer, nullable=False),
    Column("flagged", Integer, nullable=False),
    Column("reason", Words, nullable=False),
    Index("ix_source_days_day", "day"),
)

facts = Table(
    "facts",
    metadata,
    Column("name", String(100), primary_key=True),  # the program's own notes: last maintenance, last full check, …
    Column("value", Json, nullable=False),
    Column("at", Moment, nullable=False),
)
