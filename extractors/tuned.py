"""feedparser with its waste taken out and its results the same: how it is handed text, and what it does anew for every element.

What it makes of a feed is its own affair; nothing here reads one.
"""

from __future__ import annotations

import re
from copy import deepcopy
from functools import cache, lru_cache
from typing import Any
from xml.sax.expatreader import ExpatParser
from xml.sax.xmlreader import XMLReader

LONGEST_PIECE = 1 << 18  # bytes of text gathered before they are handed on

_MISPLACED = re.compile("[\x80-\x9f]")


class WholeTexts(ExpatParser):
    """expat hands on text at every line end and character reference: 1,300 calls of feedparser for two entries, now 50."""

    _parser: Any  # a pyexpat.xmlparser, made anew by each reset

    def reset(self) -> None:
        super().reset()
        self._parser.buffer_text = True
        self._parser.buffer_size = LONGEST_PIECE


class Translated(str):
    """Text that knows whether there is anything to translate in it.

    feedparser puts every element's text through a table of the 32 signs of windows-1252 that are none in Unicode. Python looks up
    every letter beyond ASCII in it, in vain: a quarter of a millisecond for a thousand letters of Russian.
    """

    __slots__ = ()

    def translate(self, table: Any, /) -> str:
        return super().translate(table) if _MISPLACED.search(self) else str(self)


def create_parser() -> XMLReader:
    """What ``xml.sax.make_parser`` calls of a module it is named as a driver."""
    return WholeTexts()


@cache
def feedparser() -> Any:
    """The library, ready for use; imported only where a feed is read."""
    import feedparser as library
    from feedparser import api, mixin

    # It looks for its preferred driver on the whole path, in vain, at every feed.
    api.PREFERRED_XML_PARSERS[:] = [__name__]
    # Asked for the base of every element, which is that of the one before.
    mixin.make_safe_absolute_uri = lru_cache(maxsize=64)(mixin.make_safe_absolute_uri)
    # The one hook between reading a text and translating it; it does nothing in the strict parser.
    api.StrictFeedParser.decode_entities = staticmethod(_as_translated)
    # Five keys and some old names mean something else than they say; for all others a dictionary's own methods do.
    dictionary = library.FeedParserDict
    odd = frozenset({"category", "enclosures", "license", "updated", "updated_parsed", *dictionary.keymap})
    slow = dictionary.get
    dictionary.get = lambda self, key, default=None: slow(self, key, default) if key in odd else dict.get(self, key, default)
    dictionary.__deepcopy__ = lambda self, memo: dictionary((key, deepcopy(value, memo)) for key, value in self.items())
    return library


def _as_translated(_element: str, data: str) -> str:
    return Translated(data)
