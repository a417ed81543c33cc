"""What a step hands over for storing: one value for each way an entry's turn can end; and the pure choice of what it changes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.values import BodyFrom, Document, Flagging, OutcomeKind
from storage.entries import PendingEntry


@dataclass(frozen=True, slots=True)
class Read:
    """An entry whose text was read. ``key`` is the item's identity (``extractors.addresses.item_key``), ``sketch`` its
    bottom-k sketch of 64-bit hashes (empty: not compared), ``flagging`` None where no rulebook ran."""

    pending: PendingEntry
    key: str
    document: Document
    flagging: Flagging | None
    capture_id: int | None = None
    fetched_at: datetime | None = None  # None: the time of saving
    sketch: tuple[int, ...] = field(default=(), repr=False)
    note: str = ""  # what went otherwise than usual, for the ledger: the page failed and this is the feed's own text


@dataclass(frozen=True, slots=True)
class Held:
    """An entry whose item is held already (see ``held_items``), so that its page was not read again."""

    pending: PendingEntry
    key: str


@dataclass(frozen=True, slots=True)
class NotStored:
    """An entry that gave no text. ``kind`` is skipped or failed; without ``retry_at`` it is not tried again."""

    pending: PendingEntry
    kind: OutcomeKind
    reason: str
    retry_at: datetime | None = None


Result = Read | Held | NotStored


class Change(StrEnum):
    """What a text that was read means for an item that is held."""

    SAME = "same"
    NEW_VERSION = "new version"
    FORMER_VERSION = "former version"
    POORER = "poorer"
    OLDER = "older"


RANK = {BodyFrom.TITLE: 0, BodyFrom.SUMMARY: 1, BodyFrom.FEED: 2, BodyFrom.PAGE: 3}


@dataclass(frozen=True, slots=True)
class CurrentVersion:
    """What is needed of an item's version in force to judge another text."""

    number: int
    sha256: str
    body_from: BodyFrom
    fetched_at: datetime


def text_hash(title: str, text: str) -> str:
    """The identity of a version: SHA-256 of the title, a line feed and the text, as stored."""
    return hashlib.sha256(f"{title}\n{text}".encode(errors="replace")).hexdigest()


def change(current: CurrentVersion, former: frozenset[str], sha256: str, body_from: BodyFrom, fetched_at: datetime) -> Change:
    """Judge a text against the version in force and the hashes of all versions (``former``).

    A page that failed must not shrink an item to its feed's summary; what was fetched before the version in force, and saved
    late, must not undo it. A text that returns to a former version makes that one the version in force again.
    """
    if sha256 == current.sha256:
        return Change.SAME
    if RANK[body_from] < RANK[current.body_from]:
        return Change.POORER
    same_origin = RANK[body_from] == RANK[current.body_from]
    # Of two pages received in the same instant the one saved first cannot take back the other.
    if same_origin and (fetched_at < current.fetched_at or (sha256 in former and fetched_at == current.fetched_at)):
        return Change.OLDER
    return Change.FORMER_VERSION if sha256 in former else Change.NEW_VERSION
