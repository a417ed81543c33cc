"""Lists of items for the desk: queues, filters and search, a page at a time by keyset; how words are found is in ``finding``.

Every list walks an index from its newest end and stops at the page's size. A queue that spans several grades or states is a union of
such walks, each cut to a page, because neither database walks one index for ``grade IN (…)`` in the order of time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import product
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import aliased

from domain.values import Flagging
from storage.carriers import Carrier, carriers
from storage.finding import Found, Way, found, way_to
from storage.flagging_rows import flagging_from
from storage.schema.items import flaggings, item_terms, item_versions, items
from storage.schema.review import item_tags
from storage.schema.watching import sources
from storage.store import Store

FLAGGED, NEAR, CLEAR, UNJUDGED = 2, 1, 0, -1
TEXT_READ = 60_000  # characters of a text read for a list: the sentence that flagged stands far before that
COUNTED = 1_000  # queues are counted up to here: "1,000+" says enough


class Queue(StrEnum):
    """What a list is for."""

    NEW = "new"
    NEAR = "near"
    UNSURE = "unsure"
    DECIDED = "decided"
    DISPUTED = "disputed"
    ALL = "all"


# Grades and states of review each queue takes; None means any.
GRADES: dict[Queue, tuple[int, ...] | None] = {
    Queue.NEW: (FLAGGED,), Queue.NEAR: (NEAR,), Queue.UNSURE: (FLAGGED, NEAR, CLEAR),
    Queue.DECIDED: (FLAGGED, NEAR, CLEAR), Queue.DISPUTED: (FLAGGED, NEAR, CLEAR), Queue.ALL: None,
}  # fmt: skip
REVIEWS: dict[Queue, tuple[str, ...] | None] = {
    Queue.NEW: ("open",), Queue.NEAR: ("open",), Queue.UNSURE: ("unsure",),
    Queue.DECIDED: ("relevant", "not-relevant"), Queue.DISPUTED: ("disputed",), Queue.ALL: None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Which items a list holds. ``terms`` are (kind, value) pairs that must all hold: theme, entity, place, region, rule, signal."""

    queue: Queue = Queue.ALL
    words: str = ""
    terms: tuple[tuple[str, str], ...] = ()
    source_id: str = ""
    ownership: str = ""
    language: str = ""
    since: datetime | None = None
    until: datetime | None = None
    score_from: float | None = None
    score_to: float | None = None
    grade: int | None = None
    review: str = ""
    tag: str = ""

    @property
    def narrowed(self) -> bool:
        """Whether anything beyond the queue narrows the list."""
        return self != ItemFilter(queue=self.queue)

    @property
    def narrows_search(self) -> bool:
        """Whether a search by this filter is of fewer than all items."""
        return self != ItemFilter(queue=Queue.ALL, words=self.words)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: below this moment and id. A search is ordered by id alone, and has no moment."""

    moment: datetime | None
    id: int


@dataclass(frozen=True, slots=True)
class Listed:
    """An item as a list shows it; ``text`` is at most the first TEXT_READ characters."""

    id: int
    url: str
    source_id: str
    source_title: str
    ownership: str | None
    title: str
    text: str
    language: str
    moment: datetime
    published: datetime | None
    published_from: str | None
    first_seen: datetime
    grade: int
    score: float
    threshold: float
    themes: tuple[str, ...]
    review: str
    reviewed_at: datetime | None
    cluster_id: int
    version: int
    rules_version: str
    flagging: Flagging | None

    @classmethod
    def of(cls, row: Any, flagging: Flagging | None) -> Listed:
        """From a row of ``details``."""
        return cls(
            id=row.id, url=row.url, source_id=row.source_id, source_title=row.source_title, ownership=row.ownership, title=row.title,
            text=row.text or "", language=row.language, moment=row.moment, published=row.published,
            published_from=row.published_from, first_seen=row.first_seen, grade=row.grade, score=row.score,
            threshold=row.threshold, themes=tuple(row.themes), review=row.review, reviewed_at=row.reviewed_at,
            cluster_id=row.cluster_id, version=row.version, rules_version=row.rules_version, flagging=flagging,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list and where the next begins; ``others`` are, by cluster, the outlets that carry the same text."""

    items: tuple[Listed, ...]
    after: Cursor | None
    others: dict[int, tuple[Carrier, ...]] = field(default_factory=dict)


def list_items(store: Store, wanted: ItemFilter, *, before: Cursor | None = None, limit: int = 30, grouped: bool = True) -> Page:
    """A page of a queue, newest first. ``grouped`` shows one item (the newest) for each group of equal texts."""
    with store.read() as connection:
        way = way_to(connection, wanted.words, narrowed=wanted.narrows_search) if wanted.words else None
        query = keys_query(store.dialect, wanted, before=before, limit=limit + 1, grouped=grouped, way=way)
        keys = connection.execute(query).all()
        shown = keys[:limit]
        by_id = {row.id: row for row in connection.execute(details([row.id for row in shown]))} if shown else {}
        wanted_flaggings = [row.flagging_id for row in by_id.values() if row.flagging_id is not None]
        judged = {
            row.id: flagging_from(row)
            for row in connection.execute(select(flaggings).where(flaggings.c.id.in_(wanted_flaggings)))
        }
    listed = [Listed.of(by_id[row.id], judged.get(by_id[row.id].flagging_id)) for row in shown if row.id in by_id]
    after = None
    if len(keys) > limit:
        last = shown[-1]
        after = Cursor(None if wanted.words else last.moment, last.id)
    if grouped:
        seen: set[int] = set()
        listed = [item for item in listed if not (item.cluster_id in seen or seen.add(item.cluster_id))]  # type: ignore[func-returns-value]
    return Page(tuple(listed), after, carriers(store, [item.cluster_id for item in listed]))


def every_item(store: Store, wanted: ItemFilter, *, most: int, batch: int = 500) -> Iterator[Listed]:
    """All items of a filter, newest first, for exports: read a batch at a time, so that no reading lasts as long as the download."""
    before: Cursor | None = None
    left = most
    while left > 0:
        page = list_items(store, wanted, before=before, limit=min(batch, left), grouped=False)
        yield from page.items
        left -= len(page.items)
        if page.after is None:
            return
        before = page.after


def keys_query(
    dialect: str, wanted: ItemFilter, *, before: Cursor | None, limit: int, grouped: bool, way: Way | None = None
) -> Select[tuple[int, datetime]]:
    """The statement that finds a page's ids, for ``list_items`` and for whoever wants to see its plan."""
    index = found(dialect, wanted.words, way or Way()) if wanted.words else None
    branches = []
    for grade, review in product(_grades(wanted), _reviews(wanted)):
        branches.append(_branch(wanted, grade, review, index, before, limit, grouped))
    if len(branches) == 1:
        return branches[0]
    subs = [branch.subquery() for branch in branches]
    together = union_all(*(select(sub.c.id, sub.c.moment) for sub in subs)).subquery()
    order = (together.c.id.desc(),) if wanted.words else (together.c.moment.desc(), together.c.id.desc())
    return select(together.c.id, together.c.moment).order_by(*order).limit(limit)


def next_item(store: Store, wanted: ItemFilter, *, after: Cursor, skip: Sequence[int] = ()) -> int | None:
    """The item below this place in the list, where the work goes on after a decision; the first of the list when none is below."""
    for before in (after, None):
        page = list_items(store, wanted, before=before, limit=20 + len(skip))
        for item in page.items:
            if item.id not in skip:
                return item.id
    return None


def place_of(store: Store, item_id: int, *, searched: bool) -> Cursor | None:
    """The place of an item in the lists."""
    with store.read() as connection:
        row = connection.execute(select(items.c.id, items.c.moment).where(items.c.id == item_id)).first()
    return None if row is None else Cursor(None if searched else row.moment, row.id)


def count_queue(store: Store, queue: Queue, *, most: int = COUNTED) -> int:
    """How many items wait in a queue, counted up to ``most``."""
    total = 0
    with store.read() as connection:
        for grade, review in product(GRADES[queue] or (None,), REVIEWS[queue] or (None,)):
            query = select(items.c.id)
            if grade is not None:
                query = query.where(items.c.grade == grade)
            if review is not None:
                query = query.where(items.c.review == review)
            total += connection.execute(select(func.count()).select_from(query.limit(most - total).subquery())).scalar_one()
            if total >= most:
                return most
    return total


def _grades(wanted: ItemFilter) -> Sequence[int | None]:
    allowed = GRADES[wanted.queue]
    if wanted.grade is not None:
        return [wanted.grade] if allowed is None or wanted.grade in allowed else [UNJUDGED - 1]
    if allowed is not None:
        return allowed
    # The index on terms and that on outlets hold grades before moments; without such a filter one walk serves all grades.
    return (FLAGGED, NEAR, CLEAR) if wanted.terms or wanted.review else (None,)


def _reviews(wanted: ItemFilter) -> Sequence[str | None]:
    allowed = REVIEWS[wanted.queue]
    if wanted.review:
        return [wanted.review] if allowed is None or wanted.review in allowed else ["-"]
    return allowed or (None,)


def _branch(
    wanted: ItemFilter, grade: int | None, review: str | None, index: Found | None,
    before: Cursor | None, limit: int, grouped: bool,
) -> Select[tuple[int, datetime]]:  # fmt: skip
    terms = [aliased(item_terms) for _ in wanted.terms]
    # The first term leads: its index gives the order; the rest are looked up by key.
    moment: Any = terms[0].c.moment if terms and index is None else items.c.moment
    key: Any = index.key if index is not None else terms[0].c.item_id if terms else items.c.id
    query: Select[Any] = select(key.label("id"), moment.label("moment")).select_from(items)
    if index is not None:
        query = query.join(index.table, index.key == items.c.id).where(index.condition)
    for term, (kind, value) in zip(terms, wanted.terms, strict=True):
        query = query.join(term, and_(term.c.item_id == items.c.id, term.c.kind == kind, term.c.value == value))
        if grade is not None and term is terms[0]:
            query = query.where(term.c.grade == grade)
    if grade is not None:
        query = query.where(items.c.grade == grade)
    if review is not None:
        query = query.where(items.c.review == review)
    query = query.where(*_narrow(wanted, moment))
    if before is not None:
        if wanted.words or before.moment is None:
            query = query.where(key < before.id)
        else:
            # Two conditions and not one on a pair: with the first both databases bound the walk, whatever they make of the second.
            query = query.where(moment <= before.moment, or_(moment < before.moment, key < before.id))
    if grouped and grade is not None and review is not None and not wanted.narrowed:
        query = query.where(~_newer_equal(grade, review))
    order = (key.desc(),) if wanted.words else (moment.desc(), key.desc())
    return query.order_by(*order).limit(limit)


def _narrow(wanted: ItemFilter, moment: Any) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.source_id:
        conditions.append(items.c.source_id == wanted.source_id)
    if wanted.ownership:
        conditions.append(items.c.source_id.in_(select(sources.c.id).where(sources.c.ownership == wanted.ownership)))
    if wanted.language:
        conditions.append(items.c.language == wanted.language)
    if wanted.since is not None:
        conditions.append(moment >= wanted.since)
    if wanted.until is not None:
        conditions.append(moment < wanted.until)
    if wanted.score_from is not None:
        conditions.append(items.c.score >= wanted.score_from)
    if wanted.score_to is not None:
        conditions.append(items.c.score <= wanted.score_to)
    if wanted.tag:
        conditions.append(exists(select(literal(1)).where(item_tags.c.item_id == items.c.id, item_tags.c.tag == wanted.tag)))
    return conditions


def _newer_equal(grade: int, review: str) -> ColumnElement[bool]:
    """Whether the same text waits in the same queue under a newer item, which then stands for both.

    COALESCE keeps both databases from walking the queue's own index here, all that is newer once an item; left with the index on
    clusters, they find a handful of rows.
    """
    other = aliased(items)
    told = (func.coalesce(other.c.grade, other.c.grade) == grade, func.coalesce(other.c.review, other.c.review) == review)
    newer = tuple_(func.coalesce(other.c.moment, other.c.moment), other.c.id) > tuple_(items.c.moment, items.c.id)
    return exists(select(literal(1)).where(other.c.cluster_id == items.c.cluster_id, *told, newer))


def details(ids: Sequence[int]) -> Select[Any]:
    """The statement that reads what ``Listed.of`` needs of these items."""
    beginning = func.substr(item_versions.c.text, 1, TEXT_READ).label("text")
    return (
        select(items, beginning, sources.c.title.label("source_title"), sources.c.ownership)
        .join(sources, sources.c.id == items.c.source_id)
        .outerjoin(item_versions, item_versions.c.id == items.c.version_id)
        .where(items.c.id.in_(ids))
    )
