"""Reading a rules folder: YAML files into definitions, everything checked, each refusal naming file, line and key."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeVar

from domain.errors import ConfigError
from domain.yamlfile import Key, YamlFile, load_yaml
from rules.engine.definitions import (
    ENTITY_TYPES,
    LANGUAGES,
    PLACES,
    WEAK_TYPES,
    AnchorWeights,
    Defaults,
    Definitions,
    Entity,
    Example,
    Headword,
    LexiconEntry,
    Name,
    Rule,
    Signal,
    Where,
)
from rules.engine.words import WORD

PARTS: Final = ("entities", "lexicon", "rules")
MOST_BYTES: Final = 4_000_000  # of a whole folder: five times ours; refusing a hostile one of that size takes 5 s and 240 MB
MOST_ALIASES: Final = 60_000

_ID: Final = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_REGION: Final = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")
_WIKIDATA: Final = re.compile(r"Q[1-9][0-9]*")
_FLAGS: Final = {"en": frozenset("nvxc"), "ru": frozenset("nvapsxc"), "kk": frozenset("nvxc")}
_ONLY: Final = frozenset({"capitalised", "capitalised-and-anchored", "exact"})
_INFLECT: Final = frozenset({"auto", "none", "noun", "surname", "adjective"})
_EXAMPLE_LANGUAGES: Final = ("en", "ru", "kk", "kk-Latn")
_PSEUDO: Final = frozenset({"watched", "foreign"})

T = TypeVar("T")


class Reader:
    """Takes typed values out of one YAML file and refuses, with the line, what is not what it should be."""

    def __init__(self, file: YamlFile) -> None:
        self.file = file

    def where(self, path: tuple[Key, ...]) -> Where:
        return Where(str(self.file.path), self.file.line(*path))

    def mapping(self, value: Any, path: tuple[Key, ...], known: Iterable[str]) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self.file.refuse(f"a mapping (key: value) is needed here, not {_kind(value)}", *path)
        known = tuple(known)
        for key in value:
            if key not in known:
                raise self.file.refuse(f"the key {key!r} is not known here; known are {', '.join(known)}", *path, key)
        return value

    def sequence(self, value: Any, path: tuple[Key, ...]) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.file.refuse(f"a list is needed here, not {_kind(value)}", *path)
        return value

    def text(self, value: Any, path: tuple[Key, ...], *, empty: bool = False) -> str:
        if not isinstance(value, str):
            raise self.file.refuse(f"text is needed here, not {_kind(value)}; put it in quotes", *path)
        text = unicodedata.normalize("NFC", value).strip()
        if not text and not empty:
            raise self.file.refuse("the text is empty", *path)
        return text

    def texts(self, value: Any, path: tuple[Key, ...]) -> tuple[str, ...]:
        return tuple(self.text(item, (*path, at)) for at, item in enumerate(self.sequence(value, path)))

    def flag(self, value: Any, path: tuple[Key, ...]) -> bool:
        if not isinstance(value, bool):
            raise self.file.refuse(f"true or false is needed here, not {_kind(value)}", *path)
        return value

    def number(self, value: Any, path: tuple[Key, ...], low: float, high: float) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self.file.refuse(f"a number from {low:g} to {high:g} is needed here, not {_kind(value)}", *path)
        return float(value)

    def choice(self, value: Any, path: tuple[Key, ...], choices: Iterable[str]) -> str:
        text = self.text(value, path)
        choices = sorted(choices)
        if text not in choices:
            raise self.file.refuse(f"{text!r} is not one of {', '.join(choices)}", *path)
        return text

    def pattern(self, value: Any, path: tuple[Key, ...], pattern: re.Pattern[str], what: str) -> str:
        text = self.text(value, path)
        if len(text) > 200 or not pattern.fullmatch(text):
            raise self.file.refuse(f"{text[:80]!r} is not {what}", *path)
        return text

    def day(self, value: Any, path: tuple[Key, ...]) -> str:
        text = self.text(value, path)
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError as error:
            raise self.file.refuse(f"{text!r} is not a date like 2022-01-05", *path) from error

    def optional(
        self, mapping: Mapping[str, Any], key: str, path: tuple[Key, ...], take: Callable[[Any, tuple[Key, ...]], T], default: T
    ) -> T:
        return take(mapping[key], (*path, key)) if key in mapping else default

    def required(self, mapping: Mapping[str, Any], key: str, path: tuple[Key, ...]) -> Any:
        if key not in mapping:
            raise self.file.refuse(f"the key {key!r} is missing", *path, key)
        return mapping[key]


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the truth value {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {value[:60]!r}"
    return "a list" if isinstance(value, list) else "a mapping"


def folder_files(folder: Path) -> list[Path]:
    """The YAML files of a rules folder in a fixed order; raises ConfigError where it is no such folder or far too large."""
    if not folder.is_dir():
        raise ConfigError("there is no such rules folder", file=folder)
    top = folder / "rulebook.yaml"
    if not top.is_file():
        raise ConfigError("the rules folder has no rulebook.yaml", file=folder)
    files = [top]
    for part in PARTS:
        files.extend(
            sorted(path for path in (folder / part).rglob("*.y*ml") if path.suffix in {".yaml", ".yml"} and path.is_file())
        )
    if sum(path.stat().st_size for path in files) > MOST_BYTES:
        raise ConfigError(f"the files of the rules folder are larger than {MOST_BYTES:,} bytes together", file=folder)
    return files


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
                entity = _read_entity(reader, item, here)
                entities.append(entity)
                aliases += sum(len(names) for names in entity.names.values())
                if entity.part_of:
                    parts_of.append((entity.part_of, reader, (at, "part_of")))
                identity, where = entity.id, entity.where
            elif part == "lexicon":
                entry = _read_lexicon(reader, item, here)
                lexicon.append(entry)
                aliases += sum(len(words) for words in entry.words.values())
                if entry.shadow_for:
                    checks.append((reader, (at, "shadow_for"), entry.shadow_for))
                identity, where = entry.id, entry.where
            else:
                rule = _read_rule(reader, item, here, country, defaults)
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
    weights = _numbers(reader, data.get("anchors", {}), ("anchors",), AnchorWeights.__slots__, low=0.0, high=1.0)
    defaults = _numbers(reader, data.get("defaults", {}), ("defaults",), Defaults.__slots__, low=0.0, high=1000.0)
    return name, country, languages, home_languages, AnchorWeights(**weights), Defaults(**defaults)


def _numbers(
    reader: Reader, value: Any, path: tuple[Key, ...], known: Iterable[str], *, low: float, high: float
) -> dict[str, float]:
    return {key: reader.number(number, (*path, key), low, high) for key, number in reader.mapping(value, path, known).items()}


# ——— entities ———

_ENTITY_KEYS: Final = (
    "id", "type", "names", "surnames", "region", "part_of", "wikidata", "wikidata_how", "tags", "anchors", "foreign", "open",
    "from", "until",
    "source", "note",
)  # fmt: skip


def _read_entity(reader: Reader, item: Any, path: tuple[Key, ...]) -> Entity:
    data = reader.mapping(item, path, _ENTITY_KEYS)
    identity = reader.pattern(reader.required(data, "id", path), (*path, "id"), _ID, "an id of small letters, digits, _ . and -")
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
        tags=_read_tags(reader, data, path),
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


def _read_tags(reader: Reader, data: Mapping[str, Any], path: tuple[Key, ...]) -> tuple[str, ...]:
    tags = reader.sequence(data.get("tags"), (*path, "tags"))
    return tuple(
        reader.pattern(tag, (*path, "tags", at), _ID, "a tag of small letters, digits, _ . and -") for at, tag in enumerate(tags)
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
        return Name(_with_words(reader, item, path), line=line)
    data = reader.mapping(item, path, ("text", "only", "inflect", "also"))
    also = reader.sequence(data.get("also"), (*path, "also"))
    return Name(
        text=_with_words(reader, reader.required(data, "text", path), (*path, "text")),
        only=reader.choice(data["only"], (*path, "only"), _ONLY) if "only" in data else "",
        inflect=reader.choice(data["inflect"], (*path, "inflect"), _INFLECT) if "inflect" in data else "auto",
        also=tuple(_with_words(reader, text, (*path, "also", at)) for at, text in enumerate(also)),
        line=line,
    )


def _with_words(reader: Reader, value: Any, path: tuple[Key, ...]) -> str:
    text = reader.text(value, path)
    count = len(WORD.findall(text))
    if not count:
        raise reader.file.refuse(f"{text!r} has no word in it", *path)
    if count > 16 or len(text) > 200:
        raise reader.file.refuse(f"{text[:60]!r}… is longer than 16 words or 200 letters", *path)
    return text


# ——— lexicon ———


def _read_lexicon(reader: Reader, item: Any, path: tuple[Key, ...]) -> LexiconEntry:
    data = reader.mapping(item, path, ("id", "tags", *LANGUAGES, "decoy", "shadow_for", "open", "only", "note"))
    identity = reader.pattern(reader.required(data, "id", path), (*path, "id"), _ID, "an id of small letters, digits, _ . and -")
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
        tags=_read_tags(reader, data, path),
        decoy=decoy,
        shadow_for=shadow_for,
        open=reader.optional(data, "open", path, reader.flag, False),
        only=reader.choice(data["only"], (*path, "only"), _ONLY - {"exact"}) if "only" in data else "",
        note=reader.optional(data, "note", path, reader.text, ""),
    )


def _read_headword(reader: Reader, value: Any, path: tuple[Key, ...], language: str) -> Headword:
    text = _with_words(reader, value, path)
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

_SIGNAL_KEYS: Final = (
    "name", "any", "with", "and_with", "within", "not_with", "not_within", "anchor", "title", "points", "cap", "once",
    "from", "until",
)  # fmt: skip
_RULE_KEYS: Final = (
    "id", "theme", "threshold", "title_threshold", "from", "until", "requires", "signals", "penalties", "flag", "ignore",
    "todo", "note",
)  # fmt: skip


def _read_rule(reader: Reader, item: Any, path: tuple[Key, ...], country: str, defaults: Defaults) -> Rule:
    data = reader.mapping(item, path, _RULE_KEYS)
    identity = reader.pattern(reader.required(data, "id", path), (*path, "id"), _ID, "an id of small letters, digits, _ . and -")
    theme = reader.pattern(reader.required(data, "theme", path), (*path, "theme"), _ID, "a theme of small letters")
    signals = _read_signals(reader, reader.required(data, "signals", path), (*path, "signals"), country, penalty=False)
    if not signals:
        raise reader.file.refuse("a rule needs at least one signal", *path, "signals")
    since, until = _read_window(reader, data, path)
    threshold = reader.number(data["threshold"], (*path, "threshold"), 0.25, 1000) if "threshold" in data else defaults.threshold
    return Rule(
        id=identity,
        theme=theme,
        threshold=threshold,
        title_threshold=(
            reader.number(data["title_threshold"], (*path, "title_threshold"), 0.25, 1000)
            if "title_threshold" in data
            else min(threshold, defaults.title_threshold)
        ),
        signals=signals,
        where=reader.where(path),
        penalties=_read_signals(reader, data.get("penalties"), (*path, "penalties"), country, penalty=True),
        requires=reader.texts(data.get("requires"), (*path, "requires")),
        since=since,
        until=until,
        examples=tuple(
            _read_example(reader, example, (*path, key, at), key, since)
            for key in ("flag", "ignore", "todo")
            for at, example in enumerate(reader.sequence(data.get(key), (*path, key)))
        ),
        note=reader.optional(data, "note", path, reader.text, ""),
    )


def _read_window(reader: Reader, data: Mapping[str, Any], path: tuple[Key, ...]) -> tuple[str, str]:
    since, until = reader.optional(data, "from", path, reader.day, ""), reader.optional(data, "until", path, reader.day, "")
    if since and until and since > until:
        raise reader.file.refuse(f"the window ends ({until}) before it begins ({since})", *path, "until")
    return since, until


def _read_signals(reader: Reader, value: Any, path: tuple[Key, ...], country: str, *, penalty: bool) -> tuple[Signal, ...]:
    signals = tuple(
        _read_signal(reader, item, (*path, at), country, penalty=penalty) for at, item in enumerate(reader.sequence(value, path))
    )
    names: set[str] = set()
    for at, signal in enumerate(signals):
        if signal.name in names:
            raise reader.file.refuse(f"the signal {signal.name!r} is given twice", *path, at, "name")
        names.add(signal.name)
    return signals


def _read_signal(reader: Reader, item: Any, path: tuple[Key, ...], country: str, *, penalty: bool) -> Signal:
    data = reader.mapping(item, path, _SIGNAL_KEYS)
    triggers = reader.texts(reader.required(data, "any", path), (*path, "any"))
    if not triggers:
        raise reader.file.refuse("any needs at least one tag or id", *path, "any")
    low, high = (-1000.0, -0.25) if penalty else (0.25, 1000.0)
    points = reader.number(reader.required(data, "points", path), (*path, "points"), low, high)
    if points * 4 != int(points * 4):
        raise reader.file.refuse(f"points are multiples of a quarter, not {points:g}", *path, "points")
    since, until = _read_window(reader, data, path)
    anchor = data.get("anchor", "none")
    return Signal(
        name=reader.text(reader.required(data, "name", path), (*path, "name")),
        any=triggers,
        points=points,
        with_any=reader.texts(data.get("with"), (*path, "with")),
        and_with=reader.texts(data.get("and_with"), (*path, "and_with")),
        within=_read_within(reader, data, "within", path),
        not_with=reader.texts(data.get("not_with"), (*path, "not_with")),
        not_within=_read_within(reader, data, "not_within", path),
        anchor="none"
        if anchor is None
        else reader.choice(anchor, (*path, "anchor"), (country, "strong", "weak", "foreign", "none")),
        title=reader.optional(data, "title", path, reader.flag, False),
        cap=reader.number(data["cap"], (*path, "cap"), 0.25, 1000) if "cap" in data else 0.0,
        once=reader.optional(data, "once", path, reader.flag, penalty),
        since=since,
        until=until,
    )


def _read_within(reader: Reader, data: Mapping[str, Any], key: str, path: tuple[Key, ...]) -> str:
    value = data.get(key, "sentence")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(int(reader.number(value, (*path, key), 1, 200)))
    return reader.choice(value, (*path, key), ("sentence", "paragraph", "document"))


def _read_example(reader: Reader, item: Any, path: tuple[Key, ...], kind: str, since: str) -> Example:
    keys = (*_EXAMPLE_LANGUAGES, "title", "source_country", "published", "why", "this_rule", "expect")
    data = reader.mapping(item, path, keys)
    given = [language for language in _EXAMPLE_LANGUAGES if language in data]
    if len(given) != 1:
        raise reader.file.refuse(f"an example has exactly one of {', '.join(_EXAMPLE_LANGUAGES)}", *path)
    language = given[0]
    expect = "ignore" if kind == "ignore" else "flag"
    if "expect" in data:
        if kind != "todo":
            raise reader.file.refuse("expect is only for todo examples", *path, "expect")
        expect = reader.choice(data["expect"], (*path, "expect"), ("flag", "ignore"))
    text = reader.text(data[language] if data[language] is not None else "", (*path, language), empty=True)
    title = reader.optional(data, "title", path, reader.text, "")
    if not text and not title:
        raise reader.file.refuse("an example needs a text or a title", *path, language)
    return Example(
        language=language,
        text=text,
        expect=expect,
        title=title,
        source_country=reader.optional(data, "source_country", path, reader.text, ""),
        published=reader.optional(data, "published", path, reader.day, since),
        this_rule=reader.optional(data, "this_rule", path, reader.flag, False),
        known_miss=kind == "todo",
        why=reader.optional(data, "why", path, reader.text, ""),
        line=reader.file.line(*path),
    )
