"""What a digest is made of before it is written: who gets it, what may be told, what was told before; no behaviour of weight."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from domain.values import Flagging, Ownership

PASSED_OVER = "passed-over"
"""The section of what a recipient did not want to hear of, as it was: it may still be told once it changes."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who gets the digest. Empty themes, regions or languages mean all; ``hour`` is when it is due in ``time_zone``."""

    address: str
    name: str = ""
    language: str = "en"
    themes: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    hour: int = 8
    time_zone: str = "Asia/Almaty"
    empty_day: Literal["mail", "silent"] = "mail"


@dataclass(frozen=True, slots=True)
class Carrier:
    """An outlet that carries a text, under which address, since when."""

    source_id: str
    title: str
    ownership: Ownership | None
    url: str
    moment: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """What a recipient was last told of an item, and in which section of a digest."""

    section: str
    at: datetime
    version: int
    flagging_id: int | None
    flagged: bool
    review: str
    gone: bool
    title: str
    times: int  # how often a mail spoke of it: 1 for the item itself, one more for each correction


@dataclass(frozen=True, slots=True)
class Tellable:
    """An item as it stands now, with all that a digest may say of it; ``told`` is None where nothing was said yet.

    ``text`` may be empty where only a correction can come of it. ``carriers`` are all outlets with (nearly) the same text, the
    item's own first. ``review`` is what people hold of it: open, relevant, not-relevant, unsure, disputed.
    """

    id: int
    url: str
    title: str
    text: str
    language: str
    moment: datetime
    first_flagged: datetime | None
    version: int
    flagging_id: int | None
    flagging: Flagging | None
    flagged: bool
    review: str
    gone: bool
    cluster_id: int
    carriers: tuple[Carrier, ...]
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class Unseen:
    """A source that could not be seen, or was quiet, and why."""

    source_id: str
    title: str
    quiet: bool
    reason: str
    last_seen: datetime | None


@dataclass(frozen=True, slots=True)
class Sight:
    """How much of the panel was seen since a moment: sources that are not known dead, those of them read, and what was missed."""

    since: datetime
    panel: int
    seen: int
    unseen: tuple[Unseen, ...]
    unread: int  # articles listed whose text could not be had
    runs: int  # collecting runs that ended

    @property
    def percent(self) -> int:
        """Rounded down: 79.9 is not 80."""
        return 100 * self.seen // self.panel if self.panel else 0

    @property
    def complete(self) -> bool:
        return self.percent >= ENOUGH


ENOUGH = 80
"""Percent of the panel below which a day is called incomplete."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts for the foot of a digest: items flagged on each of the last days (the last one is the digest's), near misses.

    A day on which no source was read has no count, ``None``: nobody knows what there was.
    """

    days: tuple[tuple[date, int | None], ...]
    near_misses: int
