"""Tables of what we keep: items, their versions, flaggings, the outlets that carry them, terms to filter by, stories."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)

from storage.schema.types import Id, Json, Moment, Words, metadata

# Columns from "version" on repeat what the version, flagging and verdicts in force say: a page of the desk reads one index.
items = Table(
    "items",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", Words, nullable=False, unique=True),
    Column("url", Words, nullable=False),
    Column("source_id", String(200), ForeignKey("sources.id"), nullable=False),  # the outlet it was first seen through
    Column("first_seen", Moment, nullable=False),
    Column("run_id", Id, ForeignKey("runs.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("version_id", Id),  # no foreign key: the two tables would name each other
    Column("changed_at", Moment, nullable=False),
    Column("gone_at", Moment),  # the page was not there any more at a recheck
    Column("title", Words, nullable=False),
    Column("language", String(20), nullable=False),
    Column("published", Moment),
    Column("published_from", String(20)),
    Column("body_from", String(20), nullable=False),
    Column("moment", Moment, nullable=False),  # what lists are ordered by: published, or else first seen
    Column("grade", SmallInteger, nullable=False),  # 2 flagged, 1 near miss, 0 clear, -1 not judged by rules yet
    Column("score", Float, nullable=False),
    Column("threshold", Float, nullable=False),
    Column("flagging_id", Id),
    Column("rules_version", String(100), nullable=False),
    Column("themes", Json, nullable=False),
    Column("review", String(20), nullable=False, server_default="open"),  # open, relevant, not-relevant, unsure, disputed
    Column("reviewed_at", Moment),
    Column("cluster_id", Id, nullable=False),  # the smallest item id of the group of equal texts
    Column("story_id", Id),
    Index("ix_items_grade_review_moment", "grade", "review", "moment", "id"),
    Index("ix_items_grade_moment", "grade", "moment", "id"),
    Index("ix_items_moment", "moment", "id"),
    Index("ix_items_first_seen", "first_seen", "id"),
    Index("ix_items_source_id_moment", "source_id", "moment", "id"),
    Index("ix_items_cluster_id", "cluster_id"),
    Index("ix_items_reviewed_at", "review", "reviewed_at"),
    Index("ix_items_story_id", "story_id"),
    Index("ix_items_changed_at", "changed_at"),
    sqlite_autoincrement=True,
)

item_versions = Table(
    "item_versions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("item_id", Id, ForeignKey("items.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),  # of title, line break, text, as stored
    Column("url", Words, nullable=False),
    Column("title", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("language", String(20), nullable=False),
    Column("published", Moment),
    Column("published_from", String(20)),
    Column("authors", Json, nullable=False),
    Column("extractor", String(100), nullable=False),
    Column("body_from", String(20), nullable=False),
    Column("cut", Boolean, nullable=False),
    Column("capture_id", Id, ForeignKey("captures.id")),
    Column("fetched_at", Moment, nullable=False),  # when the page was received, or the entry seen
    Column("seen_at", Moment, nullable=False),
    Column("diff", Words, nullable=False, server_default=""),  # unified, against the version before
    Column("run_id", Id, ForeignKey("runs.id"), nullable=False),
    UniqueConstraint("item_id", "number"),
    UniqueConstraint("item_id", "sha256"),
    Index("ix_item_versions_capture_id", "capture_id"),
    Index("ix_item_versions_seen_at", "seen_at"),
    sqlite_autoincrement=True,
)

flaggings = Table(
    "flaggings",
    metadata,
    Column("id", Id, primary_key=True),
    Column("item_id", Id, ForeignKey("items.id", ondelete="CASCADE"), nullable=False),
    Column("version_id", Id, ForeignKey("item_versions.id", ondelete="CASCADE"), nullable=False),
    Column("rules_version", String(100), nullable=False),
    Column("score", Float, nullable=False),
    Column("threshold", Float, nullable=False),
    Column("flagged", Boolean, nullable=False),
    Column("near_miss", Boolean, nullable=False),
    Column("themes", Json, nullable=False),
    Column("entities", Json, nullable=False),
    Column("places", Json, nullable=False),
    Column("regions", Json, nullable=False),
    Column("spans", Json, nullable=False),
    Column("rulings", Json, nullable=False),
    Column("at", Moment, nullable=False),
    Column("run_id", Id, ForeignKey("runs.id"), nullable=False),
    UniqueConstraint("version_id", "rules_version"),
    Index("ix_flaggings_item_id", "item_id"),
)

rulebooks = Table(
    "rulebooks",
    metadata,
    Column("version", String(100), primary_key=True),
    Column("first_used", Moment, nullable=False),
    Column("summary", Json, nullable=False),
    Column("files", LargeBinary),  # a zstd-compressed tar of the folder as it was, so that a flag can be explained years later
)

item_sources = Table(
    "item_sources",
    metadata,
    Column("item_id", Id, ForeignKey("items.id", ondelete="CASCADE"), primary_key=True),
    Column("source_id", String(200), ForeignKey("sources.id"), primary_key=True),
    Column("url", Words, nullable=False),
    Column("entry_key", Words, nullable=False),
    Column("first_seen", Moment, nullable=False),
    Column("capture_id", Id),  # the feed's bytes in which this outlet announced it; rows of captures are never removed
    Index("ix_item_sources_source_id", "source_id"),
    Index("ix_item_sources_capture_id", "capture_id"),
)

# kind: theme, entity, place, region, rule, signal (rule/signal), alone (what alone flagged it).
# "moment" and "grade" repeat the item's, so that a filtered list reads one index.
item_terms = Table(
    "item_terms",
    metadata,
    Column("kind", String(20), primary_key=True),
    Column("value", String(200), primary_key=True),
    Column("item_id", Id, ForeignKey("items.id", ondelete="CASCADE"), primary_key=True),
    Column("grade", SmallInteger, nullable=False),
    Column("moment", Moment, nullable=False),
    Index("ix_item_terms_list", "kind", "value", "grade", "moment", "item_id"),
    Index("ix_item_terms_item_id", "item_id"),
    sqlite_with_rowid=False,
)

sketches = Table(
    "sketches",
    metadata,
    Column("item_id", Id, ForeignKey("items.id", ondelete="CASCADE"), primary_key=True),
    Column("moment", Moment, nullable=False),
    Column("hashes", LargeBinary, nullable=False),  # the whole sketch, 8 bytes a hash, ascending
    Index("ix_sketches_moment", "moment"),
)

sketch_hashes = Table(
    "sketch_hashes",
    metadata,
    Column("hash", Id, primary_key=True, autoincrement=False),
    Column("item_id", Id, ForeignKey("items.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Index("ix_sketch_hashes_item_id", "item_id"),
    sqlite_with_rowid=False,
)

stories = Table(
    "stories",
    metadata,
    Column("id", Id, primary_key=True),
    Column("title", Words, nullable=False),
    Column("first_moment", Moment, nullable=False),
    Column("last_moment", Moment, nullable=False),
    Column("facts", Json, nullable=False),  # what holds it together: place, date, actor, form
    Index("ix_stories_last_moment", "last_moment"),
    sqlite_autoincrement=True,
)

story_items = Table(
    "story_items",
    metadata,
    Column("story_id", Id, ForeignKey("stories.id", ondelete="CASCADE"), primary_key=True),
    Column("item_id", Id, ForeignKey("items.id", ondelete="CASCADE"), primary_key=True, unique=True),
    Column("score", Float, nullable=False),
    Column("why", Json, nullable=False),
    Column("by", String(200), nullable=False, server_default=""),  # "" for the program, else the reviewer who put it there
    Column("at", Moment, nullable=False),
)

# The full-text index itself is written in each database's own language: see storage/search.py and the migration.
SEARCH_TABLE = "item_search"
POSTGRES_SEARCH = (
    "CREATE TABLE item_search (item_id BIGINT PRIMARY KEY REFERENCES items (id) ON DELETE CASCADE, words TSVECTOR NOT NULL)",
    "CREATE INDEX ix_item_search_words ON item_search USING gin (words)",
)
SQLITE_SEARCH = (
    "CREATE VIRTUAL TABLE item_search USING fts5(title, text, content='', tokenize=\"unicode61 remove_diacritics 0\")",
)
