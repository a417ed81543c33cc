"""Reading a rules folder: YAML files into definitions, checked across files; a stanza is read in ``folder_words`` and ``folder_rules``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from domain.yamlfile import Key, load_yaml
from rules.engine.definitions import (
    ENTITY_TYPES,
    LANGUAGES,
    AnchorWeights,
    Defaults,
    Definitions,
    Entity,
    LexiconEntry,
    Rule,
    Where,
)
from rules.engine.folder_rules import read_rule
from rules.engine.folder_words import read_entity, read_lexicon
from rules.engine.packed import folder_files
from rules.engine.taking import Reader

MOST_ALIASES: Final = 60_000

_PSEUDO: Final = frozenset({"watched", "foreign"})


def load_definitions(folder: Path) -> Definitions:  # noqa: PLR0912  # one straight story: read all, then check across files
    """Read and check a whole folder; raises ConfigError."""
    files = folder_files(folder)
    top = Reader(load_yaml(files[0]))
    name, country, languages, home_languages, anchors, defaults = _read_rulebook(top)
    entities: list[Entity] = []
    lexicon: list[LexiconEntry] = []
    rules: list[tuple[Rule, Reader, tuple[Key, ...]]] = []
    checks: list[tuple[Reader, tuple[Key, ...], tuple[str, ...]]] = []
    ids: dict[str, Where] = {}
    parts_of: list[tuple[str, Reader, tuple[Key, ...]]] = []
    aliases = 0
    for path in files[1:]:
        reader = Reader(load_yaml(path))
        part = path.relative_to(folder).parts[0]
        for at, item in enumerate(reader.sequence(reader.file.data, ())):
            here: tuple[Key, ...] = (at,)
            if part == "entities":
                entity = read_entity(reader, item, here)
                entities.append(entity)
                aliases += sum(len(names) for names in entity.names.values())
                if entity.part_of:
                    parts_of.append((entity.part_of, reader, (at, "part_of")))
                identity, where = entity.id, entity.where
            elif part == "lexicon":
                entry = read_lexicon(reader, item, here)
                lexicon.append(entry)
                aliases += sum(len(words) for words in entry.words.values())
                if entry.shadow_for:
                    checks.append((reader, (at, "shadow_for"), entry.shadow_for))
                identity, where = entry.id, entry.where
            else:
                rule = read_rule(reader, item, here, country, defaults)
                rules.append((rule, reader, here))
                identity, where = rule.id, rule.where
            if identity in ids:
                first = ids[identity]
                raise reader.file.refuse(f"the id {identity!r} is given twice, first in {first.file}:{first.line}", at, "id")
            ids[identity] = where
            if aliases > MOST_ALIASES:
                raise reader.file.refuse(f"the folder has more than {MOST_ALIASES:,} names and headwords", at)
    entity_ids = {entity.id for entity in entities}
    for parent, reader, place in parts_of:
        if parent not in entity_ids:
            raise reader.file.refuse(f"there is no entity with the id {parent!r}", *place)
    known = _known_terms(entities, lexicon)
    for reader, place, terms in checks:
        _check_terms(reader, place, terms, known)
    for rule, reader, place in rules:
        _check_rule(rule, reader, place, known)
    return Definitions(
        name,
        country,
        languages,
        home_languages,
        anchors,
        defaults,
        tuple(entities),
        tuple(lexicon),
        tuple(rule for rule, _, _ in rules),
    )


def _known_terms(entities: Iterable[Entity], lexicon: Iterable[LexiconEntry]) -> set[str]:
    known = {f"type:{kind}" for kind in ENTITY_TYPES} | _PSEUDO
    for entity in entities:
        known.update((entity.id, *entity.tags))
    for entry in lexicon:
        known.update((entry.id, *entry.tags))
    return known


def _check_terms(reader: Reader, path: tuple[Key, ...], terms: tuple[str, ...], known: set[str]) -> None:
    for at, term in enumerate(terms):
        if term not in known:
            import difflib

            near = difflib.get_close_matches(term, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise reader.file.refuse(f"no lexicon entry or entity has the tag or id {term!r}{hint}", *path, at)


def _check_rule(rule: Rule, reader: Reader, path: tuple[Key, ...], known: set[str]) -> None:
    _check_terms(reader, (*path, "requires"), rule.requires, known)
    for key, signals in (("signals", rule.signals), ("penalties", rule.penalties)):
        for at, signal in enumerate(signals):
            for field, terms in (
                ("any", signal.any),
                ("with", signal.with_any),
                ("and_with", signal.and_with),
                ("not_with", signal.not_with),
            ):
                _check_terms(reader, (*path, key, at, field), terms, known)


def _read_rulebook(reader: Reader) -> tuple[str, str, tuple[str, ...], tuple[str, ...], AnchorWeights, Defaults]:
    data = reader.mapping(reader.file.data, (), ("name", "country", "languages", "home_languages", "anchors", "defaults", "note"))
    name = reader.text(reader.required(data, "name", ()), ("name",))
    country = reader.pattern(
        reader.required(data, "country", ()), ("country",), re.compile(r"[a-z]{2}"), "a country code of two small letters"
    )
    languages, home_languages = (
        tuple(reader.choice(item, (key, at), LANGUAGES) for at, item in enumerate(reader.sequence(data.get(key), (key,))))
        for key in ("languages", "home_languages")
    )
    if not languages:
        raise reader.file.refuse("languages needs at least one language", "languages")
    weights = read_numbers(reader, data.get("anchors", {}), ("anchors",), AnchorWeights.__slots__, low=0.0, high=1.0)
    defaults = read_numbers(reader, data.get("defaults", {}), ("defaults",), Defaults.__slots__, low=0.0, high=1000.0)
    return name, country, languages, home_languages, AnchorWeights(**weights), Defaults(**defaults)


def read_numbers(
    reader: Reader, value: Any, path: tuple[Key, ...], known: Iterable[str], *, low: float, high: float
) -> dict[str, float]:
    return {key: reader.number(number, (*path, key), low, high) for key, number in reader.mapping(value, path, known).items()}


# ——— entities ———
