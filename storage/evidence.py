"""What can be handed to another person as evidence: all held on one item, and captures by time; writes no files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, or_, select

from domain.errors import StoreError
from domain.values import Capture, Flagging
from storage import records
from storage.captures import capture_from
from storage.chain import BEGINNING
from storage.flagging_rows import flagging_from
from storage.packing import unpack
from storage.schema.evidence import blobs, captures, rechecks
from storage.schema.evidence import chain as links
from storage.schema.items import flaggings, item_sources, item_versions, items
from storage.schema.review import item_tags, verdicts
from storage.schema.watching import entries, sources
from storage.store import MANY, Store, in_batches

# Links between the item's first record and the head of the chain that are handed over with it: 6 MB at most. Past that only the
# item's own links are, each with the one before it, so that each can still be checked by itself.
LONGEST_EXCERPT = 20_000
STREAM = 50  # captures a trip: their bodies are in memory


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain, with the link it follows."""

    seq: int
    subject: str
    subject_id: int
    digest: str
    before: str
    link: str


@dataclass(frozen=True, slots=True)
class Record:
    """The bytes (as text) whose SHA-256 stands in the chain for one record."""

    subject: str
    id: int
    written: str


@dataclass(frozen=True, slots=True)
class HeldCapture:
    """A capture of the item; ``kept`` is false where retention has dropped its bytes, and ``capture.body`` is empty then."""

    id: int
    capture: Capture
    kept: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is held on one item, in the order it came; ``excerpt`` goes from its first link to the head where ``whole``."""

    item: Mapping[Any, Any]
    outlets: tuple[Mapping[Any, Any], ...]
    tags: tuple[str, ...]
    versions: tuple[Mapping[Any, Any], ...]
    flaggings: tuple[tuple[Mapping[Any, Any], Flagging], ...]
    verdicts: tuple[Mapping[Any, Any], ...]
    rechecks: tuple[Mapping[Any, Any], ...]
    captures: tuple[HeldCapture, ...]
    records: tuple[Record, ...]
    excerpt: tuple[Link, ...]
    head: Link | None
    whole: bool


def load_evidence(store: Store, item_id: int) -> Evidence:
    """Everything on an item, in one consistent state. Raises StoreError where there is none, or its bytes are damaged."""
    with store.read() as connection:
        item = connection.execute(select(items).where(items.c.id == item_id)).mappings().first()
        if item is None:
            raise StoreError(f"There is no item {item_id} in {store.address}; `sholu items` lists them.")
        of = _rows_of(connection, item_id)
        versions, judged = of(item_versions, item_versions.c.number), of(flaggings, flaggings.c.id)
        decided, looks = of(verdicts, verdicts.c.id), of(rechecks, rechecks.c.due)
        announced = (*of(item_sources, item_sources.c.first_seen), *of(entries, entries.c.id))
        # The feeds that announced it are evidence as well; often they are all there is of a text.
        ids = sorted({row["capture_id"] for row in (*versions, *looks, *announced) if row["capture_id"] is not None})
        held = tuple(_captures(store, connection, captures.c.id.in_(ids)))
        written = [
            *(Record("capture", each.id, records.capture_record(each.capture)) for each in held),
            *(Record("version", row["id"], records.record(records.VERSION, row)) for row in versions),
            *(Record("flagging", row["id"], records.record(records.FLAGGING, row)) for row in judged),
            *(Record("verdict", row["id"], records.record(records.VERDICT, row)) for row in decided),
            *(Record("recheck", row["id"], records.record(records.RECHECK, row)) for row in looks if row["state"] != "waiting"),
        ]
        excerpt, head, whole = _excerpt(connection, written)
        outlets = select(item_sources, sources.c.title, sources.c.home).join(sources, sources.c.id == item_sources.c.source_id)
        carried = (
            connection.execute(outlets.where(item_sources.c.item_id == item_id).order_by(item_sources.c.first_seen))
            .mappings()
            .all()
        )
        tags = (
            connection.execute(select(item_tags.c.tag).where(item_tags.c.item_id == item_id).order_by(item_tags.c.tag))
            .scalars()
            .all()
        )
        said = connection.execute(select(flaggings).where(flaggings.c.item_id == item_id).order_by(flaggings.c.id)).all()
    return Evidence(
        item=item,
        outlets=tuple(carried),
        tags=tuple(tags),
        versions=tuple(versions),
        flaggings=tuple((row, flagging_from(one)) for row, one in zip(judged, said, strict=True)),
        verdicts=tuple(decided),
        rechecks=tuple(looks),
        captures=held,
        records=tuple(written),
        excerpt=tuple(excerpt),
        head=head,
        whole=whole,
    )


def stream_captures(store: Store, *, since: datetime | None = None, until: datetime | None = None) -> Iterator[HeldCapture]:
    """Captures by id, from ``since`` on and before ``until``, a few at a time. Raises StoreError for bytes that are damaged."""
    wanted = and_(
        captures.c.fetched_at >= since if since else captures.c.id > 0,
        captures.c.fetched_at < until if until else captures.c.id > 0,
    )
    after = 0
    while True:
        with store.read() as connection:
            chosen = select(captures.c.id).where(wanted, captures.c.id > after).order_by(captures.c.id).limit(STREAM)
            ids = list(connection.execute(chosen).scalars())
            found = list(_captures(store, connection, captures.c.id.in_(ids)))
        yield from found
        if len(ids) < STREAM:
            return
        after = ids[-1]


def chain_head(store: Store) -> Link | None:
    """The last link: whoever notes it elsewhere can tell later that nothing before it was changed, taken out or added."""
    with store.read() as connection:
        return _head(connection)


def link_at(store: Store, seq: int) -> str | None:
    """The hash of a link, None where the chain is shorter."""
    with store.read() as connection:
        found = connection.execute(select(links.c.link).where(links.c.seq == seq)).scalar()
        return None if found is None else str(found)


def _rows_of(connection: Connection, item_id: int) -> Any:
    def rows(table: Table, order: ColumnElement[Any]) -> Sequence[Mapping[Any, Any]]:
        found: Any = connection.execute(select(table).where(table.c.item_id == item_id).order_by(order)).mappings().all()
        return found  # type: ignore[no-any-return]

    return rows


def _captures(store: Store, connection: Connection, wanted: ColumnElement[bool]) -> Iterator[HeldCapture]:
    query = select(captures, blobs.c.data, blobs.c.size).outerjoin(blobs, blobs.c.id == captures.c.blob_id)
    for row in connection.execute(query.where(wanted).order_by(captures.c.id)):
        kept = row.data is not None
        body = unpack(row.data, row.size, row.sha256, f"capture {row.id} in {store.address}") if kept else b""
        yield HeldCapture(row.id, capture_from(row, body), kept)


def _head(connection: Connection) -> Link | None:
    found = connection.execute(select(links).order_by(links.c.seq.desc()).limit(2)).all()
    if not found:
        return None
    before = found[1].link if len(found) > 1 else BEGINNING
    return Link(found[0].seq, found[0].subject, found[0].subject_id, found[0].digest, before, found[0].link)


def _excerpt(connection: Connection, written: Sequence[Record]) -> tuple[list[Link], Link | None, bool]:
    head = _head(connection)
    own: set[int] = set()
    by_subject: dict[str, list[int]] = {}
    for each in written:
        by_subject.setdefault(each.subject, []).append(each.id)
    for subject, ids in by_subject.items():
        for batch in in_batches(ids, MANY):
            own.update(
                connection.execute(select(links.c.seq).where(links.c.subject == subject, links.c.subject_id.in_(batch))).scalars()
            )
    if not own or head is None:
        return [], head, False
    first = min(own)
    whole = head.seq - first < LONGEST_EXCERPT
    wanted = links.c.seq >= first - 1 if whole else or_(links.c.seq.in_(own), links.c.seq.in_([seq - 1 for seq in own]))
    found = {row.seq: row for row in connection.execute(select(links).where(wanted).order_by(links.c.seq))}
    told = [seq for seq in found if seq >= first and (whole or seq in own)]
    excerpt = [
        Link(
            seq, found[seq].subject, found[seq].subject_id, found[seq].digest,
            found[seq - 1].link if seq - 1 in found else BEGINNING, found[seq].link,
        )
        for seq in told
    ]  # fmt: skip
    return excerpt, head, whole
