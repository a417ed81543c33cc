"""Cutting stored text into words with offsets, and bringing one word at a time into the form it is looked up by.

Offsets always count code points of the stored text: a word is cut from it as it stands and only then normalised.
Nothing here knows a language's grammar.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Marks that may stand inside a word without being part of it: combining accents (NFD, stress), soft hyphen, zero-width signs.
_INSIDE: Final = "\u0300-\u036f\u00ad\u200b-\u200f\u2060\ufeff"
APOSTROPHES: Final = "'\u2019\u2018\u02bc\u02bb\u02b9`\u00b4\u2032\uff07"
# A hyphen separates words ("Алма-Ата" is two), an apostrophe between letters does not ("Kazakhstan's", "Aqto'be").
WORD: Final = re.compile(rf"[^\W_]+(?:[{_INSIDE}{APOSTROPHES}]+[^\W_]+)*[\u0300-\u036f]*")
_CUT: Final = re.compile(f"({WORD.pattern})")
# Where none of these signs stands, as in six paragraphs of seven, a word is letters and digits in a row: found in half the time.
_ODD: Final = re.compile(f"[{_INSIDE}{APOSTROPHES}]")
_CUT_PLAIN: Final = re.compile(r"([^\W_]+)")

HYPHENS: Final = "-\u2010\u2011\u2012\u2013\u2014\u2212"
_DROP: Final = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff\u0300\u0301\u0306\u0307]")
_PLAIN_APOSTROPHE: Final = str.maketrans(dict.fromkeys(APOSTROPHES, "'"))
_YO: Final = str.maketrans({"ё": "е", "ѐ": "е", "ѝ": "и"})

# Letters that look alike in both scripts, as spammers, OCR and careless keyboards mix them. Kazakh і and һ are typed with
# Latin i and h on keyboards without them, ә with the phonetic ə.
_TO_CYRILLIC: Final = dict(zip("aceopxyABCEHKMOPTXYihəƏIk", "асеорхуАВСЕНКМОРТХУіһәӘІк", strict=True))
_TO_LATIN: Final = dict(zip("асеорхуАВСЕНКМОРТХУіһІәӘ", "aceopxyABCEHKMOPTXYihIəƏ", strict=True))
_CYRILLIC: Final = re.compile("[\u0400-\u052f]")
# Russian and Kazakh letters as they are typed: nothing to compose, to drop or to guess in a word of these alone.
_PLAIN_CYRILLIC: Final = re.compile("[а-яА-ЯёЁәғқңөұүһіӘҒҚҢӨҰҮҺІ]+")
_RUSSIAN: Final = re.compile("[а-я]+")
_LATIN: Final = re.compile("[a-zA-Z\u00c0-\u024f\u0259\u018f\u1e00-\u1eff]")


def cut(text: str) -> list[str]:
    """A text as what stands between its words and the words in turn; it begins and ends with what is no word, "" where nothing is."""
    return (_CUT if _ODD.search(text) else _CUT_PLAIN).split(text)


def is_cyrillic(word: str) -> bool:
    return _CYRILLIC.search(word) is not None


def is_russian(form: str) -> bool:
    """Whether a folded word is of Russian letters and no other sign."""
    return _RUSSIAN.fullmatch(form) is not None


def is_latin(word: str) -> bool:
    return _LATIN.search(word) is not None


def plain_forms(word: str) -> tuple[str, ...]:
    """The word as it may have been meant: composed, without invisible marks, in one script; case kept.

    A word of mixed script gives one form for each script into which all of its foreign letters map, and itself where none does.
    """
    if word.isascii() or _PLAIN_CYRILLIC.fullmatch(word):
        return (word,)
    # NFC first joins й and ё; a stress mark stays apart, for composed Cyrillic vowels with an acute do not exist, and is dropped.
    # Latin á ó ú ý join and stay: they are letters of Kazakh's Latin alphabets.
    bare = _DROP.sub("", unicodedata.normalize("NFC", word)).translate(_PLAIN_APOSTROPHE)
    if not (_CYRILLIC.search(bare) and _LATIN.search(bare)):
        return (bare,)
    forms = []
    for pattern, table in ((_LATIN, _TO_CYRILLIC), (_CYRILLIC, _TO_LATIN)):
        if all(letter in table for letter in pattern.findall(bare)):
            forms.append(pattern.sub(lambda found, table=table: table[found.group()], bare))  # type: ignore[misc]
    return tuple(forms) or (bare,)


def fold(word: str) -> str:
    """Lower case by which words are compared: ё is е, Turkish İ is i and ı stays ı."""
    if word.isascii():
        return word.lower()
    if _PLAIN_CYRILLIC.fullmatch(word):
        return word.lower().replace("ё", "е")
    return word.replace("İ", "i").lower().translate(_YO).replace("\u0307", "")


def normal_forms(word: str) -> tuple[str, ...]:
    """All folded forms a word of the text may be looked up by."""
    if _PLAIN_CYRILLIC.fullmatch(word):  # most words by far
        return (word.lower().replace("ё", "е"),)
    return tuple(fold(form) for form in plain_forms(word))


def split_words(text: str) -> list[str]:
    """The words of a headword or name, plain and with case kept; hyphens separate."""
    return [plain_forms(found.group())[0] for found in WORD.finditer(text)]


def is_capitalised(word: str) -> bool:
    """Whether the first letter is a capital (digits before it do not count)."""
    for letter in word:
        if letter.isalpha():
            return letter.isupper() or letter.istitle()
    return False


def is_upper(word: str, length: int) -> bool:
    """Whether the first ``length`` letters are capitals: an acronym may carry a lower-case ending."""
    return word[:length].isupper()


def words_of(text: str) -> frozenset[str]:
    """A list of words written with spaces, as a set."""
    return frozenset(text.split())
