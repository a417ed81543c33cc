"""Captures: bytes as received, each body kept once however often it came; what they say is in items."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.engine import Row

from domain.errors import StoreError
from domain.values import Capture
from storage import chain
from storage.packing import Packer, unpack
from storage.schema.evidence import blobs, captures
from storage.schema.types import storable
from storage.store import MANY, Store, in_batches


def save_captures(store: Store, run_id: int, received: Sequence[Capture]) -> list[int]:
    """Keep captures in one transaction, in order, and return their ids; each gets its link in the evidence chain.

    A capture received at the same time from the same address with the same bytes is the same capture: a batch saved twice
    gives the same ids.
    """
    if not received:
        return []
    # Compressing costs more than writing: before the transaction, not in it. A page met again (at a later look, under a second
    # address) is often the bytes that are kept already.
    with store.read() as connection:
        kept = _blob_ids(connection, (capture.sha256 for capture in received))
    packed = _pack(capture for capture in received if capture.sha256 not in kept)
    with store.begin(ordered=True) as connection:
        held, stored = _held(connection, received)
        fresh: dict[tuple[Any, ...], Capture] = {}
        for capture in received:
            if (mark := _mark(capture)) not in held:
                fresh.setdefault(mark, capture)
        stored |= _store_blobs(store, connection, [each for each in fresh.values() if each.sha256 not in stored], packed)
        c = captures.c
        insert = captures.insert().returning(c.id, c.url_asked, c.fetched_at, c.sha256)
        for batch in in_batches([_row(run_id, capture, stored[capture.sha256]) for capture in fresh.values()]):
            held.update(((row.url_asked, row.fetched_at, row.sha256), row.id) for row in connection.execute(insert, batch))
        records = [("capture", held[mark], chain.capture_digest(capture)) for mark, capture in fresh.items()]
        chain.append(connection, sorted(records, key=lambda record: record[1]))
    return [held[_mark(capture)] for capture in received]


def load_capture(store: Store, capture_id: int) -> Capture:
    """A capture with its body. Raises StoreError where there is none, its bytes were dropped, or their hash is wrong."""
    query = (
        select(captures, blobs.c.data, blobs.c.size)
        .outerjoin(blobs, blobs.c.id == captures.c.blob_id)
        .where(captures.c.id == capture_id)
    )
    with store.read() as connection:
        row = connection.execute(query).first()
    if row is None:
        raise StoreError(f"There is no capture {capture_id} in {store.address}.")
    if row.data is None:
        raise StoreError(f"The bytes of capture {capture_id} were dropped by retention; its hash is {row.sha256}.")
    return capture_from(row, unpack(row.data, row.size, row.sha256, f"capture {capture_id} in {store.address}"))


def capture_from(row: Row[Any], body: bytes) -> Capture:
    """A Capture from a row of ``captures`` and its unpacked body."""
    return Capture(
        url_asked=row.url_asked,
        url_answered=row.url_answered,
        fetched_at=row.fetched_at,
        status=row.status,
        headers=_pairs(row.headers),
        media_type=row.media_type,
        body=body,
        sha256=row.sha256,
        server_address=row.server_address,
        certificate=row.certificate,
        request_headers=_pairs(row.request_headers),
        redirects=tuple(row.redirects),
    )


def _mark(capture: Capture) -> tuple[Any, ...]:
    return storable(capture.url_asked), capture.fetched_at, capture.sha256


def _held(connection: Connection, received: Sequence[Capture]) -> tuple[dict[tuple[Any, ...], int], dict[str, int]]:
    """Ids of the captures held of those bytes, by their marks, and of the bodies that are kept, by their hashes."""
    c = captures.c
    held: dict[tuple[Any, ...], int] = {}
    stored: dict[str, int] = {}
    for batch in in_batches(sorted({capture.sha256 for capture in received}), MANY):
        query = select(c.id, c.url_asked, c.fetched_at, c.sha256, c.blob_id).where(c.sha256.in_(batch))
        for row in connection.execute(query):
            held[row.url_asked, row.fetched_at, row.sha256] = row.id
            if row.blob_id is not None:  # else retention has dropped the bytes
                stored[row.sha256] = row.blob_id
    return held, stored


def _pack(new: Iterable[Capture]) -> dict[str, dict[str, Any]]:
    packer = Packer()
    packed: dict[str, dict[str, Any]] = {}
    for capture in new:
        if capture.sha256 not in packed:
            data = packer.pack(capture.body, capture.gzipped)
            packed[capture.sha256] = {"sha256": capture.sha256, "size": len(capture.body), "data": data}
    return packed


def _store_blobs(
    store: Store, connection: Connection, missing: Sequence[Capture], packed: dict[str, dict[str, Any]]
) -> dict[str, int]:
    # What retention has dropped since it was looked for is packed now.
    packed = packed | _pack(capture for capture in missing if capture.sha256 not in packed)
    for batch in in_batches([packed[sha256] for sha256 in dict.fromkeys(capture.sha256 for capture in missing)]):
        connection.execute(store.insert(blobs).on_conflict_do_nothing(), batch)
    return _blob_ids(connection, (capture.sha256 for capture in missing))


def _blob_ids(connection: Connection, hashes: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for batch in in_batches(list(dict.fromkeys(hashes)), MANY):
        found.update(connection.execute(select(blobs.c.sha256, blobs.c.id).where(blobs.c.sha256.in_(batch))).tuples().all())
    return found


def _row(run_id: int, capture: Capture, blob_id: int) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "url_asked": capture.url_asked,
        "url_answered": capture.url_answered,
        "fetched_at": capture.fetched_at,
        "status": capture.status,
        "media_type": capture.media_type,
        "headers": capture.headers,
        "request_headers": capture.request_headers,
        "redirects": capture.redirects,
        "server_address": capture.server_address,
        "certificate": capture.certificate,
        "sha256": capture.sha256,
        "blob_id": blob_id,
    }


def _pairs(rows: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in rows)
