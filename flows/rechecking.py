"""Looking again at flagged items, 1 hour, 24 hours and 7 days after: changed, gone, back or the same; plain steps, no scheduler."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime

from domain.errors import FetchError, ReadError, SholuError, StoreError
from domain.settings import Settings
from domain.values import Capture, Counts, Document, Entry, Outcome, OutcomeKind, PollKind, SourceReport
from extractors.articles import Article, article_from_entry, read_article
from extractors.client import Client
from extractors.client_options import client_options
from extractors.failures import status_error
from extractors.pool import ParserPool
from flows.batches import Batcher
from flows.choosing import refuse_unknown_sources
from flows.logs import TRACEBACK_ONCE
from rules.engine.rulebook import Rulebook, load_rulebook
from storage.captures import load_capture, save_captures
from storage.rechecks import DueLook, Found, Look, due_rechecks, item_key_of, retry_at, save_looks, schedule_rechecks
from storage.results import Read
from storage.runs import add_reports, begin_run, end_run, renew_run, status_after, sweep_runs
from storage.sources import claim
from storage.store import Store, open_store

log = logging.getLogger("sholu.recheck")
log.addFilter(TRACEBACK_ONCE)

LEASE = 180.0  # seconds the claim holds without a sign of life
RENEW = 45.0  # seconds between two signs of life
BATCH = 20  # looks a transaction
AT_ONCE = 16  # pages between "asked for" and "stored": bounds memory, not politeness
GONE = frozenset({404, 410})
# Within a run of the main job only a few of one source, so that a poll never waits minutes for one slow host's old pages.
PER_SOURCE_IN_RUN = 10


@dataclass(frozen=True, slots=True)
class FoundChange:
    """One item on which a later look found something: changed, gone, back, or failed."""

    item_id: int
    url: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class RecheckReport:
    """What came of the looks that were due."""

    run_id: int | None
    looked: int
    counts: Counts
    found: tuple[FoundChange, ...] = ()
    busy: bool = False

    @property
    def exit_code(self) -> int:
        """1 where some pages could not be fetched (they are tried again), 3 where none could."""
        if not self.counts.failed:
            return 0
        return 3 if self.counts.failed == self.looked else 1

    def closing(self) -> str:
        """One sentence on the whole."""
        if self.busy:
            return "Another run is looking again right now; nothing was done."
        if not self.looked:
            return "No flagged item is due for another look."
        kinds = Counter(each.state for each in self.found)
        told = ", ".join(f"{kinds[state]} {state}" for state in Found if kinds[state])
        same = self.looked - len(self.found)
        failed = " What failed is tried again." if self.counts.failed else ""
        return f"Looked again at {self.looked} flagged items: {same} the same{', ' + told if told else ''}.{failed}"

    def summary(self) -> dict[str, object]:
        """The report as JSON has it; the names are others' to build on."""
        return {
            "run": self.run_id,
            "looked": self.looked,
            "updated": self.counts.updated,
            "unchanged": self.counts.unchanged,
            "failed": self.counts.failed,
            "exit_code": self.exit_code,
            "found": list(self.found),
            "message": self.closing(),
        }


@dataclass(frozen=True, slots=True)
class Hands:
    """What looking again works with; the main job lends its own, so that politeness counts both."""

    store: Store
    client: Client
    pool: ParserPool
    rulebook: Rulebook
    clock: Callable[[], datetime]


async def recheck(
    settings: Settings, *, clock: Callable[[], datetime], sources: Collection[str] = (), limit: int = 500
) -> RecheckReport:
    """Look again at all flagged items whose time has come, as a run of its own. Raises ConfigError and StoreError."""
    rulebook = load_rulebook(settings.rules, settings.home / "cache")
    with closing(await asyncio.to_thread(open_store, settings.database)) as store:
        await asyncio.to_thread(refuse_unknown_sources, store, sources)
        await asyncio.to_thread(sweep_runs, store, now=clock())
        async with (
            Client(client_options(settings), clock=clock) as client,
            ParserPool(settings.workers, seconds=settings.parse_seconds, memory=settings.parse_memory) as pool,
        ):
            return await recheck_with(Hands(store, client, pool, rulebook, clock), sources=sources or None, limit=limit)


async def recheck_with(
    hands: Hands, *, sources: Collection[str] | None = None, limit: int = 500, per_source: int = 50
) -> RecheckReport:
    """Plan the looks of newly flagged items, take those that are due, and keep what they find; each ends in one outcome.

    A run of kind "recheck" in the ledger, with a line a source. Two at once: the second finds the work claimed and does nothing.
    """
    store, now = hands.store, hands.clock()
    await asyncio.to_thread(schedule_rechecks, store)
    due = await asyncio.to_thread(due_rechecks, store, now=now, source_ids=sources, limit=limit, per_source=per_source)
    if not due:
        return RecheckReport(None, 0, Counts())
    run_id = await asyncio.to_thread(
        begin_run,
        store,
        kind="recheck",
        now=now,
        parameters={"items": len(due)},
        rules_version=hands.rulebook.version,
        lease_s=LEASE,
    )
    try:
        claimed = await asyncio.to_thread(claim, store, "flow", ["recheck"], run_id=run_id, now=now, lease_s=LEASE)
        if not claimed:
            report = RecheckReport(run_id, 0, Counts(), busy=True)
        else:
            report = await _look_at_all(hands, run_id, due)
    except BaseException as error:
        status = status_after(error)
        reason = str(error) or status
        await asyncio.shield(asyncio.to_thread(_end_quietly, store, run_id, hands.clock(), status, reason))
        raise
    status = "incomplete" if report.counts.failed else "done"
    await asyncio.to_thread(end_run, store, run_id, now=hands.clock(), status=status, reason=report.closing())
    return report


def _end_quietly(store: Store, run_id: int, now: datetime, status: str, reason: str) -> None:
    try:
        end_run(store, run_id, now=now, status=status, reason=reason)
    except StoreError as error:
        log.warning("run %s could not be closed: %s; the next run does it", run_id, error)


async def _look_at_all(hands: Hands, run_id: int, due: Sequence[DueLook]) -> RecheckReport:
    captures: Batcher[Capture, int] = Batcher(lambda batch: save_captures(hands.store, run_id, batch), size=BATCH)
    looks: Batcher[Look, Outcome] = Batcher(lambda batch: save_looks(hands.store, run_id, batch, now=hands.clock()), size=BATCH)
    places = asyncio.Semaphore(AT_ONCE)
    found: list[FoundChange] = []

    async def one(each: DueLook) -> Outcome:
        async with places:
            look = await look_at(hands, each, captures)
            outcome = await looks.put(look)
        if outcome.kind is not OutcomeKind.UNCHANGED:
            found.append(FoundChange(each.item_id, each.url, str(look.found), outcome.reason or look.reason))
        log.info(
            "%s: looked again, %s %s", each.source_id, outcome.kind.value, each.url, extra={"run": run_id, "item": each.item_id}
        )
        return outcome

    alive = asyncio.create_task(_stay_alive(hands, run_id))
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [(each.source_id, group.create_task(one(each))) for each in due]
    except* SholuError as errors:
        raise errors.exceptions[0] from None
    finally:
        alive.cancel()
    reports = _by_source([(source_id, task.result()) for source_id, task in tasks])
    await asyncio.to_thread(add_reports, hands.store, run_id, reports, now=hands.clock())
    total = sum((each.counts for each in reports), Counts())
    return RecheckReport(run_id, len(due), total, tuple(sorted(found, key=lambda each: each.item_id)))


async def _stay_alive(hands: Hands, run_id: int) -> None:
    while True:
        await asyncio.sleep(RENEW)
        try:
            await asyncio.to_thread(renew_run, hands.store, run_id, now=hands.clock(), lease_s=LEASE)
        except StoreError as error:
            log.warning("could not renew the claim of run %s: %s", run_id, error)


def _by_source(ended: Sequence[tuple[str, Outcome]]) -> list[SourceReport]:
    counted: dict[str, Counts] = {}
    for source_id, outcome in ended:
        one = Counts(
            **{outcome.kind.value: 1}, flagged=int(outcome.flagged and outcome.kind in (OutcomeKind.NEW, OutcomeKind.UPDATED))
        )
        counted[source_id] = counted.get(source_id, Counts()) + one
    return [
        SourceReport(
            source_id,
            PollKind.FAILED if counts.failed == counts.seen else PollKind.OK,
            "looked again",
            "page",
            counts.seen,
            counts,
        )
        for source_id, counts in sorted(counted.items())
    ]


async def look_at(hands: Hands, due: DueLook, captures: Batcher[Capture, int]) -> Look:
    """Fetch one item's page again and say what it is now; whatever happens is a Look, only the database's refusal is raised."""
    now = hands.clock()
    try:
        answer = await hands.client.fetch(
            due.url, accept="page", robots=True, owner=due.source_id, found_at=due.found_at, kept=GONE
        )
        capture = answer.capture
        capture_id = await captures.put(capture)  # bytes first: whatever goes wrong from here on, the page as received is kept
        if capture.status in GONE:
            return replace(without_page(due, status_error(due.url, capture.status, None), now), capture_id=capture_id)
        try:
            changed = await _changed(hands, due, capture, now)
        except ReadError as error:
            return replace(without_page(due, error, now), capture_id=capture_id)
    except (FetchError, ReadError) as error:
        return without_page(due, error, now)
    except StoreError:
        raise
    except Exception as error:  # a fault of ours on one page must not cost the others
        log.exception("item %s: %s", due.item_id, due.url)
        return Look(
            due, Found.FAILED, f"a fault in Sholu itself: {type(error).__name__}: {error}", retry_at=retry_at(due.tries + 1, now)
        )
    if changed is None:
        found, reason = (Found.BACK, "the page is there again") if due.gone else (Found.SAME, "")
        return Look(due, found, reason, capture_id=capture_id)
    document, sketched = changed
    flagging = hands.rulebook.flag(
        title=document.title,
        text=document.text,
        language=document.language,
        published=document.published or due.first_seen,
        source_country=due.country,
    )
    read = Read(
        due.entry, item_key_of(due), document, flagging, capture_id=capture_id, fetched_at=capture.fetched_at, sketch=sketched
    )
    return Look(
        due, Found.CHANGED, f"changed since it was flagged ({', '.join(due.labels)} after)", capture_id=capture_id, read=read
    )


def without_page(due: DueLook, error: FetchError | ReadError, now: datetime) -> Look:
    """What it means that the page did not come: gone, where the server or the page itself says so; else another try. Pure."""
    says_gone = error.kind == "soft-404" or (isinstance(error, FetchError) and error.kind == "status" and error.status in GONE)
    if says_gone:
        return Look(due, Found.GONE, f"the page is gone: {error.reason}")
    again = retry_at(due.tries + 1, now)
    told = f"; tried again from {again:%Y-%m-%d %H:%M} UTC on" if again else "; given up after the last try"
    return Look(due, Found.FAILED, f"{error.reason}{told}", retry_at=again)


async def _changed(hands: Hands, due: DueLook, capture: Capture, now: datetime) -> Article | None:
    """The article as it reads now, None where it is the same as before. Raises ReadError where it is no article any more.

    Both pages are read by today's reader, so that a reader that got better since never passes for an edit; and titles are
    compared as the pages have them, since the one kept is the feed's.
    """
    before = await asyncio.to_thread(_page_before, hands.store, due)
    if before is not None and before.sha256 == capture.sha256:
        return None
    article = await _read(hands, due, capture, due.entry.entry, now)
    own = replace(due.entry.entry, title="")
    title_now = await _own_title(hands, due, capture, own, now)
    if before is None:
        return article if article[0].text != due.text else None
    try:
        text_before = (await _read(hands, due, before, due.entry.entry, now))[0].text
        title_before = await _own_title(hands, due, before, own, now)
    except ReadError:
        text_before, title_before = due.text, title_now
    retitled = bool(title_now) and bool(title_before) and title_now != title_before
    if not retitled and article[0].text == text_before:
        return None
    document = replace(article[0], title=title_now if retitled else due.title)
    return _with_text(document, article, due, same_text=article[0].text == text_before, now=now)


def _with_text(document: Document, article: Article, due: DueLook, *, same_text: bool, now: datetime) -> Article:
    """Where only the title changed the text kept stays to the letter, so that the diff shows the title alone."""
    if not same_text:
        return document, article[1]
    entry = replace(due.entry.entry, title=document.title, content=due.text)
    kept = article_from_entry(entry, now, due.languages)
    return replace(document, text=due.text), kept[1]


async def _read(hands: Hands, due: DueLook, capture: Capture, entry: Entry, now: datetime) -> Article:
    content_type = next((value for name, value in capture.headers if name.lower() == "content-type"), capture.media_type)
    return await hands.pool.run(
        read_article,
        capture.body,
        content_type=content_type,
        url=capture.url_answered,
        entry=entry,
        now=now,
        languages=due.languages,
    )


async def _own_title(hands: Hands, due: DueLook, capture: Capture, entry: Entry, now: datetime) -> str:
    try:
        return (await _read(hands, due, capture, entry, now))[0].title
    except ReadError:
        return ""


def _page_before(store: Store, due: DueLook) -> Capture | None:
    """The page the version in force was read from; None where it came from the feed, or its bytes were dropped."""
    if due.capture_id is None:
        return None
    try:
        return load_capture(store, due.capture_id)
    except StoreError as error:
        log.warning("item %s: %s", due.item_id, error)
        return None
