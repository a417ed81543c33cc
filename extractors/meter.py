"""What one source has cost a run so far, so that no source holds it up for ever; counts, and decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

LEAST = 5.0
"""Seconds that what has been begun may take at least, however little is left."""


@dataclass(slots=True)
class Meter:
    """Seconds ``spent`` of the ``limit`` a source may take in a run: its own answers, pauses and parsing; not waiting for others."""

    limit: float = inf
    spent: float = 0.0

    def add(self, seconds: float) -> None:
        self.spent += max(0.0, seconds)

    @property
    def is_over(self) -> bool:
        return self.spent >= self.limit

    def at_most(self, seconds: float) -> float:
        """The limit of one request or call that may by itself take ``seconds``."""
        return min(seconds, max(LEAST, self.limit - self.spent))
