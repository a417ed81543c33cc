"""Where to draw marks in a text: spans, which may overlap, become pieces that each know their spans. Pure; no HTML here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from domain.quoting import fitted, sentence_bounds, stands, weightiest, worth_of
from domain.values import Flagging, Ruling, Span
from review.plain import plain

TEXT_SHOWN: Final = 120_000  # characters; the longest article met had 90,000, and a browser stays quick below this
SENTENCE_SHOWN: Final = 360  # about four lines of the inbox


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of characters under the same spans (their places in the flagging's list of spans)."""

    text: str
    spans: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """The sentence that flagged, cut into pieces, and whether it was taken from the title or the text."""

    field: str
    pieces: tuple[Piece, ...]
    cut_before: bool = False
    cut_after: bool = False


def pieces(text: str, spans: Sequence[Span], field: str, *, start: int = 0, end: int | None = None) -> tuple[Piece, ...]:
    """``text[start:end]`` as pieces; spans that do not stand in the text as they say are left out, never guessed."""
    end = len(text) if end is None else min(end, len(text))
    held = [
        (index, max(span.start, start), min(span.end, end))
        for index, span in enumerate(spans)
        if stands(span, field, text) and span.start < end and span.end > start
    ]  # fmt: skip
    cuts = sorted({start, end, *(at for _, left, right in held for at in (left, right))})
    made = []
    for left, right in pairwise(cuts):
        over = tuple(index for index, first, last in held if first <= left and right <= last)
        made.append(Piece(plain(text[left:right]), over))
    return tuple(made)


def paragraphs(text: str, spans: Sequence[Span]) -> list[tuple[Piece, ...]]:
    """The text's paragraphs as pieces; at most TEXT_SHOWN characters."""
    found = re.finditer(r"[^\n]+", text[:TEXT_SHOWN])
    return [pieces(text, spans, "text", start=match.start(), end=match.end()) for match in found]


def evidence(title: str, text: str, flagging: Flagging | None) -> Evidence | None:
    """The sentence of the text in which the weightiest matched words stand, the title where only the title speaks; None where
    nothing matched. The title stands above it anyway, so that a sentence of the text says more."""
    if flagging is None or not flagging.spans:
        return None
    worth = worth_of(flagging)
    for field, whole in (("text", text), ("title", title)):
        standing = [(span, worth[place]) for place, span in enumerate(flagging.spans) if stands(span, field, whole)]
        sentence = weightiest(whole, standing)
        if sentence is not None:
            left, right = sentence
            cut_left, cut_right = fitted(whole, [span for span, _ in standing], sentence, SENTENCE_SHOWN)
            found = pieces(whole, flagging.spans, field, start=cut_left, end=cut_right)
            return Evidence(field, found, cut_left > left, cut_right < right)
    return None


def around(text: str, spans: Sequence[Span]) -> Evidence:
    """The sentence of the text in which the first of these spans stands; its spans are marked as words searched for (-1)."""
    left, right = bounds = sentence_bounds(text, spans[0].start)
    cut_left, cut_right = fitted(text, spans, bounds, SENTENCE_SHOWN)
    marked = tuple(
        Piece(one.text, (-1,) if one.spans else ()) for one in pieces(text, spans, "text", start=cut_left, end=cut_right)
    )
    return Evidence("text", marked, cut_left > left, cut_right < right)


def leading(flagging: Flagging) -> Ruling | None:
    """The ruling that decided: the highest score in proportion to its threshold."""
    return max(flagging.rulings, key=lambda ruling: ruling.score / ruling.threshold if ruling.threshold else 0.0, default=None)
