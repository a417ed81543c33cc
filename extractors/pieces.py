"""A changed feed less what was read before: cutting its bytes into entries, and knowing again those of the last reading.

Pure scanning of bytes in linear time, with no parser: what an entry says is for feedparser to read (``extractors.feeds``), and
wherever it is not certain that an entry reads the same alone as among the others, the whole feed is read. See
docs/decisions/0088-what-a-changed-feed-costs.md.
"""

from __future__ import annotations

import contextlib
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b, sha256
from typing import NamedTuple

from domain.keys import shortened
from domain.values import Feed
from extractors.charsets import decode_as_labelled, is_labelled_utf8
from extractors.plain import encoded_markup

MOST_PIECES = 20_000  # entries; scanning more would hold up the others for more than some 20 ms
MOST_BYTES = (
    2_500_000  # a larger feed is read in whole, by a child with a bound on its memory: dividing takes ten times its size of ours
)
MOST_NAMES = 100  # namespaces declared in a feed
WHOLE_EVERY = timedelta(days=1)
"""Then a feed is read in whole all the same: its entries are seen to be still there, and a mistake made here would heal."""
MARK = b"<?seen?>"
"""Stands for entries left out. Where an entry cannot stand, in a tag, a mark cannot either: such a document is not read in part."""

_ROOT = re.compile(rb"\s*(?:<\?[^<>]{0,1000}\?>\s*|<!--[^<>]{0,5000}-->\s*)*+<(?:(rss|rdf:RDF)|feed)(?=[\s>])")
_HIDING = {b"<![CDATA[": b"]]>", b"<!--": b"-->", b"<?": b"?>"}
_ITEM, _ENTRY = (re.compile(rb"<(?:(%s)(?=[\s>/])|/%s>|!\[CDATA\[|!--|\?)" % (name, name)) for name in (b"item", b"entry"))
_CDATA = re.compile(rb"<!\[CDATA\[.*?\]\]>", re.DOTALL)
_CONTEXT = re.compile(rb"<(?!rdf:li\b|[?!])[^<>]*>(?:(?<=language>)[^<]*)?")
_NAMED = re.compile(rb"xmlns(?::[^\s=:<>\"']{1,100})?\s*=\s*[\"']")
_NAMING = re.compile(rb"xmlns(?::([^\s=:<>\"']{1,100}))?\s*=\s*(?:\"([^\"<]*)\"|'([^'<]*)')")
_SCOPE = re.compile(rb"\s(?:xml:)?(?:base|lang)\s*=")
_DIVISION = re.compile(rb"<(?:[\w.-]+:)?div[\s/>]")
_HEAD = struct.Struct(">Bq")
_RECORD = struct.Struct(">16s8sq")
_VERSION = 1


class Piece(NamedTuple):
    """What is remembered of one entry: the hash of its bytes in their context, its key's, and when it was published (seconds, or 0)."""

    digest: bytes
    key: bytes
    at: int

    @property
    def published(self) -> datetime | None:
        return datetime.fromtimestamp(self.at, UTC) if self.at else None


@dataclass(frozen=True, slots=True)
class Division:
    """A feed divided into what was read before, ``held``, and what must be read now.

    ``document`` is the feed less what is held, in UTF-8, b"" where nothing is left to be read. ``new`` are the digests of the
    entries in it, in order; b"" stands for one that could tell upon others and is read every time. ``note`` is what was odd about
    the character set; ``read_at`` when the feed was last read in whole.
    """

    held: tuple[Piece, ...]
    new: tuple[bytes, ...]
    document: bytes
    note: str
    read_at: datetime

    def joins(self, feed: Feed) -> bool:
        """Whether what was read of ``document`` is certainly what the whole feed would have given beyond what is held."""
        keys = {key_digest(entry.key) for entry in feed.entries}
        return len(feed.keys_in_order) == len(self.new) and not any(piece.key in keys for piece in self.held)


def divide(body: bytes, content_type: str, *, url: str, stored: bytes, now: datetime) -> Division | None:
    """Divide a feed by what is ``stored`` of its last reading (``remembered``); None where it must be read in whole, unremembered."""
    if len(body) > MOST_BYTES:
        return None
    given = (url.encode("utf-8", "surrogatepass"), stored, now)
    if is_labelled_utf8(body, content_type):
        # What is held was sound UTF-8; whether the rest is, shows when it is decoded.
        with contextlib.suppress(UnicodeDecodeError):
            return _divided(body, "", *given)
    decoded = decode_as_labelled(body, content_type)
    return _divided(decoded.text.encode(), decoded.note, *given) if decoded else None


def _divided(data: bytes, note: str, url: bytes, stored: bytes, now: datetime) -> Division | None:
    spans = cut(data)
    if not spans or not _names_agree(data, spans[0][0]):
        return None
    around = _around(data, spans)
    read_at, known = _unpacked(stored)
    if not now - WHOLE_EVERY < read_at <= now:
        read_at, known = now, {}
    context = sha256(b"\0".join((url, *_CONTEXT.findall(around))))
    held: list[Piece] = []
    new: list[bytes] = []
    kept: list[bytes] = []
    place = 0
    view = memoryview(data)
    for start, end in spans:
        hashed = context.copy()
        hashed.update(view[start:end])
        digest = hashed.digest()[:16]
        piece = known.pop(digest, None)  # one that stands there twice is read again: the second is a repeat
        if piece is None:
            new.append(digest if stands_alone(data[start:end]) else b"")
            continue
        held.append(piece)
        # One mark for a row of them: of the blanks between, nothing is lost.
        if place == 0 or kept[-1] != MARK or data[place:start].strip():
            kept += (data[place:start], MARK)
        place = end
    kept.append(data[place:])
    if not held:
        read_at = now
    document = b"".join(kept) if new else b""
    # What is removed on entry could have hidden a tag from the scan.
    read = document or around
    if encoded_markup(read.decode()) != read:
        return None
    return Division(tuple(held), tuple(new), document, note, read_at)


def cut(data: bytes) -> list[tuple[int, int]]:
    """Where each entry of a feed in UTF-8 begins and ends; none where a parser might see others than a scan of bytes does."""
    root = _ROOT.match(data)
    if root is None:  # a DOCTYPE too, which could declare anything
        return []
    spans: list[tuple[int, int]] = []
    start = -1
    hidden = 0  # up to where text is no markup
    for token in (_ITEM if root[1] else _ENTRY).finditer(data, root.end()):
        if token.start() < hidden:
            continue
        if closing := _HIDING.get(token[0]):
            hidden = data.find(closing, token.end()) + len(closing)
            if hidden < len(closing):
                return []
        elif token[1]:  # an entry begins
            if start >= 0 or data[token.end() : token.end() + 1] == b"/" or len(spans) == MOST_PIECES:
                return []
            start = token.start()
        else:
            if start < 0:
                return []
            spans.append((start, token.end()))
            start = -1
    return spans if start < 0 else []


def _around(data: bytes, spans: Sequence[tuple[int, int]]) -> bytes:
    """What stands before, between and after the entries."""
    starts, ends = [start for start, _ in spans], [end for _, end in spans]
    return b"".join(data[end:start] for end, start in zip([0, *ends], [*starts, len(data)], strict=True))


def _names_agree(data: bytes, first: int) -> bool:
    """Whether the entries, from ``first`` on, give no prefix and no namespace another name than it has anywhere else.

    feedparser keeps what an entry declares for all entries after it.
    """
    if data.find(b"xmlns", first) < 0:
        return True
    inside = _NAMING.findall(data, first)
    if len(inside) != len(_NAMED.findall(data, first)):
        return False
    above, below = (
        {(prefix, (one or other).lower()) for prefix, one, other in each} for each in (_NAMING.findall(data[:first]), inside)
    )
    return len(above) + len(below) <= MOST_NAMES and all(
        (prefix == "" or prefix != other_prefix) and name != other_name
        for prefix, name in below - above
        for other_prefix, other_name in above | below
        if (prefix, name) != (other_prefix, other_name)
    )


def stands_alone(piece: bytes) -> bool:
    """Whether an entry leaves no trace in how feedparser reads those after it, which loses count of bases and languages at a
    <div> within text said to be escaped.
    """
    if b"lang" not in piece and b"base" not in piece:
        return True
    markup = _CDATA.sub(b"", piece)
    return not (_SCOPE.search(markup) and _DIVISION.search(markup))


def remembered(division: Division, feed: Feed) -> bytes:
    """What to store of this reading: what is held and, of ``feed``, every entry that was read from one piece and has its key alone."""
    entries = {entry.key: entry for entry in feed.entries}
    pieces = list(division.held)
    # Of a document that is not sound, nothing is certain.
    if len(feed.keys_in_order) == len(division.new):
        pieces += [
            Piece(digest, key_digest(key), _seconds(entries[key].published))
            for digest, key in zip(division.new, feed.keys_in_order, strict=True)
            if digest and key
        ]
    return _HEAD.pack(_VERSION, _seconds(division.read_at)) + b"".join(_RECORD.pack(*piece) for piece in pieces)


def key_digest(key: str) -> bytes:
    """A short name for an entry's key, as the feed gave it or as it is stored."""
    return blake2b(shortened(key).encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _unpacked(stored: bytes) -> tuple[datetime, dict[bytes, Piece]]:
    """When the feed was last read in whole, and its pieces by digest; the beginning of time and none where nothing is stored."""
    if len(stored) < _HEAD.size or stored[0] != _VERSION or (len(stored) - _HEAD.size) % _RECORD.size:
        return datetime.min.replace(tzinfo=UTC), {}
    _, read_at = _HEAD.unpack_from(stored)
    records = _RECORD.iter_unpack(memoryview(stored)[_HEAD.size :])
    return datetime.fromtimestamp(read_at, UTC), {record[0]: Piece._make(record) for record in records}


def _seconds(when: datetime | None) -> int:
    return int(when.timestamp()) if when else 0
