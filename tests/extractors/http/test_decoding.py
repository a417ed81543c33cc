"""Undoing Content-Encoding within bounds."""

from __future__ import annotations

import gzip
import zlib
from contextlib import suppress
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.decoding import MOST_GZIPPED, Decoder, DecodingError, decode, encodings


def squeeze(body: bytes, name: str) -> bytes:
    if name == "gzip":
        return gzip.compress(body)
    squeezer = zlib.compressobj(wbits=15 if name == "deflate" else -15)
    return squeezer.compress(body) + squeezer.flush()


@given(
    st.binary(max_size=5_000).filter(lambda body: not body.startswith(b"\x1f\x8b")),
    st.lists(st.sampled_from(["gzip", "deflate", "raw"]), max_size=2),
    st.integers(1, 300),
)
def test_a_body_comes_back_however_it_is_cut_up_on_the_way(body: bytes, layers: list[str], step: int) -> None:
    wire = body
    for layer in layers:
        wire = squeeze(wire, layer)
    decoder = Decoder(tuple(layer.replace("raw", "deflate") for layer in layers), 10_000)
    for start in range(0, len(wire), step):
        decoder.feed(wire[start : start + step])
    assert decoder.finish() == body


@given(st.binary(max_size=3_000), st.integers(1, 300), st.booleans())
def test_a_gzip_file_nobody_spoke_of_is_undone_however_it_is_cut_up(body: bytes, step: int, twice: bool) -> None:
    wire = squeeze(body, "gzip")
    decoder = Decoder(("gzip",) if twice else (), 10_000)
    wire = squeeze(wire, "gzip") if twice else wire
    for start in range(0, len(wire), step):
        decoder.feed(wire[start : start + step])
    assert decoder.finish() == body


@given(
    st.binary(max_size=3_000),
    st.sampled_from([[], ["gzip"], ["deflate"], ["gzip", "gzip"], ["deflate", "gzip"], ["gzip", "deflate"]]),
    st.sampled_from([b"", b"\0", b"padding", gzip.compress(b"a second member")]),
    st.integers(1, 300),
)
def test_a_body_is_handed_on_in_gzip_where_it_came_as_one_and_as_nothing_else(
    body: bytes, layers: list[str], after: bytes, step: int
) -> None:
    wire = b"<rss>" + body
    for layer in layers:
        wire = squeeze(wire, layer)
    wire += after
    decoder = Decoder(tuple(layers), 10_000)
    for start in range(0, len(wire), step):
        decoder.feed(wire[start : start + step])
    found = decoder.finish()
    if layers == ["gzip"] and not after:
        assert decoder.gzipped() == wire
        assert gzip.decompress(wire) == found
    else:
        assert decoder.gzipped() == b""


def test_what_is_large_on_the_wire_is_not_held_a_second_time() -> None:
    decoder = Decoder(("gzip",), 10_000_000)
    decoder.feed(gzip.compress(Random(1).randbytes(MOST_GZIPPED)))
    assert len(decoder.finish()) == MOST_GZIPPED
    assert decoder.gzipped() == b""


@given(st.binary(max_size=3_000), st.lists(st.sampled_from(["gzip", "deflate"]), max_size=2), st.integers(0, 2_000))
def test_any_bytes_decode_within_the_limit_or_are_refused(wire: bytes, layers: list[str], limit: int) -> None:
    with suppress(DecodingError):
        assert len(decode(wire, tuple(layers), limit)) <= limit


@given(st.integers(10_000, 3_000_000), st.integers(1, 9_999), st.sampled_from(["gzip", "deflate"]))
def test_what_is_larger_than_allowed_is_never_held(size: int, limit: int, name: str) -> None:
    decoder = Decoder((name,), limit)
    with pytest.raises(DecodingError) as caught:
        decoder.feed(squeeze(bytes(size), name))
    assert caught.value.kind == "too-large"
    assert decoder.size <= limit


def test_a_stacked_bomb_is_stopped_at_either_layer() -> None:
    bomb = gzip.compress(gzip.compress(bytes(100_000_000)))
    with pytest.raises(DecodingError) as caught:
        decode(bomb, ("gzip", "gzip"), 1_000_000)
    assert caught.value.kind == "too-large"
    wide = gzip.compress(bytes(100_000_000))  # the inner layer's output is what is large here, the outer's stays small
    with pytest.raises(DecodingError):
        decode(gzip.compress(wide), ("deflate", "gzip"), 1_000_000)


def test_a_bomb_below_the_limit_is_known_by_its_ratio() -> None:
    with pytest.raises(DecodingError, match="bomb"):
        decode(gzip.compress(bytes(5_000_000)), ("gzip",), 8_000_000)


def test_a_large_but_honest_feed_is_no_bomb() -> None:
    feed = b"".join(b"<item><title>Story %d of the day</title><guid>%d</guid></item>" % (n, n * 7919) for n in range(60_000))
    assert decode(gzip.compress(feed), ("gzip",), 8_000_000) == feed


@pytest.mark.parametrize("header", ["br", "zstd", "gzip, br", "gzip, gzip, gzip", "compress", "\x00"])
def test_encodings_that_were_not_offered_are_refused(header: str) -> None:
    with pytest.raises(DecodingError):
        encodings(header)


@pytest.mark.parametrize(
    ("header", "names"), [("", ()), ("identity", ()), ("GZIP", ("gzip",)), (" x-gzip , deflate", ("x-gzip", "deflate"))]
)
def test_encodings_are_read_in_the_order_applied(header: str, names: tuple[str, ...]) -> None:
    assert encodings(header) == names
