"""All tables at once, for whoever makes them or compares them with a database."""

from storage.schema import digest, evidence, feeds, items, review, watching
from storage.schema.types import metadata

__all__ = ["digest", "evidence", "feeds", "items", "metadata", "review", "watching"]
