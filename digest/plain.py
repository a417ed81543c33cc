"""Making other people's words fit for a mail: no control or direction signs, one line, a length; and addresses safe to follow."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

TITLE_SHOWN: Final = 240  # the longest honest headline seen in feeds has 260 characters; a hostile one had a million
ADDRESS_SHOWN: Final = 1_500
# Signs that turn the direction of text around: "gpj.exe" shown as "exe.jpg", a title that runs backwards over the next line.
BIDI: Final = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\ufeff\ufffe\uffff]")


def plain(text: str) -> str:
    """The text with every sign that could mislead replaced by a space, of the same length: offsets into it stay true."""
    return CONTROL.sub(" ", BIDI.sub(" ", text))


def one_line(text: str, limit: int = TITLE_SHOWN) -> str:
    """The text as one line of at most so many characters; what is cut off is told by an ellipsis."""
    line = " ".join(plain(text[: limit * 4]).split())
    return line if len(line) <= limit and len(text) <= limit * 4 else line[: limit - 1].rstrip() + "…"


def web_address(url: str) -> str:
    """The address if a reader may safely follow it (http or https, a host, no user name in it), else ""."""
    if len(url) > ADDRESS_SHOWN or CONTROL.search(url) or BIDI.search(url) or re.search(r"[\s<>\"\\]", url):
        return ""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return ""
    return url if parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc else ""
