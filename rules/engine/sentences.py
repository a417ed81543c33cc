"""Where sentences and paragraphs of a stored text begin; a line break ends both."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final

# A full stop ends a sentence where space and a possible beginning follow, and no abbreviation or initial stands before it.
_END: Final = re.compile(r"[.!?…]+[\"'»”’)\]]*(?=\s+[\"'«“‘(\[—–-]*\s*[^\W_a-zа-яёәғқңөұүһі])|\n+")
_ABBREVIATION: Final = re.compile(
    r"(?:\b[^\W\d_]|\b(?:Mr|Mrs|Ms|Dr|Prof|St|Gen|Col|Lt|Sgt|Gov|Sen|Rep|No|vs|Jan|Feb|Aug|Sept|Oct|Nov|Dec|Inc|Ltd|Co|"
    r"ул|им|гг|пр|тыс|млн|млрд|руб|стр|ст|пос|обл|просп|мкр|акад|проф|ред|см|др|пр|т\.д|т\.п|т\.е|т\.к|ж|қ|т\.б))\.$"
)


class Layout:
    """Sentence and paragraph starts of one field, found when first asked for."""

    __slots__ = ("_one", "_paragraphs", "_sentences", "text")

    def __init__(self, text: str, *, one: bool = False) -> None:
        self.text, self._one = text, one
        self._sentences: list[int] | None = None
        self._paragraphs: list[int] | None = None

    def sentence(self, at: int) -> int:
        """The number of the sentence that contains the offset."""
        if self._one:
            return 0
        if self._sentences is None:
            self._sentences = _sentence_starts(self.text)
        return bisect_right(self._sentences, at) - 1

    def sentence_start(self, number: int) -> int:
        if self._one:
            return 0
        self.sentence(0)
        assert self._sentences is not None
        return self._sentences[number]

    def sentence_end(self, number: int) -> int:
        if self._one:
            return len(self.text)
        self.sentence(0)
        assert self._sentences is not None
        return self._sentences[number + 1] if number + 1 < len(self._sentences) else len(self.text)

    def paragraph(self, at: int) -> int:
        if self._one:
            return 0
        if self._paragraphs is None:
            self._paragraphs = [0, *(found.end() for found in re.finditer(r"\n+", self.text))]
        return bisect_right(self._paragraphs, at) - 1


def _sentence_starts(text: str) -> list[int]:
    starts = [0]
    for found in _END.finditer(text):
        if text[found.start()] == "." and _ABBREVIATION.search(text, max(0, found.start() - 12), found.start() + 1):
            continue
        end = found.end()
        while end < len(text) and text[end].isspace():
            end += 1
        if end > starts[-1]:
            starts.append(end)
    return starts
