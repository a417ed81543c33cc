"""Other people's words and addresses made safe to show, wherever they are shown; no markup is made here."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

ADDRESS_SHOWN: Final = 1_500
# Signs that turn the direction of text around (U+202A–E, U+2066–9, marks 200E/F/061C): "gpj.exe" shown as "exe.jpg", a title
# that runs backwards over the next line.
BIDI: Final = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\ufeff\ufffe\uffff]")


def plain(text: str, *, turned: str = " ", control: str = " ") -> str:
    """The text with every sign that could mislead replaced (by one sign each), of the same length: offsets into it stay true."""
    return CONTROL.sub(control, BIDI.sub(turned, text))


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
