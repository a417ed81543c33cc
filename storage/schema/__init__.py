"""The tables, split by subject; only their shape lives here, the functions are one file a subject in ``storage``."""

from storage.schema import digest, evidence, feeds, items, review, watching
from storage.schema.types import metadata

# Migrations in order; the last is what this program needs. A test compares them with the scripts in storage/migrations.
REVISIONS = ("0001", "0002", "0003")

__all__ = ["REVISIONS", "digest", "evidence", "feeds", "items", "metadata", "review", "watching"]
