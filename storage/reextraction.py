"""Items with the bytes they were read from, for reading them again; what comes of it is saved by ``storage.items``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select

from domain.values import BodyFrom, Capture, DateFrom, Entry
from storage.captures import capture_from
from storage.packing import unpack
from storage.schema.evidence import blobs, captures
from storage.schema.items import item_sources, item_versions, items
from storage.schema.watching import entries, sources
from storage.shelf import ALL, Filter, conditions
from storage.store import Store

STREAM = 16  # items a trip: each carries a whole page


@dataclass(frozen=True, slots=True)
class Recaptured:
    """An item's text in force, and the capture it was read from.

    ``entry`` is what the feed said of it as far as that is still known: its own text is not kept once the page was read.
    ``moment`` is what the rules take for its date, ``languages`` and ``country`` are its source's, ``review`` a person's word.
    """

    item_id: int
    key: str
    title: str
    text: str
    extractor: str
    body_from: BodyFrom
    first_seen: datetime
    capture_id: int
    capture: Capture
    entry: Entry
    languages: tuple[str, ...]
    country: str | None
    grade: int
    review: str


def recaptured(store: Store, chosen: Filter = ALL, *, not_by: str = "", newest: int | None = None) -> Iterator[Recaptured]:
    """Stream the items whose page is kept, in the order of their ids; at most 16 pages are held in memory.

    ``not_by`` leaves out texts an extractor of that name and version made. Each trip is a transaction of its own.
    """
    i, v, c, b, e, s = items.c, item_versions.c, captures.c, blobs.c, entries.c, sources.c
    carried = and_(item_sources.c.item_id == i.id, item_sources.c.source_id == i.source_id)
    said = and_(e.source_id == i.source_id, e.key == item_sources.c.entry_key)
    wanted = [*conditions(store, chosen), *([v.extractor != not_by] if not_by else [])]
    which = (
        select(i.id)
        .join(item_versions, v.id == i.version_id)
        .join(captures, c.id == v.capture_id)
        .where(c.blob_id.is_not(None), *wanted)
    )
    query = (
        select(
            captures, b.data, b.size, i.id.label("item_id"), i.key, i.first_seen, i.grade, i.review, i.source_id,
            v.title, v.text, v.extractor, v.body_from, s.languages, s.country, item_sources.c.entry_key, item_sources.c.url,
            e.guid, e.title.label("entry_title"), e.published, e.published_from, e.updated, e.authors, e.language,
        )
        .select_from(items)
        .join(item_versions, v.id == i.version_id)
        .join(captures, c.id == v.capture_id)
        .join(blobs, b.id == c.blob_id)
        .join(sources, s.id == i.source_id)
        .join(item_sources, carried)
        .outerjoin(entries, said)
    )  # fmt: skip
    after = 0
    if newest is not None:
        with store.read() as connection:
            after = (connection.execute(which.order_by(i.id.desc()).offset(newest - 1).limit(1)).scalar() or 1) - 1
    while True:
        with store.read() as connection:
            ids = list(connection.execute(which.where(i.id > after).order_by(i.id).limit(STREAM)).scalars())
            rows = connection.execute(query.where(i.id.in_(ids)).order_by(i.id)).all()
        for row in rows:
            body = unpack(row.data, row.size, row.sha256, f"capture {row.id} in {store.address}")
            entry = Entry(
                source_id=row.source_id,
                key=row.entry_key,
                url=row.url,
                guid=row.guid or "",
                title=row.entry_title or row.title,
                published=row.published,
                published_from=DateFrom(row.published_from) if row.published_from else None,
                updated=row.updated,
                authors=tuple(row.authors or ()),
                language=row.language,
            )
            yield Recaptured(
                item_id=row.item_id,
                key=row.key,
                title=row.title,
                text=row.text,
                extractor=row.extractor,
                body_from=BodyFrom(row.body_from),
                first_seen=row.first_seen,
                capture_id=row.id,
                capture=capture_from(row, body),
                entry=entry,
                languages=tuple(row.languages),
                country=row.country,
                grade=row.grade,
                review=row.review,
            )
        if len(ids) < STREAM:
            return
        after = ids[-1]


def count_without_page(store: Store, chosen: Filter = ALL) -> int:
    """How many items cannot be read again: they came from their feed alone, or retention dropped their page."""
    i, v, c = items.c, item_versions.c, captures.c
    kept = (
        select(func.count())
        .select_from(items)
        .join(item_versions, v.id == i.version_id)
        .outerjoin(captures, c.id == v.capture_id)
        .where(c.blob_id.is_(None), *conditions(store, chosen))
    )
    with store.read() as connection:
        return int(connection.execute(kept).scalar_one())
