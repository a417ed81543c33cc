"""OPML, the format in which feed readers exchange their lists: read without trust, written so that ours comes back whole.

Our own facts ride along as attributes of a namespace of ours, which other programs ignore. A document type is refused
unread: it is the door to entities, and through them to other files and to memory without end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from domain.errors import ConfigError
from domain.values import RungKind, Source
from extractors.stanzas import written_stanza

NAMESPACE: Final = "urn:sholu:source"
PREFIX: Final = "sholu:"
MAX_DEPTH: Final = 50  # folders in folders; a person stops at five
MAX_TITLE: Final = 300


@dataclass(frozen=True, slots=True)
class Outline:
    """One feed of an OPML file and its line; ``stanza`` holds our own facts where the file is an export of ours."""

    url: str
    title: str
    home: str
    language: str
    line: int
    stanza: dict[str, Any] = field(default_factory=dict)


def read_outlines(body: bytes, path: Path) -> tuple[Outline, ...]:
    """The feeds of an OPML file in its order; raises ConfigError with file and line where it is not one."""
    reader = _Reader(path)
    try:
        reader.parser.Parse(body, True)
    except expat.ExpatError as error:
        message = f"this is not valid OPML: {expat.errors.messages[error.code]}"
        raise ConfigError(message, file=path, line=error.lineno) from error
    except (LookupError, ValueError) as error:  # an encoding that Python does not know or that is not one byte a letter
        raise ConfigError(f"this OPML file cannot be read: {error}; save it as UTF-8", file=path) from error
    if not reader.outlines:
        raise ConfigError("the OPML file names no feed (no outline with an xmlUrl)", file=path)
    return tuple(reader.outlines)


def written_opml(sources: Iterable[Source], *, title: str = "Sources of Sholu", now: datetime | None = None) -> str:
    """The sources as OPML 2.0 for a feed reader, to be saved as UTF-8; reading it here gives the same sources."""
    created = f"<dateCreated>{format_datetime(now)}</dateCreated>" if now else ""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<opml version="2.0" xmlns:{PREFIX.rstrip(":")}="{NAMESPACE}">',
        f"<head><title>{_text(title)}</title>{created}</head>",
        "<body>",
        *(f"<outline {_attributes(source)}/>" for source in sorted(sources, key=lambda source: source.id)),
        "</body>",
        "</opml>",
    ]
    return "\n".join(lines) + "\n"


def _attributes(source: Source) -> str:
    feed = next((rung.url for rung in source.rungs if rung.kind is RungKind.FEED), "")
    # A source without a feed is a link to other programs; they would report a dead feed otherwise.
    common = {"type": "rss", "xmlUrl": feed} if feed else {"type": "link", "url": source.rungs[0].url}
    stanza = written_stanza(source)
    ladder = " ".join(f"{rung.kind} {rung.url}" for rung in source.rungs)
    ours = {key: value for key, value in stanza.items() if key not in {"title", "home", *RungKind}} | {"rungs": ladder}
    attributes = {"text": source.title, "title": source.title, **common, "htmlUrl": source.home}
    attributes |= {"language": source.languages[0]} if source.languages else {}
    for key, value in ours.items():
        attributes[PREFIX + key] = " ".join(value) if isinstance(value, list) else str(value)
    return " ".join(f"{key}={quoteattr(value)}" for key, value in attributes.items())


def _text(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class _Reader:
    """Collects outlines as expat meets them; refuses what is not OPML at the first sign."""

    def __init__(self, path: Path) -> None:
        self.outlines: list[Outline] = []
        self._path, self._depth = path, 0
        self.parser = expat.ParserCreate()
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _doctype(self, *_: object) -> None:
        raise self._refuse("a document type (<!DOCTYPE …>) is not allowed here; remove it")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._depth == 0 and name.lower() != "opml":
            raise self._refuse(f"this is not OPML: the file begins with <{name[:40]}>")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._refuse(f"the outline is nested deeper than {MAX_DEPTH} levels")
        if name.lower() == "outline":
            self._outline(attributes)

    def _end(self, _name: str) -> None:
        self._depth -= 1

    def _outline(self, attributes: dict[str, str]) -> None:
        # Writers disagree on the case: xmlUrl, xmlurl, xmlURL.
        given = {key.lower(): " ".join(value.split()) for key, value in attributes.items()}
        ours = {key.removeprefix(PREFIX): value for key, value in given.items() if key.startswith(PREFIX)}
        title = (given.get("title") or given.get("text") or "")[:MAX_TITLE]
        if not ours and not given.get("xmlurl"):
            return  # a folder, or a link that is no feed
        stanza = self._stanza(ours, title, given.get("htmlurl", "")) if ours else {}
        line = self.parser.CurrentLineNumber
        self.outlines.append(
            Outline(given.get("xmlurl", ""), title, given.get("htmlurl", ""), given.get("language", "").lower(), line, stanza)
        )

    def _stanza(self, ours: dict[str, str], title: str, home: str) -> dict[str, Any]:
        stanza: dict[str, Any] = {key: value for key, value in ours.items() if key != "rungs"}
        stanza |= {"title": title, "home": home}
        if "languages" in stanza:
            stanza["languages"] = stanza["languages"].split()
        words = ours.get("rungs", "").split()
        if len(words) % 2 or any(kind not in set(RungKind) for kind in words[::2]):
            raise self._refuse(f"{PREFIX}rungs must be pairs of a kind ({', '.join(RungKind)}) and an address")
        for kind, url in zip(words[::2], words[1::2], strict=True):
            stanza.setdefault(kind, []).append(url)
        return stanza

    def _refuse(self, message: str) -> ConfigError:
        return ConfigError(message, file=self._path, line=self.parser.CurrentLineNumber)
