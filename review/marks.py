"""Where to draw marks in a text: spans, which may overlap, become pieces that each know their spans. Pure; no HTML here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from domain.values import Flagging, Ruling, Span
from review.plain import plain

TEXT_SHOWN: Final = 120_000  # characters; the longest article met had 90,000, and a browser stays quick below this
SENTENCE_SHOWN: Final = 360  # about four lines of the inbox
_BOUNDARY: Final = re.compile(r"(?<=[.!?…])[\"»”’)]*\s+(?=[\"«“‘(—–-]*\s*[A-ZА-ЯЁӘҒҚҢӨҰҮҺІ0-9])|\n+")


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
        if span.field == field and 0 <= span.start < span.end <= len(text) and span.start < end and span.end > start
        and text[span.start : span.end] == span.text
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
    worth = span_points(flagging)
    for field, whole in (("text", text), ("title", title)):
        sentence = _weightiest(whole, flagging.spans, worth, field)
        if sentence is not None:
            left, right = sentence
            cut_left, cut_right = _fit(whole, flagging.spans, field, left, right)
            found = pieces(whole, flagging.spans, field, start=cut_left, end=cut_right)
            return Evidence(field, found, cut_left > left, cut_right < right)
    return None


def around(text: str, spans: Sequence[Span]) -> Evidence:
    """The sentence of the text in which the first of these spans stands; its spans are marked as words searched for (-1)."""
    left, right = sentence_bounds(text, spans[0].start)
    cut_left, cut_right = _fit(text, spans, "text", left, right)
    marked = tuple(
        Piece(one.text, (-1,) if one.spans else ()) for one in pieces(text, spans, "text", start=cut_left, end=cut_right)
    )
    return Evidence("text", marked, cut_left > left, cut_right < right)


def leading(flagging: Flagging) -> Ruling | None:
    """The ruling that decided: the highest score in proportion to its threshold."""
    return max(flagging.rulings, key=lambda ruling: ruling.score / ruling.threshold if ruling.threshold else 0.0, default=None)


def span_points(flagging: Flagging) -> dict[int, float]:
    """What each span was worth over all rulings: its parts' points shared among their spans, or its own points."""
    worth = {index: max(span.points, 0.0) for index, span in enumerate(flagging.spans)}
    for ruling in flagging.rulings:
        for part in ruling.parts:
            for index in part.spans:
                if 0 <= index < len(flagging.spans):
                    worth[index] = max(worth[index], part.points / len(part.spans))
    return worth


def sentence_bounds(text: str, at: int) -> tuple[int, int]:
    """Where the sentence around ``at`` begins and ends; looks no further than 2,000 characters to either side."""
    low, high = max(0, at - 2_000), min(len(text), at + 2_000)
    left, right = low, high
    for match in _BOUNDARY.finditer(text, low, high):
        if match.end() <= at:
            left = match.end()
        elif match.start() > at:
            right = match.start()
            break
    return left, right


def _weightiest(text: str, spans: Sequence[Span], worth: dict[int, float], field: str) -> tuple[int, int] | None:
    totals: dict[tuple[int, int], float] = {}
    for index, span in enumerate(spans):
        if span.field == field and 0 <= span.start < span.end <= len(text) and worth.get(index, 0.0) > 0:
            bounds = sentence_bounds(text, span.start)
            totals[bounds] = totals.get(bounds, 0.0) + worth[index]
    return max(totals, key=lambda bounds: (totals[bounds], -bounds[0])) if totals else None


def _fit(text: str, spans: Sequence[Span], field: str, left: int, right: int) -> tuple[int, int]:
    """Bounds of at most SENTENCE_SHOWN characters that hold the sentence's first marked words, cut between words."""
    if right - left <= SENTENCE_SHOWN:
        return left, right
    first = min((span.start for span in spans if span.field == field and left <= span.start < right), default=left)
    start = max(left, first - SENTENCE_SHOWN // 3)
    end = min(right, start + SENTENCE_SHOWN)
    while left < start < first and not text[start - 1].isspace():
        start += 1
    while end < right and end > first + 40 and not text[end].isspace():
        end -= 1
    return start, end
