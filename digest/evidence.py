"""The sentence that flagged an item, cut into pieces that are marked or not; pure, and no markup here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from digest.plain import plain
from domain.values import Flagging, Span

SENTENCE_SHOWN: Final = 380  # characters: about five lines of a mail
_BOUNDARY: Final = re.compile(r"(?<=[.!?…])[\"»”’)]*\s+(?=[\"«“‘(—–-]*\s*[A-ZА-ЯЁӘҒҚҢӨҰҮҺІ0-9])|\n+")

Pieces = tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Sentence:
    """The words that flagged within their sentence: pieces of text, each marked or not; ``in_title`` when only the title spoke."""

    pieces: Pieces
    in_title: bool = False
    cut_before: bool = False
    cut_after: bool = False

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.pieces)


def sentence(title: str, text: str, flagging: Flagging | None) -> Sentence | None:
    """The sentence in which the weightiest matched words stand: of the text if it has any, else the title; None without words."""
    if flagging is None:
        return None
    worth = worth_of(flagging)
    for field, whole in (("text", text), ("title", title)):
        standing = [(span, worth[place]) for place, span in enumerate(flagging.spans) if _stands(span, field, whole)]
        bounds = _weightiest(whole, standing)
        if bounds is not None:
            marked = [span for span, points in standing if points > 0]
            left, right = _fit(marked, *bounds)
            cut = (left > bounds[0], right < bounds[1])
            return Sentence(pieces(whole, marked, left, right), field == "title", *cut)
    return None


def worth_of(flagging: Flagging) -> list[float]:
    """What each span was worth: its own points, or its share of the points of a part that counted it."""
    worth = [max(span.points, 0.0) for span in flagging.spans]
    for ruling in flagging.rulings:
        for part in ruling.parts:
            for index in part.spans:
                if 0 <= index < len(worth) and part.points > 0:
                    worth[index] = max(worth[index], part.points / len(part.spans))
    return worth


def pieces(whole: str, spans: Sequence[Span], left: int, right: int) -> Pieces:
    """``whole[left:right]`` on one line, cut where marks begin and end."""
    marks = bytearray(right - left)
    for span in spans:
        for at in range(max(span.start, left), min(span.end, right)):
            marks[at - left] = 1
    shown = plain(whole[left:right])
    cut = [
        ("".join(letter for letter, _ in run), bool(mark))
        for mark, run in groupby(zip(shown, marks, strict=True), key=lambda pair: pair[1])
    ]
    return tuple((re.sub(r"\s+", " ", text), mark) for text, mark in cut)


def _stands(span: Span, field: str, whole: str) -> bool:
    """Whether the span's words stand where it says: a mark in the wrong place is worse than none."""
    return span.field == field and 0 <= span.start < span.end <= len(whole) and whole[span.start : span.end] == span.text


def _weightiest(whole: str, standing: Sequence[tuple[Span, float]]) -> tuple[int, int] | None:
    totals: dict[tuple[int, int], float] = {}
    for span, points in standing:
        if points > 0:
            bounds = _sentence_around(whole, span.start)
            totals[bounds] = totals.get(bounds, 0.0) + points
    return max(totals, key=lambda bounds: (totals[bounds], -bounds[0])) if totals else None


def _sentence_around(whole: str, at: int) -> tuple[int, int]:
    low, high = max(0, at - 2_000), min(len(whole), at + 2_000)
    left, right = low, high
    for match in _BOUNDARY.finditer(whole, low, high):
        if match.end() <= at:
            left = match.end()
        elif match.start() > at:
            right = match.start()
            break
    return left, right


def _fit(marked: Sequence[Span], left: int, right: int) -> tuple[int, int]:
    """Bounds of at most SENTENCE_SHOWN characters around the sentence's first marked words."""
    if right - left <= SENTENCE_SHOWN:
        return left, right
    first = min((span.start for span in marked if left <= span.start < right), default=left)
    start = max(left, min(first - SENTENCE_SHOWN // 3, right - SENTENCE_SHOWN))
    return start, min(right, start + SENTENCE_SHOWN)
