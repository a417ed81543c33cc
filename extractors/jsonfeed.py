"""JSON Feed (https://www.jsonfeed.org/version/1.1/) to entries; XML feeds are read in ``feeds``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from domain.errors import ReadError
from domain.values import Entry, Feed
from extractors.addresses import clean_address, entry_key
from extractors.dates import believable, read_date
from extractors.feeds import LONGEST_TEXT, LONGEST_TITLE, MOST_ENTRIES, entry_dates, language_tag, too_many, unique_entries
from extractors.plain import clean_text, one_line, plain_text, plain_title


def read_json_feed(text: str, *, url: str, source_id: str, now: datetime, notes: list[str]) -> Feed:
    """Read a JSON Feed of version 1 or 1.1; raises ReadError (not-a-feed) for any other JSON."""
    try:
        found = json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        raise ReadError(url, f"JSON that cannot be read ({type(error).__name__})", kind="not-a-feed") from error
    if not isinstance(found, dict) or not isinstance(found.get("items"), list):
        raise ReadError(url, "JSON, but not a feed: it has no list of items", kind="not-a-feed")
    items = found["items"]
    if "jsonfeed.org" not in _string(found.get("version")) and not _feedlike(items):
        raise ReadError(url, "JSON, but not a feed: its version is not that of JSON Feed", kind="not-a-feed")
    if len(items) > MOST_ENTRIES:
        raise too_many(url)
    authors = _authors(found)
    language = _string(found.get("language"))
    entries = (
        _entry(item, url, source_id=source_id, now=now, authors=authors, language=language)
        for item in items
        if isinstance(item, dict)
    )
    if others := sum(not isinstance(item, dict) for item in items):
        notes.append(f"{others:,} {'item is' if others == 1 else 'items are'} no entry at all")
    kept = unique_entries(entries, notes)
    return Feed(title=plain_title(_string(found.get("title"))), entries=kept, format="json", notes=tuple(notes))


def _feedlike(items: list[Any]) -> bool:
    return bool(items) and all(
        isinstance(item, dict) and "url" in item and ("title" in item or "content_html" in item or "content_text" in item)
        for item in items
    )


def _entry(
    item: dict[str, Any], feed_url: str, *, source_id: str, now: datetime, authors: tuple[str, ...], language: str
) -> Entry:
    guid = one_line(_string(item.get("id")))[:2000]
    links = (
        _string(item.get("url")),
        guid if guid.startswith(("http://", "https://")) else "",
        _string(item.get("external_url")),
    )
    link = next((address for given in links if given and (address := clean_address(given, feed_url))), "")
    content = plain_text(_string(item.get("content_html"))) or clean_text(_string(item.get("content_text"))).strip()
    title = plain_title(_string(item.get("title")))[:LONGEST_TITLE]
    dates = (believable(read_date(_string(item.get(name))), now) for name in ("date_published", "date_modified"))
    published, origin, updated = entry_dates(*dates)
    return Entry(
        source_id=source_id,
        key=entry_key(guid, link, title or content[:200]),
        url=link,
        guid=guid,
        title=title,
        summary=plain_text(_string(item.get("summary")))[:LONGEST_TEXT],
        content=content[:LONGEST_TEXT],
        published=published,
        published_from=origin,
        updated=updated,
        authors=_authors(item) or authors,
        language=language_tag(_string(item.get("language")) or language),
    )


def _authors(found: dict[str, Any]) -> tuple[str, ...]:
    listed = found.get("authors")
    people: Iterable[Any] = listed[:50] if isinstance(listed, list) else [found.get("author")]
    names = (plain_title(_string(person.get("name")))[:200] for person in people if isinstance(person, dict))
    return tuple(dict.fromkeys(name for name in names if name))


def _string(value: object) -> str:
    """Text as it is; a number (ids of some generators) as text."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**30 else ""
