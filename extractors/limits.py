"""Checks of bytes before any parser sees them: size, number of tags, depth, attributes, entities, authors; each in linear time.

Parsers have costs that grow with the square of these (feedparser spent 43 s on half a megabyte of attributes). The limits
stand far above what real feeds and pages have; what exceeds one is refused with a sentence, never read in part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from domain.errors import ReadError

LARGEST_BODY = 20_000_000  # bytes; the client's own cap is lower
MOST_FEED_TAGS = 600_000  # a feed of 20,000 entries
MOST_PAGE_TAGS = 120_000  # the largest of 301 real pages has 9,000
DEEPEST_FEED = 200  # elements within one another, outside CDATA
LARGEST_TAG = 60_000  # bytes between "<" and ">" of one feed tag
LARGEST_PAGE_TAG = 1_000_000  # pages carry images as data: addresses, and state in data-* attributes
MOST_ATTRIBUTES = 500  # of one tag
MOST_ENTITIES = 300  # HTML 4 defines 252, and feeds declare them all to use them
LONGEST_AUTHOR = 5_000  # bytes from one author's (or keyword's) tag to the next tag of the kind
AUTHORS_COST = 300_000_000  # sum of the squares of those lengths: about a second of feedparser
MOST_CATEGORIES = 500  # of one entry; feedparser compares each with all before it
MOST_ENTRY_TAGS = 20_000  # of one entry, outside CDATA

_CLOSED = re.compile(rb"<(?:(/)|([a-zA-Z_])|([!?]))")
_AUTHOR = re.compile(
    rb"<(/?)(?:[\w.-]{1,30}:)?(?:author|creator|contributor|managingeditor|webmaster|publisher|owner|name|email|keywords|subject)\b",
    re.IGNORECASE,
)
_ENTRY = re.compile(rb"<(?:[\w.-]{1,30}:)?(?:item|entry)\b", re.IGNORECASE)
_CATEGORY = re.compile(rb"<(?:[\w.-]{1,30}:)?(?:category|subject|tag)\b", re.IGNORECASE)


def check_feed(body: bytes, url: str) -> None:
    """Refuse XML that would cost a parser more than it is worth; raises ReadError (too-big, entities)."""
    _check_size(body, url)
    if body.count(b"<") > MOST_FEED_TAGS:
        raise ReadError(url, f"the feed has more than {MOST_FEED_TAGS:,} tags, far more than any real one", kind="too-big")
    _check_entities(body, url)
    markup = _without_cdata(body)
    _check_tags(markup, url, LARGEST_TAG)
    _check_depth(markup, url)
    _check_authors(body, url)
    _check_entries(markup, url)


def check_page(body: bytes, url: str) -> None:
    """Refuse a page no parser should be given; raises ReadError (too-big). Depth is no ground: see ``pages``."""
    _check_size(body, url)
    if len(body) > MOST_PAGE_TAGS and (tags := body.count(b"<")) > MOST_PAGE_TAGS:
        raise ReadError(url, f"the page has {tags:,} tags, more than the {MOST_PAGE_TAGS:,} we read", kind="too-big")
    _check_tags(body, url, LARGEST_PAGE_TAG)


def _check_size(body: bytes, url: str) -> None:
    if len(body) > LARGEST_BODY:
        raise ReadError(url, f"the body has {len(body):,} bytes, more than the {LARGEST_BODY:,} we read", kind="too-big")


def _check_entities(body: bytes, url: str) -> None:
    """A declaration that refers to another entity, or to a file or address, is an attack (billion laughs, XXE)."""
    count = body.count(b"<!ENTITY") + body.count(b"<!entity")
    if count > MOST_ENTITIES:
        raise ReadError(url, f"the feed declares {count:,} entities, which only attacks do", kind="entities")
    place = 0
    for _ in range(count):
        place = body.find(b"<!ENTITY", place)
        if place < 0:
            return
        declaration = body[place : place + 4000].partition(b">")[0]
        if len(declaration) >= 4000 or re.search(rb"&(?!#)|%\s*\w|\b(?:SYSTEM|PUBLIC)\b", declaration[8:]):
            raise ReadError(
                url, "the feed declares entities made of other entities or of files, which only attacks do", kind="entities"
            )
        place += 8


def _without_cdata(body: bytes) -> bytes:
    """The markup less its CDATA sections, whose tags are text to an XML parser."""
    if b"<![CDATA[" not in body:
        return body
    kept: list[bytes] = []
    place = 0
    while (start := body.find(b"<![CDATA[", place)) >= 0:
        kept.append(body[place:start])
        end = body.find(b"]]>", start)
        if end < 0:
            return b"".join(kept)
        place = end + 3
    kept.append(body[place:])
    return b"".join(kept)


def _check_tags(markup: bytes, url: str, largest: int) -> None:
    for piece in _long_pieces(markup, 4 * MOST_ATTRIBUTES):
        tag, closed, _ = piece.partition(b">")
        # Without a ">" the rest is text to some parsers and one endless tag to others.
        if closed and len(tag) > largest and tag[:1].isalpha():
            raise ReadError(url, f"one tag is {len(tag):,} bytes long, more than the {largest:,} we read", kind="too-big")
        if (
            closed
            and tag[:1].isalpha()
            and tag.count(b"=") > MOST_ATTRIBUTES
            and len(re.findall(rb"\s[\w:.-]{1,60}=", tag)) > MOST_ATTRIBUTES
        ):
            raise ReadError(url, f"one tag has more than {MOST_ATTRIBUTES} attributes", kind="too-big")


def _long_pieces(markup: bytes, least: int) -> Iterator[bytes]:
    """What stands between one "<" and the next where that is at least ``least`` bytes; looks only where such a gap can be."""
    start, end = 0, len(markup)
    while end - start >= least:
        last = markup.rfind(b"<", start, start + least)
        if last >= 0:
            start = last + 1
            continue
        closing = markup.find(b"<", start + least)
        yield markup[start : closing if closing >= 0 else end]
        if closing < 0:
            return
        start = closing + 1


def _check_depth(markup: bytes, url: str) -> None:
    """Openings less closings; what an XML parser would keep open at once. HTML's void tags live in CDATA or are escaped."""
    depth = 0
    for match in _CLOSED.finditer(markup):
        if match[1]:
            depth -= 1
        elif match[2]:
            end = markup.find(b">", match.end(), match.end() + LARGEST_TAG)
            if end > 0 and markup[end - 1 : end] != b"/":
                depth += 1
                if depth > DEEPEST_FEED:
                    raise ReadError(url, f"the feed has more than {DEEPEST_FEED} elements within one another", kind="too-big")


def _check_authors(body: bytes, url: str) -> None:
    """feedparser looks for mail addresses in authors with an expression whose time grows with the square of the length."""
    opened, cost = -1, 0
    for match in _AUTHOR.finditer(body):
        if opened >= 0 and match[1]:
            length = match.start() - opened
            cost += length * length
            if length > LONGEST_AUTHOR:
                raise ReadError(
                    url, f"an author's name or a list of keywords is longer than {LONGEST_AUTHOR:,} bytes", kind="too-big"
                )
        opened = -1 if match[1] else match.end()
    if opened >= 0 and len(body) - opened > LONGEST_AUTHOR and body.find(b"</", opened, opened + LONGEST_AUTHOR) < 0:
        raise ReadError(url, f"an author's name or a list of keywords is longer than {LONGEST_AUTHOR:,} bytes", kind="too-big")
    if cost > AUTHORS_COST:
        raise ReadError(url, "the names of authors are far longer than names are", kind="too-big")


def _check_entries(markup: bytes, url: str) -> None:
    """What one entry repeats (categories, links, authors), feedparser compares or copies again and again."""
    for start, end in pairwise([*(match.start() for match in _ENTRY.finditer(markup)), len(markup)]):
        if end - start < 8 * MOST_CATEGORIES:
            continue
        entry = markup[start:end]
        if entry.count(b"<") > MOST_ENTRY_TAGS or len(_CATEGORY.findall(entry)) > MOST_CATEGORIES:
            raise ReadError(url, "one entry has more tags or categories than any real one", kind="too-big")
