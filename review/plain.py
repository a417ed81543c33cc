"""Making other people's words safe and fit to show: control signs made visible, lengths, hosts; no HTML is made here."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from domain import shown

TITLE_SHOWN: Final = 300  # the longest honest headline seen in feeds has 260 characters


def plain(text: str) -> str:
    """The text with every sign that could mislead the eye replaced by a visible one, of the same length."""
    # All that misleads is unprintable to Python too, and most of what a page shows is not: that much is asked faster.
    return text if text.isprintable() else shown.plain(text, turned="\u00b7", control="\ufffd")


def clipped(text: str, length: int = TITLE_SHOWN) -> str:
    """The text, or its beginning and a note of how much more there is."""
    if len(text) <= length:
        return plain(text)
    return f"{plain(text[:length].rstrip())}… ({len(text):,} characters)".replace(",", "\u202f")


def host_of(url: str) -> str:
    """The host of an address, for a glance; empty where there is none."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
