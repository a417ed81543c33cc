"""Which sentence of a text to quote for a flag: what its words were worth, where they stand, how much fits; pure, no markup."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from domain.values import Flagging, Span

_BOUNDARY: Final = re.compile(r"(?<=[.!?…])[\"»”’)]*\s+(?=[\"«“‘(—–-]*\s*[A-ZА-ЯЁӘҒҚҢӨҰҮҺІ0-9])|\n+")
_FAR: Final = 2_000  # characters to either side: a text without full stops is no sentence

Bounds = tuple[int, int]


def worth_of(flagging: Flagging) -> list[float]:
    """What each span was worth: its own points, or its share of the points of a part that counted it."""
    worth = [max(span.points, 0.0) for span in flagging.spans]
    for ruling in flagging.rulings:
        for part in ruling.parts:
            for index in part.spans:
                if 0 <= index < len(worth) and part.points > 0:
                    worth[index] = max(worth[index], part.points / len(part.spans))
    return worth


def stands(span: Span, field: str, whole: str) -> bool:
    """Whether the span's words stand where it says: a mark in the wrong place is worse than none."""
    return span.field == field and 0 <= span.start < span.end <= len(whole) and whole[span.start : span.end] == span.text


def sentence_bounds(text: str, at: int) -> Bounds:
    """Where the sentence around ``at`` begins and ends; looks no further than 2,000 characters to either side."""
    low, high = max(0, at - _FAR), min(len(text), at + _FAR)
    left, right = low, high
    for match in _BOUNDARY.finditer(text, low, high):
        if match.end() <= at:
            left = match.end()
        elif match.start() > at:
            right = match.start()
            break
    return left, right


def weightiest(whole: str, standing: Sequence[tuple[Span, float]]) -> Bounds | None:
    """The sentence whose words were worth most together, the first of equals; None where no word was worth anything."""
    totals: dict[Bounds, float] = {}
    for span, points in standing:
        if points > 0:
            bounds = sentence_bounds(whole, span.start)
            totals[bounds] = totals.get(bounds, 0.0) + points
    return max(totals, key=lambda bounds: (totals[bounds], -bounds[0])) if totals else None


def fitted(whole: str, marked: Sequence[Span], bounds: Bounds, limit: int) -> Bounds:
    """Bounds of at most ``limit`` characters that hold the sentence's first marked words, cut between words."""
    left, right = bounds
    if right - left <= limit:
        return bounds
    first = min((span.start for span in marked if left <= span.start < right), default=left)
    start = max(left, min(first - limit // 3, right - limit))
    end = min(right, start + limit)
    while left < start < first and not whole[start - 1].isspace():
        start += 1
    while end < right and end > first + 40 and not whole[end].isspace():
        end -= 1
    return start, end
