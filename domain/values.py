"""The values news turns into on its way from a source to a person, one frozen dataclass a stage; no behaviour beyond them.

News flows Source → Entry → Capture → Document → Flagging → Item → Story. Times are aware and in UTC. Offsets count
Unicode code points of the stored text. Nothing here is filled in later: a later stage is a new value.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

Language = Literal["en", "ru", "kk", "kk-Latn", "ky", "uz", "und"]
"""The languages told apart; ``und`` is every other."""


class Ownership(StrEnum):
    """Who stands behind an outlet, as a monitor would say it."""

    STATE = "state"
    INDEPENDENT = "independent"
    EXILE = "exile"
    FOREIGN = "foreign"


class SourceState(StrEnum):
    """What is known of a source's address; nothing is called working that was not verified."""

    WORKING = "working"
    LISTED = "listed"
    CONFLICT = "conflict"
    DEAD = "dead"


class RungKind(StrEnum):
    """How a rung of a source's ladder is read."""

    FEED = "feed"
    SITEMAP = "sitemap"
    SECTION = "section"


@dataclass(frozen=True, slots=True)
class Rung:
    """One address at which a source can be read, and how."""

    kind: RungKind
    url: str


@dataclass(frozen=True, slots=True)
class Source:
    """A publication we poll, with its addresses in order of preference.

    ``languages`` are BCP 47 tags; ``country`` and ``region`` ISO 3166 codes (``KZ``, ``KZ-47``); ``rhythm`` is how
    often it is expected to publish something, the measure of "quiet".
    """

    id: str
    title: str
    home: str
    rungs: tuple[Rung, ...]
    languages: tuple[str, ...] = ()
    country: str | None = None
    region: str | None = None
    ownership: Ownership | None = None
    state: SourceState = SourceState.LISTED
    verified: date | None = None
    verified_by: str = ""
    rhythm: timedelta = timedelta(days=1)
    note: str = ""


class DateFrom(StrEnum):
    """Where a publication date came from; a future or absurd date is never trusted and falls to the next origin."""

    FEED = "feed"
    FEED_UPDATED = "feed-updated"
    PAGE = "page"
    ADDRESS = "address"
    FIRST_SEEN = "first-seen"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a feed (or a sitemap, or a section page) says of a story.

    ``url`` is absolute and cleaned of tracking parameters, ``""`` where the feed gives none; ``key`` identifies the
    entry within its source (see ``extractors.addresses``); ``summary`` and ``content`` are plain text; ``published``
    is ``None`` where no believable date was given.
    """

    source_id: str
    key: str
    url: str
    guid: str
    title: str
    summary: str = ""
    content: str = ""
    published: datetime | None = None
    published_from: DateFrom | None = None
    updated: datetime | None = None
    authors: tuple[str, ...] = ()
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """What one rung of a source yields (a feed, a sitemap or a section page): its entries in the order given.

    Keys of entries are unique within it. ``notes`` say in plain words what was odd and what was left out; ``more`` are
    addresses a sitemap index sends on to, newest first. ``keys_in_order`` has, for every entry element of a sound XML feed, the
    key it gave, "" where it gave none or shares it with another; it is empty where the document was not sound.
    """

    title: str
    entries: tuple[Entry, ...]
    format: str
    notes: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    keys_in_order: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, weakref_slot=True)  # whoever bounds memory must see when one is let go
class Capture:
    """Bytes as received, with everything needed to say later what the page said that day.

    ``body`` is after transfer and content decoding; ``headers`` are as sent, in order; ``certificate`` is the hex SHA-256
    fingerprint of the server's certificate, ``""`` without TLS. ``sha256``, the hex digest of ``body``, is taken here; only
    who reads a kept row gives it, since the body may have been dropped. ``gzipped`` is the body in gzip as it came, for whoever
    keeps it; ``b""`` where it did not come so.
    """

    url_asked: str
    url_answered: str
    fetched_at: datetime
    status: int
    headers: tuple[tuple[str, str], ...]
    media_type: str
    body: bytes
    server_address: str
    certificate: str = ""
    request_headers: tuple[tuple[str, str], ...] = ()
    redirects: tuple[str, ...] = ()
    sha256: str = ""
    gzipped: bytes = field(default=b"", compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.sha256:
            object.__setattr__(self, "sha256", hashlib.sha256(self.body).hexdigest())


class BodyFrom(StrEnum):
    """What a document's text was taken from."""

    PAGE = "page"
    FEED = "feed"
    SUMMARY = "summary"
    TITLE = "title"


@dataclass(frozen=True, slots=True)
class Document:
    """What the page says: the article's own text, ready for the rules.

    ``language`` is one of en, ru, kk, kk-Latn, ky, uz, or und; ``cut`` says that the parser could not keep all of the text.
    """

    url: str
    title: str
    text: str
    language: str
    published: datetime | None
    published_from: DateFrom | None
    authors: tuple[str, ...]
    extractor: str
    body_from: BodyFrom
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of evidence: matched words in the stored title or text, and what they were worth.

    ``start`` and ``end`` are offsets into ``field`` ("title" or "text"), so that ``stored[start:end] == text``.
    ``term`` is the lexicon or entity id matched, ``anchor`` the id of the place (or "source") that tied the occurrence to
    the country watched, ``points`` what it gave (negative for a penalty, 0 for context), ``why`` a sentence for a person.
    """

    field: str
    start: int
    end: int
    text: str
    term: str
    rule: str = ""
    signal: str = ""
    points: float = 0.0
    anchor: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One addend of a rule's score: which signal gave how much, and the spans that made it do so (indexes into spans)."""

    signal: str
    points: float
    spans: tuple[int, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What one rule said of one document; ``score`` is the sum of the points of ``parts``."""

    rule: str
    theme: str
    score: float
    threshold: float
    parts: tuple[Part, ...] = ()

    @property
    def flagged(self) -> bool:
        return self.score >= self.threshold

    @property
    def near_miss(self) -> bool:
        return not self.flagged and self.score >= self.threshold / 2


@dataclass(frozen=True, slots=True)
class Flagging:
    """The verdict of the rules on one document, with its reasons.

    ``score`` and ``threshold`` are those of the leading ruling (the highest score in proportion to its threshold).
    ``entities`` and ``places`` are entity ids in order of first mention; ``regions`` ISO 3166-2 codes.
    """

    score: float
    threshold: float
    flagged: bool
    near_miss: bool
    themes: tuple[str, ...]
    entities: tuple[str, ...]
    places: tuple[str, ...]
    regions: tuple[str, ...]
    spans: tuple[Span, ...]
    rulings: tuple[Ruling, ...]
    rules_version: str

    @property
    def alone(self) -> tuple[str, ...]:
        """What alone made this flag: rules (``rule``) and signals (``rule/signal``) without which it would not be flagged."""
        flagging = [ruling for ruling in self.rulings if ruling.flagged]
        made = [flagging[0].rule] if len(flagging) == 1 else []
        points: dict[tuple[str, str], float] = {}
        for ruling in flagging:
            for part in ruling.parts:
                if part.points > 0:
                    points[ruling.rule, part.signal] = points.get((ruling.rule, part.signal), 0.0) + part.points
        if len(flagging) == 1:
            score, threshold = flagging[0].score, flagging[0].threshold
            made += [f"{rule}/{signal}" for (rule, signal), given in points.items() if score - given < threshold]
        return tuple(made)


class OutcomeKind(StrEnum):
    """The six ways an entry's turn in a run can end; nothing ends otherwise."""

    NEW = "new"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one entry ended in a run, with a reason a monitor understands."""

    kind: OutcomeKind
    url: str
    reason: str = ""
    flagged: bool = False
    item_id: int | None = None


class PollKind(StrEnum):
    """How the poll of one source ended."""

    OK = "ok"
    UNCHANGED = "unchanged"
    QUIET = "quiet"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Counts:
    """A ledger line: seen is the sum of the six outcomes; flagged counts among new and updated."""

    new: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicate: int = 0
    skipped: int = 0
    failed: int = 0
    flagged: int = 0

    @property
    def seen(self) -> int:
        return self.new + self.updated + self.unchanged + self.duplicate + self.skipped + self.failed

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.new + other.new,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.duplicate + other.duplicate,
            self.skipped + other.skipped,
            self.failed + other.failed,
            self.flagged + other.flagged,
        )


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What one run says of one source: how the poll ended and what became of its entries."""

    source_id: str
    kind: PollKind
    reason: str
    rung: str = ""
    entries: int = 0
    counts: Counts = field(default_factory=Counts)


@dataclass(frozen=True, slots=True)
class Item:
    """A story we keep, the unit of review and digest; one per canonical address."""

    id: int
    key: str
    url: str
    source_id: str
    title: str
    text: str
    language: str
    published: datetime | None
    published_from: DateFrom | None
    first_seen: datetime
    version: int
    body_from: BodyFrom
    flagging: Flagging | None
    extra: dict[str, Any] = field(default_factory=dict)
