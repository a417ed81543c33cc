"""Which language a paragraph is in, as far as look-up must know: a Kazakh «Семей» is a town, a Russian one is «families»."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_CYRILLIC: Final = re.compile("[\u0400-\u052f]")
_CYRILLIC_RUN: Final = re.compile("[\u0400-\u052f]+")
_KAZAKH_OWN: Final = re.compile("[әғқұһіӘҒҚҰҺІ]")
_KAZAKH_OR_KYRGYZ: Final = re.compile("[ңөүҢӨҮ]")
# Letters that neither Kazakh nor Russian has: Ukrainian, Belarusian, Serbian, Tatar, Bashkir, Tajik, Uzbek, Mongolian stay out.
_OTHER: Final = re.compile("[їєґўјљњћђџҗҙҡҫҳӣӯҷЇЄҐЎЈЉЊЋЂЏҖҘҠҪҲӢӮҶ]")
# One class of letters, not three alternatives: a third of the time.
_NOT_RUSSIAN: Final = re.compile(f"[{''.join(each.pattern[1:-1] for each in (_KAZAKH_OWN, _KAZAKH_OR_KYRGYZ, _OTHER))}]")
_LATIN_KAZAKH: Final = re.compile(
    r"\b(?:j[aäá]ne|zh[aäá]ne|bul|üş[iı]n|úshin|üshin|ushin|bold[yı]|bolıp|bolyp|t[uwý]ral[yı]|dep|os[yı]|b[oı]yınsha|boiynsha|boyınşa|ed[iı]|"
    r"sonymen|sonımen|bir|ǵana|memleket\w*|jyl\w*|jıl\w*|d[ae]g[ea]n|kerek|[jy]oq|bol[au]dy|boladı|etti|ótti|ötti|otti|"
    # The digraph spelling of older sites ("bolghan", "boyynsha"), often with a Cyrillic ә left in it ("jәne").
    r"j[әə]ne|boyynsha|bolyp|bolghan|búl|elimiz\w*|halyq|halıq|qazaq\w*|"
    r"[uúüý]sh[iı]n|b[ei][iy]b[iı]t\w*|qozghal\w*|\w{2,}(?:gha|ghan|ghany|ghandar|alyndy|elindi|yldy|ilendi|ylady)|"
    # Plain letters without any mark, as in messages and on old sites.
    r"dauys|daýys|sa[iıy]la[uýw]\w*|saiasi|oblys\w*|audan\w*|auyl\w*|narazy\w*|turgyn\w*|turġyn\w*|komissiia\w*|akimdi\w+|ruqsat\w*|otki[zs]\w+|kezinde|talap|alyndy|berildi|berdi|aketti|tartty|shyqty|keldi|ketti|qaldy|boldy|"
    r"\w{2,}(?:aldy|iledi|aidy|eidi|medi|mady|dagy|tagy|degi|tegi|lardy|lerdi|tardy|terdi|dardy|derdi|dynda|dinde)|"
    r"\w{2,}(?:[ndt]y[nń]|[ndt]yng|lghan|lgen|yp|agha|egen|ndaghy|ardyng|lyq))\b",
)
# Never with re.IGNORECASE: under it ı matches i, and every English text would be Kazakh.
_Q_WITHOUT_U: Final = re.compile(r"q(?!u)|[ǵǧńŋğñşıýū]|\bmen\b")  # half a sign each; "men" is English, too
# A word that begins with a small zh; with a capital it is as often a name in an English text (Zhambyl, Zhou).
_ZH: Final = re.compile(r"\bzh[aeiouy]\w")
# What no Kazakh sentence has: "A court in Taldyqorghan sentenced five men" is English, whatever its names look like.
_ENGLISH_SMALL: Final = re.compile(
    r"\b(?:the|of|for|and|to|was|were|from|said|over|after|with|their|has|have|who|by|against|in|is|are|an)\b"
)
# Names with a q of their own: "Iraq and Qatar sent men" is no Kazakh, nor is a headline with a town of ours in it.
_Q_ABROAD: Final = re.compile(
    r"\b(?:taldyqorghan|[jz]h?ezqazghan|iraq\w*|qatari?s?|al-qaeda|qaeda|aqaba|qing|qom|qin|qantas|nasdaq|q[1-4])\b"
)
_LATIN_LETTER: Final = re.compile(r"[a-zA-Z\u00c0-\u024f]")

RUSSIAN, KAZAKH, BOTH, NEITHER = "ru", "kk", "ru+kk", ""
ENGLISH, LATIN_KAZAKH = "en", "kk-Latn"

_SHORT: Final = 60  # letters; a shorter paragraph may lack what its language is known by
Modes = tuple[str, str]


def cyrillic_mode(text: str, hint: str | None) -> str:  # a list of cases, the surest first
    """How the Cyrillic words of a paragraph are looked up; ``hint`` is the document's language where known."""
    if not _CYRILLIC.search(text):
        return NEITHER
    if hint == "ru" and not _NOT_RUSSIAN.search(text):
        return RUSSIAN
    own = len(_KAZAKH_OWN.findall(text))
    shared = len(_KAZAKH_OR_KYRGYZ.findall(text))
    other = _OTHER.search(text) is not None
    if other and not (hint in {"kk", "ru"} and own + shared > 4 * len(_OTHER.findall(text))):
        return NEITHER if hint != "ru" else RUSSIAN
    share = (own + shared) / len(text)
    if own and (share > 0.03 or (own > 1 and len(text) < _SHORT) or hint == "kk"):
        return KAZAKH
    if hint == "kk":
        return KAZAKH if shared else BOTH if len(text) < 2 * _SHORT else RUSSIAN
    if hint == "ky" or (shared and not own and share > 0.025 and len(text) >= _SHORT and hint != "ru"):
        return NEITHER
    if hint in {"uk", "be", "bg", "sr", "mk", "tg", "tt", "ba", "mn", "uz"}:
        return NEITHER
    if own or shared:
        return BOTH if share > 0.005 else RUSSIAN
    return RUSSIAN if hint == "ru" or len(text) >= _SHORT else BOTH


def _is_latin(text: str) -> bool:
    """Whether a text with Cyrillic letters in it is nevertheless in Latin script: old converters leave an ә («jәne», «mәlim»)."""
    cyrillic = sum(map(len, _CYRILLIC_RUN.findall(text)))
    return not cyrillic or cyrillic * 8 < len(_LATIN_LETTER.findall(text))


def latin_mode(text: str, hint: str | None) -> str:
    """How the Latin words of a paragraph are looked up."""
    if hint == "kk-Latn":
        return LATIN_KAZAKH
    if hint == "en" or not _LATIN_LETTER.search(text) or not _is_latin(text):
        return ENGLISH
    plain = len(_ZH.findall(text))
    text = _Q_ABROAD.sub("", text.lower())
    signs = plain + len(_LATIN_KAZAKH.findall(text)) + 0.5 * len(_Q_WITHOUT_U.findall(text))
    words = text.count(" ") + 1
    english = len(_ENGLISH_SMALL.findall(text))
    if english >= 2 and english >= signs:
        return ENGLISH
    return LATIN_KAZAKH if signs >= 1 and signs / words > (0.04 if hint == "kk" else 0.12) else ENGLISH


def stretches(text: str, hint: str | None) -> Iterator[tuple[int, str, Modes]]:
    """A text as rows of whole paragraphs that are looked up alike, with their offsets: most texts are one.

    Each paragraph goes by modes of its own; yet where no letter of a text could tell two of them apart, nobody asks.
    """
    cyrillic = NEITHER if not _CYRILLIC.search(text) else RUSSIAN if hint == "ru" and not _NOT_RUSSIAN.search(text) else None
    latin = LATIN_KAZAKH if hint == "kk-Latn" else ENGLISH if hint == "en" or not _LATIN_LETTER.search(text) else None
    if cyrillic is not None and latin is not None:
        yield 0, text, (cyrillic, latin)
        return
    begun, at = 0, 0
    before: Modes | None = None
    for line in text.split("\n"):
        if line:
            modes = (
                cyrillic_mode(line, hint) if cyrillic is None else cyrillic,
                latin_mode(line, hint) if latin is None else latin,
            )
            if before is not None and modes != before:
                yield begun, text[begun:at], before
                begun = at
            before = modes
        at += len(line) + 1
    if before is not None:
        yield begun, text[begun:], before


def document_language(text: str) -> str | None:
    """A guess for a document that came without one: kk, ky, ru, kk-Latn, en or None."""
    sample = text[:4000]
    if not _is_latin(sample):
        mode = cyrillic_mode(sample, None)
        return {KAZAKH: "kk", RUSSIAN: "ru", NEITHER: "ky"}.get(mode)
    return LATIN_KAZAKH if latin_mode(sample, None) == LATIN_KAZAKH else "en" if sample else None
