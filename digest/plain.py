"""Other people's words as one line of a mail."""

from __future__ import annotations

from typing import Final

from domain.shown import plain

TITLE_SHOWN: Final = 240  # the longest honest headline seen in feeds has 260 characters; a hostile one had a million


def one_line(text: str, limit: int = TITLE_SHOWN) -> str:
    """The text as one line of at most so many characters; what is cut off is told by an ellipsis."""
    line = " ".join(plain(text[: limit * 4]).split())
    return line if len(line) <= limit and len(text) <= limit * 4 else line[: limit - 1].rstrip() + "…"
