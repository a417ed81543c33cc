"""Reading entities and lexicon entries out of their YAML files; how files hang together is checked in ``folder.py``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from domain.yamlfile import Key
from rules.engine.definitions import (
    ENTITY_TYPES,
    LANGUAGES,
    PLACES,
    WEAK_TYPES,
    Entity,
    Headword,
    LexiconEntry,
    Name,
)
from rules.engine.taking import Reader
from rules.engine.words import WORD

ID: Final = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_REGION: Final = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")
_WIKIDATA: Final = re.compile(r"Q[1-9][0-9]*")
_FLAGS: Final = {"en": frozenset("nvxcl"), "ru": frozenset("nvapsxcl"), "kk": frozenset("nvxcl")}
_ONLY: Final = frozenset({"capitalised", "capitalised-and-anchored", "exact"})
_INFLECT: Final = frozenset({"auto", "none", "noun", "surname", "adjective"})

_ENTITY_KEYS: Final = (
    "id", "type", "names", "surnames", "region", "part_of", "wikidata", "wikidata_how", "tags", "anchors", "foreign", "open",
    "from", "until",
    "source", "note",
)  # fmt: skip


def read_entity(reader: Reader, item: Any, path: tuple[Key, ...]) -> Entity:
    data = reader.mapping(item, path, _ENTITY_KEYS)
    identity = reader.pattern(reader.required(data, "id", path), (*path, "id"), ID, "an id of small letters, digits, _ . and -")
    kind = reader.choice(reader.required(data, "type", path), (*path, "type"), ENTITY_TYPES)
    names = _read_names(reader, reader.required(data, "names", path), (*path, "names"))
    if not names:
        raise reader.file.refuse("an entity needs at least one name", *path, "names")
    surnames = _read_names(reader, data["surnames"], (*path, "surnames")) if "surnames" in data else {}
    if surnames and kind != "person":
        raise reader.file.refuse("only persons have surnames", *path, "surnames")
    wikidata = reader.optional(
        data, "wikidata", path, lambda value, here: reader.pattern(value, here, _WIKIDATA, "a Wikidata id like Q42"), ""
    )
    how = reader.optional(data, "wikidata_how", path, reader.text, "")
    if wikidata and not how:
        raise reader.file.refuse("a Wikidata id needs wikidata_how: how it is known", *path, "wikidata")
    return Entity(
        id=identity,
        type=kind,
        names=names,
        where=reader.where(path),
        surnames=surnames,
        region=reader.optional(
            data, "region", path, lambda v, here: reader.pattern(v, here, _REGION, "a region code like KZ-75"), ""
        ),
        part_of=reader.optional(data, "part_of", path, reader.text, ""),
        wikidata=wikidata,
        wikidata_how=how,
        tags=read_tags(reader, data, path),
        anchors=_read_anchors(reader, data, path, kind),
        foreign=reader.optional(data, "foreign", path, reader.flag, False),
        open=reader.optional(data, "open", path, reader.flag, False),
        since=reader.optional(data, "from", path, reader.day, ""),
        until=reader.optional(data, "until", path, reader.day, ""),
        source=reader.optional(data, "source", path, reader.text, ""),
        note=reader.optional(data, "note", path, reader.text, ""),
    )


def _read_anchors(reader: Reader, data: Mapping[str, Any], path: tuple[Key, ...], kind: str) -> str:
    if "anchors" not in data:
        return "true" if kind in PLACES else "weak" if kind in WEAK_TYPES else "false"
    value = data["anchors"]
    if isinstance(value, bool):
        return "true" if value else "false"
    return reader.choice(value, (*path, "anchors"), ("true", "weak", "false"))


def read_tags(reader: Reader, data: Mapping[str, Any], path: tuple[Key, ...]) -> tuple[str, ...]:
    tags = reader.sequence(data.get("tags"), (*path, "tags"))
    return tuple(
        reader.pattern(tag, (*path, "tags", at), ID, "a tag of small letters, digits, _ . and -") for at, tag in enumerate(tags)
    )


def _read_names(reader: Reader, value: Any, path: tuple[Key, ...]) -> dict[str, tuple[Name, ...]]:
    data = reader.mapping(value, path, LANGUAGES)
    found = {}
    for language, items in data.items():
        here = (*path, language)
        names = tuple(_read_name(reader, item, (*here, at)) for at, item in enumerate(reader.sequence(items, here)))
        seen: set[str] = set()
        for at, name in enumerate(names):
            if name.text in seen:
                raise reader.file.refuse(f"the name {name.text!r} is given twice", *here, at)
            seen.add(name.text)
        if names:
            found[language] = names
    return found


def _read_name(reader: Reader, item: Any, path: tuple[Key, ...]) -> Name:
    line = reader.file.line(*path)
    if not isinstance(item, dict):
        return Name(with_words(reader, item, path), line=line)
    data = reader.mapping(item, path, ("text", "only", "inflect", "also"))
    also = reader.sequence(data.get("also"), (*path, "also"))
    return Name(
        text=with_words(reader, reader.required(data, "text", path), (*path, "text")),
        only=reader.choice(data["only"], (*path, "only"), _ONLY) if "only" in data else "",
        inflect=reader.choice(data["inflect"], (*path, "inflect"), _INFLECT) if "inflect" in data else "auto",
        also=tuple(with_words(reader, text, (*path, "also", at)) for at, text in enumerate(also)),
        line=line,
    )


def with_words(reader: Reader, value: Any, path: tuple[Key, ...]) -> str:
    text = reader.text(value, path)
    count = len(WORD.findall(text))
    if not count:
        raise reader.file.refuse(f"{text!r} has no word in it", *path)
    if count > 16 or len(text) > 200:
        raise reader.file.refuse(f"{text[:60]!r}… is longer than 16 words or 200 letters", *path)
    return text


# ——— lexicon ———


def read_lexicon(reader: Reader, item: Any, path: tuple[Key, ...]) -> LexiconEntry:
    data = reader.mapping(item, path, ("id", "tags", *LANGUAGES, "decoy", "shadow_for", "open", "only", "note"))
    identity = reader.pattern(reader.required(data, "id", path), (*path, "id"), ID, "an id of small letters, digits, _ . and -")
    words = {
        language: tuple(
            _read_headword(reader, text, (*path, language, at), language)
            for at, text in enumerate(reader.sequence(data[language], (*path, language)))
        )
        for language in LANGUAGES
        if data.get(language)
    }
    if not words:
        raise reader.file.refuse("a lexicon entry needs headwords in at least one language", *path, "id")
    decoy = reader.optional(data, "decoy", path, reader.flag, False)
    shadow_for = reader.texts(data.get("shadow_for"), (*path, "shadow_for"))
    if shadow_for and not decoy:
        raise reader.file.refuse("shadow_for is only for decoys; add decoy: true", *path, "shadow_for")
    return LexiconEntry(
        id=identity,
        words=words,
        where=reader.where(path),
        tags=read_tags(reader, data, path),
        decoy=decoy,
        shadow_for=shadow_for,
        open=reader.optional(data, "open", path, reader.flag, False),
        only=reader.choice(data["only"], (*path, "only"), _ONLY - {"exact"}) if "only" in data else "",
        note=reader.optional(data, "note", path, reader.text, ""),
    )


def _read_headword(reader: Reader, value: Any, path: tuple[Key, ...], language: str) -> Headword:
    text = with_words(reader, value, path)
    flags = ""
    if ":" in text:
        text, _, flags = text.rpartition(":")
        text, flags = text.strip(), flags.strip()
        unknown = sorted(set(flags) - _FLAGS[language])
        if unknown or not flags:
            allowed = " ".join(sorted(_FLAGS[language]))
            raise reader.file.refuse(f"{flags!r} after the colon is not a flag of {language}; flags are {allowed}", *path)
        if not WORD.search(text):
            raise reader.file.refuse("there is no word before the colon", *path)
    return Headword(text, flags, reader.file.line(*path))


# ——— rules ———
