"""How words are cut for full-text search, so that endings do not hide them; pure, and the same for text and for questions."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

WORD = re.compile(r"[^\W_]+")
# Soft hyphens, zero-width signs and the combining stress mark stand inside words and mean nothing to a search.
MARKS = dict.fromkeys([0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x301, 0x300])
CYRILLIC = re.compile("[а-яәғқңөұүһі]")


@dataclass(frozen=True, slots=True)
class Endings:
    """Endings of a language: of several that fit, the longest is cut off. Looked up by length, since a list of a hundred is slow."""

    known: frozenset[str]
    longest: int

    @classmethod
    def of(cls, endings: str) -> Endings:
        """Endings given with spaces between them."""
        known = frozenset(endings.split())
        return cls(known, max(map(len, known)))


# Endings of Russian nouns, adjectives and verbs.
RUSSIAN = Endings.of(
    "иями ями ами иях ях ах ией ием иям ью ия ии ие ий ев ов ей ой ый ая яя ое ее ые ого его ому ему ым им ых их ую юю "
    "ою ею ом ем ам ям ешь ет ут ют ит ат ят ал ала ало али ил ила или ело ели ать ять ить еть уть ился илась илось "
    "ились ался алась алось ались ется ются ится атся ятся ться аться иться нный нная нное нные нного нных нным ными ыми "
    "ими а я о е ы и у ю ь й"
)
# Kazakh suffixes come in a chain: number, possession, case, person. Cut off one after the other from the end.
KAZAKH = Endings.of(
    "лар лер дар дер тар тер ның нің дың дің тың тің ға ге қа ке на не да де та те нда нде дан ден тан тен нан нен мен "
    "бен пен ды ді ты ті ны ні сы сі ы і ым ім ың ің ымыз іміз ыңыз іңіз лары лері дары дері тары тері дағы дегі тағы "
    "тегі ндағы ндегі лық лік дық дік тық тік сыз сіз шы ші ған ген қан кен атын етін уда уде"
)
ENGLISH = Endings.of("ations ation ings ing ies ied ers ed es ly er s e y")
KAZAKH_LETTERS = re.compile("[әғқңөұүһі]")
# A stem is never shorter: shorter ones would make one word of many.
SHORTEST = 3


def words(text: str) -> list[str]:
    """The words of ``text`` in order, case folded, with ё as е and without marks; not yet cut."""
    plain = unicodedata.normalize("NFC", text).translate(MARKS).casefold().replace("ё", "е")
    return WORD.findall(plain)


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """``word`` (as ``words`` gives it) without its endings; two forms of a word mostly give the same."""
    if len(word) <= SHORTEST or word.isdigit():
        return word
    if not CYRILLIC.search(word):
        return _cut(word, ENGLISH) if word.isascii() else word
    if KAZAKH_LETTERS.search(word):
        return _cut_chain(word)
    # Without a letter of its own a Kazakh word cannot be told from a Russian one; take the chain first, then a Russian ending.
    return _cut(_cut_chain(word, least=5), RUSSIAN)


def indexed(text: str) -> str:
    """``text`` as it goes into the index: its stems, separated by spaces."""
    return " ".join(map(stem, words(text)))


def _cut(word: str, endings: Endings, least: int = SHORTEST + 1) -> str:
    for length in range(min(endings.longest, len(word) - least), 0, -1):
        if word[-length:] in endings.known:
            return word[:-length]
    return word


def _cut_chain(word: str, least: int = SHORTEST + 1) -> str:
    for _ in range(4):
        shorter = _cut(word, KAZAKH, least)
        if shorter == word:
            break
        word = shorter
    return word
