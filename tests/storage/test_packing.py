"""What is kept of a body: what came in gzip as it came, all else as zstd, and not a byte that could be altered unseen."""

from __future__ import annotations

import gzip
import hashlib
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from domain.errors import StoreError
from storage.captures import load_capture, save_captures
from storage.packing import EMPTY, Packer, unpack
from storage.schema.evidence import blobs
from storage.store import Store
from tests.storage.conftest import a_capture

PAGE = b"<p>Miners in Zhanaozen stopped work.</p>" * 40


def unpacked(kept: bytes, body: bytes) -> bytes:
    return unpack(kept, len(body), hashlib.sha256(body).hexdigest(), "capture 1")


@given(st.binary(max_size=2_000), st.integers(1, 40), st.integers(0, 9), st.booleans())
def test_every_body_comes_back(part: bytes, times: int, level: int, in_gzip: bool) -> None:
    body = part * times
    kept = Packer().pack(body, gzip.compress(body, level) if in_gzip else b"")
    assert unpacked(kept, body) == body


def test_what_came_in_gzip_is_kept_as_it_came_but_for_its_head() -> None:
    came = gzip.compress(PAGE, 5, mtime=1_700_000_000)
    kept = Packer().pack(PAGE, came)
    assert kept[10:] == came[10:]
    assert kept == Packer().pack(PAGE, gzip.compress(PAGE, 5, mtime=0)), "the time in its head proves nothing and is not kept"


@pytest.mark.parametrize(
    "came",
    [
        b"",
        gzip.compress(PAGE, 0),  # larger than the page
        gzip.compress(PAGE)[:3] + b"\x08" + gzip.compress(PAGE)[4:10] + b"page.html\0" + gzip.compress(PAGE)[10:],  # with a name
    ],
    ids=["not in gzip", "badly packed", "named"],
)
def test_all_else_is_packed_here(came: bytes) -> None:
    kept = Packer().pack(PAGE, came)
    assert kept.startswith(b"\x28\xb5\x2f\xfd")
    assert unpacked(kept, PAGE) == PAGE


def test_nothing_is_kept_in_one_form_only() -> None:
    assert Packer().pack(b"", gzip.compress(b"")) == EMPTY


def test_no_bit_of_what_is_kept_can_be_altered_unseen() -> None:
    kept = Packer().pack(PAGE, gzip.compress(PAGE))
    assert kept.startswith(b"\x1f\x8b")
    passed = []
    for bit in range(8 * len(kept)):
        altered = bytearray(kept)
        altered[bit // 8] ^= 1 << bit % 8
        try:
            assert unpacked(bytes(altered), PAGE) == PAGE
        except StoreError:
            continue
        passed.append(bit // 8)
    # The last byte before the sum has bits that stand for nothing.
    assert set(passed) <= {len(kept) - 9}


@pytest.mark.parametrize(
    "alter", [lambda kept: kept[:-1], lambda kept: kept + b"\0", lambda kept: kept + kept], ids=["short", "long", "twice"]
)
def test_what_does_not_end_where_it_should_is_refused(alter) -> None:
    kept = Packer().pack(PAGE, gzip.compress(PAGE))
    with pytest.raises(StoreError, match="restore a back-up"):
        unpacked(alter(kept), PAGE)


def test_a_bomb_in_the_database_costs_no_more_than_the_body_was_said_to_have() -> None:
    kept = Packer().pack(PAGE, gzip.compress(PAGE))
    bomb = kept[:10] + gzip.compress(bytes(50_000_000))[10:]
    with pytest.raises(StoreError, match="not those received"):
        unpacked(bomb, PAGE)


def test_a_capture_that_came_in_gzip_comes_back_as_it_was_received(store: Store, run_id: int, now: datetime) -> None:
    received = a_capture("https://example.org/1", PAGE, now, gzipped=gzip.compress(PAGE))
    (saved,) = save_captures(store, run_id, [received])
    assert load_capture(store, saved) == received
    with store.read() as connection:
        assert connection.execute(select(blobs.c.data)).scalar_one().startswith(b"\x1f\x8b")
