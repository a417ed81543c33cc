"""Turning what publishers write into clean plain text, once, on entry; no parsing of documents here.

The original bytes stay in the capture: what is removed here can always be looked up there.
"""

from __future__ import annotations

import html
import re
import unicodedata

# Removed wherever they stand: control characters (XML 1.0 forbids them, PostgreSQL refuses NUL), lone surrogates (no UTF-8
# can hold them), non-characters, bidi embeddings, overrides and isolates (they show a reader other words than the rules
# read: "Trojan Source", CVE-2021-42574), and interlinear marks. ZWJ, ZWNJ, LRM and RLM stay: scripts need them.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffc\ufffe\uffff]"
)
_CONTROLS = bytes((*range(9), 0x0B, 0x0C, *range(0x0E, 0x20)))
_NO_CHARACTERS = ("\ufffe", "\uffff")
_BEGINS_THEM = b"\xef"  # in UTF-8
# Signs that take no ink: a title of these alone is no title.
_UNSEEN = re.compile(
    "[\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2060-\u2064\u2800\u3164\ufe00-\ufe0f\uffa0]+"
)
# Those of two to four figures that are certainly sound are passed over.
_REFERENCE = re.compile(rb"&#(?!(?:3[2-9]|[4-9][0-9]|[1-9][0-9]{2,3});)(?:[xX]0*([0-9a-fA-F]{1,100})|0*([0-9]{1,100}));")
_LINE_ENDS = ("\r\n", "\r", "\x85", "\u2028", "\u2029")
# What takes room and is neither a space nor ends a line, of what ``clean_text`` leaves.
_OTHER_SPACES = "\t\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"

# One piece of markup at a time, so that no depth of nesting can lose text (libxml2 stops at 256 elements). The possessive
# and bounded repeats keep it linear on hostile input.
_TAG = re.compile(
    r"(<(/?)([a-zA-Z][a-zA-Z0-9:_-]{0,30})(?:[^<>\"']++|\"[^\"<]{0,8000}\"|'[^'<]{0,8000}')*+>|<!--|<[!?][^<>]{0,2000}>)"
)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_BLOCK_NAMES = (
    "address article aside blockquote br center dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 "
    "header hr li main nav ol option p pre section summary table tbody td tfoot th thead tr ul video"
)
_INLINE_NAMES = (
    "a abbr acronym b bdi bdo big body cite code del dfn em embed font head html i iframe img input ins kbd label link mark meta "
    "noscript nobr object param picture q rp rt ruby s samp small source span strike strong sub sup svg path time tt u var wbr "
    "amp-img o:p audio button canvas col colgroup title"
)
_BLOCKS, _INLINE = frozenset(_BLOCK_NAMES.split()), frozenset(_INLINE_NAMES.split())
_SILENT = frozenset({"script", "style", "template"})
# What stands for a tag by its name; nothing here for what hides text and for what is no element.
_STANDS_FOR = {
    spelled: between for names, between in ((_INLINE, ""), (_BLOCKS, "\n")) for name in names for spelled in (name, name.upper())
}


def clean_text(text: str) -> str:
    """Text in NFC without control characters, lone surrogates and bidi overrides; line ends are ``\\n``."""
    for end in _LINE_ENDS:  # to ask for one takes a tenth of what a pattern for all of them does
        if end in text:
            text = text.replace(end, "\n")
    return unicodedata.normalize("NFC", _UNWANTED.sub("", text))


def clean_markup(text: str) -> str:
    """Markup without characters no parser takes (a NUL ends libxml2's reading), written out or as references; its text is
    cleaned when it is out."""
    return encoded_markup(text).decode("utf-8")


def encoded_markup(text: str, utf8: bytes | None = None) -> bytes:
    """``clean_markup`` as UTF-8, which parsers are given anyway; bytes are searched in a quarter of the time letters take.

    ``utf8`` is the text's own encoding, where it is at hand.
    """
    encoded = text.encode("utf-8", "ignore") if utf8 is None else utf8
    if _BEGINS_THEM in encoded:  # told in a tenth of the time that replacing nothing takes
        for character in _NO_CHARACTERS:
            if character in text:
                encoded = encoded.replace(character.encode(), b"")
    return _REFERENCE.sub(_possible, encoded.translate(None, _CONTROLS))


def _possible(match: re.Match[bytes]) -> bytes:
    """A character reference as it was, or nothing where no text can hold the character (feedparser and lxml fail on ``&#xD800;``)."""
    number = int(match[1], 16) if match[1] else int(match[2])
    sound = number in (9, 10, 13) or 0x20 <= number < 0xD800 or 0xE000 <= number < 0xFFFE or 0x10000 <= number < 0x110000
    return match.group() if sound else b""


def one_line(text: str) -> str:
    """Clean text on one line with single spaces, as titles and names are kept."""
    return " ".join(clean_text(text).split())


def unescape(text: str) -> str:
    """Character references that end in a semicolon, decoded; ``AT&T`` and ``?a=1&copy=2`` stay as they are."""
    return _ENTITY.sub(lambda match: html.unescape(match.group()), text) if "&" in text else text


def plain_text(markup: str) -> str:
    """The text of a piece of HTML (a title, a summary, a full text in a feed): paragraphs on lines of their own.

    A ``<`` that starts no known element is text: "5 < 6" and "<Ak Zhol>" survive.
    """
    if "<" not in markup:
        return _tidy(unescape(markup))
    # What stands between tags, then of each tag in turn itself, its slash, its name and what follows it.
    pieces = _TAG.split(markup)
    between = [*map(_STANDS_FOR.get, pieces[3::4])]
    if None in between:
        return _tidy(unescape(_without_hidden(markup)))
    parts = [""] * (2 * len(between) + 1)
    parts[::2], parts[1::2] = pieces[::4], between  # type: ignore[assignment]  # none of them is None
    return _tidy(unescape("".join(parts)))


def _without_hidden(markup: str) -> str:
    """As ``plain_text``, where there are comments, scripts or what only looks like a tag: what is hidden is passed over."""
    parts: list[str] = []
    unclosed: set[str] = set()  # looked for once: to search the rest of the text again for each would cost its square
    place = 0
    for match in _TAG.finditer(markup):
        if match.start() < place:
            continue  # within a comment or a script
        parts.append(markup[place : match.start()])
        place = match.end()
        if match.group() == "<!--":
            # An unclosed comment hides nothing: what follows is text a publisher meant to show.
            place = _past("-->", markup, place, unclosed)
            continue
        name = (match.group(3) or "!").lower()
        if name in _SILENT and not match.group(2):
            place = _past(f"</{name}", markup, place, unclosed)
        elif name in _BLOCKS:
            parts.append("\n")
        elif name not in _INLINE and name not in _SILENT and name != "!":
            parts.append(match.group())
    parts.append(markup[place:])
    return "".join(parts)


def plain_title(markup: str) -> str:
    """A title as one plain line; markup and character references, also doubly escaped ones, are resolved."""
    text = plain_text(markup)
    if "&" in text or "<" in text:  # WordPress and Bitrix feeds escape titles twice
        text = plain_text(text)
    line = one_line(text)
    return line if _UNSEEN.sub("", line) else ""


def _past(closing: str, markup: str, start: int, unclosed: set[str]) -> int:
    """Where what ``closing`` ends is over; ``start`` where it never ends."""
    if closing in unclosed:
        return start
    match = re.compile(re.escape(closing) + ("" if closing == "-->" else "[^<>]{0,100}>"), re.IGNORECASE).search(markup, start)
    if match is None:
        unclosed.add(closing)
        return start
    return match.end()


def _tidy(text: str) -> str:
    text = clean_text(text)
    for space in _OTHER_SPACES:
        if space in text:
            text = text.replace(space, " ")
    lines = [line.strip(" ") for line in text.split("\n")]
    return "\n".join([" ".join(line.split()) if "  " in line else line for line in lines if line])
