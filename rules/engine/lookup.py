"""From a word of the text to what it may be a form of; remembers its answers, so that most words cost one dict look-up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rules.engine import kazakh
from rules.engine.kinds import Codes, Kind, Kinds
from rules.engine.languages import KAZAKH, LATIN_KAZAKH, NEITHER, RUSSIAN
from rules.engine.latin import cyrillic_candidates
from rules.engine.tables import CODE_BITS, LOCATIVE, Tables
from rules.engine.words import is_cyrillic, is_russian, normal_forms

MOST_REMEMBERED: Final = 200_000  # words a mode; about 30 MB at the most, then the memory is emptied
_KAZAKH_LETTERS: Final = frozenset("әғқңөұүһі")
_LONGEST_WORD: Final = 60  # nothing longer is a word; and work must not grow with it


class Memory(dict[str, Kind]):
    """Kinds by written word; a word not yet known is looked up once."""

    def __init__(self, lookup: Lookup, modes: tuple[str, str]) -> None:
        super().__init__()
        self._lookup, self._modes = lookup, modes

    def __missing__(self, word: str) -> Kind:
        lookup = self._lookup
        kind = self[word] = lookup.kinds[lookup.codes(word, self._modes)]
        return kind


class Lookup:
    """Look-up for one compiled rulebook."""

    def __init__(self, tables: Tables, terms: dict[str, int]) -> None:
        """``terms`` gives each term that rules ask for its bit."""
        self.kinds = Kinds(tables, terms)
        self._english: Mapping[str, list[int]] = tables.forms["en"]
        self._russian: Mapping[str, list[int]] = tables.forms["ru"]
        self._kazakh: Mapping[str, list[int]] = tables.forms["kk"]
        self._stems = tables.stems
        self._shortest = min(map(len, tables.stems), default=99)
        self._beginnings: tuple[frozenset[str], frozenset[str]] | None = None
        self._memories: dict[tuple[str, str], Memory] = {}

    def memory(self, modes: tuple[str, str]) -> Memory:
        """The kind of any word of a text in these modes, by subscript."""
        memory = self._memories.get(modes)
        if memory is None:
            memory = self._memories[modes] = Memory(self, modes)
        elif len(memory) > MOST_REMEMBERED:
            memory.clear()
        return memory

    def codes(self, word: str, modes: tuple[str, str]) -> Codes:
        """The codes of a word as it stands in the text."""
        if len(word) > _LONGEST_WORD:
            return ()
        if word.isascii() and modes[1] != LATIN_KAZAKH and word.isalnum():  # nothing to compose, to drop, to guess or to part
            return tuple(self._english.get(word.lower(), ()))
        forms = normal_forms(word)
        if modes[0] == RUSSIAN and len(forms) == 1 and is_russian(forms[0]):
            return tuple(self._russian.get(forms[0], ()))
        found: dict[int, None] = {}
        for form in forms:
            table = self._cyrillic(form, modes[0]) if is_cyrillic(form) else self._latin(form, word, modes[1])
            found.update(dict.fromkeys(table))
        return tuple(found)

    def _cyrillic(self, form: str, mode: str) -> list[int]:
        if mode == NEITHER:
            return []
        form = form.strip("'")
        kazakh_too = mode != RUSSIAN or not _KAZAKH_LETTERS.isdisjoint(form)
        found: list[int] = []
        if mode != KAZAKH:
            found.extend(self._russian.get(form, ()))
        if kazakh_too:
            found.extend(self.kazakh(form))
        return found

    def kazakh(self, form: str) -> list[int]:
        """Codes of a folded Cyrillic word read as Kazakh."""
        found = list(self._kazakh.get(form, ()))
        stems = self._stems
        for size in range(len(form), self._shortest - 1, -1):
            stem = form[:size]
            if stem in stems:
                ending = form[size:]
                for number, kind in stems[stem]:
                    bits = kazakh.accept(stem, ending, kind)
                    if bits >= 0:
                        found.append(number << CODE_BITS | bits)
        return found

    def _latin(self, form: str, word: str, mode: str) -> list[int]:
        found: list[int] = []
        if mode == LATIN_KAZAKH:
            if form.isdigit():
                return list(self._kazakh.get(form, ()))
            beginnings, whole = self._spellings()
            for candidate in cyrillic_candidates(form, beginnings, whole):
                found.extend(self.kazakh(candidate))
            if found or not word[:1].isupper():
                return found
        for bare in _without_possessive(form):
            found.extend(self._english.get(bare, ()))
        return found

    def _spellings(self) -> tuple[frozenset[str], frozenset[str]]:
        # Only texts in Latin Kazakh pay for this. Fixed words of a phrase ("талап" in "талап ету") are no stems, yet spelt too.
        if self._beginnings is None:
            whole = frozenset(self._stems) | frozenset(self._kazakh)
            self._beginnings = frozenset(word[:size] for word in whole for size in range(1, len(word) + 1)), whole
        return self._beginnings


def _without_possessive(form: str) -> tuple[str, ...]:
    bare = form.replace("'", "")
    if form.endswith("'s"):
        return (form[:-2].replace("'", ""), form)  # itself, too: a phrase may hold it ("mayor's office")
    return (form, bare) if bare != form else (form,)


def is_locative(bits: int) -> bool:
    return bool(bits & LOCATIVE)
