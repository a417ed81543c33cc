"""A cheap first reading of a page: its paragraphs in one pass, taken only where there is no doubt which of them are the article.

Where there is doubt (no container that calls itself an article's, or much text outside of it) nothing is taken, and
trafilatura reads the page in full, at five times the cost. Pure: an lxml tree in, text or None out; the tree is left as it was.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

NAME: Final = "first reading 1"
"""What a document read this way says of its extractor; the capture can be read in full at any time (`sholu reextract`)."""

LEAST_TEXT = 600
"""Letters; a shorter text may be a stub or a page of teasers, for which the full reading has better sense."""
LEAST_SHARE = 0.6
"""Share of all running text of the page that stands in the container; below it the page has another candidate."""
PARAGRAPH = 40
"""Letters from which on a block is running text and not a label (the measure readability and boilerpipe use)."""
LINKED = 0.5
"""A block with more than this share of its letters in links is a list of other articles."""
FADE = 0.8
"""What a paragraph counts for each container further out: the innermost one that holds most paragraphs wins."""
FAINTEST = 0.25

_DROPPED: Final = frozenset(
    "script style noscript nav footer aside form button iframe svg figure figcaption select textarea input template video audio "
    "object header menu dialog h1 head".split()
)
_BLOCKS: Final = frozenset("p h2 h3 h4 h5 h6 li blockquote pre td dd".split())
_CONTAINERS: Final = frozenset(
    "div section article main span td li blockquote center font body html table tbody tr ul ol dl".split()
)
_INLINE: Final = frozenset(
    "a b strong i em span u font mark sup sub small abbr code q cite time s bdi big ins del wbr img".split()
)
_ASIDE: Final = re.compile(
    r"(?:^|[\s_-])(?:share|sharing|social|related|recommend\w*|promo\w*|newsletter|subscribe|subscription|comment\w*|breadcrumb\w*|"
    r"byline|author\w*|caption|credits?|tags?|taglist|advert\w*|ads?|banner|sidebar|widget|read-?more|also|outbrain|taboola|toolbar|"
    r"meta|navigation|nav|menu|footer|popular|trending|teaser|card|copyright|disclaimer|gallery|slideshow|sponsor\w*|hidden|print|"
    r"video|player|embed|cookie|login|paywall|date|time|timestamp|rating|vote|poll|quiz|source|correction)(?:$|[\s_-])",
    re.IGNORECASE,
)
_ARTICLE: Final = re.compile(
    r"(?:^|[\s_-])(?:article|story|post|entry|news|content|text|body|material|publication)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Block:
    """A run of text: a paragraph, a heading, a list item; ``loose`` where it stands in a container without an element of its own."""

    text: str
    linked: int
    place: Any
    loose: bool = False

    @property
    def running(self) -> bool:
        return len(self.text) >= PARAGRAPH and self.linked <= LINKED * len(self.text)


def first_reading(tree: Any) -> str | None:
    """The article's text, a paragraph a line, or None where the page must be read in full."""
    body = tree if tree.tag == "body" else tree.find("body")
    if body is None:
        return None
    reader = _Reader()
    reader.walk(body, outermost=True)
    total = sum(len(block.text) for block in reader.blocks if block.running)
    best = _container(reader.blocks)
    if best is None or best not in reader.spans or not _is_articles(best):
        return None
    first, last = reader.spans[best]
    held = reader.blocks[first:last]
    own = sum(len(block.text) for block in held if block.running)
    if own < LEAST_TEXT or own < LEAST_SHARE * total:
        return None
    return "\n".join(
        block.text for block in held if block.linked <= 0.7 * len(block.text) and not (block.loose and len(block.text) < 20)
    )


def _container(blocks: list[_Block]) -> Any:
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
    return element.get("itemprop") == "articleBody" or element.tag == "article" or bool(_ARTICLE.search(_names(element)))


def _names(element: Any) -> str:
    return f"{element.get('class') or ''} {element.get('id') or ''}"


@lru_cache(maxsize=4096)
def _is_aside(names: str) -> bool:
    return bool(_ASIDE.search(names))


def _hidden(element: Any) -> bool:
    if element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    style = element.get("style")
    return bool(style) and "display:none" in style.replace(" ", "").lower()


class _Reader:
    """One pass over a tree: blocks in order, and for each container which of them stand in it."""

    def __init__(self) -> None:
        self.blocks: list[_Block] = []
        self.spans: dict[Any, tuple[int, int]] = {}

    def walk(self, element: Any, *, outermost: bool = False) -> None:
        tag = element.tag
        if not isinstance(tag, str) or tag in _DROPPED or _hidden(element):
            return
        if not outermost and (element.get("class") or element.get("id")) and _is_aside(_names(element)):
            return
        first = len(self.blocks)
        if tag in _BLOCKS and not any(
            child.tag in _BLOCKS or (child.tag in _CONTAINERS and child.tag != "span") for child in element
        ):
            self._block(element)
        elif tag in _CONTAINERS:
            self._mixed(element)
        else:
            for child in element:
                self.walk(child)
        self.spans[element] = (first, len(self.blocks))

    def _block(self, element: Any) -> None:
        text = _inline(element)
        if text:
            linked = sum(len(link.text_content()) for link in element.iter("a"))
            self.blocks.append(_Block(text, linked, element))

    def _mixed(self, element: Any) -> None:
        """A container whose own text and inline children are paragraphs too, told apart by <br> and by its blocks."""
        loose = [element.text or ""]
        linked = 0
        for child in element:
            tag = child.tag
            if not isinstance(tag, str):
                pass
            elif tag in _INLINE and not any(inner.tag in _BLOCKS or inner.tag == "div" for inner in child.iterdescendants()):
                if not _is_aside(_names(child)):
                    text = child.text_content()
                    loose.append(text)
                    linked += len(text) if tag == "a" else 0
            elif tag == "br":
                self._loose(loose, linked, element)
                loose, linked = [], 0
            else:
                self._loose(loose, linked, element)
                loose, linked = [], 0
                self.walk(child)
            loose.append(child.tail or "")
        self._loose(loose, linked, element)

    def _loose(self, parts: list[str], linked: int, element: Any) -> None:
        text = " ".join("".join(parts).split())
        if len(text) > 1:
            self.blocks.append(_Block(text, linked, element, loose=True))


def _inline(element: Any) -> str:
    """The text of a block without what is dropped inside it, white space folded."""
    parts: list[str] = []

    def gather(inner: Any) -> None:
        if inner.text:
            parts.append(inner.text)
        for child in inner:
            if child.tag == "br":
                parts.append(" ")
            elif isinstance(child.tag, str) and child.tag not in _DROPPED:
                gather(child)
            if child.tail:
                parts.append(child.tail)

    gather(element)
    return " ".join("".join(parts).split())
