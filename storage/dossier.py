"""All that is held on one item, for its page: versions, captures, outlets, rechecks; lists are in ``queues``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from domain.values import Flagging
from storage.carriers import Carrier, carriers
from storage.flagging_rows import flagging_from
from storage.queues import Listed, details
from storage.schema.evidence import blobs, captures, chain, rechecks
from storage.schema.items import flaggings, item_versions
from storage.store import Store


@dataclass(frozen=True, slots=True)
class CaptureFacts:
    """What is known of a capture without its bytes; ``kept`` is false once retention has dropped them."""

    id: int
    url_asked: str
    url_answered: str
    fetched_at: datetime
    status: int
    media_type: str
    headers: tuple[tuple[str, str], ...]
    request_headers: tuple[tuple[str, str], ...]
    redirects: tuple[str, ...]
    server_address: str
    certificate: str
    sha256: str
    size: int | None
    kept: bool
    chain_seq: int | None


@dataclass(frozen=True, slots=True)
class Version:
    """One state of an item's text, where it came from and what the rules said of it."""

    id: int
    number: int
    title: str
    text: str
    language: str
    published: datetime | None
    published_from: str | None
    authors: tuple[str, ...]
    extractor: str
    body_from: str
    cut: bool
    capture_id: int | None
    fetched_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Recheck:
    """A later look at the page: when, what was found, and what it was compared with; ``capture_id`` is what was received."""

    label: str
    due: datetime
    state: str
    done_at: datetime | None
    reason: str
    capture_id: int | None
    version_id: int | None


@dataclass(frozen=True, slots=True)
class Dossier:
    """One item with everything behind it; ``text`` and ``flagging`` are whole and of the version in force."""

    item: Listed
    text: str
    flagging: Flagging | None
    version_id: int | None
    changed_at: datetime
    gone_at: datetime | None
    versions: tuple[Version, ...]
    captures: dict[int, CaptureFacts]
    carriers: tuple[Carrier, ...]
    rechecks: tuple[Recheck, ...]


def load_dossier(store: Store, item_id: int) -> Dossier | None:
    """Everything on an item; None when there is no such item."""
    with store.read() as connection:
        row = connection.execute(details([item_id])).first()
        if row is None:
            return None
        found = connection.execute(
            select(item_versions).where(item_versions.c.item_id == item_id).order_by(item_versions.c.number)
        ).all()
        judged = connection.execute(select(flaggings).where(flaggings.c.id == row.flagging_id)).first()
        looks = connection.execute(select(rechecks).where(rechecks.c.item_id == item_id).order_by(rechecks.c.due)).all()
    flagging = flagging_from(judged) if judged is not None else None
    versions = tuple(
        Version(
            one.id, one.number, one.title, one.text, one.language, one.published, one.published_from, tuple(one.authors),
            one.extractor, one.body_from, one.cut, one.capture_id, one.fetched_at, one.seen_at,
        )
        for one in found
    )  # fmt: skip
    current = next((version for version in versions if version.id == row.version_id), versions[-1] if versions else None)
    kept = {*(version.capture_id for version in versions), *(look.capture_id for look in looks)} - {None}
    facts = {one.id: one for one in (capture_facts(store, capture_id) for capture_id in sorted(kept)) if one}
    return Dossier(
        item=Listed.of(row, flagging), text=current.text if current else "", flagging=flagging, version_id=row.version_id,
        changed_at=row.changed_at, gone_at=row.gone_at, versions=versions, captures=facts,
        carriers=carriers(store, [row.cluster_id]).get(row.cluster_id, ()),
        rechecks=tuple(
            Recheck(one.label, one.due, one.state, one.done_at, one.reason, one.capture_id, one.version_id) for one in looks
        ),
    )  # fmt: skip


def capture_facts(store: Store, capture_id: int) -> CaptureFacts | None:
    """What is known of a capture, without reading its bytes."""
    query = (
        select(captures, blobs.c.size, chain.c.seq)
        .outerjoin(blobs, blobs.c.id == captures.c.blob_id)
        .outerjoin(chain, (chain.c.subject == "capture") & (chain.c.subject_id == captures.c.id))
        .where(captures.c.id == capture_id)
    )
    with store.read() as connection:
        row = connection.execute(query).first()
    if row is None:
        return None
    return CaptureFacts(
        row.id, row.url_asked, row.url_answered, row.fetched_at, row.status, row.media_type, _pairs(row.headers),
        _pairs(row.request_headers), tuple(row.redirects), row.server_address, row.certificate, row.sha256, row.size,
        row.blob_id is not None, row.seq,
    )  # fmt: skip


def _pairs(rows: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((str(name), str(value)) for name, value in rows)
