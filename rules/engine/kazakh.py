"""Kazakh endings: whether a word of the text is a given stem with a possible chain of suffixes; the language has no end of forms.

A noun may carry plural, possessive, case, -ғы and person, a verb voice, negation, tense or participle and then a noun's endings.
The first letter of an ending follows the last sound before it, its vowels those before it (harmony). Works on folded Cyrillic;
Latin script is turned into it by ``latin.py``. Derived words (-лық, -шы) are headwords of their own.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Final, NamedTuple

LOCATIVE: Final = 1

_BACK: Final = frozenset("аоұыяёю")
_FRONT: Final = frozenset("әөүіеэ")
_NEUTRAL: Final = frozenset("уи")  # take the harmony of what precedes them
_VOWELS: Final = _BACK | _FRONT | _NEUTRAL
_VOICELESS: Final = frozenset("пткқсшщфхцчһ")
_VOICED_STOPS: Final = frozenset("бвгд")  # loans: written voiced, heard voiceless at the end
_LIQUID: Final = frozenset("рлнй")
_FOREIGN: Final = frozenset("ёфвэюяцчщьъхи")  # a loan: both harmonies are met in print

# Kinds of stem; a *soft* variant stands only before a vowel.
NOUN, NOUN_SOFT, POSSESSED, POSSESSED_BASE, VERB, VERB_SOFT = range(6)
_REMEMBERED: Final = 30_000  # answers of each kind, some six megabytes
_SOFT: Final = frozenset({NOUN_SOFT, VERB_SOFT})


class Stem(NamedTuple):
    """One way a headword's stem may appear in text."""

    text: str
    kind: int


def noun_stems(word: str) -> list[Stem]:
    """How a noun's stem may appear: itself, softened (халық → халқ, мектеп → мектеб), a loan with a linking і (митингі)."""
    stems = [Stem(word, NOUN)]
    stems.extend(Stem(text, NOUN_SOFT) for text in _softened(word))
    if word[-2:] in {"нг", "кт", "нк", "рк", "рт", "ст", "нт", "рг", "уг", "рд", "ск", "лт", "фт"} and len(word) > 3:
        stems.append(Stem(word + "і", NOUN))
    if word.endswith("ь"):
        stems.append(Stem(word[:-1], NOUN_SOFT))
    return stems


def possessed_stems(word: str) -> list[Stem]:
    """For the last word of a phrase that already ends in «its» (акциясы): that, and the base for «its …s» (акциялары)."""
    stems = [Stem(word, POSSESSED)]
    if word.endswith(("сы", "сі")) and word[-3] in _VOWELS:
        stems.append(Stem(word[:-2], POSSESSED_BASE))
    base = word[:-1]
    stems.append(Stem(base, POSSESSED_BASE))
    if (hard := {"г": "к", "ғ": "қ", "б": "п"}.get(base[-1])) is not None:
        stems.append(Stem(base[:-1] + hard, POSSESSED_BASE))
    return stems


def is_possessed(word: str) -> bool:
    return len(word) > 3 and word[-1] in "ыі" and sum(letter in _VOWELS for letter in word) > 1


def verb_stems(word: str) -> list[Stem]:
    """How a verb may appear, given as stem (шық) or verbal noun (шығу, сайлау, тыю)."""
    bases = [word]
    if word.endswith("у") and len(word) > 2:
        base = word[:-1]
        bases = [base]
        if base[-1] not in _VOWELS:
            hard = {"г": "к", "ғ": "қ", "б": "п"}.get(base[-1])
            if hard is not None:
                bases.append(base[:-1] + hard)
            bases.append(base + ("ы" if _harmony(base) == "b" else "і"))
    elif word.endswith("ю") and len(word) > 2:
        bases = [word[:-1] + "й"]
    stems = [Stem(base, VERB) for base in bases]
    for base in bases:
        soft = {"к": "г", "қ": "ғ", "п": "б"}.get(base[-1])
        if soft is not None:
            stems.append(Stem(base[:-1] + soft, VERB_SOFT))
        if base[-1] == "п":
            stems.append(Stem(base[:-1] + "у", VERB_SOFT))  # тап: тауып
        if base[-1] in "ыі":
            stems.append(Stem(base[:-1], VERB_SOFT))
            stems.append(Stem(base[:-1] + "и", VERB))  # оқы: оқиды
        if base[-1] == "й":
            stems.append(Stem(base[:-1] + "ю", NOUN))
            stems.append(Stem(base[:-1] + "я", VERB))  # той: тояды
    return list(dict.fromkeys(stems))


def _softened(word: str) -> list[str]:
    found = []
    soft = {"к": "г", "қ": "ғ", "п": "б"}.get(word[-1])
    if soft is not None:
        found.append(word[:-1] + soft)
    # Vowel drop: халық → халқы, орын → орны, ауыз → аузы. A narrow vowel between single consonants of the last syllable.
    if (
        len(word) > 3
        and word[-2] in "ыі"
        and word[-1] in "нпзлркқғгмс"
        and word[-3] not in _VOWELS - _NEUTRAL
        and word[-4] in _VOWELS | _LIQUID
    ):
        found.append(word[:-2] + word[-1])
    return found


def _harmony(word: str) -> str:
    """b(ack), f(ront) or, where it cannot be told, both as "bf"."""
    for letter in reversed(word):
        if letter in _BACK:
            return "b"
        if letter in _FRONT:
            return "f"
    return "bf"


def _allowed_harmony(stem: str) -> str:
    if any(letter in _FOREIGN for letter in stem):
        return "bf"
    last = next((letter for letter in reversed(stem) if letter in _VOWELS), "")
    return "bf" if last in _NEUTRAL and _harmony(stem) == "bf" else _harmony(stem)


def accept(stem: str, ending: str, kind: int) -> int:
    """Bits of the form (1: locative, else 0) where ``ending`` may follow ``stem``; -1 where it may not."""
    if kind in _SOFT and (not ending or ending[0] not in _VOWELS):
        return -1
    last, harmonies = _end_of(stem)
    follows = _START[kind]
    return max([follows(last, ending, harmony) for harmony in harmonies])


@lru_cache(maxsize=_REMEMBERED)
def _end_of(stem: str) -> tuple[str, str]:
    """What an ending sees of a stem: its last sound, by one letter for all of its class, and its harmony."""
    last = stem[-2:-1] if stem.endswith("ь") else stem[-1:]  # бюллетень-дер, Израиль-де: the sign has no sound of its own
    return _LETTER_OF[_sound(last)], _allowed_harmony(stem)


# ——— how endings follow one another ———
# Each function takes the last letter written, what is left to explain, and the harmony; it gives bits or -1.


_SPELLING: Final = {
    "b": str.maketrans({"A": "а", "Y": "ы", "G": "ғ", "K": "қ"}),
    "f": str.maketrans({"A": "е", "Y": "і", "G": "г", "K": "к"}),
}


@cache
def _spell(template: str, harmony: str) -> str:
    """A in a template is а/е, Y is ы/і, G is ғ/г, K is қ/к."""
    return template.translate(_SPELLING[harmony])


@cache
def _spell_all(templates: tuple[str, ...], harmony: str) -> frozenset[str]:
    return frozenset(template.translate(_SPELLING[harmony]) for template in templates)


@cache
def _forms(templates: str, harmony: str) -> tuple[str, ...]:
    return tuple(template.translate(_SPELLING[harmony]) for template in templates.split())


@cache
def _by_first(templates: str, harmony: str) -> dict[str, tuple[str, ...]]:
    """Spelled endings by their first letter: most that could follow begin with another one than what is left."""
    found: dict[str, list[str]] = {}
    for spelled in _forms(templates, harmony):
        found.setdefault(spelled[0], []).append(spelled)
    return {first: tuple(every) for first, every in found.items()}


def _sound(last: str) -> str:  # a table: one row a class of sounds
    """The class of the sound an ending meets: v(owel), r (р й у), l, n (м н ң), z (з ж), d (voiced stops), t (voiceless)."""
    if last in "уи":
        return "u"
    if last in _VOWELS:
        return "v"
    if last in "рй":
        return "r"
    if last == "л":
        return "l"
    if last in "мнң":
        return "n"
    if last in "зж":
        return "z"
    if last in _VOICED_STOPS:
        return "d"
    return "t"


# The first ending after a stem depends on the last letter's class alone.
_LETTER_OF: Final = {"v": "а", "u": "у", "r": "р", "l": "л", "n": "н", "z": "з", "d": "д", "t": "т"}
_PLURAL: Final = {"v": "лAр", "u": "лAр", "r": "лAр", "l": "дAр", "n": "дAр", "z": "дAр", "d": "тAр дAр", "t": "тAр"}
_GENITIVE: Final = {"v": "нYң", "u": "дYң нYң", "r": "дYң", "l": "дYң", "n": "нYң", "z": "дYң", "d": "тYң дYң", "t": "тYң"}
_DATIVE: Final = {"v": "GA", "u": "GA", "r": "GA", "l": "GA", "n": "GA", "z": "GA", "d": "KA GA", "t": "KA"}
_ACCUSATIVE: Final = {"v": "нY", "u": "дY нY", "r": "дY", "l": "дY", "n": "дY", "z": "дY", "d": "тY дY", "t": "тY"}
_PLACE: Final = {"v": "дA", "u": "дA", "r": "дA", "l": "дA", "n": "дA", "z": "дA", "d": "тA дA", "t": "тA"}
_ABLATIVE: Final = {"v": "дAн", "u": "дAн", "r": "дAн", "l": "дAн", "n": "нAн", "z": "дAн", "d": "тAн дAн", "t": "тAн"}
_WITH: Final = {"v": "мен", "u": "мен", "r": "мен", "l": "мен", "n": "мен", "z": "бен мен", "d": "пен бен", "t": "пен"}
_AFTER_ITS: Final = ("нYң", "нA", "н", "мен", "ндAй", "ншA", "нікі")
_OTHER_CASES: Final = ("дAй", "тAй", "шA", "нYкY", "дYкY", "тYкY", "нікі", "дікі", "тікі", "GAнA")
_POSSESSIVE_VOWEL: Final = ("м", "ң", "мYз", "ңYз")
_POSSESSIVE_CONSONANT: Final = ("Yм", "Yң", "YмYз", "YңYз")
_POSSESSIVE_LETTERS: Final = frozenset("мңсыі")  # with which any of these and "its" begin
_PERSON: Final = ("мYн", "бYн", "пYн", "сYң", "сYз", "мYз", "бYз", "пYз", "сYңдAр", "сYздAр")


# The endings of different words are the same, and the longer ones end in the shorter.
@lru_cache(maxsize=_REMEMBERED)
def _noun(last: str, rest: str, harmony: str) -> int:
    if not rest:
        return 0
    best = _possessive(last, rest, harmony)
    for spelled in _by_first(_PLURAL[_sound(last)], harmony).get(rest[0], ()):
        if rest.startswith(spelled):
            best = max(best, _possessive("р", rest[len(spelled) :], harmony))
    return best


def _possessive(last: str, rest: str, harmony: str) -> int:
    best = _case(last, rest, harmony)
    if rest[:1] not in _POSSESSIVE_LETTERS:
        return best
    sound = _sound(last)
    own: tuple[str, ...] = _POSSESSIVE_VOWEL if sound == "v" else _POSSESSIVE_CONSONANT
    if sound == "u":
        own = _POSSESSIVE_VOWEL + _POSSESSIVE_CONSONANT
    for form in own:
        spelled = _spell(form, harmony)
        if rest.startswith(spelled):
            best = max(best, _case_after_mine(spelled[-1], rest[len(spelled) :], harmony))
    for form in {"v": ("сY",), "u": ("сY", "Y")}.get(sound, ("Y",)):
        spelled = _spell(form, harmony)
        if rest.startswith(spelled):
            best = max(best, _case_after_its(spelled[-1], rest[len(spelled) :], harmony))
    return best


@cache
def _case_letters(sound: str, harmony: str) -> frozenset[str]:
    """The letters with which anything may begin that ``_case`` knows."""
    templates = (*_OTHER_CASES, *_PERSON, *_WITH[sound].split())
    templates += tuple(one for table in (_GENITIVE, _DATIVE, _ACCUSATIVE, _ABLATIVE, _PLACE) for one in table[sound].split())
    return frozenset(spelled[0] for spelled in _spell_all(templates, harmony))


def _case(last: str, rest: str, harmony: str) -> int:
    if not rest:
        return 0
    sound = _sound(last)
    if rest[0] not in _case_letters(sound, harmony):
        return -1
    best = _person(rest, harmony)
    for table in (_GENITIVE, _DATIVE, _ACCUSATIVE, _ABLATIVE):
        best = max(best, _end(table[sound], rest, harmony, _person))
    best = max(best, 0 if rest in _WITH[sound].split() else -1)
    best = max(best, _end(_PLACE[sound], rest, harmony, _after_place))
    if rest in _spell_all(_OTHER_CASES, harmony):
        best = max(best, 0)
    return best


def _case_after_mine(last: str, rest: str, harmony: str) -> int:
    best = _case(last, rest, harmony)
    if last in "мң" and rest == _spell("A", harmony):
        return 0
    return best


def _case_after_its(_last: str, rest: str, harmony: str) -> int:
    if not rest:
        return 0
    if rest in _spell_all(_AFTER_ITS, harmony):
        return 0
    best = max(_end("нAн", rest, harmony, _person), _person(rest, harmony))
    return max(best, _end("ндA", rest, harmony, _after_place))


def _after_place(_last: str, rest: str, harmony: str) -> int:
    if not rest:
        return LOCATIVE
    spelled = _spell("GY", harmony)
    if rest.startswith(spelled):
        return LOCATIVE if _noun(spelled[-1], rest[len(spelled) :], harmony) >= 0 else -1
    return LOCATIVE if _person(rest, harmony) >= 0 else -1


def _person(*given: str) -> int:
    rest, harmony = given[-2], given[-1]
    return 0 if not rest or rest in _spell_all(_PERSON, harmony) else -1


def _end(forms: str, rest: str, harmony: str, then: object) -> int:
    best = -1
    for spelled in _forms(forms, harmony):
        if rest.startswith(spelled):
            best = max(best, then(spelled[-1], rest[len(spelled) :], harmony))  # type: ignore[operator]
    return best


def _possessed_base(last: str, rest: str, harmony: str) -> int:
    """«its …s»: plural and the third person's possessive are both there."""
    for form in _PLURAL[_sound(last)].split():
        spelled = _spell(form + "Y", harmony)
        if rest.startswith(spelled):
            return _case_after_its(spelled[-1], rest[len(spelled) :], harmony)
    return -1


# Voice: passive, reflexive, reciprocal, causative; any two may follow one another.
# The last three are the negation.
_VOICE_OR_NOT: Final = "Yл л Yн н Yс с т дYр тYр GYз KYз Yт мA бA пA"
_PARTICIPLE: Final = "GAн KAн атын етін йтYн мAK бAK пAK Aр р с у ушY GYш KYш GY KY"
_TENSE: Final = (
    "дY", "дYм", "дYң", "дYңYз", "дYK", "тY", "тYм", "тYң", "тYңYз", "тYK", "дYңдAр", "тYңдAр", "сA", "сAм", "сAң", "сAңYз",
    "сAK",
    "Yп", "п", "YптY", "птY", "Yппын", "Yппін", "A", "й", "AдY", "йдY", "AмYн", "AмYз", "AсYз", "AсYң", "ймYн", "ймYз",
    "йсYз", "йсYң",
    "GAлY", "KAлY", "GAншA", "KAншA", "GAсYн", "KAсYн", "сYн", "YңYз", "ңYз", "Yңдар", "Yңдер", "ңдAр", "AйYK", "йYK",
    "AйYн", "йYн",
    "GAндA", "KAндA", "мAйYншA", "GAндAй", "KAндAй",
)  # fmt: skip


@lru_cache(maxsize=_REMEMBERED)
def _verb(rest: str, harmony: str, depth: int) -> int:
    if not rest:
        return 0
    best = -1
    for spelled in _by_first(_PARTICIPLE, harmony).get(rest[0], ()):
        if rest.startswith(spelled) and _noun(spelled[-1], rest[len(spelled) :], harmony) >= 0:
            best = 0
    if rest in _spell_all(_TENSE, harmony):
        best = 0
    if best < 0 and depth < 3:
        for spelled in _by_first(_VOICE_OR_NOT, harmony).get(rest[0], ()):
            if rest.startswith(spelled) and _verb(rest[len(spelled) :], harmony, depth + 1) >= 0:
                best = 0
                break
    return best


def _verb_start(_last: str, rest: str, harmony: str) -> int:
    return _verb(rest, harmony, 0)


_START: Final = (_noun, _noun, _case_after_its, _possessed_base, _verb_start, _verb_start)


_SAMPLE: Final = (
    "", *(spelled for form in ("лAр", "дAр", "тAр", "нYң", "дYң", "тYң", "GA", "KA", "A", "нY", "дY", "тY", "дA", "тA",
    "дAн", "тAн", "нAн",
    "Y", "сY", "Yм", "Yна", "сYнA", "YнA", "YнYң", "сYнYң", "YндA", "сYндA", "лAры", "лAрY", "дAрY", "тAрY", "лAрдY",
    "дAрдY", "тAрдY", "лAрGA",
    "дAрGA", "тAрGA", "лAрдA", "дAрдA", "тAрдA", "лAрдAн", "лAрYн", "дAрYн", "тAрYн", "дAGY", "тAGY")
    for spelled in (_spell(form, "b"), _spell(form, "f"))), "мен", "бен", "пен",
)  # fmt: skip
_SAMPLE_VERB: Final = (
    "", *(spelled for form in ("дY", "тY", "Yп", "п", "GAн", "KAн", "AдY", "йдY", "у", "Yлды", "Yлды", "мAдY", "пAдY", "сA",
    "GAндAр", "KAндAр", "атын", "етін")
    for spelled in (_spell(form, "b"), _spell(form, "f"))),
)  # fmt: skip


def sample_forms(word: str, *, verb: bool = False, possessed: bool = False) -> tuple[str, ...]:
    """The commonest forms that would be found for a headword; all of them are without end."""
    stems = verb_stems(word) if verb else noun_stems(word)
    if possessed and is_possessed(word):
        stems = [*stems, *possessed_stems(word)]
    endings = _SAMPLE_VERB if verb else _SAMPLE
    return tuple(
        dict.fromkeys(stem.text + ending for stem in stems for ending in endings if accept(stem.text, ending, stem.kind) >= 0)
    )
