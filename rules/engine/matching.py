"""Finding every headword and name in a document, with offsets into its stored text; the longest match hides shorter ones."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from itertools import pairwise
from typing import Final

from rules.engine.kinds import NOTHING, Kind, Kinds, Seconds
from rules.engine.languages import document_language, stretches
from rules.engine.lookup import Lookup
from rules.engine.sentences import Layout
from rules.engine.tables import Alias, Condition, Entry, Tables
from rules.engine.words import HYPHENS, WORD, cut, is_capitalised, is_upper, plain_forms

FIELDS: Final = ("title", "text")
TITLE, TEXT = 0, 1

# What may stand between two words of one name or phrase; a line break may not.
_GAP: Final = re.compile(rf"(?:[^\S\n]|[{re.escape(HYPHENS)}\u00ad\u200b-\u200f\u2060\ufeff\"'«»“”„‘’`()/&+.,]){{1,6}}")
_PATRONYMIC: Final = re.compile(
    r"[^\S\n]+(?:[^\W\d_]\.|\w+(?:ич|овна|евна|ична|улы|ұлы|қызы|кызы|uly|uli|vich|kyzy|qyzy|vna)"
    r"(?:а|у|ем|ом|е|ой|ы|ға|ге|ның|нің|ты|ті)?)[^\S\n]+"
)


OPENING: Final = " \"'«“„‘—–-(["  # what may stand before the first word of a sentence


@dataclass(slots=True)
class Occurrence:
    """One place in a document where an alias stands; ``hidden_by`` says why it does not count, "" where it does.

    ``paragraph`` only tells paragraphs apart, ``sentence`` is a number once the page was asked for its sentences.
    """

    field: int
    first: int
    last: int
    start: int
    end: int
    alias: Alias
    entry: Entry
    bits: int
    paragraph: int
    sentence: int = -1
    hidden_by: str = ""

    @property
    def length(self) -> int:
        return self.last - self.first + 1

    def overlaps(self, other: Occurrence) -> bool:
        return self.field == other.field and self.first <= other.last and other.first <= self.last


@dataclass(slots=True)
class Page:
    """One document being read: its two fields, their layouts, and what was found."""

    texts: tuple[str, str]
    layouts: tuple[Layout, Layout]
    occurrences: list[Occurrence]
    language: str = ""
    _laid_out: bool = False

    def written(self, occurrence: Occurrence) -> str:
        return self.texts[occurrence.field][occurrence.start : occurrence.end]

    def lay_out(self) -> None:
        """Give each occurrence its sentence: most pages are done with before anybody asks."""
        if not self._laid_out:
            self._laid_out = True
            starts = self.layouts[TEXT].sentences
            for one in self.occurrences:
                one.sentence = 0 if one.field == TITLE else bisect_right(starts, one.start) - 1


@dataclass(slots=True)
class Stretch:
    """Paragraphs in a row by what each of their words may be a form of; ``start`` is its offset, ``parts`` its gaps and words in turn.

    ``begun`` are the words with which an alias may begin: it is one word, or a word like its second one comes next, or next but
    one in a person's name (then the number is followed by True). Most words that are a form of something ("in" of «Kazakhs in
    Exile») end here, before anybody asks where they stand. ``terms`` are the bits of all that these words may bring. That a
    line break stands between two words is only seen later. Two words that are nothing end it, so that one may look ahead of
    every other.
    """

    start: int
    parts: list[str]
    kinds: list[Kind]
    begun: list[tuple[int, bool]]
    terms: int


def read_stretch(kinds_known: Kinds, start: int, parts: list[str], kinds: list[Kind]) -> Stretch:
    """See what may begin where."""
    begun: list[tuple[int, bool]] = []
    terms = 0
    for at, kind in [(at, kind) for at, kind in enumerate(kinds) if kind.begins]:
        phrase = False
        if kind.seconds:
            after = kinds[at + 1]
            if not kind.seconds.isdisjoint(after.numbers):
                phrase, terms = True, terms | kinds_known.phrase_terms(kind, after)
            if kind.surnames:
                then = kinds[at + 2]
                if not kind.surnames.isdisjoint(then.numbers):
                    phrase, terms = True, terms | kinds_known.phrase_terms(kind, then)
        if phrase or kind.alone:
            begun.append((at, phrase))
            terms |= kind.terms
    return Stretch(start, parts, kinds, begun, terms)


def find_words(lookup: Lookup, text: str, language: str | None) -> list[Stretch]:
    """The stretches of a text in which an alias may begin."""
    found = []
    for start, written, modes in stretches(text, language):
        parts = cut(written)
        kinds = [*map(lookup.memory(modes).__getitem__, parts[1::2]), NOTHING, NOTHING]
        stretch = read_stretch(lookup.kinds, start, parts, kinds)
        if stretch.begun:
            found.append(stretch)
    return found


def document_hint(title: str, text: str, language: str | None) -> str | None:
    """The language look-up goes by: the one given, or a guess where none is."""
    if language and language not in {"und", "mul"}:
        language = {"kl": "kk-Latn", "kaz": "kk", "kz": "kk", "rus": "ru", "eng": "en"}.get(language, language)
        return language if language.startswith("kk-") else language.split("-")[0].lower()
    return document_language(f"{title}\n{text}")


def find_occurrences(tables: Tables, page: Page, field: int, stretches: list[Stretch], *, everything: bool) -> list[Occurrence]:
    """Every alias that stands in the field, in the order of their first words; conditions of spelling checked, nothing hidden yet.

    Without ``everything`` lone words of the lexicon are left out: they name nothing, and hide nothing that does.
    """
    finder = _Finder(tables, field, page.texts[field], page.layouts[field], everything)
    for stretch in stretches:
        finder.read(stretch)
    return finder.found


_CAPITAL_ANCHORED, _EXACT, _UPPER, _SMALL = map(
    int, (Condition.CAPITAL_ANCHORED, Condition.EXACT, Condition.UPPER, Condition.SMALL)
)


@dataclass(slots=True)
class _Finder:
    """Collects the occurrences of one field."""

    tables: Tables
    field: int
    text: str
    layout: Layout
    everything: bool
    found: list[Occurrence] = dataclass_field(default_factory=list)
    # One entry counts once where two of its headwords read the same words.
    taken: set[tuple[int, int, int]] = dataclass_field(default_factory=set)
    # The paragraph being read: where it ends, its number, and how far the numbers of its tokens are from those in the stretch.
    line_end: int = -1
    paragraph: int = 0
    shift: int = 0

    def read(self, stretch: Stretch) -> None:
        parts, kinds = stretch.parts, stretch.kinds
        field, found, taken = self.field, self.found, self.taken
        behind, start = 0, stretch.start  # so many parts lie before this offset
        for at, phrase in stretch.begun:
            kind = kinds[at]
            if self.everything:
                begins = kind.parts
            elif phrase or kind.named:
                begins = kind.named_parts
            else:
                continue
            start += sum(map(len, parts[behind : 2 * at + 1]))
            behind = 2 * at + 1
            written = parts[behind]
            end = start + len(written)
            if start > self.line_end:
                self._enter_line(start, at, parts)
            first = at + self.shift
            for singles, seconds, bits in begins:
                for entry_number, condition, alias, entry in singles:
                    key = (entry_number, start, end)
                    if key in taken or (condition and not self._spelled(alias, condition, written, start)):
                        continue
                    taken.add(key)
                    found.append(Occurrence(field, first, first, start, end, alias, entry, bits, self.paragraph))
                if phrase and seconds:
                    self._phrases(stretch, start, at, bits, seconds)

    def _enter_line(self, start: int, at: int, parts: list[str]) -> None:
        """Tokens are numbered in each paragraph from its offset on: numbers grow through the text, and no two words of different
        paragraphs have neighbouring ones."""
        begins = self.text.rfind("\n", 0, start) + 1
        self.line_end = self.text.find("\n", start)
        if self.line_end < 0:
            self.line_end = len(self.text)
        while at and "\n" not in parts[2 * at]:
            at -= 1
        self.shift = begins - at
        self.paragraph = 0 if self.field == TITLE else begins  # a title is one paragraph

    def _phrases(self, stretch: Stretch, start: int, at: int, first_bits: int, seconds: Seconds) -> None:
        parts, kinds = stretch.parts, stretch.kinds
        second = at + 1
        skipping = False
        if not kinds[second].bits or not _joins(parts[2 * second]):
            # A patronymic or an initial may stand between a first name and a surname.
            second = at + 2
            if not kinds[second].bits or not _PATRONYMIC.fullmatch("".join(parts[2 * at + 2 : 2 * second + 1])):
                return
            skipping = True
        for word, second_bits in kinds[second].bits.items():
            for rest in seconds.get(word, ()):
                alias = self.tables.aliases[rest[-1]]
                if skipping and not alias.person:
                    continue
                bits, last = first_bits | second_bits, second
                for following in rest[:-1]:
                    last += 1
                    more = kinds[last].bits.get(following)
                    if more is None or not _joins(parts[2 * last]):
                        break
                    bits |= more
                else:
                    self._take(stretch.parts, start, (at, *range(second, last + 1)), alias, bits)

    def _take(self, parts: list[str], start: int, words: tuple[int, ...], alias: Alias, bits: int) -> None:
        first, last = words[0], words[-1]
        end = start + sum(map(len, parts[2 * first + 1 : 2 * last + 2]))
        key = (alias.entry, start, end)
        if key in self.taken:
            return
        if alias.condition:
            if alias.condition == _EXACT:
                written = [plain_forms(parts[2 * word + 1])[0] for word in words]
                spelled = written == [plain_forms(found.group())[0] for found in WORD.finditer(alias.text)]
            else:
                spelled = self._spelled(alias, alias.condition, parts[2 * first + 1], start)
            if not spelled:
                return
        between = ["".join(parts[2 * one + 2 : 2 * other + 1]) for one, other in pairwise(words)]
        if not _gaps_fit(alias.gaps, between, [parts[2 * word + 1] for word in words]):
            return
        self.taken.add(key)
        entry = self.tables.entries[alias.entry]
        first, last = first + self.shift, last + self.shift
        self.found.append(Occurrence(self.field, first, last, start, end, alias, entry, bits, self.paragraph))

    def _spelled(self, alias: Alias, condition: int, written: str, start: int) -> bool:
        """Whether capitals stand where the alias needs them; ``written`` is its first word as it stands in the text."""
        if condition == _SMALL:
            if not is_capitalised(written) or written.isupper():
                return True
            return not self.text[self.layout.sentence_start(self.layout.sentence(start)) : start].strip(OPENING)
        if condition == _UPPER:
            return is_upper(plain_forms(written)[0], len(alias.text))
        if condition == _EXACT:
            return [plain_forms(written)[0]] == [plain_forms(found.group())[0] for found in WORD.finditer(alias.text)]
        # The capital is asked for where the list writes one: «площадь Республики» may be guarded by its company alone.
        return is_capitalised(written) or (condition == _CAPITAL_ANCHORED and alias.text[:1].islower())


def _joins(gap: str) -> bool:
    return gap == " " or _GAP.fullmatch(gap) is not None


def _gaps_fit(gaps: str, between: list[str], words: list[str]) -> bool:
    for at, gap in enumerate(between):
        wanted = gaps[at] if gaps else " "
        if gap == " ":
            if wanted == "-":
                return False
            continue
        if wanted == "-" and gap not in HYPHENS:
            return False
        if "," in gap and wanted != ",":
            return False
        if "." in gap and len(words[at]) > 4:
            return False
    return True


def hide(occurrences: list[Occurrence]) -> None:
    """Mark what lies inside a longer match, or inside a decoy of its own length; ``hidden_by`` names what hides it."""
    wide = [one for one in occurrences if (one.last > one.first or one.entry.decoy) and not one.hidden_by]
    if not wide:
        return
    wide.sort(key=_longest_first)
    cover: dict[tuple[int, int], list[Occurrence]] = {}
    for one in wide:
        for token in range(one.first, one.last + 1):
            cover.setdefault((one.field, token), []).append(one)
    inside = [one for one in occurrences if (one.field, one.first) in cover and not one.hidden_by]
    inside.sort(key=_longest_first)
    for one in inside:
        for other in cover[one.field, one.first]:
            if other.hidden_by or other is one or not (other.first <= one.first and one.last <= other.last):
                continue
            if _hides(other, one):
                one.hidden_by = other.entry.id
                break


def _longest_first(one: Occurrence) -> tuple[int, int, int]:
    return (one.first - one.last, one.field, one.first)


def _hides(longer: Occurrence, shorter: Occurrence) -> bool:
    if longer.entry.id == shorter.entry.id:
        return longer.length > shorter.length
    if longer.entry.decoy:
        wanted = longer.entry.shadow_for
        if wanted and not set(wanted) & set(shorter.entry.terms):
            return False
        if shorter.entry.decoy and longer.length == shorter.length:
            return False
        return longer.length > shorter.length or not shorter.entry.decoy
    return longer.length > shorter.length and not longer.entry.open
