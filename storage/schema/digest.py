"""Tables of what leaves the house: recipients, digests, what each told, the outbox with its attempts, alarms."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, ForeignKey, Index, Integer, LargeBinary, String, Table, UniqueConstraint

from storage.schema.types import Id, Json, Moment, Words, metadata, partial

recipients = Table(
    "recipients",
    metadata,
    Column("id", Id, primary_key=True),
    Column("address", String(320), nullable=False, unique=True),
    Column("name", Words, nullable=False),
    Column("language", String(10), nullable=False),
    Column("themes", Json, nullable=False),  # empty: all
    Column("regions", Json, nullable=False),
    Column("languages", Json, nullable=False),
    Column("hour", Integer, nullable=False),
    Column("time_zone", String(60), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("added_at", Moment, nullable=False),
    Column("settings", Json, nullable=False),
)

digests = Table(
    "digests",
    metadata,
    Column("id", Id, primary_key=True),
    Column("slot", String(200), nullable=False, unique=True),  # the day and the recipient's id: composed once, whoever asks
    Column("day", Date, nullable=False),
    Column("since", Moment, nullable=False),  # items first seen or changed after this …
    Column("until", Moment, nullable=False),  # … and not after this; the next digest begins here
    Column("composed_at", Moment, nullable=False),
    Column("run_id", Id, ForeignKey("runs.id")),
    Column("complete", Boolean, nullable=False),
    Column("content", Json, nullable=False),  # what was selected, before it is rendered for a reader
    Index("ix_digests_until", "until"),
)

# What each recipient was told of each item. Told once: the second digest that would tell of an item again is refused by the key.
# version 0 is the item itself, above are corrections in their order; a correction is due when the item is no longer as it
# was last told ("shown_…"). In section "passed-over" the recipient did not want it as it was: no mail speaks of it yet.
told = Table(
    "told",
    metadata,
    Column("recipient_id", Id, ForeignKey("recipients.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("item_id", Id, ForeignKey("items.id"), primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("digest_id", Id, ForeignKey("digests.id", ondelete="CASCADE"), nullable=False),
    Column("section", String(40), nullable=False),
    Column("at", Moment, nullable=False),
    Column("shown_version", Integer, nullable=False),  # of the item's text
    Column("shown_flagging_id", Id),
    Column("shown_flagged", Boolean, nullable=False),
    Column("shown_review", String(20), nullable=False),
    Column("shown_gone", Boolean, nullable=False),
    Column("shown_title", Words, nullable=False),
    Index("ix_told_digest_id", "digest_id"),
    Index("ix_told_item_id", "item_id"),
    Index("ix_told_recipient_id_at", "recipient_id", "at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(20), nullable=False),  # digest, alarm
    Column("slot", String(200), nullable=False),
    Column("address", String(320), nullable=False),
    Column("digest_id", Id, ForeignKey("digests.id", ondelete="CASCADE")),
    Column("alarm_id", Id, ForeignKey("alarms.id", ondelete="CASCADE")),
    Column("recipient_id", Id, ForeignKey("recipients.id", ondelete="SET NULL")),
    Column("message_id", String(320), nullable=False, unique=True),
    Column("message", LargeBinary, nullable=False),  # the mail as it goes out, so that a repeat is the same mail
    Column("state", String(20), nullable=False),  # queued, sending, sent, refused, given-up
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_try", Moment, nullable=False),
    Column("answer", Words, nullable=False, server_default=""),
    Column("queued_at", Moment, nullable=False),
    Column("sent_at", Moment),
    UniqueConstraint("kind", "slot", "address"),
    partial("ix_outbox_waiting", "next_try", where="state IN ('queued', 'sending')"),
    Index("ix_outbox_digest_id", "digest_id"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("outbox_id", Id, ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("code", Integer, nullable=False),  # SMTP's; 0 when the line broke before an answer
    Column("answer", Words, nullable=False),
)

alarms = Table(
    "alarms",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(40), nullable=False),  # run-failed, run-missing, digest-late, coverage, disk
    Column("subject", String(200), nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("last_seen", Moment, nullable=False),
    Column("closed_at", Moment),
    Column("reason", Words, nullable=False),
    Column("detail", Json, nullable=False),
    Index("ix_alarms_opened_at", "opened_at"),
    # Once while it lasts, and once more when it is over.
    partial("uq_alarms_open", "kind", "subject", unique=True, where="closed_at IS NULL"),
)
