"""What a digest is, before it is put into words: stories in sections, corrections, what was not seen; no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from digest.evidence import Sentence
from domain.telling import Carrier, Figures, Recipient, Sight, Tellable

SECTIONS = ("protest", "repression", "reform", "election")
"""Sections that tell of new stories, in their order; a theme that is none of these comes under ``other``."""
OTHER, LATE, ECHO, RELEVANT, CORRECTION = "other", "late", "echo", "relevant", "correction"


@dataclass(frozen=True, slots=True)
class Story:
    """Items on one happening. ``lead`` is the one quoted; ``carriers`` are outlets with its text (the lead's first),
    ``others`` items of the same happening in other words; ``people`` are persons and organisations; all by id."""

    lead: Tellable
    items: tuple[Tellable, ...]
    others: tuple[Tellable, ...]
    carriers: tuple[Carrier, ...]
    sentence: Sentence | None
    themes: tuple[str, ...]
    places: tuple[str, ...]
    people: tuple[str, ...]

    @property
    def outlets(self) -> int:
        return len({each.source_id for item in self.items for each in item.carriers})


@dataclass(frozen=True, slots=True)
class Echo:
    """An item that is new but says in the same words what the reader was told before."""

    item: Tellable
    told_at: datetime


@dataclass(frozen=True, slots=True)
class Correction:
    """An item that is no longer as it was told; ``kinds`` say how: changed, retitled, no-longer-flagged, not-relevant, …"""

    item: Tellable
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """Everything one reader is told on one day. ``settled`` is what becomes of every item looked at: (item, section)."""

    day: date
    since: datetime
    until: datetime
    recipient: Recipient
    sections: tuple[tuple[str, tuple[Story, ...]], ...]
    late: tuple[Story, ...]
    echoes: tuple[Echo, ...]
    relevant: tuple[Story, ...]
    corrections: tuple[Correction, ...]
    sight: Sight
    figures: Figures
    settled: tuple[tuple[Tellable, str], ...]

    @property
    def stories(self) -> int:
        return sum(len(stories) for _, stories in self.sections)

    @property
    def empty(self) -> bool:
        """Nothing to tell of; what could not be seen does not count."""
        return not (self.stories or self.late or self.echoes or self.relevant or self.corrections)
