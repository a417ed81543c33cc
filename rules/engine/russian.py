"""Forms of Russian words, made when the rules are compiled: common words by pymorphy3, names by our own paradigms.

pymorphy3 finds 1 of 12 forms of «Жанаозен» and puts «Токаев» under a wrong lemma in 257 of 262 places, because its dictionary
knows neither; eight small tables of endings do. This is the only module that imports pymorphy3, and only when asked to expand.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from rules.engine.words import fold

if TYPE_CHECKING:
    from collections.abc import Iterable

LOCATIVE: Final = 1  # the form says "in/at" when в or на stands before it
MAYBE_LOCATIVE: Final = 2  # one form for all cases: в or на before it decides

_VOWELS: Final = frozenset("аеиоуыэюя")
_HUSH: Final = frozenset("жшчщ")
_VELAR: Final = frozenset("гкх")
# Endings by paradigm; the prepositional is marked with *. {s} is the stem.
_ADJECTIVE: Final = "ий ого ому им ом* ая ой* ую ою ое ие их* ими"
_ADJECTIVE_HARD: Final = "ый ого ому ым ом* ая ой* ую ою ое ые ых* ыми"

Forms = dict[str, int]


@lru_cache(maxsize=1)
def _morph() -> Any:
    import pymorphy3

    return pymorphy3.MorphAnalyzer(lang="ru")


# Most words of a rulebook stand in several of its phrases, and taking one apart is nearly all that compiling costs.
@lru_cache(maxsize=50_000)
def _parses(word: str) -> tuple[Any, ...]:
    return tuple(_morph().parse(word))


def common_forms(word: str, flags: str = "") -> Forms:
    """All forms of a common word given in its dictionary form; ``flags`` as in docs/rules-format.md (n v a p s x)."""
    return dict(_common_forms(fold(word), flags))


@lru_cache(maxsize=50_000)
def _common_forms(word: str, flags: str) -> Forms:
    if "x" in flags:
        return {word: _only_form(word)}
    parses = [parse for parse in _parses(word) if _wanted(parse, flags)]
    lemmas = [parse for parse in parses if fold(parse.normal_form) == word or "p" in flags or "Pltm" in parse.tag]
    chosen = [parse for parse in lemmas if _is_known(parse)] or lemmas[:1] or parses[:1]
    forms: Forms = {word: 0}
    which = "".join(flag for flag in "psav" if flag in flags)
    for parse in chosen:
        _add_forms(forms, parse, which)
    if "p" in flags and not any(_is_plural(parse) and fold(parse.word) == word for parse in parses):
        forms.pop(word, None)
    return forms


def _is_known(parse: Any) -> bool:
    """Whether the dictionary has the word; asking the parse itself looks it up a second time."""
    return _dictionary_place(parse) is not None or parse.is_known


def _dictionary_place(parse: Any) -> tuple[str, int, int] | None:
    """The word, its paradigm's number and its place there; None where it was guessed by its ending."""
    from pymorphy3.units.by_lookup import DictionaryAnalyzer

    stack = parse.methods_stack
    if len(stack) == 1 and type(stack[0][0]) is DictionaryAnalyzer:
        _, word, paradigm, at = stack[0]
        return word, paradigm, at
    return None


def _add_forms(forms: Forms, parse: Any, which: str) -> None:
    """Add those forms of the word that are asked for; see ``_chosen``."""
    place = _dictionary_place(parse)
    if place is None:
        for other in parse.lexeme:
            if _chosen(other.tag, which):
                _add(forms, fold(other.word), _bits(other.tag, which))
        return
    # A few hundred paradigms have all the words: taking each word's own forms apart would be most of what compiling costs.
    word, paradigm, at = place
    prefix, _, suffix = _dictionary_paradigm(paradigm)[at]
    stem = fold(word[len(prefix) : len(word) - len(suffix)])
    for before, after, bits in _paradigm_endings(paradigm, which):
        _add(forms, f"{before}{stem}{after}", bits)


@lru_cache(maxsize=10_000)
def _dictionary_paradigm(number: int) -> list[tuple[str, Any, str]]:
    info: list[tuple[str, Any, str]] = _morph().dictionary.build_paradigm_info(number)
    return info


@lru_cache(maxsize=10_000)
def _paradigm_endings(paradigm: int, which: str) -> tuple[tuple[str, str, int], ...]:
    """What stands before and after the stem in the forms asked for, folded, with the bits of each."""
    return tuple(
        (fold(prefix), fold(suffix), _bits(tag, which))
        for prefix, tag, suffix in _dictionary_paradigm(paradigm)
        if _chosen(tag, which)
    )


def _chosen(tag: Any, which: str) -> bool:
    """``which`` is "adjective", "plural" or flags of a headword: p(lural only), s(ingular only), a(djective) without v(erb)."""
    if which == "adjective":
        return tag.POS in {"ADJF", "PRTF"} and tag.case is not None
    if which == "plural":
        return bool(tag.number == "plur")
    if ("p" in which and tag.number == "sing") or ("s" in which and tag.number == "plur"):
        return False
    return not ("a" in which and "v" not in which and tag.POS in {"COMP", "ADVB"})


def _bits(tag: Any, which: str) -> int:
    locative = {"loct"} if which in {"adjective", "plural"} else {"loct", "loc2"}
    return LOCATIVE if tag.case in locative else 0


def _is_plural(parse: Any) -> bool:
    return bool(parse.tag.number == "plur")


def _wanted(parse: Any, flags: str) -> bool:
    pos = parse.tag.POS
    groups = {
        "n": {"NOUN", "NPRO"},
        "v": {"INFN", "VERB", "GRND", "PRTF", "PRTS"},
        "a": {"ADJF", "ADJS", "PRTF", "PRTS", "COMP"},
    }
    allowed = set().union(*(groups[flag] for flag in flags if flag in groups))
    return not allowed or pos in allowed


def _only_form(word: str) -> int:
    return MAYBE_LOCATIVE if word[-1] in _VOWELS else 0


def _add(forms: Forms, form: str, bits: int) -> None:
    forms[form] = forms.get(form, 0) | bits


def phrase_forms(words: list[str], flags: str = "", *, names: bool = False) -> list[Forms]:
    """Forms of each word of a phrase: what precedes and is the head inflects, what follows stays as written.

    ``~word`` inflects anyway, ``=word`` is frozen. Agreement is not checked: on 159 real phrases that only rejected right ones.
    """
    result: list[Forms] = []
    head_seen = False
    for marked in words:
        word = fold(marked.lstrip("~="))
        if marked.startswith("=") or "x" in flags:
            result.append({word: _only_form(word)})
        elif marked.startswith("~"):
            result.append(_any_forms(word, "", names=names))
        elif head_seen:
            result.append({word: 0})
        else:
            forms, head_seen = _before_or_head(word, marked, flags, names=names)
            result.append(forms)
    if not head_seen and names and result:
        # A name none of whose words is a noun of the dictionary: «Жас Отан»; its last word takes the endings.
        last = words[-1].lstrip("~=")
        result[-1] = name_forms(last)
    return result


@lru_cache(maxsize=50_000)
def _before_or_head(word: str, written: str, flags: str, *, names: bool) -> tuple[Forms, bool]:  # a table: one row a case
    parses = _parses(word)
    known = [parse for parse in parses if _is_known(parse)]
    if not known:
        if names and word.endswith(("ский", "ская", "ское", "ские", "цкий", "цкая", "цкое")):
            return adjective_forms(word), False
        if names and written[:1].isupper():
            return {word: 0}, False
        return _any_forms(word, flags, names=names), True
    for parse in known:
        tag = parse.tag
        if tag.POS == "INFN" and "n" not in flags:
            return common_forms(word, "v"), True
        if tag.POS in {"ADJF", "PRTF"} and tag.case == "nomn":
            return _forms_of(parse, word, "adjective"), False
        if tag.POS == "NOUN" and tag.case == "nomn":
            if tag.number == "plur" and fold(parse.normal_form) != word:
                return _forms_of(parse, word, "plural"), True
            return common_forms(word, "n"), True
        if tag.POS in {"PREP", "CONJ", "PRCL", "NUMR", "ADVB", "VERB", "PRTS", "ADJS"}:
            return {word: 0}, False
    return {word: 0}, False


def _forms_of(parse: Any, word: str, which: str) -> Forms:
    forms: Forms = {word: 0}
    _add_forms(forms, parse, which)
    return forms


def _any_forms(word: str, flags: str, *, names: bool) -> Forms:
    known = any(map(_is_known, _parses(word)))
    if known or not names:
        forms = common_forms(word, flags)
        if not known and word[-1] not in "иоуыэю":
            # pymorphy guesses unknown words by their ending; our own paradigm of the same word is added, not put in its place.
            forms = {**name_forms(word), **forms}
        return forms
    return name_forms(word)


def name_forms(name: str) -> Forms:
    """All case forms of a name (town, first name, surname) by its ending; an indeclinable one gives itself."""
    word = fold(name)
    forms: Forms = {word: 0}
    for form, bits in _paradigm(word):
        _add(forms, form, bits)
    if len(forms) == 1:
        forms[word] = MAYBE_LOCATIVE
    return forms


def _endings(stem: str, endings: str) -> Iterable[tuple[str, int]]:
    for ending in endings.split():
        marked = ending.endswith("*")
        yield stem + ending.rstrip("*").replace("_", ""), LOCATIVE if marked else 0


def _paradigm(word: str) -> Iterable[tuple[str, int]]:  # a table: one row a case
    """The eight classes of names by ending: (form, bits)."""
    if len(word) < 3:
        return []
    last, before = word[-1], word[-2]
    if word.endswith(("ский", "цкий", "ный", "вый", "лый", "рый")):
        return _endings(word[:-2], _ADJECTIVE if word.endswith("кий") else _ADJECTIVE_HARD)
    if word.endswith(("ская", "цкая", "ая")) and len(word) > 4:
        return _endings(word[:-2], "ая ой* ую ою ие их* ими" if word[-3] in _VELAR else "ая ой* ую ою ые ых* ыми")
    if word.endswith(("ов", "ев", "ин", "ын")) and len(word) > 4:
        # Surnames take -ым, towns -ом: both are given. The plural is of families («Назарбаевы»).
        return _endings(word, "_ а у ым ом е* ы ых* ыми")
    if word.endswith(("ова", "ева", "ина", "ына")) and len(word) > 4:
        return _endings(word[:-1], "а ой* у ою е* ы ых ыми")
    if last == "а":
        soft = before in _HUSH or before == "ц"
        genitive = "и" if before in _VELAR or before in _HUSH else "ы"
        return _endings(word[:-1], f"а {genitive} е* у {'ей ой' if soft else 'ой'} ою")
    if last == "я":
        if before == "и":
            return _endings(word[:-1], "я и* ю ей ею")
        return _endings(word[:-1], "я и е* ю ей ею")
    if last == "й":
        # Мамай → Мамая, Мамае; Абай, Бий. (Рудный is above).
        return _endings(word[:-1], "й я ю ем е* и*") if before == "и" else _endings(word[:-1], "й я ю ем е*")
    if last == "ь":
        # Feminine (Сарань, Казань) and masculine (Игорь): both are given, nothing else looks like either.
        return _endings(word[:-1], "ь я ю ем е* и* ью")
    if last in _VOWELS:
        return []
    instrumental = "ем ом" if last in _HUSH or last == "ц" else "ом"
    return _endings(word, f"_ а у {instrumental} е*")


def adjective_forms(word: str) -> Forms:
    """All forms of an adjective in -ий, -ый or -ой, or in another nominative (-ая, -ое, -ие)."""
    word = fold(word)
    stem = word
    for ending in ("ий", "ый", "ой", "ая", "ое", "ее", "ие", "ые"):
        if word.endswith(ending):
            stem = word[: -len(ending)]
            break
    forms: Forms = {word: 0}
    endings = _ADJECTIVE if stem and (stem[-1] in _VELAR or stem[-1] in _HUSH) else _ADJECTIVE_HARD
    for form, bits in _endings(stem, endings):
        _add(forms, form, bits)
    return forms


def person_forms(words: list[str]) -> list[Forms]:
    """Forms of each part of a person's name; a woman's consonant-final parts stay («Айгуль Утепова», «Динары Егеубаевой»)."""
    woman = fold(words[-1]).endswith(("ова", "ева", "ина", "ына", "ская", "цкая", "кызы"))
    result = []
    for word in words:
        folded = fold(word)
        if woman and folded[-1] not in "ая":
            result.append({folded: 0})
        else:
            result.append(name_forms(word))
    return result


def is_common_word(word: str) -> bool:
    """Whether the dictionary knows the word as something other than a name («семей» is of «семья»)."""
    named = {"Name", "Surn", "Patr", "Geox", "Orgn", "Trad"}
    parses = [parse for parse in _morph().parse(fold(word)) if parse.is_known]
    common = sum(parse.score for parse in parses if not named & set(parse.tag.grammemes))
    return bool(common > 0.3)


def is_known(word: str) -> bool:
    """Whether the dictionary has the word at all; what it says of others is a guess by their ending."""
    return any(parse.is_known for parse in _morph().parse(fold(word)))
