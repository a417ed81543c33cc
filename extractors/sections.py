"""From a section page's bytes to entries: the links on it that look like articles, with their words as titles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from domain.errors import ReadError
from domain.values import DateFrom, Entry, Feed
from extractors.addresses import clean_address, entry_key, item_key, same_site
from extractors.charsets import decode
from extractors.dates import believable, date_from_address, read_date
from extractors.limits import check_page
from extractors.pageheads import text_of
from extractors.pages import parse_page
from extractors.plain import plain_title
from extractors.plausible import unfit_answer

MOST_LINKS = 300  # a section page shows 20 to 100 articles; the rest is counted in the notes
SHORTEST_TITLE = 15  # characters: "Read more", "Политика" and a date are shorter

_ASIDE = frozenset({"nav", "footer", "form"})
_SLUG = re.compile(r"[^/]*[^/\d][^/]*(?:[-_][^/-_]+){2,}[^/]*$")
_NUMBER = re.compile(r"\d{4,}")
_PAGING = re.compile(r"[?&](?:page|p|PAGEN_\d)=\d+$|/page/?\d+/?$", re.IGNORECASE)


def read_section(body: bytes, *, content_type: str = "", url: str, source_id: str, now: datetime) -> Feed:
    """Read the articles a section page or front page links to, in their order on it.

    Raises ReadError with kind empty, too-big, no-articles, or what ``plausible`` calls an answer that is none (challenge …).
    """
    if not body.strip():
        raise ReadError(url, "the answer is empty", kind="empty")
    check_page(body, url)
    markup = decode(body, content_type, html=True).text
    tree = parse_page(markup, url)
    titles: dict[str, tuple[str, str, datetime | None]] = {}
    for address, title, when in _links(tree, url):
        key = item_key(address)
        # The picture, the headline and the teaser link to the same article: the first long enough text is its headline.
        known = titles.get(key)
        if known is None or (len(known[1]) < SHORTEST_TITLE <= len(title)):
            titles[key] = (known[0] if known else address, title, when)
    found = [one for one in titles.values() if len(one[1]) >= SHORTEST_TITLE]
    if not found:
        unfit = unfit_answer(markup)
        raise ReadError(
            url,
            f"instead of a list of articles came {unfit.reason if unfit else 'a page without links to articles'}",
            kind=unfit.kind if unfit else "no-articles",
        )
    notes = [f"{len(found) - MOST_LINKS:,} further links left out"] if len(found) > MOST_LINKS else []
    entries = tuple(_entry(address, title, when, source_id, now) for address, title, when in found[:MOST_LINKS])
    return Feed(
        title=next((plain_title(text_of(one)) for one in tree.iter("title")), ""),
        entries=entries,
        format="section",
        notes=tuple(notes),
    )


def _entry(address: str, title: str, when: datetime | None, source_id: str, now: datetime) -> Entry:
    said = believable(when, now)
    published = said or believable(date_from_address(address), now)
    origin = (DateFrom.PAGE if said else DateFrom.ADDRESS) if published else None
    return Entry(
        source_id=source_id,
        key=entry_key("", address, title),
        url=address,
        guid="",
        title=title[:1000],
        published=published,
        published_from=origin,
    )


def _links(tree: Any, url: str) -> Iterator[tuple[str, str, datetime | None]]:
    base = clean_address(next((one.get("href") or "" for one in tree.iter("base")), ""), url) or url
    for link in tree.iter("a"):
        address = clean_address(link.get("href") or "", base)
        if not address or not is_article_address(address, url) or any(above.tag in _ASIDE for above in link.iterancestors()):
            continue
        heading = next((plain_title(text_of(one)) for one in link.iter("h1", "h2", "h3", "h4", "h5")), "")
        title = heading or plain_title(text_of(link)) or plain_title(link.get("title") or "")
        time = next((one.get("datetime") for one in link.iter("time")), None)
        yield address, title, read_date(time) if time else None


def is_article_address(address: str, section: str) -> bool:
    """Whether an address on a page looks like an article of the same site: courlan's filters, then a slug, a number or a date."""
    from courlan.filters import extension_filter, is_navigation_page, is_not_crawlable, type_filter

    if not same_site(address, section) or item_key(address) == item_key(section) or _PAGING.search(address):
        return False
    parts = urlsplit(address)
    numbered = _NUMBER.search(parts.path + "?" + parts.query) is not None
    # courlan takes /123/456/ and ?p=123 for archives; on many CMS here they are the articles.
    if not numbered and (not type_filter(address) or is_navigation_page(address)):
        return False
    if is_not_crawlable(address) or not extension_filter(parts.path):
        return False
    path = parts.path.rstrip("/")
    last = path.rpartition("/")[2]
    return (
        numbered or _SLUG.search(last) is not None or (len(last) > 25 and path.count("/") > 1) or last.endswith((".html", ".htm"))
    )
