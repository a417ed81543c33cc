"""Text that a browser shows and parsers of HTML 4 lose, put where they find it: in drawings, in frames and shadows of a page's own.

Of markup to markup, before parsing; a page that has none of these, as nearly all, is handed back as it is.
"""

from __future__ import annotations

import html
import re

from extractors.limits import check_page

_RARE = re.compile(
    r"<(?:foreignobject|xmp|listing|plaintext|marquee|blink|dialog)\b|\bshadowroot(?:mode)?\s*=|\bsrcdoc\s*=", re.IGNORECASE
)
_DRAWING = re.compile(r"<(/?)(?:svg|foreignobject)\b", re.IGNORECASE)
_SHADOW = re.compile(r"<template(?=\s[^<>]{0,500}?\bshadowroot)", re.IGNORECASE)
_FRAME = re.compile(
    r"<iframe\b(?:[^<>\"']|\"[^\"<]{0,8000}+\"|'[^'<]{0,8000}+')*?\ssrcdoc\s*=\s*(?:\"(?P<one>[^\"]*+)\"|'(?P<other>[^']*+)')",
    re.IGNORECASE,
)
_TYPED = re.compile(r"<(/?)(?:xmp|listing)\b", re.IGNORECASE)
_PLAIN = re.compile(r"<(/?)(?:plaintext|marquee|blink|dialog)\b", re.IGNORECASE)


def unwrapped(markup: str, url: str) -> str:
    """The page with such text in plain blocks, where it stood; raises ReadError (too-big) where that makes it larger than pages are."""
    found = {match.group().lower().split("=")[0].strip("< \t\r\n\f") for match in _RARE.finditer(markup)}
    if not found:
        return markup
    if "srcdoc" in found:  # first: what is in it may hold any of the others
        markup = _FRAME.sub(_inlined, markup)
    if "foreignobject" in found:
        markup = _DRAWING.sub(r"<\1div", markup)
    if found & {"shadowroot", "shadowrootmode"}:
        markup = _SHADOW.sub("<div", markup)  # its </template> closes nothing, and the element around it closes it
    markup = _PLAIN.sub(r"<\1div", _TYPED.sub(r"<\1pre", markup))
    check_page(markup.encode("utf-8", "replace"), url)
    return markup


def _inlined(frame: re.Match[str]) -> str:
    """The frame's own page before the frame."""
    return f"<div>{html.unescape(frame['one'] or frame['other'] or '')}</div>{frame.group()}"
