"""What a word of the text may be a form of, and what may begin with it; one value for all words that are forms of the same.

Made from the tables when first met, and kept: a text has thousands of words, a rulebook some thousands of kinds of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from rules.engine.tables import CODE_BITS, Alias, Entry, Tables

Codes = tuple[int, ...]
# An alias of one word, unpacked: number of its entry, condition, alias, entry.
Single = tuple[int, int, Alias, Entry]
Seconds = dict[int, list[list[int]]]
# What begins with one of a kind's words: whole aliases, phrases by their second word, the bits of the form.
Part = tuple[tuple[Single, ...], Seconds | None, int]


_NO_NUMBERS: Final[frozenset[int]] = frozenset()


class Kind:
    """All that the reading of a text asks about one word."""

    __slots__ = ("alone", "begins", "bits", "named", "named_parts", "numbers", "parts", "seconds", "surnames", "terms")

    def __init__(
        self,
        bits: dict[int, int],
        parts: Sequence[Part] = (),
        named_parts: Sequence[Part] = (),
        seconds: frozenset[int] = _NO_NUMBERS,
        surnames: frozenset[int] = _NO_NUMBERS,
        terms: int = 0,
    ) -> None:
        self.bits = bits  # word's number → bits of the form
        self.numbers = frozenset(bits)
        self.parts = parts
        self.named_parts = named_parts  # … without lone words of the lexicon, which name and hide nothing
        self.alone = any(part[0] for part in parts)
        self.named = any(part[0] for part in named_parts)
        self.terms = terms  # what rules may ask for and an alias of this one word brings, as bits
        # The second words of all phrases that begin so.
        self.seconds = seconds
        self.surnames = surnames  # … of those that are people's names: a patronymic may stand before it
        self.begins = self.alone or bool(self.seconds)


NOTHING: Final = Kind({})


class Kinds(dict[Codes, Kind]):
    """The kinds of words of one rulebook by their codes, made when first asked for."""

    def __init__(self, tables: Tables, terms: dict[str, int]) -> None:
        """``terms`` gives each term that rules ask for its bit."""
        super().__init__({(): NOTHING})
        self._tables = tables
        self._terms = [_bits(entry.terms, terms) for entry in tables.entries]
        self._singles: dict[int, tuple[tuple[Single, ...], tuple[Single, ...], int]] = {}
        self._seconds: dict[int, tuple[frozenset[int], frozenset[int]]] = {}
        self._phrase_terms: dict[tuple[int, int], int] = {}

    def __missing__(self, codes: Codes) -> Kind:
        bits: dict[int, int] = {}
        for code in codes:
            bits.setdefault(code >> CODE_BITS, code & 3)
        parts: list[Part] = []
        named_parts: list[Part] = []
        every, surnames, terms = _NO_NUMBERS, _NO_NUMBERS, 0
        for number, form_bits in bits.items():
            singles, named, brought = self._singles.get(number) or self._singles_of(number)
            seconds = self._tables.phrases.get(number)
            if seconds:
                second, surname = self._seconds.get(number) or self._seconds_of(number, seconds)
                every = every | second if every else second
                surnames = surnames | surname if surnames else surname
            elif not singles:
                continue
            parts.append((singles, seconds, form_bits))
            named_parts.append((named, seconds, form_bits))
            terms |= brought
        kind = self[codes] = Kind(bits, parts, named_parts, every, surnames, terms)
        return kind

    def _singles_of(self, number: int) -> tuple[tuple[Single, ...], tuple[Single, ...], int]:
        tables = self._tables
        aliases = [tables.aliases[at] for at in tables.singles.get(number, ())]
        singles = tuple((alias.entry, alias.condition, alias, tables.entries[alias.entry]) for alias in aliases)
        named = tuple(single for single in singles if single[3].is_entity or single[3].decoy)
        terms = 0
        for alias in aliases:
            terms |= self._terms[alias.entry]
        self._singles[number] = found = singles, named, terms
        return found

    def _seconds_of(self, number: int, seconds: Seconds) -> tuple[frozenset[int], frozenset[int]]:
        aliases = self._tables.aliases
        surnames = frozenset(word for word, phrases in seconds.items() if any(aliases[rest[-1]].person for rest in phrases))
        self._seconds[number] = found = frozenset(seconds), surnames
        return found

    def phrase_terms(self, first: Kind, second: Kind) -> int:
        """What the phrases that may begin with these two words would bring, as bits."""
        terms = 0
        for number in first.seconds & second.numbers:
            for begun in first.numbers:
                known = self._phrase_terms.get((begun, number))
                terms |= self._terms_of_phrases(begun, number) if known is None else known
        return terms

    def _terms_of_phrases(self, first: int, second: int) -> int:
        terms = 0
        for rest in self._tables.phrases.get(first, {}).get(second, ()):
            terms |= self._terms[self._tables.aliases[rest[-1]].entry]
        self._phrase_terms[first, second] = terms
        return terms


def _bits(terms: Iterable[str], known: dict[str, int]) -> int:
    bits = 0
    for term in terms:
        bits |= known.get(term, 0)
    return bits
