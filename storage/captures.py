"""Captures: bytes as received, each body kept once however often it came; what they say is in items."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC
from typing import Any

import zstandard
from sqlalchemy import Connection, select
from sqlalchemy.engine import Row

from domain.errors import StoreError
from domain.values import Capture
from storage import chain
from storage.schema.evidence import blobs, captures
from storage.schema.types import storable
from storage.store import MANY, Store, in_batches

# Level 3 keeps raw HTML at a fifth of its size at 1,000 pages a second; level 10 saves a tenth more for six times the time.
LEVEL = 3
EMPTY = b"\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00"  # RFC 8878: a frame of no bytes, the same at every level


def save_captures(store: Store, run_id: int, received: Sequence[Capture]) -> list[int]:
    """Keep captures in one transaction, in order, and return their ids; each gets its link in the evidence chain.

    A capture received at the same time from the same address with the same bytes is the same capture: a batch saved twice
    gives the same ids. Raises StoreError where ``sha256`` is not the hash of ``body``.
    """
    if not received:
        return []
    packed = _pack(received)  # compressing costs more than writing: before the transaction, not in it
    with store.begin(ordered=True) as connection:
        held = _held(connection, received)
        fresh: dict[tuple[Any, ...], Capture] = {}
        for capture in received:
            if (mark := _mark(capture)) not in held:
                fresh.setdefault(mark, capture)
        stored = _store_blobs(store, connection, {capture.sha256: packed[capture.sha256] for capture in fresh.values()})
        c = captures.c
        insert = captures.insert().returning(c.id, c.url_asked, c.fetched_at, c.sha256)
        for batch in in_batches([_row(run_id, capture, stored[capture.sha256]) for capture in fresh.values()]):
            held.update(((row.url_asked, row.fetched_at, row.sha256), row.id) for row in connection.execute(insert, batch))
        records = [("capture", held[mark], chain.capture_digest(capture_as_stored(capture))) for mark, capture in fresh.items()]
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


def unpack(data: bytes, size: int, sha256: str, what: str) -> bytes:
    """The bytes of a blob, proven by their hash. Raises StoreError naming ``what``."""
    if not size and data != EMPTY:  # no bytes, no hash that could tell: what stands for nothing is of one form
        raise StoreError(
            f"The bytes of {what} are not those received: an empty body was kept as something else; restore a back-up."
        )
    try:
        body = zstandard.ZstdDecompressor().decompress(data, max_output_size=size) if size else b""
    except zstandard.ZstdError as error:
        raise StoreError(f"The bytes of {what} cannot be unpacked ({error}); restore a back-up.") from error
    if hashlib.sha256(body).hexdigest() != sha256:
        raise StoreError(f"The bytes of {what} are not those received: their hash is not {sha256}; restore a back-up.")
    return body


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


def capture_as_stored(capture: Capture) -> Capture:
    """The capture as it will be read back: signs no database takes are replaced, so that its digest can be made again."""
    return Capture(
        url_asked=storable(capture.url_asked),
        url_answered=storable(capture.url_answered),
        fetched_at=capture.fetched_at.astimezone(UTC),
        status=capture.status,
        headers=tuple((storable(name), storable(value)) for name, value in capture.headers),
        media_type=storable(capture.media_type),
        body=capture.body,
        sha256=capture.sha256,
        server_address=capture.server_address,
        certificate=capture.certificate,
        request_headers=tuple((storable(name), storable(value)) for name, value in capture.request_headers),
        redirects=tuple(storable(hop) for hop in capture.redirects),
    )


def _mark(capture: Capture) -> tuple[Any, ...]:
    return storable(capture.url_asked), capture.fetched_at, capture.sha256


def _held(connection: Connection, received: Sequence[Capture]) -> dict[tuple[Any, ...], int]:
    c = captures.c
    found: dict[tuple[Any, ...], int] = {}
    for batch in in_batches(sorted({capture.sha256 for capture in received}), MANY):
        query = select(c.id, c.url_asked, c.fetched_at, c.sha256).where(c.sha256.in_(batch))
        found.update(((row.url_asked, row.fetched_at, row.sha256), row.id) for row in connection.execute(query))
    return found


def _pack(received: Sequence[Capture]) -> dict[str, dict[str, Any]]:
    compressor = zstandard.ZstdCompressor(level=LEVEL)
    packed: dict[str, dict[str, Any]] = {}
    for capture in received:
        if capture.sha256 in packed:
            continue
        if hashlib.sha256(capture.body).hexdigest() != capture.sha256:
            raise StoreError(
                f"The capture of {capture.url_asked} carries a hash that is not its body's; this is a fault of Sholu."
            )
        data = compressor.compress(capture.body)
        packed[capture.sha256] = {"sha256": capture.sha256, "size": len(capture.body), "data": data}
    return packed


def _store_blobs(store: Store, connection: Connection, packed: dict[str, dict[str, Any]]) -> dict[str, int]:
    for batch in in_batches(list(packed.values())):
        connection.execute(store.insert(blobs).on_conflict_do_nothing(), batch)
    found: dict[str, int] = {}
    for hashes in in_batches(list(packed), MANY):
        for row in connection.execute(select(blobs.c.sha256, blobs.c.id).where(blobs.c.sha256.in_(hashes))):
            found[row.sha256] = row.id
    return found


def _row(run_id: int, capture: Capture, blob_id: int) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "url_asked": capture.url_asked,
        "url_answered": capture.url_answered,
        "fetched_at": capture.fetched_at,
        "status": capture.status,
        "media_type": capture.media_type,
        "headers": [list(header) for header in capture.headers],
        "request_headers": [list(header) for header in capture.request_headers],
        "redirects": list(capture.redirects),
        "server_address": capture.server_address,
        "certificate": capture.certificate,
        "sha256": capture.sha256,
        "blob_id": blob_id,
    }


def _pairs(rows: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in rows)
