"""One source as a stanza of plain data, read strictly and written back; knows no file format and no list of sources."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from domain.values import Ownership, Rung, RungKind, Source, SourceState
from domain.yamlfile import Key, YamlFile

MAX_ADDRESS: Final = 2_000  # longer ones are refused by many servers
SHORTEST, LONGEST = timedelta(minutes=5), timedelta(days=366)
LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")

_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_REGION: Final = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")
_RHYTHM: Final = re.compile(r"([1-9][0-9]{0,3})(min|h|d|w)")
_UNITS: Final = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_KEYS: Final = (
    "id", "title", "home", "feed", "sitemap", "section", "languages", "country", "region",
    "ownership", "state", "verified", "verified_by", "rhythm", "note",
)  # fmt: skip
_NEEDED: Final = ("id", "title", "home")

T = TypeVar("T")
E = TypeVar("E", Ownership, SourceState)


class WrongValueError(Exception):
    """A value is wrong; the message is the sentence, and the place is added by whoever knows it."""


def read_stanza(stanza: Mapping[str, Any], file: YamlFile, path: tuple[Key, ...]) -> Source:
    for key in stanza:
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(_KEYS)}"
            raise file.refuse(f"unknown key; {hint}", *path, key)
    for key in _NEEDED:
        if key not in stanza:
            raise file.refuse(f"the source has no {key!r}", *path)

    kinds, nothing = set(RungKind), tuple[str, ...]()

    def read(key: str, reader: Callable[[Any], T], default: T) -> T:
        if stanza.get(key) is None and key not in _NEEDED:
            return default
        try:
            return reader(stanza[key])
        except WrongValueError as error:
            raise file.refuse(str(error), *path, key) from error

    return _checked(
        Source(
            id=read("id", _identifier, ""),
            title=read("title", _line_of_text, ""),
            home=read("home", read_address, ""),
            rungs=tuple(Rung(RungKind(key), url) for key in stanza if key in kinds for url in read(key, _addresses, nothing)),
            languages=read("languages", _languages, nothing),
            country=read("country", _country, None),
            region=read("region", _region, None),
            ownership=read("ownership", _one_of(Ownership), None),
            state=read("state", _one_of(SourceState), SourceState.LISTED),
            verified=read("verified", _day, None),
            verified_by=read("verified_by", _line_of_text, ""),
            rhythm=read("rhythm", _rhythm, timedelta(days=1)),
            note=read("note", _line_of_text, ""),
        ),
        file,
        path,
    )


def _checked(source: Source, file: YamlFile, path: tuple[Key, ...]) -> Source:
    """What no single key can be wrong about."""
    if not source.rungs:
        raise file.refuse(f"the source {source.id!r} has no address to read: give a feed, a sitemap or a section", *path)
    if len({rung.url for rung in source.rungs}) < len(source.rungs):
        raise file.refuse(f"the source {source.id!r} has the same address twice", *path)
    if source.state is SourceState.WORKING and not (source.verified and source.verified_by):
        message = "nothing is called working that was not verified: give 'verified' and 'verified_by', or say 'state: listed'"
        raise file.refuse(message, *path, "state")
    if source.region and not source.region.startswith(f"{source.country}-"):
        raise file.refuse(f"the region {source.region} does not lie in the country {source.country}", *path, "region")
    return source


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise WrongValueError(f"expected text, found {value!r}")
    return value.strip()


def _line_of_text(value: Any) -> str:
    text = " ".join(_text(value).split())
    if len(text) > 1_000:
        raise WrongValueError("the text is longer than 1,000 characters")
    return text


def _identifier(value: Any) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise WrongValueError(f"an id is 1 to 80 of a-z, 0-9, '-', '.' and '_', found {value!r}")
    return value


def read_address(value: Any) -> str:
    text = _text(value)
    if re.match(r"[\w.-]+\.\w{2,}(?:/|$)", text):
        raise WrongValueError(f"an address begins with https:// or http://; write https://{text}")
    try:
        parts = urlsplit(text)
        host, _port = (parts.hostname or "").encode("idna").decode("ascii"), parts.port
    except (ValueError, UnicodeError) as error:
        raise WrongValueError(f"this is not an address: {text!r}") from error
    if parts.scheme not in ("http", "https"):
        raise WrongValueError(f"an address begins with https:// or http://, found {text!r}")
    if not _HOST.fullmatch(host if ":" not in host else f"[{host}]") or re.search(r"[\s<>\"{}|\\^`]", text):
        raise WrongValueError(f"this is not an address: {text!r}")
    if parts.username is not None or parts.password is not None:
        raise WrongValueError("an address must not contain a name and password")
    if len(text) > MAX_ADDRESS:
        raise WrongValueError(f"the address is longer than {MAX_ADDRESS:,} characters")
    return text


def _addresses(value: Any) -> tuple[str, ...]:
    return tuple(read_address(item) for item in value) if isinstance(value, list) else (read_address(value),)


def _languages(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    for item in items:
        if not isinstance(item, str) or not LANGUAGE.fullmatch(item):
            raise WrongValueError(f"a language is a tag such as en, ru, kk or kk-Latn, found {item!r}")
    return tuple(items)


def _country(value: Any) -> str:
    if not isinstance(value, str) or not _COUNTRY.fullmatch(value):
        raise WrongValueError(f"a country is two capital letters (ISO 3166-1), found {value!r}")
    return value


def _region(value: Any) -> str:
    if not isinstance(value, str) or not _REGION.fullmatch(value):
        raise WrongValueError(f"a region is a code such as KZ-MAN (ISO 3166-2), found {value!r}")
    return value


def _one_of(values: type[E]) -> Callable[[Any], E]:
    def read(value: Any) -> E:
        try:
            return values(value)
        except ValueError as error:
            raise WrongValueError(f"expected one of {', '.join(values)}, found {value!r}") from error

    return read


def _day(value: Any) -> date:
    try:
        return date.fromisoformat(_text(value))
    except ValueError as error:
        raise WrongValueError(f"expected a day such as 2026-09-06, found {value!r}") from error


def _rhythm(value: Any) -> timedelta:
    match = _RHYTHM.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise WrongValueError(f"a rhythm is a number and min, h, d or w, such as 6h, found {value!r}")
    rhythm: timedelta = int(match[1]) * _UNITS[match[2]]
    if not SHORTEST <= rhythm <= LONGEST:
        raise WrongValueError(f"a rhythm lies between 5min and 52w, found {value!r}")
    return rhythm


def written_stanza(source: Source) -> dict[str, Any]:
    """A source as the data of its stanza; what has its default value is left out."""
    stanza: dict[str, Any] = {"id": source.id, "title": source.title, "home": source.home}
    for rung in source.rungs:
        stanza.setdefault(str(rung.kind), []).append(rung.url)
    for kind in RungKind:
        if len(stanza.get(kind, ())) == 1:
            stanza[kind] = stanza[kind][0]
    facts = {
        "languages": list(source.languages),
        "country": source.country,
        "region": source.region,
        "ownership": str(source.ownership) if source.ownership else None,
        "state": str(source.state),
        "verified": source.verified,
        "verified_by": source.verified_by,
        "rhythm": written_rhythm(source.rhythm),
        "note": source.note,
    }
    return stanza | {key: value for key, value in facts.items() if value}


def written_rhythm(rhythm: timedelta) -> str:
    """A rhythm as it is written in a stanza: ``6h``."""
    for unit, length in (("w", _UNITS["w"]), ("d", _UNITS["d"]), ("h", _UNITS["h"])):
        if rhythm % length == timedelta(0):
            return f"{rhythm // length}{unit}"
    return f"{max(1, rhythm // _UNITS['min'])}min"
