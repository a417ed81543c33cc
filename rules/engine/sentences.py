"""Where the sentences of a stored text begin; a line break ends one, too."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final

# A full stop ends a sentence where space and a possible beginning follow, and no abbreviation or initial stands before it.
# It begins with one class of signs, not with two alternatives: so the search passes over what is none of them twice as fast. Nothing
# is given back (++), and a row of signs is tried once: else a page with a line of a hundred thousand dots would take minutes.
_END: Final = re.compile(
    r"[.!?…\n](?:(?<=\n)\n*+|(?<![.!?…][.!?…])[.!?…]*+[\"'»”’)\]]*+(?=\s++[\"'«“‘(\[—–-]*+\s*+[^\W_a-zа-яёәғқңөұүһі]))"
)
_ABBREVIATION: Final = re.compile(
    r"(?:\b[^\W\d_]|\b(?:Mr|Mrs|Ms|Dr|Prof|St|Gen|Col|Lt|Sgt|Gov|Sen|Rep|No|vs|Jan|Feb|Aug|Sept|Oct|Nov|Dec|Inc|Ltd|Co|"
    r"ул|им|гг|пр|тыс|млн|млрд|руб|стр|ст|пос|обл|просп|мкр|акад|проф|ред|см|др|пр|т\.д|т\.п|т\.е|т\.к|ж|қ|т\.б))\.$"
)


class Layout:
    """Where the sentences of one field begin, found when first asked for; a title is one sentence."""

    __slots__ = ("_sentences", "text")

    def __init__(self, text: str, *, one: bool = False) -> None:
        self.text = text
        self._sentences: list[int] | None = [0] if one else None

    @property
    def sentences(self) -> list[int]:
        """The offsets at which sentences begin."""
        if self._sentences is None:
            self._sentences = _sentence_starts(self.text)
        return self._sentences

    def sentence(self, at: int) -> int:
        """The number of the sentence that contains the offset."""
        return bisect_right(self.sentences, at) - 1

    def sentence_start(self, number: int) -> int:
        return self.sentences[number]


def _sentence_starts(text: str) -> list[int]:
    starts = [0]
    for found in _END.finditer(text):
        at = found.start()
        # No abbreviation has six letters: most last words of a sentence need no closer look.
        if (
            text[at] == "."
            and not (at > 5 and text[at - 6 : at].isalpha())
            and _ABBREVIATION.search(text, max(0, at - 12), at + 1)
        ):
            continue
        end = found.end()
        while end < len(text) and text[end].isspace():
            end += 1
        if end > starts[-1]:
            starts.append(end)
    return starts
