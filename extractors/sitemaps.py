"""From a sitemap's bytes to entries: news sitemaps, plain ones and indexes of further ones, as XML, gzipped or a plain list."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from domain.errors import ReadError
from domain.values import DateFrom, Entry, Feed
from extractors.addresses import clean_address, entry_key, same_site
from extractors.charsets import decode
from extractors.dates import believable, date_from_address, read_date
from extractors.feeds import unique_entries
from extractors.limits import LARGEST_BODY, check_feed
from extractors.plain import clean_markup, plain_title
from extractors.plausible import unfit_answer

RECENT = timedelta(days=14)  # a plain sitemap lists the whole archive; older addresses are counted in the notes and left out
MOST_UNDATED = 500  # addresses taken from a plain sitemap that dates nothing; the rest is counted in the notes
MOST_CHILDREN = 50  # sitemaps of an index handed on, newest first

_HTML = re.compile(r"^\s*<(?:!doctype html|html)\b", re.IGNORECASE)


def read_sitemap(body: bytes, *, content_type: str = "", url: str, source_id: str, now: datetime) -> Feed:
    """Read a sitemap; ``more`` are the addresses of further ones, newest first.

    Raises ReadError with kind empty, not-a-sitemap, too-big or entities.
    """
    body = _unzipped(body, url)
    if not body.strip():
        raise ReadError(url, "the answer is empty", kind="empty")
    check_feed(body, url)
    text = clean_markup(decode(body, content_type).text).lstrip()
    if b"\0" in body:  # UTF-16 and UTF-32, in whose bytes no tag is seen
        check_feed(text.encode("utf-8", "replace"), url)
    if _HTML.match(text):
        unfit = unfit_answer(text)
        raise ReadError(
            url,
            f"instead of a sitemap came {unfit.reason if unfit else 'a web page'}",
            kind=unfit.kind if unfit else "not-a-sitemap",
        )
    if text[:1] != "<":
        return _plain_list(text, url, source_id)
    root = _root(text, url)
    kind = _local(root.tag)
    if kind == "sitemapindex":
        return _index(root, url, now)
    if kind != "urlset":
        raise ReadError(url, f"XML, but not a sitemap: it begins with <{kind}>", kind="not-a-sitemap")
    notes: list[str] = []
    entries = list(_entries(root, url, source_id, now))
    return Feed(title="", entries=unique_entries(_recent(entries, now, notes), notes), format="sitemap", notes=tuple(notes))


def _unzipped(body: bytes, url: str) -> bytes:
    """The sitemap inside a .gz file, as far as the cap on bytes goes: a bomb is refused before it is unpacked."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    unzip = zlib.decompressobj(wbits=31)
    try:
        found = unzip.decompress(body, LARGEST_BODY + 1)
    except zlib.error as error:
        raise ReadError(url, "a broken gzip file", kind="not-a-sitemap") from error
    if len(found) > LARGEST_BODY:
        raise ReadError(url, f"the file unpacks to more than {LARGEST_BODY:,} bytes", kind="too-big")
    return found


def _root(text: str, url: str) -> Any:
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, recover=True, huge_tree=False, remove_comments=True
    )
    try:
        root = etree.fromstring(re.sub(r"^<\?xml[^>]{0,300}\?>", "", text).encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ReadError(url, "XML too broken to be read", kind="not-a-sitemap") from error
    if root is None:
        raise ReadError(url, "no sitemap: there is no XML in it", kind="not-a-sitemap")
    return root


def _index(root: Any, url: str, now: datetime) -> Feed:
    found: list[tuple[datetime | None, int, str]] = []
    for number, one in enumerate(root):
        fields = _fields(one)
        if address := clean_address(fields.get("loc", ""), url):
            found.append((believable(read_date(fields.get("lastmod", "")), now), number, address))
    # The newest first; among undated ones a news sitemap first, then the last (numbered sitemaps grow at the end).
    found.sort(
        key=lambda one: (one[0] is not None, one[0].timestamp() if one[0] else 0.0, "news" in one[2], one[1]), reverse=True
    )
    more = tuple(dict.fromkeys(address for _, _, address in found if same_site(address, url)))
    notes = (
        (f"{len(more):,} sitemaps in the index; the {MOST_CHILDREN} newest are handed on",) if len(more) > MOST_CHILDREN else ()
    )
    return Feed(title="", entries=(), format="sitemap-index", notes=notes, more=more[:MOST_CHILDREN])


def _entries(root: Any, url: str, source_id: str, now: datetime) -> Iterator[Entry]:
    for one in root:
        fields = _fields(one)
        address = clean_address(fields.get("loc", ""), url)
        if not address or not same_site(address, url):  # the protocol forbids other hosts, and so do we
            continue
        title = plain_title(fields.get("title", ""))[:1000]
        published = believable(read_date(fields.get("publication_date", "")), now)
        updated = believable(read_date(fields.get("lastmod", "")), now)
        yield Entry(
            source_id=source_id,
            key=entry_key("", address, title),
            url=address,
            guid="",
            title=title,
            published=published,
            published_from=DateFrom.FEED if published else None,
            updated=updated,
            language=fields.get("language", "").lower()[:12] or None,
        )


def _recent(entries: list[Entry], now: datetime, notes: list[str]) -> Iterable[Entry]:
    """News entries all; of an archive what is recent, newest first; what is left out is said."""
    dates = [entry.published or entry.updated or believable(date_from_address(entry.url), now) for entry in entries]
    dated = sorted(
        ((when, entry) for when, entry in zip(dates, entries, strict=True) if when), key=lambda pair: pair[0], reverse=True
    )
    undated = [entry for when, entry in zip(dates, entries, strict=True) if not when]
    kept = [entry for when, entry in dated if entry.title or when >= now - RECENT]
    if old := len(dated) - len(kept):
        notes.append(f"{old:,} addresses older than {RECENT.days} days left out")
    if len(undated) > MOST_UNDATED:
        notes.append(f"{len(undated) - MOST_UNDATED:,} addresses without a date left out")
    return kept + undated[-MOST_UNDATED:]


def _plain_list(text: str, url: str, source_id: str) -> Feed:
    """The protocol's third form: a text file of addresses, a line each."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    addresses = [
        address
        for line in lines
        if line.startswith(("http://", "https://")) and (address := clean_address(line)) and same_site(address, url)
    ]
    if not addresses or 2 * len(addresses) < len(lines):
        raise ReadError(url, "neither XML nor a list of this site's addresses", kind="not-a-sitemap")
    notes = [f"{len(addresses) - MOST_UNDATED:,} addresses without a date left out"] if len(addresses) > MOST_UNDATED else []
    entries = (
        Entry(source_id=source_id, key=entry_key("", address, ""), url=address, guid="", title="")
        for address in addresses[-MOST_UNDATED:]
    )
    return Feed(title="", entries=unique_entries(entries, notes), format="sitemap-text", notes=tuple(notes))


def _fields(one: Any) -> dict[str, str]:
    """The texts within an element by local name, the first of each; images' and videos' own titles are not the article's."""
    fields: dict[str, str] = {}
    if not isinstance(one.tag, str):
        return fields
    for inner in one.iter():
        if isinstance(inner.tag, str) and inner.text and "image" not in inner.tag and "video" not in inner.tag:
            fields.setdefault(_local(inner.tag), inner.text.strip())
    return fields


def _local(tag: Any) -> str:
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""
