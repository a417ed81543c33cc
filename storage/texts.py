"""Titles and texts of items as they are in force: for a line of the desk, for exports, for trying rules on; lists are in ``queues``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import select

from storage.schema.items import item_versions, items
from storage.schema.watching import sources
from storage.store import MANY, Store, in_batches


def titles(store: Store, ids: Sequence[int]) -> dict[int, str]:
    """The titles of some items."""
    found: dict[int, str] = {}
    with store.read() as connection:
        for some in in_batches(list(ids), MANY):
            found.update(
                (row.id, row.title) for row in connection.execute(select(items.c.id, items.c.title).where(items.c.id.in_(some)))
            )
    return found


def texts(store: Store, ids: Sequence[int]) -> dict[int, str]:
    """The whole texts in force of some items."""
    found: dict[int, str] = {}
    with store.read() as connection:
        for some in in_batches(list(ids), MANY):
            query = select(items.c.id, item_versions.c.text).join(item_versions, item_versions.c.id == items.c.version_id)
            found.update((row.id, row.text) for row in connection.execute(query.where(items.c.id.in_(some))))
    return found


def newest_documents(store: Store, *, limit: int, batch: int = 200) -> Iterator[dict[str, Any]]:
    """The last items stored as plain values, newest first, for trying rules on: id, title, text, language, published, country, review."""
    below = None
    left = limit
    while left > 0:
        query = (
            select(
                items.c.id,
                items.c.title,
                item_versions.c.text,
                items.c.language,
                items.c.published,
                items.c.review,
                sources.c.country,
            )
            .join(item_versions, item_versions.c.id == items.c.version_id)
            .join(sources, sources.c.id == items.c.source_id)
            .order_by(items.c.id.desc())
            .limit(min(batch, left))
        )
        if below is not None:
            query = query.where(items.c.id < below)
        with store.read() as connection:
            rows = connection.execute(query).all()
        for row in rows:
            yield {
                "id": row.id, "title": row.title, "text": row.text, "language": row.language, "review": row.review,
                "published": row.published.isoformat() if row.published else None, "country": row.country,
            }  # fmt: skip
        if not rows:
            return
        left -= len(rows)
        below = rows[-1].id
