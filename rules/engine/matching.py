"""Finding every headword and name in a document, with offsets into its stored text; the longest match hides shorter ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Final, NamedTuple

from rules.engine.languages import cyrillic_mode, document_language, latin_mode
from rules.engine.lookup import NONE, Codes, Lookup
from rules.engine.sentences import Layout
from rules.engine.tables import CODE_BITS, Alias, Condition, Entry, Starts, Tables
from rules.engine.words import HYPHENS, WORD, is_capitalised, is_upper, plain_forms

FIELDS: Final = ("title", "text")
TITLE, TEXT = 0, 1

# What may stand between two words of one name or phrase.
_GAP: Final = re.compile(rf"[\s{re.escape(HYPHENS)}\u00ad\u200b-\u200f\u2060\ufeff\"'«»“”„‘’`()/&+.,]{{1,6}}")
_PATRONYMIC: Final = re.compile(
    r"\s+(?:[^\W\d_]\.|\w+(?:ич|овна|евна|ична|улы|ұлы|қызы|кызы|uly|uli|vich|kyzy|qyzy|vna)"
    r"(?:а|у|ем|ом|е|ой|ы|ға|ге|ның|нің|ты|ті)?)\s+"
)


OPENING: Final = " \"'«“„‘—–-(["  # what may stand before the first word of a sentence


@dataclass(slots=True)
class Hit:
    """A word of the text that is a form of something."""

    token: int
    start: int
    end: int
    codes: Codes


@dataclass(slots=True)
class Occurrence:
    """One place in a document where an alias stands; ``hidden_by`` says why it does not count, "" where it does."""

    field: int
    first: int
    last: int
    start: int
    end: int
    alias: Alias
    entry: Entry
    bits: int
    sentence: int = 0
    paragraph: int = 0
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

    def written(self, occurrence: Occurrence) -> str:
        return self.texts[occurrence.field][occurrence.start : occurrence.end]


class Begun(NamedTuple):
    """What may begin with a word of these codes: whole aliases and phrases (by their second words), with the bits of the form.

    ``alone`` says that one of them is this word and no more, ``seconds`` are the second words of all the others.
    """

    parts: tuple[tuple[list[int], dict[int, list[list[int]]] | None, int], ...]
    alone: bool
    seconds: frozenset[int]


class Beginnings(dict[Codes, Begun | None]):
    """What may begin with a word, by its codes; None where nothing does. There are as many as there are kinds of words."""

    def __init__(self, starts: Starts) -> None:
        super().__init__()
        self._starts = starts

    def __missing__(self, codes: Codes) -> Begun | None:
        begun = [(self._starts[code >> CODE_BITS], code & 3) for code in codes if code >> CODE_BITS in self._starts]
        made = Begun(
            parts=tuple((aliases, seconds, bits) for (aliases, seconds), bits in begun),
            alone=any(aliases for (aliases, _), _ in begun),
            seconds=frozenset(word for (_, seconds), _ in begun for word in seconds or ()),
        )
        self[codes] = found = made if begun else None
        return found


@dataclass(slots=True)
class Paragraph:
    """The words of a paragraph by what each may be a form of; ``start`` is its offset.

    Token numbers count every word of a paragraph from its offset on: they grow through the text, and no two words of different
    paragraphs have neighbouring numbers. Two words that are nothing end it, so that one may look ahead of every other.
    """

    start: int
    text: str
    codes: list[Codes]

    def beginnings(self, begun: Beginnings) -> list[int]:
        """The words with which an alias may begin here: it is one word, or a word like its second one comes next or next but one.

        Most words that are a form of something ("in" of «Kazakhs in Exile») end here, before anybody asks where they stand.
        """
        codes, found = self.codes, []
        for at, here in enumerate(codes):
            begins = begun[here] if here else None
            if begins is None:
                continue
            if begins.alone:
                found.append(at)
                continue
            seconds = begins.seconds
            for code in codes[at + 1] + codes[at + 2]:
                if code >> CODE_BITS in seconds:
                    found.append(at)
                    break
        return found

    def words(self) -> Words:
        return Words(self.start, self.codes, list(WORD.finditer(self.text)))


@dataclass(slots=True)
class Words:
    """The words of a paragraph with their places, by token number."""

    start: int
    codes: list[Codes]
    found: list[re.Match[str]]

    def get(self, token: int) -> Hit | None:
        """The word, where it is a form of something."""
        at = token - self.start
        codes = self.codes[at]
        if not codes:
            return None
        start, end = self.found[at].span()
        return Hit(token, self.start + start, self.start + end, codes)


def find_words(lookup: Lookup, text: str, language: str | None) -> list[Paragraph]:
    """The paragraphs of a text in which a word is a form of something."""
    found = []
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        paragraph = text[start:end]
        known = lookup.memory((cyrillic_mode(paragraph, language), latin_mode(paragraph, language)))
        codes = list(map(known.__getitem__, WORD.findall(paragraph)))
        if any(codes):
            found.append(Paragraph(start, paragraph, [*codes, NONE, NONE]))
        start = end + 1
    return found


def document_hint(title: str, text: str, language: str | None) -> str | None:
    """The language look-up goes by: the one given, or a guess where none is."""
    if language and language not in {"und", "mul"}:
        language = {"kl": "kk-Latn", "kaz": "kk", "kz": "kk", "rus": "ru", "eng": "en"}.get(language, language)
        return language if language.startswith("kk-") else language.split("-")[0].lower()
    return document_language(f"{title}\n{text}")


def find_occurrences(tables: Tables, begun: Beginnings, page: Page, field: int, paragraphs: list[Paragraph]) -> list[Occurrence]:
    """Every alias that begins with one of ``begun`` and stands in the field, conditions of spelling checked, nothing hidden yet."""
    finder = _Finder(tables, field, page.texts[field], page.layouts[field], Words(0, [], []))
    for paragraph in paragraphs:
        beginnings = paragraph.beginnings(begun)
        if beginnings:
            finder.words = paragraph.words()
            for at in beginnings:
                finder.take_from(paragraph.start + at, begun)
    return finder.found


@dataclass(slots=True)
class _Finder:
    """Collects the occurrences of one field."""

    tables: Tables
    field: int
    text: str
    layout: Layout
    words: Words
    found: list[Occurrence] = dataclass_field(default_factory=list)
    # One entry counts once where two of its headwords read the same words.
    taken: set[tuple[int, int, int]] = dataclass_field(default_factory=set)

    def take_from(self, token: int, begun: Beginnings) -> None:
        hit = self.words.get(token)
        begins = None if hit is None else begun[hit.codes]
        if hit is None or begins is None:
            return
        for aliases, seconds, form_bits in begins.parts:
            for alias in aliases:
                self._take((hit,), alias, form_bits)
            if seconds is not None:
                for hits, alias, bits in self._phrases(hit, form_bits, seconds):
                    self._take(hits, alias, bits)

    def _phrases(
        self, first: Hit, first_bits: int, seconds: dict[int, list[list[int]]]
    ) -> Iterator[tuple[tuple[Hit, ...], int, int]]:
        second = self._next(first)
        skipping = False
        if second is None:
            # A patronymic or an initial may stand between a first name and a surname.
            second = self.words.get(first.token + 2)
            if second is None or not _PATRONYMIC.fullmatch(self.text, first.end, second.start):
                return
            skipping = True
        for code in second.codes:
            for rest in seconds.get(code >> CODE_BITS, ()):
                if skipping and not self.tables.aliases[rest[-1]].person:
                    continue
                following = self._follow(second, rest)
                if following is not None:
                    hits, bits = following
                    yield (first, second, *hits), rest[-1], first_bits | code & 3 | bits

    def _follow(self, second: Hit, rest: list[int]) -> tuple[list[Hit], int] | None:
        """The hits of the third and further words of a phrase, and their bits together."""
        hits: list[Hit] = []
        bits, last = 0, second
        for word in rest[:-1]:
            here = self._next(last)
            code = None if here is None else next((code for code in here.codes if code >> CODE_BITS == word), None)
            if here is None or code is None:
                return None
            bits |= code & 3
            hits.append(here)
            last = here
        return hits, bits

    def _next(self, hit: Hit) -> Hit | None:
        after = self.words.get(hit.token + 1)
        return after if after is not None and _GAP.fullmatch(self.text, hit.end, after.start) else None

    def _take(self, hits: tuple[Hit, ...], number: int, bits: int) -> None:
        alias = self.tables.aliases[number]
        start, end = hits[0].start, hits[-1].end
        key = (alias.entry, start, end)
        if key in self.taken or (alias.condition and not _spelled(alias, self.text, hits, self.layout)):
            return
        if len(hits) > 1 and not _gaps_fit(alias.gaps, self.text, hits):
            return
        self.taken.add(key)
        sentence, paragraph = self.layout.sentence(start), self.layout.paragraph(start)
        entry = self.tables.entries[alias.entry]
        self.found.append(
            Occurrence(self.field, hits[0].token, hits[-1].token, start, end, alias, entry, bits, sentence, paragraph)
        )


def _gaps_fit(gaps: str, text: str, hits: tuple[Hit, ...]) -> bool:
    for at in range(len(hits) - 1):
        between = text[hits[at].end : hits[at + 1].start]
        wanted = gaps[at] if gaps else " "
        if wanted == "-" and between not in HYPHENS:
            return False
        if "," in between and wanted != ",":
            return False
        if "." in between and hits[at].end - hits[at].start > 4:
            return False
    return True


def _spelled(alias: Alias, text: str, hits: tuple[Hit, ...], layout: Layout) -> bool:
    """Whether capitals stand where the alias needs them."""
    word = plain_forms(text[hits[0].start : hits[0].end])[0]
    if alias.condition == Condition.UPPER:
        return is_upper(word, len(alias.text))
    if alias.condition == Condition.EXACT:
        written = [plain_forms(text[hit.start : hit.end])[0] for hit in hits]
        return written == [plain_forms(found.group())[0] for found in WORD.finditer(alias.text)]
    if alias.condition == Condition.SMALL:
        start = hits[0].start
        opening = not text[layout.sentence_start(layout.sentence(start)) : start].strip(OPENING)
        return opening or word.isupper() or not is_capitalised(word)
    # The capital is asked for where the list writes one: «площадь Республики» may be guarded by its company alone.
    return is_capitalised(word) or (alias.condition == Condition.CAPITAL_ANCHORED and alias.text[:1].islower())


def hide(occurrences: list[Occurrence]) -> None:
    """Mark what lies inside a longer match, or inside a decoy of its own length; ``hidden_by`` names what hides it."""
    longer = sorted((one for one in occurrences if not one.hidden_by), key=lambda one: (-one.length, one.field, one.first))
    cover: dict[tuple[int, int], list[Occurrence]] = {}
    for one in longer:
        if one.length > 1 or one.entry.decoy:
            for token in range(one.first, one.last + 1):
                cover.setdefault((one.field, token), []).append(one)
    for one in longer:
        for other in cover.get((one.field, one.first), ()):
            if other.hidden_by or other is one or not (other.first <= one.first and one.last <= other.last):
                continue
            if _hides(other, one):
                one.hidden_by = other.entry.id
                break


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
