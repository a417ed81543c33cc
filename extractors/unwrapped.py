"""Text that a browser shows and parsers of HTML 4 lose, put where they find it: in drawings, in frames and shadows of a page's own.

Of markup to markup, before parsing; a page that has none of these, as nearly all, is handed back as it is.
"""

from __future__ import annotations

import html
import re

from extractors.limits import check_page

# Looked for in small letters and without alternatives before the first sign: at a fortieth of what one expression for all takes.
_ELEMENTS = re.compile(rb"<(?:foreignobject|xmp|listing|plaintext|marquee|blink|dialog)\b")
_ATTRIBUTES = (b"shadowroot", b"srcdoc")
_DRAWING = re.compile(r"<(/?)(?:svg|foreignobject)\b", re.IGNORECASE)
_SHADOW = re.compile(r"<template(?=\s[^<>]{0,500}?\bshadowroot)", re.IGNORECASE)
_FRAME = re.compile(
    r"<iframe\b(?:[^<>\"']|\"[^\"<]{0,8000}+\"|'[^'<]{0,8000}+')*?\ssrcdoc\s*=\s*(?:\"(?P<one>[^\"]*+)\"|'(?P<other>[^']*+)')",
    re.IGNORECASE,
)
_TYPED = re.compile(r"<(/?)(?:xmp|listing)\b", re.IGNORECASE)
_PLAIN = re.compile(r"<(/?)(?:plaintext|marquee|blink|dialog)\b", re.IGNORECASE)


def may_hide_text(body: bytes) -> bool:
    """Whether a page as received can hold such text: quickly told, and never wrongly denied."""
    if b"\0" in body:  # UTF-16 and UTF-32; all other character sets write tags as ASCII does
        return True
    lower = body.lower()
    return any(name in lower for name in _ATTRIBUTES) or bool(_ELEMENTS.search(lower))


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
