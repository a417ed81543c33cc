"""Kazakh in Latin script turned into the Cyrillic it may stand for; several alphabets are alive and contradict each other.

Official drafts of 2017 (apostrophes), 2018 (acutes: ı = и, ý = у), 2019 and 2021 (umlauts: ı = і, u = у, ū = ұ), the usage of
outlets and the diaspora (ı = ы, w = ұ or у) and plain ASCII with digraphs (sh, zh, gh). ``y`` is ы here and й there, so each
letter gives all that it may stand for, and only what some known stem begins with is followed.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Final

_LETTERS: Final[dict[str, tuple[str, ...]]] = {
    "a": ("а",), "á": ("ә",), "ä": ("ә",), "à": ("ә",), "ə": ("ә",), "â": ("ә",), "b": ("б",), "c": ("ц", "ч", "ш", "с"),
    "ç": ("ч", "ш"),
    "č": ("ч",), "ć": ("ч",), "d": ("д",), "e": ("е", "э"), "é": ("э", "е"), "f": ("ф",), "g": ("г",), "ǵ": ("ғ",),
    "ğ": ("ғ",), "ġ": ("ғ",),
    "ģ": ("ғ",), "ǧ": ("ғ",), "h": ("х", "һ"), "i": ("і", "и", "й"), "ı": ("ы", "и", "й", "і"), "í": ("и", "й", "і"), "ï": ("и", "й"),
    "î": ("и",),
    "j": ("ж",), "k": ("к",), "l": ("л",), "m": ("м",), "n": ("н",), "ń": ("ң",), "ñ": ("ң",), "ŋ": ("ң",), "ň": ("ң",),
    "o": ("о",), "ó": ("ө",),
    "ö": ("ө",), "ô": ("ө",), "p": ("п",), "q": ("қ",), "r": ("р",), "s": ("с", "ц"), "ş": ("ш",), "š": ("ш",), "ș": ("ш",),
    "t": ("т",),
    "u": ("у", "ұ"), "ū": ("ұ",), "ú": ("ү", "ұ"), "ü": ("ү",), "û": ("ү", "ұ"), "ů": ("ұ",), "ý": ("у", "й", "ү"), "v": ("в",),
    "w": ("у", "ұ", "ү"),
    "x": ("х", "кс"), "y": ("ы", "й", "и"), "ÿ": ("й",), "z": ("з",), "ž": ("ж",),
}  # fmt: skip
_GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "shch": ("щ",), "sh": ("ш",), "ch": ("ч",), "zh": ("ж",), "gh": ("ғ",), "kh": ("х",), "ts": ("ц",), "ng": ("ң",),
    "ae": ("ә",), "oe": ("ө",),
    "ue": ("ү",), "ya": ("я",), "ia": ("я", "ия"), "ıa": ("я", "ия"), "ııa": ("ия",), "iia": ("ия",), "iya": ("ия",), "iy": ("и",),
    "ïa": ("ия", "я"), "ïya": ("ия",),
    "yu": ("ю",), "iu": ("ю",), "ıu": ("ю",), "yý": ("ю",), "ıý": ("ю",), "iw": ("ю", "иу"), "yo": ("ё",),
    "a'": ("ә",), "o'": ("ө",), "u'": ("ү",), "g'": ("ғ",), "n'": ("ң",), "s'": ("ш",), "c'": ("ч",), "i'": ("и", "й"),
    "y'": ("у",), "'": ("",),
}  # fmt: skip
# Where the marks were left out ("oner", "agim"), a plain letter may be either.
_UNMARKED: Final[dict[str, tuple[str, ...]]] = {"a": ("ә",), "g": ("ғ",), "n": ("ң",), "o": ("ө",), "u": ("ү",), "s": ("ш",)}
# The soft sign has no Latin letter at all: Polsha is Польша, Izraıl Израиль, bıýlleten бюллетень.
for _hard in "bdlmnprstvz":
    _LETTERS[_hard] += (_LETTERS[_hard][0] + "ь",)
for _sign in "0123456789-":
    _LETTERS[_sign] = (_sign,)
MOST_CANDIDATES: Final = 96
_LONGEST_GROUP: Final = 4


def cyrillic_candidates(word: str, prefixes: AbstractSet[str], stems: AbstractSet[str]) -> tuple[str, ...]:
    """The Cyrillic spellings a folded Latin word may stand for that begin like one of the stems; at most 96.

    ``prefixes`` are all beginnings of all stems, ``stems`` the stems: once one is complete, any ending may follow.
    """
    unmarked = word.isascii()
    # Position in the Latin word → spellings reaching it; False: still a prefix of a stem, True: a stem is complete.
    reached: list[dict[str, bool]] = [{} for _ in range(len(word) + 1)]
    reached[0][""] = False
    for at in range(len(word)):
        if not reached[at]:
            continue
        for size, spellings in _readings(word, at, unmarked=unmarked):
            target = reached[at + size]
            for so_far, complete in reached[at].items():
                for spelling in spellings:
                    candidate = so_far + spelling
                    if "ь" in spelling and candidate not in prefixes:
                        continue  # no ending of ours has a soft sign: it is a loan stem's or nothing
                    whole = complete or candidate in stems
                    if (whole or candidate in prefixes) and len(target) < MOST_CANDIDATES:
                        target[candidate] = whole or target.get(candidate, False)
    return tuple(candidate for candidate, complete in reached[-1].items() if complete)


def _readings(word: str, at: int, *, unmarked: bool) -> list[tuple[int, tuple[str, ...]]]:
    found = []
    letter = word[at]
    plain = _LETTERS.get(letter, ())
    if unmarked:
        plain += _UNMARKED.get(letter, ())
    if plain:
        found.append((1, plain))
    for size in range(1, _LONGEST_GROUP + 1):
        group = _GROUPS.get(word[at : at + size])
        if group is not None and at + size <= len(word):
            found.append((size, group))
    return found
