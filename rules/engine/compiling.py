"""From definitions to tables: every headword and name is expanded into the forms it may be written in."""

from __future__ import annotations

import re
from typing import Final

from rules.engine import english, kazakh, russian
from rules.engine.definitions import PLACES, Definitions, Entity, Headword, LexiconEntry, Name
from rules.engine.tables import CODE_BITS, Alias, Condition, Entry, Tables
from rules.engine.words import HYPHENS, WORD, fold, is_cyrillic, plain_forms

_CONDITIONS: Final = {
    "": Condition.NONE,
    "capitalised": Condition.CAPITAL_INSIDE,
    "capitalised-and-anchored": Condition.CAPITAL_ANCHORED,
    "exact": Condition.EXACT,
}
_FLAG_CONDITIONS: Final = {"c": Condition.CAPITAL, "l": Condition.SMALL}
_PROPER: Final = PLACES | {"party", "movement", "media", "company", "ngo"}
_MARKS: Final = re.compile(rf"[~=](?={WORD.pattern})")


def compile_tables(definitions: Definitions) -> Tables:
    compiler = Compiler()
    for entity in definitions.entities:
        compiler.add_entity(entity)
    for entry in definitions.lexicon:
        compiler.add_lexicon(entry)
    return compiler.tables


def split_marked(text: str) -> tuple[list[str], list[str]]:
    """The words of a headword, each with its ~ or =, and what stands between them: "-", "," or " "."""
    plain = text.split(" ")
    if all(map(str.isalnum, plain)):  # most of them: nothing but words and single spaces
        return [plain_forms(word)[0] for word in plain], [" "] * (len(plain) - 1)
    words: list[str] = []
    gaps: list[str] = []
    end = 0
    for found in WORD.finditer(text):
        between = text[end : found.start()]
        mark = between[-1:] if between[-1:] in {"~", "="} else ""
        if words:
            gaps.append("-" if between.rstrip("~=") in HYPHENS and between else "," if "," in between else " ")
        words.append(mark + plain_forms(found.group())[0])
        end = found.end()
    return words, gaps


class Compiler:
    """Collects forms, words and aliases; a *word* is a set of forms that stand for each other."""

    def __init__(self) -> None:
        self.tables = Tables()
        self._words: dict[tuple[str, str, str | frozenset[tuple[str, int]]], int] = {}
        self._seen: set[tuple[int, tuple[int, ...], int]] = set()

    # ——— entities ———

    def add_entity(self, entity: Entity) -> None:
        side = 0 if entity.anchors == "false" else -1 if entity.foreign else 1
        terms = [entity.id, *entity.tags, f"type:{entity.type}"]
        if entity.foreign:
            terms = [*entity.tags, entity.id, "foreign"]
        elif side:
            terms.append("watched")
        self.tables.entries.append(
            Entry(
                entity.id,
                True,
                entity.type,
                tuple(dict.fromkeys(terms)),
                side,
                entity.anchors == "true",
                entity.open,
                False,
                (),
                entity.region,
            )
        )
        number = len(self.tables.entries) - 1
        for language, names in entity.names.items():
            for name in names:
                self._add_name(number, entity, language, name)
                for text in name.also:
                    self._add_name(number, entity, language, Name(text, only=name.only, inflect="none"))
        for language, names in entity.surnames.items():
            for name in names:
                words, gaps = split_marked(name.text)
                numbers = self._name_words(entity, language, words, gaps, name.inflect)
                condition = Condition.CAPITAL if name.only == "capitalised" else Condition.SURNAME
                self._alias(number, language, name.text, condition=condition, numbers=numbers, gaps=gaps, person=False)

    def _add_name(self, number: int, entity: Entity, language: str, name: Name) -> None:
        words, gaps = split_marked(name.text)
        condition = _CONDITIONS[name.only]
        bare = "".join(word.lstrip("~=") for word in words)
        if condition is Condition.NONE:
            if len(words) == 1 and 2 <= len(bare) <= 5 and bare.isupper():
                condition = Condition.UPPER
            elif bare[:1].isupper() and (entity.type == "person" or (len(words) == 1 and entity.type in _PROPER)):
                # kk «астана» is any capital, ru «семей» is «of families», en "oral" an exam: a name shows its capital.
                condition = Condition.CAPITAL
        inflect = "none" if name.only == "exact" else name.inflect
        numbers = self._name_words(entity, language, words, gaps, inflect)
        person = entity.type == "person" and len(words) == 2
        self._alias(number, language, name.text, condition=condition, numbers=numbers, gaps=gaps, person=person)
        if person and language != "en" and inflect == "auto":
            self._alias(number, language, name.text, condition=condition, numbers=numbers[::-1], gaps=[" "], person=False)

    def _name_words(self, entity: Entity, language: str, words: list[str], gaps: list[str], inflect: str) -> list[int]:
        if language == "ru":
            return self._russian_name(entity, words, gaps, inflect)
        if language == "kk":
            if inflect == "none":
                return [self._fixed("kk", word) for word in words]
            every = entity.type == "person"
            return [
                self._kazakh(word, "n", last=at == len(words) - 1 or every, phrase=len(words) > 1 and not every)
                for at, word in enumerate(words)
            ]
        if inflect == "noun":
            return [*(self._fixed("en", word) for word in words[:-1]), self._english(words[-1], "n")]
        return [self._fixed("en", word) for word in words]

    def _russian_name(self, entity: Entity, words: list[str], gaps: list[str], inflect: str) -> list[int]:
        bare = [word.lstrip("~=") for word in words]
        hyphenated = bool(gaps) and all(gap == "-" for gap in gaps)
        upper = len(words) == 1 and bare[0].isupper() and 2 <= len(bare[0]) <= 5
        if inflect == "none" or (upper and inflect == "auto"):
            return [self._fixed("ru", word) for word in bare]
        if inflect == "adjective":
            forms = [*({fold(word): 0} for word in bare[:-1]), russian.adjective_forms(bare[-1])]
        elif inflect == "surname" or (inflect == "auto" and entity.type == "person"):
            forms = russian.person_forms(bare)
        elif inflect == "noun":
            forms = russian.phrase_forms(words) if len(words) > 1 else [russian.common_forms(bare[0])]
        elif len(words) == 1 or hyphenated:
            forms = [*({fold(word): 0} for word in bare[:-1]), self._russian_single(bare[-1])]
        else:
            forms = russian.phrase_forms(words, names=True)
        return [self._russian(word, found) for word, found in zip(bare, forms, strict=True)]

    @staticmethod
    def _russian_single(word: str) -> russian.Forms:
        # A capital says "a name": «Семей» must not become forms of «семья».
        return russian.name_forms(word) if word[:1].isupper() else russian.phrase_forms([f"~{word}"], names=True)[0]

    # ——— lexicon ———

    def add_lexicon(self, entry: LexiconEntry) -> None:
        terms = tuple(dict.fromkeys((entry.id, *entry.tags)))
        self.tables.entries.append(Entry(entry.id, False, "", terms, 0, False, entry.open, entry.decoy, entry.shadow_for, ""))
        number = len(self.tables.entries) - 1
        for language, headwords in entry.words.items():
            for headword in headwords:
                condition = next(
                    (_FLAG_CONDITIONS[flag] for flag in headword.flags if flag in _FLAG_CONDITIONS), _CONDITIONS[entry.only]
                )
                words, gaps = split_marked(headword.text)
                bare = words[0].lstrip("~=")
                if condition is Condition.NONE and len(words) == 1 and 2 <= len(bare) <= 5 and bare.isupper():
                    condition = Condition.UPPER
                numbers = self.headword_words(language, words, headword)
                required = [gap if language == "en" or gap == "," else " " for gap in gaps]
                self._alias(number, language, headword.text, condition=condition, numbers=numbers, gaps=required, person=False)

    def headword_words(self, language: str, words: list[str], headword: Headword) -> list[int]:  # a table: one row a case
        flags = "".join(flag for flag in headword.flags if flag not in _FLAG_CONDITIONS)
        if language == "en":
            if "x" in flags or not flags:
                return [self._fixed("en", word.lstrip("~=")) for word in words]
            plain = [word.lstrip("~=") for word in words]
            numbers = [self._fixed("en", word) for word in plain]
            if len(words) == 1:
                return [self._english(plain[0], flags)]
            if "n" in flags:
                numbers[-1] = self._english(plain[-1], "n")
            if "v" in flags:
                numbers[0] = self._english(plain[0], "v")
            return numbers
        if language == "ru":
            upper = len(words) == 1 and words[0].isupper() and 2 <= len(words[0]) <= 5
            if upper and not flags:
                return [self._fixed("ru", words[0])]
            forms = russian.phrase_forms(words, flags) if len(words) > 1 else [russian.common_forms(words[0].lstrip("~="), flags)]
            return [self._russian(word.lstrip("~="), found) for word, found in zip(words, forms, strict=True)]
        if "x" in flags:
            return [self._fixed("kk", word.lstrip("~=")) for word in words]
        last = len(words) - 1
        return [
            self._kazakh(
                word.lstrip("~="),
                flags or "n",
                last=(at == last and not word.startswith("=")) or word.startswith("~"),
                phrase=len(words) > 1,
            )
            for at, word in enumerate(words)
        ]

    # ——— words ———

    def _number(self, language: str, word: str, kind: str | frozenset[tuple[str, int]]) -> tuple[int, bool]:
        key = (language, word, kind)
        known = self._words.get(key)
        if known is not None:
            return known, False
        self._words[key] = len(self._words) + 1
        return self._words[key], True

    def _form(self, language: str, form: str, number: int, bits: int) -> None:
        codes = self.tables.forms[language].setdefault(form, [])
        code = number << CODE_BITS | bits
        if code not in codes:
            codes.append(code)

    def _fixed(self, language: str, word: str) -> int:
        folded = fold(word)
        number, new = self._number(language, folded, "fixed")
        if new:
            bits = russian.MAYBE_LOCATIVE if language == "ru" else 0
            self._form(language, folded, number, bits)
            if language == "kk" and not is_cyrillic(folded):
                self._form("en", folded, number, 0)  # «Amanat» in a Kazakh name is found as any Latin word is
        return number

    def _english(self, word: str, flags: str) -> int:
        folded = fold(word)
        number, new = self._number("en", folded, flags)
        if new:
            for form in english.word_forms(folded, flags):
                self._form("en", form, number, 0)
        return number

    def _russian(self, word: str, forms: russian.Forms) -> int:
        # Words with the same forms are one word: thousands of aliases begin with «область» or «Ерлан».
        number, new = self._number("ru", fold(word), frozenset(forms.items()))
        if new:
            for form, bits in forms.items():
                self._form("ru" if is_cyrillic(form) else "en", form, number, bits)
        return number

    def _kazakh(self, word: str, flags: str, *, last: bool, phrase: bool) -> int:
        folded = fold(word)
        if not last or not is_cyrillic(folded):
            return self._fixed("kk", word)
        verb = "v" in flags
        possessed = phrase and not verb and kazakh.is_possessed(folded)
        number, new = self._number("kk", folded, f"{'v' if verb else 'n'}{'p' if possessed else ''}")
        if new:
            stems = kazakh.verb_stems(folded) if verb else kazakh.noun_stems(folded)
            if possessed:
                stems = [*stems, *kazakh.possessed_stems(folded)]
            if verb and folded.endswith("у"):
                stems = [*stems, *kazakh.noun_stems(folded)]
            for stem in stems:
                self.tables.stems.setdefault(stem.text, []).append((number, stem.kind))
        return number

    def _alias(
        self, entry: int, language: str, text: str, *, condition: Condition, numbers: list[int], gaps: list[str], person: bool
    ) -> None:
        key = (entry, tuple(numbers), int(condition))
        if key in self._seen:
            return
        self._seen.add(key)
        tables = self.tables
        marks = "".join(gaps) if any(gap != " " for gap in gaps) else ""
        if tables.entries[entry].is_entity:
            marks = marks.replace("-", " ") if "," in marks else ""
        tables.aliases.append(Alias(entry, language, text, int(condition), len(numbers), marks, person))
        alias = len(tables.aliases) - 1
        if len(numbers) == 1:
            tables.singles.setdefault(numbers[0], []).append(alias)
        else:
            tables.phrases.setdefault(numbers[0], {}).setdefault(numbers[1], []).append([*numbers[2:], alias])
