"""Making other people's words safe and fit to show: control signs, lengths, addresses; no HTML is made here."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

# Signs that turn the direction of text around (U+202A–E, U+2066–9, marks 200E/F/061C): "gpj.exe" shown as "exe.jpg".
# One sign stands for one sign, so that offsets into the text stay true.
BIDI: Final = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
TITLE_SHOWN: Final = 300  # the longest honest headline seen in feeds has 260 characters


def plain(text: str) -> str:
    """The text with every sign that could mislead the eye replaced by a visible one, of the same length."""
    return CONTROL.sub("\ufffd", BIDI.sub("\u00b7", text))


def clipped(text: str, length: int = TITLE_SHOWN) -> str:
    """The text, or its beginning and a note of how much more there is."""
    if len(text) <= length:
        return plain(text)
    return f"{plain(text[:length].rstrip())}… ({len(text):,} characters)".replace(",", "\u202f")


def web_address(url: str) -> str | None:
    """The address if a reader may safely follow it: http or https with a host; else None and it is shown as text."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        return None
    return None if CONTROL.search(url) or BIDI.search(url) or re.search(r"\s", url) else url


def host_of(url: str) -> str:
    """The host of an address, for a glance; empty where there is none."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
