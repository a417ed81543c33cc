"""From a feed's bytes to entries: RSS, RDF and Atom by feedparser, JSON Feed by our own reader; no address is ever opened here.

Sanitising and resolving of links within texts are off (3.2 times faster, the same entries on 194 real feeds): texts are made
plain here, and sanitised again where they are shown.
"""

from __future__ import annotations

import html
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from domain.errors import ReadError
from domain.values import DateFrom, Entry, Feed
from extractors.addresses import clean_address, entry_key
from extractors.charsets import decode
from extractors.dates import believable, from_struct, misread, read_date
from extractors.limits import check_feed
from extractors.pieces import MARK
from extractors.plain import clean_markup, one_line, plain_text, plain_title
from extractors.plausible import unfit_answer
from extractors.tuned import feedparser

MOST_ENTRIES = 25_000  # of a feed: 7 s and 60 MB of a child; one with more is refused, none is read in part
LONGEST_TITLE = 1_000
LONGEST_TEXT = 500_000  # characters of one entry's full text

_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,300}\?>", re.IGNORECASE)
_ALTERNATE = re.compile(r"<link\b[^>]{0,600}>", re.IGNORECASE)
_FEED_TYPE = re.compile(r"type\s*=\s*[\"']?application/(?:rss\+xml|atom\+xml|feed\+json)", re.IGNORECASE)
_HREF = re.compile(r"href\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)
_HTML = re.compile(
    r"^\s*(?:<!--.{0,2000}?-->\s*)?<(?:!doctype\s+html|html|head|body|script|meta|title)\b", re.IGNORECASE | re.DOTALL
)
_GUID = re.compile(r"<(?:guid|id)\b[^>]{0,200}>\s*(?:<!\[CDATA\[)?([^<\]]{1,2000})", re.IGNORECASE)
# Outside of CDATA an ampersand that begins no reference is a mistake, and a frequent one (AT&T, ?id=1&copy=2): feedparser then reads
# the feed by a parser of its own, which makes "AT&T;" and "©=2" of it. A section that never ends is passed over in one step.
_BARE = r"&(?!#[0-9]|#[xX][0-9a-fA-F]|[A-Za-z_][\w.-]{0,40};)"
_BARE_AMPERSAND = re.compile(_BARE)  # searched for first: most feeds have none, and a search for one sign costs next to nothing
_SECTION_OR_BARE = re.compile(rf"<!\[CDATA\[(?:.*?\]\]>|.*\Z)|{_BARE}", re.DOTALL)
_FEED_ROOT = re.compile(r"<(?:[\w.-]+:)?(?:rss|rdf|feed|channel)\b", re.IGNORECASE)


def read_feed(body: bytes, *, content_type: str = "", url: str, source_id: str, now: datetime) -> Feed:
    """Read a feed of any common format, in whatever character set it really is.

    Raises ReadError with kind empty, not-a-feed, too-big, entities, or what ``plausible`` calls an answer that is no feed
    (challenge, javascript, login …). A feed without entries is a Feed without entries.
    """
    if not body.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        raise ReadError(url, "the answer is empty", kind="empty")
    check_feed(body, url)
    decoded = decode(body, content_type)
    if b"\0" in body:  # UTF-16 and UTF-32, in whose bytes no tag is seen
        check_feed(decoded.text.encode("utf-8", "replace"), url)
    text = clean_markup(decoded.text).lstrip()
    notes = [f"the feed is {decoded.note}"] if decoded.note else []
    if text[:200].lstrip()[:1] in ("{", "["):
        from extractors.jsonfeed import read_json_feed

        return read_json_feed(text, url=url, source_id=source_id, now=now, notes=notes)
    if _HTML.match(text[:4000]) and not _FEED_ROOT.search(text[:4000]):
        raise _html_for_feed(text, url)
    written = text.count("<item") + text.count("<entry")
    if written > MOST_ENTRIES:
        raise too_many(url)
    parsed = _parse(text, url)
    _drop_made_up_links(parsed.entries, text)
    if not parsed.version and not parsed.entries:
        raise _not_a_feed(text, body, url)
    language = _text(parsed.feed.get("language"))
    entries = [_entry(found, url, source_id=source_id, now=now, language=language) for found in parsed.entries]
    # Of a feed less what was read before, the rest may well be nothing.
    if parsed.bozo and written and MARK.decode() not in text and all(_is_hollow(entry) for entry in entries):
        raise ReadError(url, "the feed is broken XML, and none of its entries can be read", kind="not-a-feed")
    if parsed.bozo:
        notes.append("the feed is broken XML" + ("; what could be read was" if entries else " and no entry could be read"))
    return Feed(
        title=plain_title(_text(parsed.feed.get("title"))),
        entries=unique_entries(entries, notes),
        format=parsed.version or "unknown",
        notes=tuple(notes),
        keys_in_order=() if parsed.bozo else _keys_alone(entries),
    )


def too_many(url: str) -> ReadError:
    """What is said of a feed with more entries than are read: a feed is never cut to its first ones."""
    return ReadError(url, f"the feed has more than {MOST_ENTRIES:,} entries, far more than any real one", kind="too-big")


def _keys_alone(entries: list[Entry]) -> tuple[str, ...]:
    """The key of each entry, "" where it says nothing or another has the same key."""
    uses = Counter(entry.key for entry in entries)
    return tuple(entry.key if uses[entry.key] == 1 and not _is_hollow(entry) else "" for entry in entries)


def _is_hollow(entry: Entry) -> bool:
    return not (entry.title or entry.url or entry.summary or entry.content)


def unique_entries(entries: Iterable[Entry], notes: list[str]) -> tuple[Entry, ...]:
    """Entries in order, each key once: a repeat of the same entry is left out, another article under the same key gets its own.

    An entry without title, address and text says nothing and is left out too; both are counted in the notes.
    """
    kept: dict[str, Entry] = {}
    repeats = hollow = 0
    for entry in entries:
        if _is_hollow(entry):
            hollow += 1
            continue
        first = kept.get(entry.key)
        if first is None:
            kept[entry.key] = entry
            continue
        other = entry.guid if entry.guid != first.guid else _wording(entry)
        key = f"{entry.key}#{sha256(other.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
        if _wording(entry) == _wording(first) or key in kept:
            repeats += 1
        else:
            kept[key] = replace(entry, key=key)
    if repeats:
        notes.append(f"{repeats:,} {'entry appears' if repeats == 1 else 'entries appear'} twice")
    if hollow:
        notes.append(f"{hollow:,} {'entry has' if hollow == 1 else 'entries have'} neither title nor address nor text")
    return tuple(kept.values())


def _wording(entry: Entry) -> str:
    """What tells two entries under one address apart."""
    return " ".join((entry.title or entry.summary[:300]).casefold().split())


def _parse(text: str, url: str) -> Any:
    text = _DECLARATION.sub("", text, count=1)
    if _BARE_AMPERSAND.search(text):
        text = _SECTION_OR_BARE.sub(lambda found: found[0] if len(found[0]) > 1 else "&amp;", text)
    data = ("<?xml version='1.0' encoding='utf-8'?>" + text).encode("utf-8", "replace")
    headers = {"content-type": "application/xml; charset=utf-8", "content-location": url}
    try:
        # A BytesIO, not bytes: feedparser tries to open bytes as a file's name first.
        return feedparser().parse(io.BytesIO(data), sanitize_html=False, resolve_relative_uris=False, response_headers=headers)
    except RecursionError as error:
        raise ReadError(url, "the feed's elements are nested too deeply to be read", kind="too-big") from error
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, AssertionError, LookupError) as error:
        # feedparser promises never to raise and sometimes does (dates, addresses, numbers in odd places).
        raise ReadError(
            url, f"the feed breaks its reader ({type(error).__name__}: {one_line(str(error))[:100]})", kind="not-a-feed"
        ) from error


def _drop_made_up_links(entries: list[Any], text: str) -> None:
    """Undo what feedparser makes of a guid that is no address ("12345", marked as a permalink or as nothing): it joins it to
    the feed's address and hands it on as the entry's link, which leads nowhere.
    """
    made = [found for found in entries if found.get("guidislink") and not found.get("links")]
    if not made:
        return
    written = {html.unescape(guid.strip()) for guid in _GUID.findall(text)}
    for found in made:
        guid = found.get("id") or ""
        if guid and found.get("link") == guid and guid not in written:
            found["link"] = ""
            last = guid.rpartition("/")[2]
            found["id"] = last if last in written else guid


def _entry(found: Mapping[str, Any], feed_url: str, *, source_id: str, now: datetime, language: str) -> Entry:
    guid = one_line(_text(found.get("id")))[:2000]
    link = _link(found, guid, feed_url)
    title = plain_title(_text(found.get("title")))[:LONGEST_TITLE]
    said = _text(found.get("summary"))
    # feedparser gives a full text as the summary again where there is none: it is made plain once.
    full = [_text(part.get("value")) for part in _list(found.get("content"))]
    plain = {markup: plain_text(markup) for markup in {said, *full}}
    summary = plain[said]
    content = _longest(plain[markup] for markup in full)
    if not content and len(summary) > 1500:  # the full text in <description>, as many small outlets have it
        content = summary
    published, origin, updated = entry_dates(
        believable(_date(found, "published"), now) or believable(_date(found, "created"), now),
        believable(_date(found, "updated"), now),
    )
    return Entry(
        source_id=source_id,
        key=entry_key(guid, link, title or summary[:200]),
        url=link,
        guid=guid,
        title=title,
        summary=summary[:LONGEST_TEXT],
        content=content[:LONGEST_TEXT],
        published=published,
        published_from=origin,
        updated=updated,
        authors=_authors(found),
        language=language_tag(_text(found.get("language")) or _title_language(found) or language),
    )


def entry_dates(published: datetime | None, updated: datetime | None) -> tuple[datetime | None, DateFrom | None, datetime | None]:
    """The date an entry goes by and its origin: published, else updated."""
    if published:
        return published, DateFrom.FEED, updated
    return (updated, DateFrom.FEED_UPDATED, updated) if updated else (None, None, None)


def language_tag(text: str) -> str | None:
    """A BCP 47 tag in lower case, or None for what is none."""
    tag = text.strip().lower().replace("_", "-")[:20]
    return tag if re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", tag) else None


def _title_language(found: Mapping[str, Any]) -> str:
    detail = found.get("title_detail")
    return _text(detail.get("language")) if isinstance(detail, Mapping) else ""


def _link(found: Mapping[str, Any], guid: str, feed_url: str) -> str:
    """The article's address: the entry's link, else an alternate one, else a guid that is an address."""
    links = [link for link in _list(found.get("links")) if isinstance(link, Mapping)]
    wanted = [_text(found.get("link"))]
    wanted += [_text(link.get("href")) for link in links if link.get("rel") == "alternate" and "html" in _text(link.get("type"))]
    wanted += [_text(link.get("href")) for link in links if link.get("rel") == "alternate"]
    # An Atom entry without a link may have its content elsewhere (RFC 4287, 4.1.3.2).
    wanted += [_text(part.get("src")) for part in _list(found.get("content")) if isinstance(part, Mapping)]
    wanted += [guid] if guid.lower().startswith(("http://", "https://")) else []
    return next((address for link in wanted if link.strip() and (address := clean_address(link, feed_url))), "")


def _date(found: Mapping[str, Any], name: str) -> datetime | None:
    # dict.get: FeedParserDict answers "updated" for a missing "published" and warns about it.
    if not isinstance(found, dict):
        return None
    said = _text(dict.get(found, name))
    return read_date(said) if misread(said) else from_struct(dict.get(found, f"{name}_parsed")) or read_date(said)


def _authors(found: Mapping[str, Any]) -> tuple[str, ...]:
    names = [
        _text(author.get("name")) or _text(author.get("email"))
        for author in _list(found.get("authors"))
        if isinstance(author, Mapping)
    ]
    names = names or [_text(found.get("author"))]
    return tuple(dict.fromkeys(name for name in (plain_title(name)[:200] for name in names[:50]) if name))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _longest(texts: Iterable[str]) -> str:
    return max(texts, key=len, default="")


def _html_for_feed(text: str, url: str) -> ReadError:
    if unfit := unfit_answer(text):
        return ReadError(url, f"instead of a feed came {unfit.reason}", kind=unfit.kind)
    for link in _ALTERNATE.finditer(text[:300_000]):
        href = _HREF.search(link.group()) if _FEED_TYPE.search(link.group()) else None
        found = clean_address(href.group(1), url) if href else ""
        if found and found != clean_address(url):
            return ReadError(url, f"instead of a feed came a web page; it names {found} as its feed", kind="not-a-feed")
    return ReadError(url, "instead of a feed came a web page", kind="not-a-feed")


def _not_a_feed(text: str, body: bytes, url: str) -> ReadError:
    if re.search(r"<html\b", text[:20_000], re.IGNORECASE):
        return _html_for_feed(text, url)
    if re.search(r"<(?:urlset|sitemapindex)\b", text[:2000], re.IGNORECASE):
        return ReadError(url, "this is a sitemap, not a feed: list it as a rung of kind sitemap", kind="not-a-feed")
    start = one_line(_DECLARATION.sub("", text[:600]))[:40]
    return ReadError(url, f"{len(body):,} bytes that are no feed, beginning with {start!r}", kind="not-a-feed")
