"""The outlets that carry a text: as items of their own that are equal to it, or under the same address; lists of items are in ``queues``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from storage.schema.items import item_sources, items
from storage.schema.watching import sources
from storage.store import MANY, Store, in_batches


@dataclass(frozen=True, slots=True)
class Carrier:
    """An outlet that carries a text: as an item of its own (then ``item_id`` is that item) or under the same address."""

    item_id: int
    source_id: str
    source_title: str
    ownership: str | None
    url: str
    moment: datetime
    review: str
    grade: int


def carriers(store: Store, clusters: Sequence[int]) -> dict[int, tuple[Carrier, ...]]:
    """By cluster, every outlet that carries the text, the first to carry it first."""
    found: dict[int, list[Carrier]] = {}
    outlet = (sources.c.title.label("source_title"), sources.c.ownership)
    with store.read() as connection:
        for some in in_batches(sorted(set(clusters)), MANY):
            mine = (
                select(
                    items.c.id,
                    items.c.cluster_id,
                    items.c.source_id,
                    *outlet,
                    items.c.url,
                    items.c.moment,
                    items.c.review,
                    items.c.grade,
                )
                .join(sources, sources.c.id == items.c.source_id)
                .where(items.c.cluster_id.in_(some))
            )
            also = (
                select(
                    items.c.id, items.c.cluster_id, item_sources.c.source_id, *outlet, item_sources.c.url,
                    item_sources.c.first_seen.label("moment"), items.c.review, items.c.grade,
                )
                .join(item_sources, item_sources.c.item_id == items.c.id)
                .join(sources, sources.c.id == item_sources.c.source_id)
                .where(items.c.cluster_id.in_(some), item_sources.c.source_id != items.c.source_id)
            )  # fmt: skip
            for row in (*connection.execute(mine), *connection.execute(also)):
                found.setdefault(row.cluster_id, []).append(
                    Carrier(row.id, row.source_id, row.source_title, row.ownership, row.url, row.moment, row.review, row.grade)
                )
    return {cluster: tuple(sorted(held, key=lambda one: (one.moment, one.item_id))) for cluster, held in found.items()}
