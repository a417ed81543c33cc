"""Reading stored pages again, with no network: extraction and rules over the captures; plain functions that know no scheduler.

For a better extractor, or a fault mended in it. A text that comes out as it was stays as it is; one that differs becomes a new
version of its item, beside the old one. What people decided stays theirs.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from domain.errors import ReadError
from domain.settings import Settings
from domain.values import OutcomeKind
from extractors.articles import Article, read_article
from extractors.pool import ParserPool
from flows.alone import Clock, Work, working_alone
from flows.choosing import chosen_items
from flows.pages import content_type_of
from flows.reflagging import word_of
from flows.report import telling_words
from rules.engine.rulebook import Rulebook, load_rulebook
from storage.entries import PendingEntry
from storage.items import save_results
from storage.reextraction import STREAM, Recaptured, count_without_page, recaptured
from storage.results import Read, text_hash
from storage.shelf import Filter
from storage.store import Store, open_store

log = logging.getLogger("sholu.reextract")

SHOWN = 500  # changes told one by one; past that they are only counted


@dataclass(frozen=True, slots=True)
class ReextractOptions:
    """What is read again: items first seen from ``since`` to ``until``, of these sources and languages; empty means all."""

    since: datetime | None = None
    until: datetime | None = None
    sources: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    newest: int | None = None
    dry_run: bool = True


@dataclass(frozen=True, slots=True)
class Reread:
    """An item whose page reads otherwise now; ``before`` and ``after`` are the rules' word on it, lengths are in characters."""

    item_id: int
    title: str
    source_id: str
    length_before: int
    length_after: int
    before: str
    after: str
    words: tuple[str, ...]
    review: str


@dataclass(frozen=True, slots=True)
class ReextractReport:
    """What came of reading again; ``failed`` are pages that yield nothing any more, whose stored text is kept."""

    run_id: int
    read: int
    same: int
    changed: int
    failed: int
    gained: int
    lost: int
    without_page: int
    changes: tuple[Reread, ...]
    failures: tuple[tuple[int, str], ...]
    dry_run: bool

    def closing(self) -> str:
        """One sentence on the whole."""
        verb = "would get" if self.dry_run else "got"
        tail = (
            " This was a dry run: nothing was changed; `sholu reextract --apply`, or in Prefect a run with dry_run off, does it."
            if self.dry_run
            else " The former versions are kept; what people decided is as it was."
        )
        return (
            f"{self.read} stored pages read again: {self.same} say the same, {self.changed} {verb} a new version "
            f"({self.gained} become flagged, {self.lost} no longer are), {self.failed} could not be read and stay as they were; "
            f"of {self.without_page} items no page is kept.{tail}"
        )


def reextract(settings: Settings, options: ReextractOptions, *, clock: Clock) -> ReextractReport:
    """Read stored pages again and keep what differs. Raises ConfigError before anything is touched where the rules are wrong or a source or language is none.

    Cut off and started again it does the rest: what was already read anew says the same and is passed over.
    """
    rulebook = load_rulebook(settings.rules, settings.home / "cache")
    parameters = {
        "since": options.since.isoformat() if options.since else None,
        "until": options.until.isoformat() if options.until else None,
        "sources": list(options.sources),
        "languages": list(options.languages),
        "dry_run": options.dry_run,
    }
    with closing(open_store(settings.database)) as store:
        chosen = chosen_items(
            store, since=options.since, until=options.until, sources=options.sources, languages=options.languages
        )
        with working_alone(store, "reextract", clock=clock, parameters=parameters, rules_version=rulebook.version) as work:
            report = asyncio.run(_reread_all(settings, options, chosen, rulebook, work))
            work.said = report.closing()
        log.info(report.closing(), extra={"run": report.run_id})
        return report


async def _reread_all(
    settings: Settings, options: ReextractOptions, chosen: Filter, rulebook: Rulebook, work: Work
) -> ReextractReport:
    store = work.store
    counts: Counter[str] = Counter()
    changes: list[Reread] = []
    failures: list[tuple[int, str]] = []
    without = await asyncio.to_thread(count_without_page, store, chosen)
    stream = recaptured(store, chosen, newest=options.newest)
    async with ParserPool(settings.workers, seconds=settings.parse_seconds, memory=settings.parse_memory) as pool:
        while parcel := await asyncio.to_thread(lambda: list(islice(stream, STREAM))):
            again = await asyncio.gather(*(_reread(pool, each) for each in parcel))
            results = []
            for held, article in zip(parcel, again, strict=True):
                counts["read"] += 1
                if isinstance(article, str):
                    counts["failed"] += 1
                    failures.append((held.item_id, article))
                elif _says_the_same(held, article):
                    counts["same"] += 1
                else:
                    result = _result(held, article, rulebook)
                    results.append(result)
                    counts["changed"] += 1
                    change = _change(held, result)
                    counts["gained"] += change.after == "flagged" != change.before
                    counts["lost"] += change.before == "flagged" != change.after
                    if len(changes) < SHOWN:
                        changes.append(change)
            if results and not options.dry_run:
                await asyncio.to_thread(_save, store, work, results)
            await asyncio.to_thread(work.alive)
    return ReextractReport(
        run_id=work.run_id,
        read=counts["read"],
        same=counts["same"],
        changed=counts["changed"],
        failed=counts["failed"],
        gained=counts["gained"],
        lost=counts["lost"],
        without_page=without,
        changes=tuple(changes),
        failures=tuple(failures[:SHOWN]),
        dry_run=options.dry_run,
    )


async def _reread(pool: ParserPool, held: Recaptured) -> Article | str:
    """The article, or in words why there is none."""
    try:
        return await pool.run(
            read_article,
            held.capture.body,
            content_type=content_type_of(held.capture),
            url=held.capture.url_answered,
            entry=held.entry,
            now=held.capture.fetched_at,  # dates are believed as they were when the page came
            languages=held.languages,
        )
    except ReadError as error:
        return error.reason


def _says_the_same(held: Recaptured, article: Article) -> bool:
    document = article[0]
    return text_hash(document.title, document.text) == text_hash(held.title, held.text)


def _result(held: Recaptured, article: Article, rulebook: Rulebook) -> Read:
    document, sketched = article
    flagging = rulebook.flag(
        title=document.title,
        text=document.text,
        language=document.language,
        published=document.published or held.first_seen,
        source_country=held.country,
    )
    # No entry of the queue stands behind it (id 0): the entry of the feed, which may have changed meanwhile, is left alone.
    pending = PendingEntry(0, held.entry, 0, 0, held.first_seen, "", held.item_id)
    return Read(
        pending, held.key, document, flagging, capture_id=held.capture_id, fetched_at=held.capture.fetched_at, sketch=sketched
    )


def _save(store: Store, work: Work, results: Sequence[Read]) -> None:
    outcomes = save_results(store, work.run_id, results, now=work.clock())
    for result, outcome in zip(results, outcomes, strict=True):
        said = f"{result.pending.entry.source_id}: {outcome.kind.value} {outcome.url} {outcome.reason}".strip()
        log.info(said, extra={"run": work.run_id, "source": result.pending.entry.source_id, "item": outcome.item_id})
        if outcome.kind is not OutcomeKind.UPDATED:
            log.warning("item %s was rewritten meanwhile by another run; it is left as that run stored it", outcome.item_id)


def _change(held: Recaptured, result: Read) -> Reread:
    flagging = result.flagging
    assert flagging is not None, "it was just judged"
    return Reread(
        item_id=held.item_id,
        title=result.document.title,
        source_id=held.entry.source_id,
        length_before=len(held.text),
        length_after=len(result.document.text),
        before=_grade_word(held.grade),
        after=word_of(flagging),
        words=telling_words(flagging),
        review=held.review,
    )


def _grade_word(grade: int) -> str:
    return {2: "flagged", 1: "near miss", 0: "clear"}.get(grade, "not judged")
