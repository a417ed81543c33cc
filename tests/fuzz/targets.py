"""What is fuzzed: each reader of strangers' bytes with what it promises; knows nothing of the fuzzer that drives it.

A target takes any bytes and returns; whatever it raises is a finding. The first byte chooses among the ways in.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from domain.errors import AddressRefused, ConfigError, ReadError
from domain.values import Entry, Feed
from extractors.addresses import clean_address, entry_key, item_key, same_site, trusted_canonical
from extractors.catalogue import load_sources
from extractors.dates import believable, date_from_address, read_date
from extractors.feeds import read_feed
from extractors.guard import vet_url
from extractors.pages import read_page
from extractors.pieces import divide, key_digest, remembered
from extractors.plain import clean_text
from extractors.sections import read_section
from extractors.sitemaps import read_sitemap
from rules.engine.rulebook import load_rulebook
from tests.flows.conftest import RULEBOOK

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
FEED, PAGE = "https://a.example/feed", "https://a.example/2026/story-of-miners"
TYPES = (
    "",
    "text/xml",
    "text/xml; charset=windows-1251",
    "application/feed+json",
    "text/html; charset=utf-16",
    "x; charset=utf-7",
)


def feed(data: bytes) -> None:
    """Feeds, sitemaps and section pages: entries with unique keys and clean texts, or a ReadError."""
    way, body = data[0] if data else 0, data[1:]
    read = (read_feed, read_feed, read_feed, read_sitemap, read_section)[way % 5]
    try:
        found: Feed = read(body, content_type=TYPES[way // 5 % len(TYPES)], url=FEED, source_id="s", now=NOW)
    except ReadError as error:
        assert error.reason  # noqa: PT017  # a promise about the refusal
        return
    if read is read_feed:
        _in_parts(body, TYPES[way // 5 % len(TYPES)], found)
    keys = [entry.key for entry in found.entries]
    assert len(set(keys)) == len(keys), "two entries have one key"
    assert all(keys), "an entry has no key"
    for entry in found.entries:
        assert entry.published is None or entry.published <= NOW.replace(minute=10), "a date of the future is believed"
        assert entry.url == "" or clean_address(entry.url) == entry.url, "an address is not clean"
        for text in (entry.title, entry.summary, entry.content, *entry.authors):
            assert clean_text(text) == text, "a text is not clean"
            text.encode()


def _in_parts(body: bytes, content_type: str, whole: Feed) -> None:
    """A feed of which every other entry was read before gives the rest of what the whole gives, or is read in whole."""
    division = divide(body, content_type, url=FEED, stored=b"", now=NOW)
    if division is None:
        return
    stored = remembered(division, whole)
    half = stored[:9] + b"".join(stored[start : start + 32] for start in range(9, len(stored), 64))
    division = divide(body, content_type, url=FEED, stored=half, now=NOW)
    assert division is not None, "what could be divided no longer can"
    if not division.held:
        return
    rest: tuple[Entry, ...] = ()
    if division.document:
        found = read_feed(division.document, content_type="text/xml; charset=utf-8", url=FEED, source_id="s", now=NOW)
        assert division.joins(found), "the rest of a sound feed is not sound"
        rest = found.entries
    held = {piece.key for piece in division.held}
    assert rest == tuple(entry for entry in whole.entries if key_digest(entry.key) not in held), "a part reads otherwise"


def page(data: bytes) -> None:
    """Pages: a document with text, or a ReadError."""
    way, body = data[0] if data else 0, data[1:]
    entry = Entry("s", "k", PAGE, "", "Miners stop work" if way % 2 else "", summary="Two hundred miners." if way % 3 else "")
    try:
        found = read_page(body, content_type=TYPES[way // 6 % len(TYPES)], url=PAGE, entry=entry, now=NOW)
    except ReadError as error:
        assert error.reason  # noqa: PT017  # a promise about the refusal
        return
    assert found.text.strip(), "a document without text"
    assert clean_text(found.text) == found.text, "a text is not clean"
    assert same_site(found.url, PAGE), "a page has taken another site's address"
    found.text.encode()
    found.title.encode()


def url(data: bytes) -> None:
    """Addresses: cleaned once is cleaned for ever, a key is its own key, and a guard says yes or AddressRefused."""
    text, _, base = data.decode("utf-8", "surrogateescape").partition("\n")
    cleaned = clean_address(text, base)
    assert clean_address(cleaned) == cleaned, "cleaning again changes it"
    key = item_key(text)
    assert item_key(key) == key, "the key of a key is another"
    assert entry_key(base, text, text)
    assert same_site(trusted_canonical(text, PAGE), PAGE), "a canonical address of another site is believed"
    for given in (text, cleaned):
        try:
            target = vet_url(given, ports=frozenset({80, 443}))
        except AddressRefused as error:
            assert str(error).isprintable()  # noqa: PT017  # a promise about the refusal
            continue
        assert target.url.scheme in ("http", "https")


def date(data: bytes) -> None:
    """Dates: read or not, believed or not, never an error and never the future."""
    text = data.decode("utf-8", "surrogateescape")
    for found in (read_date(text), date_from_address(text)):
        when = believable(found, NOW)
        assert when is None or when <= NOW.replace(minute=10), "a date of the future is believed"


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="sholu-fuzz-"))


def rule(data: bytes) -> None:
    """Rules folders and lists of sources: loaded, or a ConfigError that names the file."""
    names = sorted(RULEBOOK)
    way, body = data[0] if data else 0, data[1:]
    folder = _folder()
    shutil.rmtree(folder, ignore_errors=True)
    if way % 5 == 4:
        folder.mkdir()
        file = folder / ("sources.yaml", "sources.opml", "sources.txt")[way // 5 % 3]
        file.write_bytes(body)
        load: Callable[[Path], object] = load_sources
        place = file
    else:
        for number, name in enumerate(names):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(body if number == way % 5 else RULEBOOK[name].encode())
        load, place = load_rulebook, folder
    try:
        made = load(place)
    except ConfigError as error:
        assert str(folder) in str(error), "the error names no file"  # noqa: PT017  # a promise about the refusal
        return
    if hasattr(made, "flag"):
        made.flag(
            title="Rally in Almaty", text="A protest was held in Almaty.", language="en", published=NOW, source_country="KZ"
        )


TARGETS: dict[str, Callable[[bytes], None]] = {"feed": feed, "page": page, "url": url, "rule": rule, "date": date}
