"""Forms of English headwords, made when the rules are compiled; looks nothing up in text."""

from __future__ import annotations

from typing import Final

# Verbs whose past is not made with -ed: (past, participle). Only verbs that news of this kind uses.
IRREGULAR: Final[dict[str, tuple[str, ...]]] = {
    "arise": ("arose", "arisen"), "beat": ("beat", "beaten"), "become": ("became", "become"), "begin": ("began", "begun"),
    "break": ("broke", "broken"), "bring": ("brought",), "build": ("built",), "burn": ("burned", "burnt"), "buy": ("bought",),
    "catch": ("caught",), "choose": ("chose", "chosen"), "come": ("came", "come"), "cut": ("cut",), "die": ("died",),
    "do": ("did", "done"),
    "draw": ("drew", "drawn"), "drive": ("drove", "driven"), "fall": ("fell", "fallen"), "feel": ("felt",), "fight": ("fought",),
    "find": ("found",), "flee": ("fled",), "forbid": ("forbade", "forbidden"), "get": ("got", "gotten"), "give": ("gave",
    "given"),
    "go": ("went", "gone"), "hang": ("hung", "hanged"), "have": ("had",), "hold": ("held",), "keep": ("kept",), "lay": ("laid",),
    "lead": ("led",), "leave": ("left",), "lose": ("lost",), "make": ("made",), "meet": ("met",), "overthrow": ("overthrew",
    "overthrown"),
    "pay": ("paid",), "put": ("put",), "quit": ("quit",), "rise": ("rose", "risen"), "run": ("ran", "run"), "say": ("said",),
    "see": ("saw", "seen"), "seek": ("sought",), "sell": ("sold",), "send": ("sent",), "set": ("set",), "shake": ("shook",
    "shaken"),
    "shoot": ("shot",), "shut": ("shut",), "sit": ("sat",), "speak": ("spoke", "spoken"), "spread": ("spread",),
    "stand": ("stood",),
    "stick": ("stuck",), "strike": ("struck", "stricken"), "swear": ("swore", "sworn"), "sweep": ("swept",), "take": ("took",
    "taken"),
    "tell": ("told",), "throw": ("threw", "thrown"), "win": ("won",), "withdraw": ("withdrew", "withdrawn"),
    "write": ("wrote", "written"),
}  # fmt: skip
_PLURALS: Final = {"man": "men", "woman": "women", "child": "children", "person": "people", "policeman": "policemen"}
_VOWELS: Final = frozenset("aeiou")
# Verbs of two syllables stressed on the last, which double their consonant ("visit", "picket" do not).
_DOUBLING: Final = frozenset(
    {"commit", "permit", "admit", "submit", "rebel", "control", "defer", "refer", "expel", "compel", "repel", "occur", "transfer"}
)


def plural(word: str) -> str:
    for singular, many in _PLURALS.items():
        if word == singular or (len(singular) > 5 and word.endswith(singular)):
            return word[: -len(singular)] + many
    if word.endswith("y") and len(word) > 1 and word[-2] not in _VOWELS:
        return word[:-1] + "ies"
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    return word + "s"


def verb_forms(word: str) -> tuple[str, ...]:
    """The -s, past, participle and -ing forms of a verb, and itself."""
    past = IRREGULAR.get(word) or (_past(word),)
    return (word, plural(word), *past, _ing(word))


def _doubles(word: str) -> bool:
    if word in _DOUBLING:
        return True
    if len(word) < 3 or word[-1] in _VOWELS or word[-1] in "wxy" or word[-2] not in _VOWELS or word[-3] in _VOWELS:
        return False
    return sum(letter in _VOWELS for letter in word) == 1


def _past(word: str) -> str:
    if word.endswith("e"):
        return word + "d"
    if word.endswith("y") and word[-2] not in _VOWELS:
        return word[:-1] + "ied"
    return word + (word[-1] if _doubles(word) else "") + "ed"


def _ing(word: str) -> str:
    if word.endswith("ie"):
        return word[:-2] + "ying"
    if word.endswith("e") and not word.endswith(("ee", "ye", "oe")):
        return word[:-1] + "ing"
    return (
        word
        + (
            word[-1]
            if _doubles(word) or word in {"sit", "run", "cut", "get", "put", "set", "shut", "quit", "begin", "forbid"}
            else ""
        )
        + "ing"
    )


def word_forms(word: str, flags: str) -> tuple[str, ...]:
    """What a lower-case English word expands to; ``flags`` of n and v, none for the word alone."""
    forms = [word]
    if "n" in flags:
        forms.append(plural(word))
    if "v" in flags:
        forms.extend(verb_forms(word))
    return tuple(dict.fromkeys(forms))
