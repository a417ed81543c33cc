"""From a page's bytes to a Document: trafilatura finds the article's text, we find out whether it is one; no network, no disk.

Meant to run in a child process (see ``pool``): lxml and trafilatura are imported on first use, never by importing this file.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from domain.errors import ReadError
from domain.values import BodyFrom, DateFrom, Document, Entry
from extractors.addresses import clean_address, item_key, trusted_canonical
from extractors.charsets import decode
from extractors.dates import believable, date_from_address
from extractors.first_reading import NAME as FIRST_READING
from extractors.first_reading import first_reading
from extractors.language import detect_language
from extractors.limits import check_page
from extractors.plain import clean_markup, clean_text, encoded_markup, one_line, plain_title
from extractors.plausible import Seen, unfit_page
from extractors.unseen import drop_unseen
from extractors.unwrapped import hides_text, unwrapped

LONGEST_TITLE = 1_000
LONGEST_TEXT = 1_000_000
# libxml2 keeps 256 elements within one another and drops every word further in; this stays below, so that what
# trafilatura wraps around does not reach it either.
DEEPEST = 200

_NOT_PAGES = (
    "image/",
    "video/",
    "audio/",
    "font/",
    "application/pdf",
    "application/zip",
    "application/octet-stream",
    "application/msword",
)
_BINARY = (b"%PDF-", b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"RIFF", b"\x00\x00\x00 ftyp")
_OTHER_TEXT = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:\{\s*\"|\[\s*[{\"]|(?:<\?xml[^<>]{0,300}\?>\s*)?(?:<!--[^<>]{0,2000}-->\s*)?<(?:rss|feed|rdf:RDF|urlset|sitemapindex)[\s>])"
)
_HTML = re.compile(rb"<html\b[^>]{0,2000}>", re.IGNORECASE)
_ENCODING = re.compile(rb"\s*<\?xml[^>]{0,300}\?>", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:_-]{0,30})(?:[^<>\"']|\"[^\"<]{0,8000}\"|'[^'<]{0,8000}')*+>")
_VOID = frozenset(("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"))
_CONTROLS = bytes((*range(9), *range(0x0E, 0x1B), *range(0x1C, 0x20)))
_SAMPLE = 8_000  # characters looked at
_MOST_CONTROL = 0.03  # share of control characters: broken pages have one here and there, files that are no text one in ten
# By justext's names: what sources of the region, and those that write about it from elsewhere, are written in.
_FREQUENT_WORDS = (
    "Azerbaijani Belarusian Dutch English French German Italian Kazakh Kyrgyz Polish Portuguese Russian Spanish Turkish Turkmen "
    "Ukrainian Uzbek"
).split()
_RAW = frozenset({"script", "style", "textarea", "title"})


def read_page(
    body: bytes, *, content_type: str = "", url: str, entry: Entry, now: datetime, languages: tuple[str, ...] = ()
) -> Document:
    """Read the article a page holds; ``url`` is the address that answered, ``languages`` what the source writes in.

    Title, date and authors are the feed's where it gave them, else the page's. Raises ReadError with kind too-big, empty,
    not-a-page, consent, paywall, soft-404, error-page, challenge, javascript, login or list, and a sentence saying so.
    """
    if any(content_type.lower().startswith(kind) for kind in _NOT_PAGES) or body.startswith(_BINARY):
        kind = content_type.partition(";")[0]
        raise ReadError(url, f"not a web page but {'a file' if 'html' in kind else kind or 'a file'}", kind="not-a-page")
    if _OTHER_TEXT.match(body):
        raise ReadError(url, "not a web page but a feed, a sitemap or data (JSON)", kind="not-a-page")
    if not body.strip():
        raise ReadError(url, "the answer is empty", kind="empty")
    check_page(body, url)
    decoded = decode(body, content_type, html=True)
    markup = decoded.text
    if b"\0" in body:  # UTF-16 and UTF-32, in whose bytes no tag is seen
        check_page(markup.encode("utf-8", "replace"), url)
    if _is_no_text(markup):
        raise ReadError(url, "not a web page but bytes that are no text", kind="not-a-page")
    from extractors.pageheads import read_head, telling

    tree, flattened = _parsed(markup, url, utf8=decoded.utf8)
    found = telling(tree)
    if flattened or hides_text(found):  # what was flattened cannot tell any more
        whole, markup = markup, unwrapped(markup, url)
        if markup != whole:
            tree = parse_page(markup, url)
            found = telling(tree)
    head = read_head(tree, found)
    # 19 pages in 20 leave no doubt where their article stands; trafilatura, at ten times the cost, reads the others.
    quick = clean_text(first_reading(tree, found["h1"]) or "").strip()
    text = quick or _article(tree, url)
    seen = Seen(
        markup=markup,
        page_title=head.title or head.heading,
        text=text,
        announced_title=entry.title or head.headline or head.heading,
        announced_summary=entry.summary or entry.content,
        moved_to_front_page=_moved_to_front(entry.url, url),
        free=head.free,
    )
    if unfit := unfit_page(seen):
        raise ReadError(url, f"instead of the article came {unfit.reason}", kind=unfit.kind)
    title = entry.title or head.headline or head.heading or head.title or _first_line(text)
    address = trusted_canonical(head.canonical, url) if head.canonical else clean_address(url)
    published, origin = _published(entry, head.published, (url, entry.url), now, tree)
    return Document(
        url=address or url,
        title=title[:LONGEST_TITLE],
        text=text[:LONGEST_TEXT],
        language=detect_language(f"{title}\n{text}", _hint(entry.language, head.language, languages)),
        published=published,
        published_from=origin,
        authors=entry.authors or head.authors,
        extractor=FIRST_READING if quick else extractor(),
        body_from=BodyFrom.PAGE,
        cut=len(text) > LONGEST_TEXT,
    )


def document_from_entry(entry: Entry, now: datetime, languages: tuple[str, ...] = ()) -> Document:
    """The feed's own words as a Document, for when the page fails: its full text, else its summary, else the title alone."""
    text = entry.content or entry.summary
    origin = BodyFrom.FEED if entry.content else BodyFrom.SUMMARY if entry.summary else BodyFrom.TITLE
    published, published_from = believable(entry.published, now), entry.published_from
    if published is None:
        published, published_from = _from_address((entry.url,), now)
    title = entry.title or _first_line(text)
    return Document(
        url=entry.url,
        title=title[:LONGEST_TITLE],
        text=text,
        language=detect_language(f"{title}\n{text}", _hint(entry.language, None, languages)),
        published=published,
        published_from=published_from,
        authors=entry.authors,
        extractor="feed 1",
        body_from=origin,
    )


@lru_cache(maxsize=1)
def extractor() -> str:
    """Name and version of what found the text, kept with each document."""
    from importlib.metadata import version

    return f"trafilatura {version('trafilatura')} recall"


def flatten(markup: str, deepest: int = DEEPEST) -> str:
    """The page with every element deeper than ``deepest`` unwrapped: its text stays, at the last level a parser keeps."""
    parts: list[str] = []
    open_names: list[str] = []
    dropped: list[str] = []
    place = 0
    for match in _TAG.finditer(markup):
        name = match[2].lower()
        if match.start() < place:
            continue  # within a script
        if name in _VOID or match.group().endswith("/>"):
            continue
        if match[1]:
            if dropped:
                if name in dropped[-50:]:
                    while dropped.pop() != name:
                        pass
                    parts += [markup[place : match.start()], "\n"]
                    place = match.end()
            elif name in open_names[-50:]:
                while open_names.pop() != name:
                    pass
            continue
        if name in _RAW:
            continue
        if len(open_names) >= deepest:
            dropped.append(name)
            parts += [markup[place : match.start()], "\n"]
            place = match.end()
        else:
            open_names.append(name)
    parts.append(markup[place:])
    return "".join(parts)


def _is_no_text(markup: str) -> bool:
    sample = markup[:_SAMPLE].encode("utf-8", "ignore")
    return len(sample) - len(sample.translate(None, _CONTROLS)) > _MOST_CONTROL * min(len(markup), _SAMPLE)


def _prepared(markup: str, utf8: bytes | None = None) -> bytes:
    """What lxml takes: no control characters, no encoding declaration (it is UTF-8 now), no self-closed <html/>."""
    encoded = encoded_markup(markup, utf8)
    if declared := _ENCODING.match(encoded):
        encoded = encoded[declared.end() :]
    opening = _HTML.search(encoded)
    if opening and opening[0].endswith(b"/>"):
        encoded = encoded[: opening.end() - 2] + encoded[opening.end() - 1 :]
    return encoded


def parse_page(markup: str, url: str) -> Any:
    """The page as a tree of lxml.html's elements with all of its text, whatever its depth; raises ReadError where there is none."""
    return _parsed(markup, url)[0]


def _parsed(markup: str, url: str, *, utf8: bytes | None = None) -> tuple[Any, bool]:
    """The tree, and whether the page had to be flattened for it; ``utf8`` is the markup's own encoding, where it is at hand."""
    tree, deep = _lxml(_prepared(markup, utf8), url)
    if deep:
        tree, still = _lxml(_prepared(flatten(clean_markup(markup))), url)
        if still:
            raise ReadError(url, "the page's elements are nested too deeply to be read without loss", kind="too-big")
    return tree, deep


def _lxml(encoded: bytes, url: str) -> tuple[Any, bool]:
    from lxml import etree

    make: Any = etree.HTMLParser  # its stubs lack arguments
    parser = make(collect_ids=False, default_doctype=False, encoding="utf-8", remove_comments=True, remove_pis=True)
    parser.set_element_class_lookup(_elements())
    try:
        tree = etree.fromstring(encoded, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise ReadError(url, "a page without any text", kind="empty") from error
    if tree is None:
        raise ReadError(url, "a page without any text", kind="empty")
    return tree, any(error.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for error in parser.error_log)


@lru_cache(maxsize=1)
def _elements() -> Any:
    """One class of lxml.html for all elements: what trafilatura and htmldate ask for. Its own parser asks Python at each for the
    class of its tag, of which they use nothing.
    """
    from lxml import etree, html

    return etree.ElementDefaultClassLookup(element=html.HtmlElement)


def _article(tree: Any, url: str) -> str:
    """The article's text by trafilatura, a paragraph a line; ``""`` where it finds none. What nobody sees is taken out of the tree."""
    extract = _extract()
    drop_unseen(tree)
    try:
        found: Any = extract(tree, url=url, options=_options())
    except (RecursionError, AttributeError, TypeError, ValueError, KeyError, IndexError, AssertionError, LookupError):
        return ""  # a defect of the extractor on this page: judged like a page without text
    return clean_text(found.text or "").strip() if found is not None else ""


@lru_cache(maxsize=1)
def _extract() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its downloader, unused here, warns that it cannot speak to SOCKS proxies
        from justext import get_stoplist  # type: ignore[import-untyped]
        from trafilatura import bare_extraction, external
    # Left to itself it loads, on the first page it asks justext about, the frequent words of a hundred languages: 36 MB that
    # stay, and 20 ms of each such page. Those of the languages below give the same texts.
    holder: Any = external
    holder.JT_STOPLIST = tuple(sorted({word for language in _FREQUENT_WORDS for word in get_stoplist(language)}))
    return bare_extraction


@lru_cache(maxsize=1)
def _options() -> Any:
    """favor_recall costs half of the default at the same F1; comments are not the article (F1 0.959 without, 0.952 with)."""
    from trafilatura.settings import Extractor, use_config

    config = use_config()
    config.set("DEFAULT", "MIN_OUTPUT_SIZE", "1")  # a news item of two sentences is an article; plausible.py judges
    return Extractor(config=config, output_format="python", recall=True, comments=False, tables=True)


def _published(
    entry: Entry, page: datetime | None, urls: Iterable[str], now: datetime, tree: Any
) -> tuple[datetime | None, DateFrom | None]:
    """The first believable date of: the feed's, the page's own, the address's, and what htmldate finds on the page."""
    if when := believable(entry.published, now):
        return when, entry.published_from or DateFrom.FEED
    if when := believable(page, now):
        return when, DateFrom.PAGE
    when, origin = _from_address(urls, now)
    if when:
        return when, origin
    from extractors.pageheads import search_date

    return (when, DateFrom.PAGE) if (when := believable(search_date(tree, now), now)) else (None, None)


def _from_address(urls: Iterable[str], now: datetime) -> tuple[datetime | None, DateFrom | None]:
    for url in urls:
        if when := believable(date_from_address(url), now):
            return when, DateFrom.ADDRESS
    return None, None


def _moved_to_front(asked: str, answered: str) -> bool:
    def front(url: str) -> bool:
        parts = urlsplit(item_key(url) and f"//{item_key(url)}")
        return not parts.query and len(parts.path.strip("/")) <= 3  # "/", "/ru", "/kaz"

    return bool(asked) and asked != answered and not front(asked) and front(answered)


def _hint(entry: str | None, page: str | None, languages: tuple[str, ...]) -> str | None:
    """What to believe of a text that could be in several languages: the entry's word, the source's only language, the page's."""
    return entry or (languages[0] if len(languages) == 1 else None) or page


def _first_line(text: str) -> str:
    return one_line(plain_title(text[:2000].strip().partition("\n")[0]))[:120]
