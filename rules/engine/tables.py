"""The compiled form of a rulebook: what look-up needs, in plain lists and dicts that JSON can keep; made by ``compiling.py``."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final, NamedTuple

LOCATIVE: Final = 1
MAYBE_LOCATIVE: Final = 2
CODE_BITS: Final = 2  # a code is a word's number with the two bits above below it


class Condition(IntEnum):
    """What the written form must show for an alias to count."""

    NONE = 0
    CAPITAL = 1  # the first letter
    CAPITAL_INSIDE = 2  # … and not merely because a sentence begins
    CAPITAL_ANCHORED = 3  # … and something else of the country is near
    EXACT = 4  # these very letters
    UPPER = 5  # an acronym
    SURNAME = 6  # capital, and the person's full name or the country is near
    SMALL = 7  # no capital but a sentence's: a common word that is a name, too (сайлау)


class Entry(NamedTuple):
    """What an alias stands for: an entity or a lexicon entry, with all terms by which rules may ask for it.

    ``side`` is 1 (of the country), -1 (of elsewhere) or 0; ``strong`` says that it anchors by itself as a place does.
    """

    id: str
    is_entity: bool
    type: str
    terms: tuple[str, ...]
    side: int
    strong: bool
    open: bool
    decoy: bool
    shadow_for: tuple[str, ...]
    region: str


class Alias(NamedTuple):
    """One way of writing an entry. ``gaps`` says what may stand between its words: "-" a hyphen must, "," a comma may."""

    entry: int
    language: str
    text: str
    condition: int
    words: int
    gaps: str
    person: bool


Starts = dict[int, tuple[list[int], dict[int, list[list[int]]] | None]]
_NO_ALIASES: Final[list[int]] = []


@dataclass(slots=True)
class Tables:
    """All that look-up reads. ``forms`` is language → written form → codes; ``stems`` Kazakh stem → (word, kind) pairs."""

    entries: list[Entry] = field(default_factory=list)
    aliases: list[Alias] = field(default_factory=list)
    forms: dict[str, dict[str, list[int]]] = field(default_factory=lambda: {"en": {}, "ru": {}, "kk": {}})
    stems: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    singles: dict[int, list[int]] = field(default_factory=dict)
    phrases: dict[int, dict[int, list[list[int]]]] = field(default_factory=dict)

    def starts(self, only: frozenset[int] | None = None) -> Starts:
        """What may begin with each word, all of it in one look-up; with ``only`` for these words."""
        words = self.singles.keys() | self.phrases.keys()
        wanted = words if only is None else words & only
        return {word: (self.singles.get(word, _NO_ALIASES), self.phrases.get(word)) for word in wanted}

    def to_plain(self) -> dict[str, Any]:
        return {
            "entries": [list(entry) for entry in self.entries],
            "aliases": [list(alias) for alias in self.aliases],
            "forms": self.forms,
            "stems": self.stems,
            "singles": list(self.singles.items()),
            "phrases": [[first, list(seconds.items())] for first, seconds in self.phrases.items()],
        }

    @classmethod
    def from_plain(cls, data: dict[str, Any]) -> Tables:
        return cls(
            entries=[
                Entry(id_, ent, kind, tuple(terms), side, strong, open_, decoy, tuple(shadow), region)
                for id_, ent, kind, terms, side, strong, open_, decoy, shadow, region in data["entries"]
            ],
            aliases=[Alias(*alias) for alias in data["aliases"]],
            forms=data["forms"],
            stems=data["stems"],
            singles=dict(data["singles"]),
            phrases={first: dict(seconds) for first, seconds in data["phrases"]},
        )
