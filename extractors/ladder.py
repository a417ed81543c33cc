"""Reading one source by its ladder: the rung in use first, the next where it does not yield; ``extractors.rungs`` decides.

A rung does not yield when it is dead, blocked, serves something else, has no entries, or has none for ages while another
rung has. Nothing is stored here and no clock is read.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from domain.errors import FetchError, ReadError
from domain.values import Capture, Entry, Feed, Rung, RungKind, Source
from extractors.client import Answer, Client
from extractors.headers import Validators
from extractors.meter import Meter
from extractors.rungs import children_to_read, is_stale, is_time_for_better, order_of_rungs, read_rung, spares_the_host

if TYPE_CHECKING:
    from extractors.pieces import Division, Piece

LARGE = 1_000_000  # bytes of a feed that is divided on a thread of its own


class Pool(Protocol):
    """Where bytes are parsed: ``extractors.pool.ParserPool``, or a stand-in of one's own."""

    def run(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Awaitable[Any]: ...


Pieces = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Try:
    """What one rung gave: ``error`` is "" where it was read, else the kind of FetchError or ReadError; ``reason`` a sentence."""

    rung: int
    kind: RungKind
    url: str
    error: str = ""
    reason: str = ""
    status: int = 0
    retry: bool = False
    retry_after: float | None = None
    media_type: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """What a source's ladder yielded in one poll.

    ``rung`` is the index of the rung read (where none was: of the one in use), ``kind`` and ``url`` its kind and the address
    asked; ``ok`` whether any rung could be read. ``entries`` are in the order given; with ``unchanged`` they are none, the
    body being the last one's. ``moved_to`` is where this rung lives now ("" where it is still at its listed address):
    pass it back as ``address``. ``validators`` and ``body_sha256`` are for the next poll of the same rung. ``newest`` is the
    latest date among the entries; ``server_address`` is the machine that answered: what it links to may not
    lead inside; ``tries`` say what each rung tried gave, in order; ``reason`` is one sentence on the whole.
    """

    source_id: str
    rung: int
    kind: RungKind
    url: str
    ok: bool
    unchanged: bool = False
    entries: tuple[Entry, ...] = ()
    newest: datetime | None = None
    moved_to: str = ""
    validators: Validators = field(default_factory=Validators)
    body_sha256: str = ""
    status: int = 0
    media_type: str = ""
    size: int = 0
    server_address: str = ""
    fresh_until: datetime | None = None
    retry_after: float | None = None
    notes: tuple[str, ...] = ()
    tries: tuple[Try, ...] = ()
    reason: str = ""
    capture: Capture | None = field(default=None, repr=False)
    """The feed as received, where one was read: drop it as soon as it is kept."""
    held: tuple[Piece, ...] = ()
    """Entries of this body that stood in the last one, byte for byte: they were not read again and are not among ``entries``."""
    pieces: bytes | None = field(default=None, repr=False)
    """What to remember of the entries of this body, for the next poll of the same rung; None where nothing need change."""

    @property
    def count(self) -> int:
        """How many entries the body has."""
        return len(self.entries) + len(self.held)

    @property
    def dates(self) -> list[datetime | None]:
        """When its entries were published."""
        return [*(entry.published for entry in self.entries), *(piece.published for piece in self.held)]

    @property
    def error(self) -> str:
        """The kind of what went wrong at the rung in use, "" where a rung was read."""
        return "" if self.ok or not self.tries else self.tries[0].error


@dataclass(frozen=True, slots=True)
class _Known:
    """What the last poll left behind for a rung; ``pieces`` is asked only for a feed that has changed."""

    rung: int
    address: str = ""
    validators: Validators = field(default_factory=Validators)
    body_sha256: str = ""
    pieces: Pieces | None = None


async def climb(
    client: Client,
    pool: Pool,
    source: Source,
    *,
    now: datetime,
    rung: int = 0,
    address: str = "",
    validators: Validators | None = None,
    body_sha256: str = "",
    pieces: Pieces | None = None,
    last_polled: datetime | None = None,
    last_new: datetime | None = None,
    entries_last: int | None = None,
    meter: Meter | None = None,
) -> Reading:
    """Read a source by its ladder; an expected failure is a Reading with ``ok`` false, nothing of the source's fault is raised.

    ``rung``, ``address`` (Reading.moved_to), ``validators`` and ``body_sha256`` come from the last Reading; ``last_polled``,
    ``last_new`` (when something new was last found) and ``entries_last`` (how many entries the last body had) let a rung that is
    below, forgotten or always empty be left for a better one. Without them the source is read as if for the first time.
    ``pieces`` fetches what was remembered of the last body (Reading.pieces): what stood in it is not read again.
    ``meter`` counts what the requests cost.
    """
    known = _Known(rung if 0 <= rung < len(source.rungs) else 0, address, validators or Validators(), body_sha256, pieces)
    better_first = is_time_for_better(source.id, known.rung, last_polled, now)
    climber = _Climber(client, pool, source, now, meter or Meter())
    tries: list[Try] = []
    spared: dict[str, str] = {}
    poor: list[Reading] = []
    for index in order_of_rungs(len(source.rungs), known.rung, better_first=better_first):
        listed = source.rungs[index]
        if spared and (host := urlsplit(listed.url).netloc) in spared:
            reason = f"Not asked, since its host did not answer: {spared[host]}"
            tries.append(Try(index, listed.kind, listed.url, "spared", reason))
            continue
        try:
            found = await climber.read(known if index == known.rung else _Known(index))
        except (FetchError, ReadError) as error:
            tries.append(_failed(index, listed, error))
            if isinstance(error, FetchError) and spares_the_host(error):
                spared[urlsplit(listed.url).netloc] = error.reason
            continue
        tries.append(Try(index, listed.kind, found.url, status=found.status))
        if not _is_poor(found, source, now, last_new=last_new, entries_last=entries_last):
            return _told(found, tries, source)
        poor.append(found)
    if poor:
        return _told(_least_poor(poor, last_new), tries, source)
    return _nothing(source, known.rung, tries)


@dataclass(frozen=True, slots=True)
class _Climber:
    """What one climb works with."""

    client: Client
    pool: Pool
    source: Source
    now: datetime
    meter: Meter

    async def read(self, last: _Known) -> Reading:
        """Read one rung at the address it moved to, and where that does not yield at its listed one."""
        listed = self.source.rungs[last.rung].url
        if last.address and last.address != listed:
            try:
                return await self._read_at(last.address, last)
            except FetchError as error:
                if spares_the_host(error) and urlsplit(last.address).netloc == urlsplit(listed).netloc:
                    raise
            except ReadError:
                pass  # what is there is no longer ours; the listed address may say where it went
            last = _Known(last.rung)
        return await self._read_at(listed, last)

    async def _read_at(self, url: str, last: _Known) -> Reading:
        page = self.source.rungs[last.rung].kind is RungKind.SECTION
        answer = await self.client.fetch(
            url,
            validators=last.validators,
            accept="page" if page else "feed",
            robots=page,
            owner=self.source.id,
            meter=self.meter,
        )
        try:
            return await self._read_answer(answer, url, last)
        except ReadError as error:
            error.media_type, error.size = answer.capture.media_type, len(answer.capture.body)
            raise

    async def _read_answer(self, answer: Answer, url: str, last: _Known) -> Reading:
        kind = self.source.rungs[last.rung].kind
        facts = self._facts(answer, url, last)
        if answer.unchanged or (last.body_sha256 and answer.capture.sha256 == last.body_sha256):
            return Reading(**facts, unchanged=True)
        if kind is RungKind.FEED:
            return Reading(**facts, **await self._read_feed(answer, last))
        feed = await self._parse(kind, answer)
        if feed.more:
            return await self._follow(answer, feed, url, last)
        # Sitemaps and section pages only name addresses: nothing of an article stands in them that its page does not say.
        return Reading(**facts, **_yield(feed, answer))

    async def _read_feed(self, answer: Answer, last: _Known) -> dict[str, Any]:
        """What a feed says beyond what was read of it before; the whole of it where that cannot be told apart."""
        from extractors.pieces import remembered  # imported with the first feed that changed: most polls see none

        stored = await last.pieces() if last.pieces else b""
        capture = answer.capture
        division = await self._divide(capture, stored)
        if division and division.held:
            feed = await self._read_new(division, capture)
            if feed is not None:
                packed = remembered(division, feed)
                found = _yield(feed, answer, division.held)
                return found | {
                    "held": division.held,
                    "pieces": packed if packed != stored else None,
                    "capture": capture if feed.entries else None,
                }
            division = await self._divide(capture, b"")
        feed = await self._parse(RungKind.FEED, answer)
        pieces = remembered(division, feed) if division else b""
        return _yield(feed, answer) | {"pieces": pieces or None, "capture": capture if feed.entries else None}

    async def _divide(self, capture: Capture, stored: bytes) -> Division | None:
        from extractors.pieces import divide

        divided = partial(divide, capture.body, _content_type(capture), url=capture.url_answered, stored=stored, now=self.now)
        # A scan of a few milliseconds; one of an outsize body must not keep all others waiting.
        return await asyncio.to_thread(divided) if len(capture.body) > LARGE else divided()

    async def _read_new(self, division: Division, capture: Capture) -> Feed | None:
        """The entries of a divided feed that are not held; None where they are not certain to be what the whole would give."""
        notes = (division.note,) if division.note else ()
        if not division.document:
            return Feed("", (), "", notes)
        try:
            feed: Feed = await self.pool.run(
                read_rung,
                RungKind.FEED,
                division.document,
                content_type="text/xml; charset=utf-8",
                url=capture.url_answered,
                source_id=self.source.id,
                now=self.now,
            )
        except ReadError:
            return None  # what is wrong with it is for the reading of the whole to say
        return replace(feed, notes=notes + feed.notes) if division.joins(feed) else None

    async def _follow(self, answer: Answer, index: Feed, url: str, last: _Known) -> Reading:
        """Follow a sitemap index to its newest children.

        An index may stay the same while a child grows: it is never asked for conditionally, and the hash is that of all bodies.
        """
        notes = list(index.notes)
        children: list[Answer] = []
        for child in children_to_read(index.more):
            try:
                children.append(
                    await self.client.fetch(
                        child, accept="feed", owner=self.source.id, found_at=answer.capture.server_address, meter=self.meter
                    )
                )
            except FetchError as error:
                notes.append(f"a sitemap of the index could not be fetched: {error.reason}")
        if not children and not index.entries:
            raise ReadError(url, "none of the sitemaps the index names could be fetched", kind="empty")
        captures = [each.capture for each in (answer, *children)]
        digest = hashlib.sha256("".join(capture.sha256 for capture in captures).encode()).hexdigest()
        facts = self._facts(answer, url, last) | {
            "validators": Validators(),
            "body_sha256": digest,
            "size": sum(len(capture.body) for capture in captures),
        }
        if digest == last.body_sha256:
            return Reading(**facts, unchanged=True)
        entries = {entry.key: entry for entry in index.entries}
        for each in children:
            try:
                found = await self._parse(RungKind.SITEMAP, each)
            except ReadError as error:
                notes.append(f"a sitemap of the index could not be read: {error.reason}")
                continue
            for entry in found.entries:
                entries.setdefault(entry.key, entry)
            notes.extend(found.notes)
        whole = Feed(index.title, tuple(entries.values()), index.format, tuple(notes))
        return Reading(**facts, **_yield(whole, answer))

    async def _parse(self, kind: RungKind, answer: Answer) -> Feed:
        capture = answer.capture
        feed: Feed = await self.pool.run(
            read_rung,
            kind,
            capture.body,
            content_type=_content_type(capture),
            url=capture.url_answered,
            source_id=self.source.id,
            now=self.now,
        )
        return feed

    def _facts(self, answer: Answer, url: str, last: _Known) -> dict[str, Any]:
        """What an answer says beside its entries."""
        capture = answer.capture
        listed = self.source.rungs[last.rung]
        moved = answer.moved_to or url
        return {
            "source_id": self.source.id,
            "rung": last.rung,
            "kind": listed.kind,
            "url": url,
            "ok": True,
            "moved_to": moved if moved != listed.url else "",
            "validators": answer.validators,
            "body_sha256": last.body_sha256 if answer.unchanged else capture.sha256,
            "status": capture.status,
            "media_type": capture.media_type,
            "size": len(capture.body),
            "server_address": capture.server_address,
            "fresh_until": answer.fresh_until,
            "retry_after": answer.retry_after,
        }


def _content_type(capture: Capture) -> str:
    return next((value for name, value in capture.headers if name.lower() == "content-type"), capture.media_type)


def _yield(feed: Feed, answer: Answer, held: tuple[Piece, ...] = ()) -> dict[str, Any]:
    published = [*(entry.published for entry in feed.entries), *(piece.published for piece in held)]
    dates = [when for when in published if when is not None]
    return {"entries": feed.entries, "newest": max(dates, default=None), "notes": (*answer.notes, *feed.notes)}


def _is_poor(found: Reading, source: Source, now: datetime, *, last_new: datetime | None, entries_last: int | None) -> bool:
    """Whether another rung should be looked at although this one was read."""
    if found.unchanged:
        return entries_last == 0 or is_stale(source, last_new, now)
    return not found.count or is_stale(source, found.newest, now)


def _least_poor(poor: list[Reading], last_new: datetime | None) -> Reading:
    """The one with the latest news; among equals the first, which is the one in use or the best by the list."""

    def latest(found: Reading) -> float:
        newest = last_new if found.unchanged else found.newest
        return newest.timestamp() if newest else 0.0

    return max(poor, key=latest)


def _failed(index: int, listed: Rung, error: FetchError | ReadError) -> Try:
    if isinstance(error, FetchError):
        return Try(index, listed.kind, listed.url, error.kind, error.reason, error.status, error.retry, error.retry_after)
    return Try(index, listed.kind, listed.url, error.kind, error.reason, 200, media_type=error.media_type, size=error.size)


def _told(found: Reading, tries: list[Try], source: Source) -> Reading:
    """The reading with its tries and one sentence: why this rung and not a better one."""
    kind = found.kind.value
    said = f"read by its {kind}" if len(source.rungs) > 1 else "read"
    if found.unchanged:
        said = f"its {kind} has not changed"
    elif not found.count:
        said = f"its {kind} has no entries"
    lost = [f"{each.kind.value} {each.url}: {each.reason}" for each in tries if each.error]
    return replace(found, tries=tuple(tries), reason="; ".join([said, *lost]))


def _nothing(source: Source, rung: int, tries: list[Try]) -> Reading:
    """No rung could be read: the reasons of all, the rung in use staying what it was."""
    listed = source.rungs[rung]
    waits = [each.retry_after for each in tries if each.retry_after is not None]
    several = len(tries) > 1
    reason = "; ".join(f"{each.kind.value} {each.url}: {each.reason}" if several else each.reason for each in tries)
    used = next((each for each in tries if each.rung == rung), Try(rung, listed.kind, listed.url))
    return Reading(
        source.id, rung, listed.kind, listed.url, ok=False, status=used.status, media_type=used.media_type, size=used.size,
        retry_after=max(waits, default=None), tries=tuple(tries), reason=reason,
    )  # fmt: skip
