"""The sentence that flagged an item, cut into pieces that are marked or not; pure, and no markup here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from domain.quoting import fitted, stands, weightiest, worth_of
from domain.shown import plain
from domain.values import Flagging, Span

SENTENCE_SHOWN: Final = 380  # characters: about five lines of a mail

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
        standing = [(span, worth[place]) for place, span in enumerate(flagging.spans) if stands(span, field, whole)]
        bounds = weightiest(whole, standing)
        if bounds is not None:
            marked = [span for span, points in standing if points > 0]
            left, right = fitted(whole, marked, bounds, SENTENCE_SHOWN)
            cut = (left > bounds[0], right < bounds[1])
            return Sentence(pieces(whole, marked, left, right), field == "title", *cut)
    return None


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
