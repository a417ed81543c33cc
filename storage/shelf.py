"""Look items up: one, a page, or all of them as a stream, by any of the filters of the desk; nothing is written here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.engine import Row

from domain.errors import StoreError
from domain.values import BodyFrom, DateFrom, Flagging, Item
from storage.flagging_rows import flagging_from
from storage.schema.items import flaggings, item_sources, item_terms, item_versions, items
from storage.schema.review import item_tags
from storage.schema.types import short_key
from storage.search import matching
from storage.store import Store

FLAGGED, NEAR_MISS, CLEAR, NOT_JUDGED = 2, 1, 0, -1
# Items a trip when all are streamed: a few megabytes of text.
STREAM = 200


@dataclass(frozen=True, slots=True)
class Filter:
    """Which items: all conditions must hold, of several values in one of them any. Empty means "no condition".

    ``grades``: 2 flagged, 1 near miss, 0 clear, -1 not judged. ``since``/``until`` bound the moment (published, or first seen),
    ``seen_since``/``seen_until`` when the item was stored; from inclusive, until exclusive. ``terms`` are (kind, value) pairs of
    theme, entity, place, region, rule, signal: all of them must hold. ``words`` is a question in full text (``storage.search``).
    """

    grades: tuple[int, ...] = ()
    reviews: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    seen_since: datetime | None = None
    seen_until: datetime | None = None
    source_ids: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    terms: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    least_score: float | None = None
    most_score: float | None = None
    cluster_id: int | None = None
    story_id: int | None = None
    ids: tuple[int, ...] = ()
    words: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an item's text, with what the rules last said of it."""

    id: int
    number: int
    title: str
    text: str
    language: str
    published: datetime | None
    authors: tuple[str, ...]
    extractor: str
    body_from: BodyFrom
    cut: bool
    capture_id: int | None
    fetched_at: datetime
    seen_at: datetime
    diff: str


@dataclass(frozen=True, slots=True)
class Outlet:
    """A source that carries an item, under which address, since when."""

    source_id: str
    url: str
    first_seen: datetime


ALL = Filter()


def item(store: Store, item_id: int) -> Item:
    """One item with its text and flagging. Raises StoreError where there is none."""
    with store.read() as connection:
        row = connection.execute(_whole().where(items.c.id == item_id)).first()
    if row is None:
        raise StoreError(f"There is no item {item_id} in {store.address}.")
    return _item(row)


def list_items(store: Store, chosen: Filter = ALL) -> Iterator[Item]:
    """All items a filter lets through, in the order of their ids, each with text and flagging; holds at most 200 in memory.

    Each trip is a transaction of its own, so a consumer may take hours and write in between.
    """
    after = 0
    while True:
        query = _whole().where(items.c.id > after, *conditions(store, chosen)).order_by(items.c.id).limit(STREAM)
        with store.read() as connection:
            rows = connection.execute(query).all()
        for row in rows:
            yield _item(row)
        if len(rows) < STREAM:
            return
        after = rows[-1].id


def page(store: Store, chosen: Filter = ALL, *, before: tuple[datetime, int] | None = None, limit: int = 50) -> list[Item]:
    """Items newest first by moment, at most ``limit``, those after ``before`` (the moment and id of the last one shown)."""
    query = _whole().where(*conditions(store, chosen)).order_by(items.c.moment.desc(), items.c.id.desc()).limit(limit)
    if before is not None:
        moment, last = before
        query = query.where(or_(items.c.moment < moment, and_(items.c.moment == moment, items.c.id < last)))
    with store.read() as connection:
        return [_item(row) for row in connection.execute(query)]


def versions(store: Store, item_id: int) -> list[Version]:
    """All versions of an item, first to last."""
    query = select(item_versions).where(item_versions.c.item_id == item_id).order_by(item_versions.c.number)
    with store.read() as connection:
        return [
            Version(
                row.id, row.number, row.title, row.text, row.language, row.published, tuple(row.authors), row.extractor,
                BodyFrom(row.body_from), row.cut, row.capture_id, row.fetched_at, row.seen_at, row.diff,
            )
            for row in connection.execute(query)
        ]  # fmt: skip


def flagging_history(store: Store, item_id: int) -> list[tuple[datetime, int, Flagging]]:
    """All that rules ever said of an item, as (when, version id, flagging), first to last."""
    query = select(flaggings).where(flaggings.c.item_id == item_id).order_by(flaggings.c.id)
    with store.read() as connection:
        return [(row.at, row.version_id, flagging_from(row)) for row in connection.execute(query)]


def outlets(store: Store, item_ids: Sequence[int]) -> dict[int, list[Outlet]]:
    """The sources that carry each of these items, earliest first."""
    query = (
        select(item_sources)
        .where(item_sources.c.item_id.in_(item_ids))
        .order_by(item_sources.c.first_seen, item_sources.c.source_id)
    )
    found: dict[int, list[Outlet]] = {item_id: [] for item_id in item_ids}
    with store.read() as connection:
        for row in connection.execute(query):
            found[row.item_id].append(Outlet(row.source_id, row.url, row.first_seen))
    return found


def clusters(store: Store, cluster_ids: Sequence[int]) -> dict[int, list[int]]:
    """The item ids of each of these groups of equal texts."""
    query = select(items.c.cluster_id, items.c.id).where(items.c.cluster_id.in_(cluster_ids)).order_by(items.c.id)
    found: dict[int, list[int]] = {cluster_id: [] for cluster_id in cluster_ids}
    with store.read() as connection:
        for cluster_id, item_id in connection.execute(query):
            found[cluster_id].append(item_id)
    return found


def conditions(store: Store, chosen: Filter) -> list[ColumnElement[bool]]:
    """The filter as conditions on ``items``, for queries of other files of this folder."""
    i = items.c
    bounds: list[tuple[Any, Callable[[Any], ColumnElement[bool]]]] = [
        (chosen.since, i.moment.__ge__),
        (chosen.until, i.moment.__lt__),
        (chosen.seen_since, i.first_seen.__ge__),
        (chosen.seen_until, i.first_seen.__lt__),
        (chosen.least_score, i.score.__ge__),
        (chosen.most_score, i.score.__le__),
        (chosen.cluster_id, i.cluster_id.__eq__),
        (chosen.story_id, i.story_id.__eq__),
    ]
    lists: list[tuple[Sequence[object], Any]] = [
        (chosen.grades, i.grade),
        (chosen.reviews, i.review),
        (chosen.source_ids, i.source_id),
        (chosen.languages, i.language),
        (chosen.ids, i.id),
    ]
    found = [compare(value) for value, compare in bounds if value is not None]
    found += [column == values[0] if len(values) == 1 else column.in_(values) for values, column in lists if values]
    for kind, value in chosen.terms:
        held = select(item_terms.c.item_id).where(item_terms.c.kind == kind, item_terms.c.value == short_key(value))
        found.append(i.id.in_(held))
    found += [exists().where(item_tags.c.item_id == i.id, item_tags.c.tag == tag) for tag in chosen.tags]
    if chosen.words.strip():
        found.append(matching(store.dialect, chosen.words))
    return found


def _whole() -> Select[Any]:
    return (
        select(
            items,
            item_versions.c.text,
            item_versions.c.authors,
            item_versions.c.extractor,
            item_versions.c.cut,
            item_versions.c.capture_id,
            flaggings.c.flagged,
            flaggings.c.near_miss,
            flaggings.c.entities,
            flaggings.c.places,
            flaggings.c.regions,
            flaggings.c.spans,
            flaggings.c.rulings,
        )
        .join(item_versions, item_versions.c.id == items.c.version_id)
        .outerjoin(flaggings, flaggings.c.id == items.c.flagging_id)
    )


def _item(row: Row[Any]) -> Item:
    return Item(
        id=row.id,
        key=row.key,
        url=row.url,
        source_id=row.source_id,
        title=row.title,
        text=row.text,
        language=row.language,
        published=row.published,
        published_from=DateFrom(row.published_from) if row.published_from else None,
        first_seen=row.first_seen,
        version=row.version,
        body_from=BodyFrom(row.body_from),
        flagging=flagging_from(row) if row.flagging_id is not None else None,
        extra={
            "authors": tuple(row.authors),
            "extractor": row.extractor,
            "cut": row.cut,
            "capture_id": row.capture_id,
            "version_id": row.version_id,
            "flagging_id": row.flagging_id,
            "moment": row.moment,
            "grade": row.grade,
            "review": row.review,
            "reviewed_at": row.reviewed_at,
            "cluster_id": row.cluster_id,
            "story_id": row.story_id,
            "changed_at": row.changed_at,
            "gone_at": row.gone_at,
        },
    )
