"""Text that a browser shows and parsers of HTML 4 lose, put where they find it: in drawings, in frames and shadows of a page's own.

Of markup to markup; a page that has none of these, as nearly all, is handed back as it is. Whether it has, its tree tells.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from extractors.limits import check_page

_ALWAYS = ("foreignobject", "xmp", "listing", "plaintext", "marquee", "blink", "dialog")
_BY_ATTRIBUTE = {"iframe": "srcdoc", "template": "shadowroot"}
HIDING = (*_ALWAYS, *_BY_ATTRIBUTE)
"""Elements that may hold such text."""
_DRAWING = re.compile(r"<(/?)(?:svg|foreignobject)\b", re.IGNORECASE)
_SHADOW = re.compile(r"<template(?=\s[^<>]{0,500}?\bshadowroot)", re.IGNORECASE)
_FRAME = re.compile(
    r"<iframe\b(?:[^<>\"']|\"[^\"<]{0,8000}+\"|'[^'<]{0,8000}+')*?\ssrcdoc\s*=\s*(?:\"(?P<one>[^\"]*+)\"|'(?P<other>[^']*+)')",
    re.IGNORECASE,
)
_TYPED = re.compile(r"<(/?)(?:xmp|listing)\b", re.IGNORECASE)
_PLAIN = re.compile(r"<(/?)(?:plaintext|marquee|blink|dialog)\b", re.IGNORECASE)


def hides_text(found: Mapping[str, Sequence[Any]]) -> bool:
    """Whether a page, parsed as it came, holds such text; ``found`` are its ``HIDING`` elements by their names."""
    return any(found[name] for name in _ALWAYS) or any(
        said in attribute for name, said in _BY_ATTRIBUTE.items() for element in found[name] for attribute in element.attrib
    )


def unwrapped(markup: str, url: str) -> str:
    """The page with such text in plain blocks, where it stood; raises ReadError (too-big) where that makes it larger than pages are."""
    lower = markup.lower()
    whole = markup
    if "srcdoc" in lower:  # first: what is in it may hold any of the others
        markup = _FRAME.sub(_inlined, markup)
        lower = markup.lower()
    if "<foreignobject" in lower:
        markup = _DRAWING.sub(r"<\1div", markup)
    if "shadowroot" in lower:
        markup = _SHADOW.sub("<div", markup)  # its </template> closes nothing, and the element around it closes it
    markup = _PLAIN.sub(r"<\1div", _TYPED.sub(r"<\1pre", markup))
    if markup != whole:
        check_page(markup.encode("utf-8", "replace"), url)
    return markup


def _inlined(frame: re.Match[str]) -> str:
    """The frame's own page before the frame."""
    return f"<div>{html.unescape(frame['one'] or frame['other'] or '')}</div>{frame.group()}"
