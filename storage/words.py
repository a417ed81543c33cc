"""Words for full-text search: how they are written in the index, and which of them a word of a question looks for; pure.

The index holds whole words. A question looks for the forms of its words, not the text for its stems: cutting too much then costs
a few false hits, and never hides a word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

WORD = re.compile(r"[^\W_]+")
# Soft hyphens, zero-width signs and the combining stress mark stand inside words and mean nothing to a search.
MARKS = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff\u0300\u0301]")
# A word as it stands in a text, with whatever of these is inside it.
STANDING = re.compile(r"[^\W_](?:[^\W_]|[\u00ad\u200b-\u200d\u2060\ufeff\u0300-\u036f])*")
# Whatever is not a letter of Latin or Cyrillic, or a sign that parts words in SQLite's tokeniser as it does here. There a mark that
# joins to a letter is a part of the word, and so is every sign younger than its tables, as that of the rouble.
UNFAMILIAR = re.compile("[^\t-\u00ac\u00ae-ɏЀ-ҁҊ-ԯ\u2010-\u2027\u2030-\u205e\u20a0-\u20b9\u2100-\u2188\u2190-\u22ff]")
INSIDE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff\u0300-\u036f]")
CYRILLIC = re.compile("[а-яәғқңөұүһі]")
KAZAKH_LETTERS = re.compile("[әғқңөұүһі]")


def longest_first(endings: str) -> tuple[str, ...]:
    """Endings given with spaces between them, so that of two that fit the longer is cut off."""
    return tuple(sorted(dict.fromkeys(endings.split()), key=lambda ending: (-len(ending), ending)))


# Endings of Russian nouns, adjectives and verbs.
RUSSIAN = longest_first(
    "иями ями ами иях ях ах ией ием иям ью ия ии ие ий ев ов ей ой ый ая яя ое ее ые ого его ому ему ым им ых их ую юю ою ею "
    "ом ем ам ям ешь ет ут ют ит ат ят ал ала ало али ил ила или ело ели ать ять ить еть уть ился илась илось ились ался "
    "алась алось ались ется ются ится атся ятся ться аться иться ыми ими ете ите ешь ишь ем им а я о е ы и у ю ь й"
)
# Kazakh suffixes come in a chain: number, possession, case. Cut off one after the other from the end.
PLURAL = longest_first("лар лер дар дер тар тер")
CASE = longest_first(
    "ның нің дың дің тың тің ға ге қа ке на не да де та те нда нде дан ден тан тен нан нен мен бен пен ды ді ты ті ны ні"
)
POSSESSION = longest_first("сы сі ы і ым ім ың ің ымыз іміз ыңыз іңіз")
OTHER = longest_first("дағы дегі тағы тегі ндағы ндегі лық лік дық дік тық тік сыз сіз шы ші")
KAZAKH = longest_first(" ".join((*PLURAL, *CASE, *POSSESSION, *OTHER)))
# Two at once, each with its like: vowels of a Kazakh word are all of the front or all of the back of the mouth.
KAZAKH_CHAINS = (
    *KAZAKH,
    *map("".join, product(("лар", "дар", "тар"), longest_first("дың ға ды да дан мен ы ын ына ында ының"))),
    *map("".join, product(("лер", "дер", "тер"), longest_first("дің ге ді де ден мен і ін іне інде інің"))),
    *map("".join, product(("сы", "ы", "ым"), longest_first("ның на н нда нан мен"))),
    *map("".join, product(("сі", "і", "ім"), longest_first("нің не н нде нен мен"))),
)
# The last consonant is voiced before a vowel: наразылық, наразылығы; мектеп, мектебі.
VOICED = {"қ": "ғ", "к": "г", "п": "б", "ғ": "қ", "г": "к", "б": "п"}
# A stem of at least this many letters may be followed by anything; a shorter one only by endings, or "сот" finds "сотрудник".
# Kazakh stems are safe sooner: hardly a word of another root begins with five letters of which one is Kazakh's own.
OPEN, OPEN_KAZAKH = 6, 5
SHORTEST = 3


@dataclass(frozen=True, slots=True)
class Sought:
    """What a word of a question looks for: these words as they are, and all words that begin so."""

    exact: frozenset[str]
    prefixes: tuple[str, ...] = ()

    def fits(self, word: str) -> bool:
        """Whether a word of a text (as ``words`` gives it) is one of those looked for; for marking them."""
        return word in self.exact or word.startswith(self.prefixes)


def words(text: str) -> list[str]:
    """The words of ``text`` in order, case folded, with ё as е and without marks: as they stand in the index."""
    plain = MARKS.sub("", unicodedata.normalize("NFC", text))  # str.translate takes ten times as long
    return WORD.findall(plain.casefold().replace("ё", "е"))


def placed(text: str) -> Iterator[tuple[int, int, str]]:
    """The same words with where each begins and ends in ``text``."""
    folded = text.casefold()  # it may make a sign into several, never several into one
    if len(folded) == len(text) and unicodedata.is_normalized("NFC", text) and not INSIDE.search(text):
        # Nearly every text: all of it is folded at once, and places in it are places in the text.
        yield from ((match.start(), match.end(), match.group()) for match in WORD.finditer(folded.replace("ё", "е")))
        return
    for match in STANDING.finditer(text):
        for word in words(match.group()):
            yield match.start(), match.end(), word


def indexed(text: str) -> str:
    """The words of ``text`` with a blank between them, as they go into the index."""
    return " ".join(words(text))


def folded(text: str) -> str:
    """``text`` for an index that parts words itself, by signs that are no letters: it finds the same words as in ``indexed``."""
    plain = unicodedata.normalize("NFC", text).casefold()
    return indexed(text) if UNFAMILIAR.search(plain) else plain.replace("ё", "е")


@lru_cache(maxsize=10_000)
def sought(word: str) -> Sought:
    """The forms a word of a question looks for, in whichever of the three languages it is."""
    if len(word) < SHORTEST or word.isdigit():
        return Sought(frozenset({word}))
    if not CYRILLIC.search(word):
        return _english(word) if word.isascii() else Sought(frozenset({word}))
    base = stem(word)
    kazakh = KAZAKH_LETTERS.search(word) is not None
    bases = [base, *_other_bases(base, kazakh=kazakh)]
    least = OPEN_KAZAKH if kazakh else OPEN
    prefixes = tuple(each for each in bases if len(each) >= (least if each is base else SHORTEST + 1))
    if len(base) >= least + 2:
        return Sought(frozenset({word}), prefixes)
    # Which cut is the right one cannot be told of a short word (пик-ет, пикет): the endings are put to each.
    endings = KAZAKH_CHAINS if kazakh else (*RUSSIAN, *KAZAKH_CHAINS)
    cuts = {word[: -len(ending)] for ending in endings if word.endswith(ending) and len(word) - len(ending) >= SHORTEST}
    exact = {each + ending for each in {word, *bases, *cuts} for ending in ("", *endings)}
    return Sought(frozenset(exact), (*prefixes, *((word,) if len(word) >= OPEN else ())))


@lru_cache(maxsize=10_000)
def stem(word: str) -> str:
    """``word`` (as ``words`` gives it) without its endings; too short a cut is better than one too long."""
    if len(word) <= SHORTEST or word.isdigit():
        return word
    if not CYRILLIC.search(word):
        return _singular(word) if word.isascii() else word
    if KAZAKH_LETTERS.search(word):
        return _cut_chain(word, SHORTEST)
    # Without a letter of its own a Kazakh word cannot be told from a Russian one: the shorter of both.
    return min(_cut(word, RUSSIAN, SHORTEST), _cut_chain(word, OPEN), key=len)


def _other_bases(base: str, *, kazakh: bool) -> list[str]:
    found = []
    if kazakh and base[-1] in VOICED:
        found.append(base[:-1] + VOICED[base[-1]])
    if not kazakh and base.endswith(("ов", "ев")):
        found.append(base[:-2] + "у")  # требовать, требует
    if not kazakh and len(base) > OPEN and base.endswith("к"):
        found.append(base[:-1])  # забастовка, забастовок
    return found


def _english(word: str) -> Sought:
    exact = {word}
    for base in {word, _singular(word), *_verbs(word)}:
        exact |= {base + ending for ending in ("", "s", "es", "ed", "ing", "er", "ers")}
        if base.endswith("e"):
            exact |= {base[:-1] + ending for ending in ("ed", "ing", "er", "ers")}
        if base.endswith("y"):
            exact |= {base[:-1] + ending for ending in ("ies", "ied")}
    base = min({_singular(word), *_verbs(word)}, key=len)
    return Sought(frozenset(exact), (base,) if len(base) >= OPEN else ())


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > SHORTEST + 2:
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > SHORTEST else word


def _verbs(word: str) -> list[str]:
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST:
            return [word[: -len(ending)], f"{word[: -len(ending)]}e"]
    return [word]


def _cut(word: str, endings: Sequence[str], least: int) -> str:
    for ending in endings:
        if len(word) - len(ending) >= least and word.endswith(ending):
            return word[: -len(ending)]
    return word


def _cut_chain(word: str, least: int) -> str:
    # Four letters stay where four can: two suffixes of a short word are more often a part of it.
    least = max(least, min(4, len(word) - 1))
    for _ in range(3):
        shorter = _cut(word, KAZAKH, least)
        if shorter == word:
            break
        word = shorter
    return word
