"""A cheap first reading of a page: its paragraphs in one pass, taken only where there is no doubt which of them are the article.

Where there is doubt (no container that stands out, much text outside of it, much inside that may or may not belong) nothing is
taken, and trafilatura reads the page in full, at ten times the cost. Pure: an lxml tree in, text or None out; the tree is left
as it was.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import accumulate
from typing import Any, Final, NamedTuple

from extractors.unseen import is_unseen

NAME: Final = "first reading 4"
"""What a document read this way says of its extractor; the capture can be read in full at any time (`sholu reextract`)."""

PARAGRAPH = 40
"""Letters from which on a block is running text and not a label (the measure readability and boilerpipe use)."""
LINKED = 0.5
"""A block with more than this share of its letters in links is a list of other articles."""
FADE = 0.8
"""What a paragraph counts for each container further out: the innermost one that holds most paragraphs wins."""
FAINTEST = 0.25
WRAPS = 0.4
"""An element with this share of the page's running text is no aside, whatever its name ("main has-sidebar card") says."""
MOST_DOUBTED = 0.15
"""Of the article's length: what may stand within it and be left out for a name that says little ("card", "meta", "video")."""
MOST_BESIDE = 0.3
"""Of the article's length: running text outside of it under such names and those of labels; more may be its other half."""
MOST_AROUND = 1.15
"""Times the text of a container without a telling name: what the named one around it may hold, a lead for instance."""
MOST_ARTICLES = 2
"""<article> elements within the article's container: two may be teasers of others, more are a list of them."""

_DROPPED: Final = frozenset(
    "script style noscript nav footer aside button iframe svg figure figcaption select textarea input template video audio object "
    "header menu dialog h1".split()
)
_BLOCKS: Final = frozenset("p h2 h3 h4 h5 h6 li blockquote pre td dd".split())
_CONTAINERS: Final = frozenset(
    "div section article main span td li blockquote center font body html table tbody tr ul ol dl".split()
)
_FRAMES: Final = frozenset("div section article main td span center font form block".split())
"""Containers that may be an article's; a table or a list is at most a part of one."""
_INLINE: Final = frozenset(
    "a b strong i em span u font mark sup sub small abbr code q cite time s bdi big ins del wbr img".split()
)
_SPLITS: Final = _BLOCKS | (_CONTAINERS - {"span", "font"})
"""What ends a paragraph when it stands within one."""


def _named(words: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?:^|[\s_-])(?<!\bno-)(?<!\bnon-)(?<!\bhas-)(?<!\bwith-)(?:{'|'.join(words.split())})(?:$|[\s_-])", re.IGNORECASE
    )


_OTHER: Final = _named(
    r"share sharing social related recommend\w* promo\w* newsletter subscribe subscription comment\w* breadcrumb\w* outbrain "
    r"taboola advert\w* ads? banner sidebar navigation nav menu footer popular trending teaser disclaimer sponsor\w* cookie\w* "
    r"consent gdpr login read-?more also"
)
"""What other things than the article call themselves."""
_LABEL: Final = _named(r"caption credits? byline author\w* tags? taglist timestamp copyright gallery slideshow")
"""What stands in or by an article without being its text."""
_PERHAPS: Final = _named(
    "widget toolbar meta card hidden print video player embed paywall date time rating vote poll quiz source correction"
)
"""Names that say little: left out too, but where much bears them the page is in doubt."""
_ARTICLE: Final = re.compile(
    r"(?:^|[\s_-])(?:article|story|post|entry|news|content|text|body|material|publication)", re.IGNORECASE
)
_BODY: Final = re.compile(r"(?:article|entry|post|story|main|page)[_-]?(?:body|content|text)(?!\w*comment)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Enough:
    """How much text, and what share of all running text of the page, a container must hold to be taken for the article."""

    letters: int
    share: float


_NAMED = (_Enough(600, 0.6), _Enough(250, 0.8))
"""For a container that calls itself an article's; a short one may be a stub or a teaser, unless hardly anything stands beside it."""
_DECLARED = (_Enough(250, 0.33),)
"""For what the page declares to be its body, which may show much of other articles beside it; one that holds less may be a lead only."""
_NAMELESS = (_Enough(1000, 0.75),)
"""For one that does not; it has to begin where the headline ends, too."""


class _Block(NamedTuple):
    """A run of text: a paragraph, a heading, a list item; ``loose`` where it stands in a container without an element of its own.

    A tuple, since a page has a hundred and a frozen dataclass takes four times as long to make.
    """

    text: str
    linked: int
    place: Any
    loose: bool
    running: bool

    @property
    def is_said(self) -> bool:
        return self.linked <= 0.7 * len(self.text) and not (self.loose and len(self.text) < 20)


def first_reading(tree: Any, headings: Iterable[Any] | None = None) -> str | None:
    """The article's text, a paragraph a line, or None where the page must be read in full.

    ``headings`` are the page's <h1>, where somebody has looked for them already.
    """
    body = tree if tree.tag == "body" else tree.find("body")
    if body is None:
        return None
    headings = body.iter("h1") if headings is None else headings
    reader = _Reader(frames=frozenset(above for heading in headings for above in heading.iterancestors()))
    reader.walk(body)
    blocks, spans, judged = reader.blocks, reader.spans, reader.judge()
    running = [
        0,
        *accumulate(len(block.text) if block.running and not aside else 0 for block, aside in zip(blocks, judged, strict=True)),
    ]
    best = _container(block for block, aside in zip(blocks, judged, strict=True) if not aside)
    if best is None or best not in spans:
        return None
    declared = _declared(best, spans)
    best = _around(best, spans, running) if declared is None else declared
    enough = _DECLARED if declared is not None else _NAMED if _is_articles(best) else _NAMELESS
    first, last = spans[best]
    inside = list(zip(blocks[first:last], judged[first:last], strict=True))
    own = running[last] - running[first]
    doubted = sum(len(block.text) for block, aside in inside if aside is _Aside.PERHAPS)
    outside = (*zip(blocks[:first], judged[:first], strict=True), *zip(blocks[last:], judged[last:], strict=True))
    beside = sum(len(block.text) for block, aside in outside if aside and block.running)
    lead = running[first] - running[min(reader.heading, first)]
    if not _is_articles(best) and (lead or best.tag not in _FRAMES):
        return None
    if sum(1 for inner in spans if inner.tag == "article" and best in inner.iterancestors()) > MOST_ARTICLES:
        return None
    if doubted > MOST_DOUBTED * own or (declared is None and beside > MOST_BESIDE * own):
        return None
    if not any(own >= least.letters and own >= least.share * running[-1] for least in enough):
        return None
    return "\n".join(block.text for block, aside in inside if not aside and block.is_said)


def _declared(inner: Any, spans: dict[Any, tuple[int, int]]) -> Any:
    """The element around the container (or itself) that says by schema.org it is the article's body, where it is the only one that says so."""
    declared = next((element for element in (inner, *inner.iterancestors()) if _declares(element)), None)
    if declared is None or declared not in spans or sum(map(_declares, spans)) > 1:
        return None
    return declared


def _declares(element: Any) -> bool:
    """Whether an element says by schema.org's microdata that it is the article's body."""
    return "articleBody" in (element.get("itemprop") or "").split()


def _around(inner: Any, spans: dict[Any, tuple[int, int]], running: list[int]) -> Any:
    """The container itself where it calls itself an article's, else the nearest one around it that does and holds little more."""
    first, last = spans[inner]
    most = MOST_AROUND * (running[last] - running[first])
    for element in (inner, *inner.iterancestors()):
        first, last = spans.get(element, (0, 0))
        if element.tag == "body" or running[last] - running[first] > most:
            break
        if _is_articles(element):
            return element
    return inner


def _container(blocks: Iterator[_Block]) -> Any:
    score: defaultdict[Any, float] = defaultdict(float)
    for block in blocks:
        if not block.running:
            continue
        place, share = (block.place if block.loose else block.place.getparent()), 1.0
        while place is not None and share > FAINTEST:
            score[place] += len(block.text) * share
            place, share = place.getparent(), share * FADE
    return max(score, key=score.__getitem__) if score else None


def _is_articles(element: Any) -> bool:
    """Whether a container calls itself an article's; a container that does not may be anything."""
    if element.tag == "article" or _declares(element):
        return True
    return element.tag in _FRAMES and bool(_ARTICLE.search(_names(element)))


def _names(element: Any) -> str:
    return f"{element.get('class') or ''} {element.get('id') or ''}"


class _Aside(Enum):
    """How an element that stands beside the article is known."""

    LABEL = 1
    PERHAPS = 2
    OTHER = 3


@lru_cache(maxsize=8192)
def _aside(classes: str | None, name: str | None) -> _Aside | None:
    names = f"{classes or ''} {name or ''}"
    if _OTHER.search(names):
        return _Aside.PERHAPS if _BODY.search(names) and "comment" not in names.lower() else _Aside.OTHER
    return _Aside.LABEL if _LABEL.search(names) else _Aside.PERHAPS if _PERHAPS.search(names) else None


def _is_hidden(element: Any, said: list[str]) -> bool:
    if "hidden" in said or ("aria-hidden" in said and element.get("aria-hidden") == "true"):
        return True
    return "style" in said and is_unseen(element.get("style"))


class _Reader:
    """One pass over a tree: blocks in order, for each container which of them stand in it, and which of these are asides.

    ``frames`` are the elements that hold the page's headline: none of them is anything but the page or the article.
    """

    def __init__(self, frames: frozenset[Any]) -> None:
        self.frames = frames
        self.heading = 0  # how many blocks stand above it
        self.blocks: list[_Block] = []
        self.spans: dict[Any, tuple[int, int]] = {}
        self.asides: list[tuple[int, int, _Aside]] = []

    def judge(self) -> list[_Aside | None]:
        """For each block what it stands in beside the article, None where it stands in no aside."""
        sums = [0, *accumulate(len(block.text) if block.running else 0 for block in self.blocks)]
        judged: list[_Aside | None] = [None] * len(self.blocks)
        for first, last, aside in self.asides:
            if sums[last] - sums[first] < WRAPS * sums[-1]:
                judged[first:last] = [aside] * (last - first)
        return judged

    def walk(self, element: Any) -> None:
        tag, said = element.tag, element.keys()
        if tag in _DROPPED or (said and _is_hidden(element, said)):
            if tag == "h1" or element in self.frames:
                self.heading = len(self.blocks)
            return
        aside = _aside(element.get("class"), element.get("id")) if said and element not in self.frames else None
        if aside is _Aside.OTHER:
            return
        first = len(self.blocks)
        if tag in _BLOCKS and self._block(element):
            pass
        elif tag in _CONTAINERS:
            self._mixed(element)
        else:
            for child in element:
                self.walk(child)
        last = len(self.blocks)
        if last > first:
            self.spans[element] = (first, last)
            if aside:
                self.asides.append((first, last, aside))

    def _block(self, element: Any) -> bool:
        """Whether it is one: it is none that holds others."""
        if len(element):
            parts: list[str] = []
            linked = _gather(element, parts)
            if linked is None:
                return False
            self._add(parts, linked, element, loose=False)
        elif element.text:
            self._add((element.text,), 0, element, loose=False)
        return True

    def _mixed(self, element: Any) -> None:
        """A container whose own text and inline children are paragraphs too, told apart by <br> and by its blocks."""
        text = element.text
        loose = [text] if text and not text.isspace() else []
        linked = 0
        for child in element:
            tag, text, whole = child.tag, child.text, len(child)
            parts = [text] if text and not whole else []
            inside = None if tag not in _INLINE else _gather(child, parts) if whole else 0
            if inside is not None:
                if parts and not _aside(child.get("class"), child.get("id")):
                    loose += parts
                    linked += sum(map(len, parts)) if tag == "a" else inside
            else:
                if loose:
                    self._add(loose, linked, element, loose=True)
                    loose, linked = [], 0
                if whole or text:
                    self.walk(child)
            tail = child.tail
            if tail and (loose or not tail.isspace()):
                loose.append(tail)
        if loose:
            self._add(loose, linked, element, loose=True)

    def _add(self, parts: Sequence[str], linked: int, element: Any, *, loose: bool) -> None:
        text = " ".join("".join(parts).split())
        if len(text) > loose:
            running = len(text) >= PARAGRAPH and linked <= LINKED * len(text)
            self.blocks.append(_Block(text, linked, element, loose, running))


def _splits(element: Any) -> bool:
    """Whether an element holds paragraphs, so that it is none itself."""
    return not _SPLITS.isdisjoint([inner.tag for inner in element.iterdescendants()])


def _gather(element: Any, parts: list[str]) -> int | None:
    """Append the text of an element, without what is dropped inside it, to ``parts``; returns how many letters are links', or None
    where it holds paragraphs.
    """
    linked = 0
    if element.text:
        parts.append(element.text)
    for child in element:
        tag = child.tag
        if tag == "br":
            parts.append(" ")
        elif tag in _SPLITS:
            return None
        elif tag not in _DROPPED:
            before = len(parts)
            inside = _gather(child, parts)
            if inside is None:
                return None
            linked += sum(map(len, parts[before:])) if tag == "a" else inside
        elif len(child) and _splits(child):
            return None
        if child.tail:
            parts.append(child.tail)
    return linked
