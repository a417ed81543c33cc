"""What an analyst wrote, as values: entities, lexicon entries, rules and the settings of a rulebook; nothing is expanded here.

``folder.py`` reads them from YAML, ``compiling.py`` turns them into tables. All are plain enough to be kept as JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

LANGUAGES: Final = ("en", "ru", "kk")
PLACES: Final = frozenset({"country", "region", "city", "district", "village", "square", "site"})
ENTITY_TYPES: Final = PLACES | {"person", "party", "movement", "ngo", "media", "institution", "company", "law", "event", "group"}
WEAK_TYPES: Final = frozenset({"person", "party", "movement", "ngo", "institution", "law", "group"})


@dataclass(frozen=True, slots=True)
class Where:
    """Where in a folder something was written, for messages."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Name:
    """One way to call an entity in one language; ``only`` is "", "capitalised", "capitalised-and-anchored" or "exact"."""

    text: str
    only: str = ""
    inflect: str = "auto"
    also: tuple[str, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True)
class Entity:
    """A place, person, organisation, law or event that rules and readers ask for; ``anchors`` is "true", "weak" or "false"."""

    id: str
    type: str
    names: dict[str, tuple[Name, ...]]
    where: Where
    surnames: dict[str, tuple[Name, ...]] = field(default_factory=dict)
    region: str = ""
    part_of: str = ""
    wikidata: str = ""
    wikidata_how: str = ""
    tags: tuple[str, ...] = ()
    anchors: str = "false"
    foreign: bool = False
    open: bool = False
    since: str = ""
    until: str = ""
    source: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Headword:
    """A word or phrase of the lexicon with its flags."""

    text: str
    flags: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class LexiconEntry:
    """Words of the same meaning in several languages, found under one id and its tags; a decoy hides what lies inside it."""

    id: str
    words: dict[str, tuple[Headword, ...]]
    where: Where
    tags: tuple[str, ...] = ()
    decoy: bool = False
    shadow_for: tuple[str, ...] = ()
    open: bool = False
    only: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Signal:
    """What gives a rule points (or, negative, takes them): a trigger, its company, and how it must be anchored.

    ``within`` and ``not_within`` are "sentence", "paragraph", "document" or a number of tokens written as text; ``anchor`` is
    the watched country's id, "strong", "weak", "foreign" or "none"; dates are ISO, "" where open.
    """

    name: str
    any: tuple[str, ...]
    points: float
    with_any: tuple[str, ...] = ()
    and_with: tuple[str, ...] = ()
    within: str = "sentence"
    not_with: tuple[str, ...] = ()
    not_within: str = "sentence"
    anchor: str = "none"
    title: bool = False
    cap: float = 0.0
    once: bool = False
    since: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """A text with what the rules must say of it."""

    language: str
    text: str
    expect: str
    title: str = ""
    source_country: str = ""
    published: str = ""
    this_rule: bool = False
    known_miss: bool = False
    why: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """What makes a document worth a person's time for one theme."""

    id: str
    theme: str
    threshold: float
    title_threshold: float
    signals: tuple[Signal, ...]
    where: Where
    penalties: tuple[Signal, ...] = ()
    requires: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()  # of the documents it speaks of; none given: all
    since: str = ""
    until: str = ""
    examples: tuple[Example, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class AnchorWeights:
    """How much of a signal's points an anchor of each kind lets through."""

    sentence: float = 1.0
    weak: float = 0.85
    previous: float = 0.85
    head: float = 0.75
    source: float = 0.5
    disputed: float = 0.75
    passing: float = 0.5
    language: float = 0.0


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where a rule says nothing."""

    threshold: float = 6.0
    title_threshold: float = 6.0
    title_factor: float = 2.0
    repeat: float = 0.5
    cap: float = 2.0


@dataclass(frozen=True, slots=True)
class Definitions:
    """A whole folder as written."""

    name: str
    country: str
    languages: tuple[str, ...]
    home_languages: tuple[str, ...]
    anchors: AnchorWeights
    defaults: Defaults
    entities: Sequence[Entity]
    lexicon: Sequence[LexiconEntry]
    rules: tuple[Rule, ...]
