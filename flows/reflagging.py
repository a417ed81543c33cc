"""Applying the present rules to what is stored: by date, source or language, dry first; plain functions that know no scheduler."""

from __future__ import annotations

import gc
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from threading import Thread

from domain.settings import Settings
from domain.values import Flagging
from flows.alone import Work, working_alone
from flows.choosing import chosen_items
from flows.report import telling_words
from rules.engine.rulebook import Rulebook, load_rulebook
from rules.engine.stream import leave_with_parent
from storage.reflagging import Judged, Stored, save_judgements, stored_documents
from storage.runs import renew_run
from storage.store import Store, open_store

log = logging.getLogger("sholu.reflag")

CHUNK = 200  # items a transaction and a parcel to a worker
SHOWN = 500  # changes told one by one; past that they are only counted


@dataclass(frozen=True, slots=True)
class ReflagOptions:
    """What is judged anew: items first seen from ``since`` to ``until``, of these sources and languages; empty means all."""

    since: datetime | None = None
    until: datetime | None = None
    sources: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    dry_run: bool = True
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Change:
    """An item on which the present rules say something else than those before; words are flagged, near miss or clear."""

    item_id: int
    title: str
    source_id: str
    before: str
    after: str
    score_before: float
    score_after: float
    themes: tuple[str, ...]
    words: tuple[str, ...]
    review: str


@dataclass(frozen=True, slots=True)
class ReflagReport:
    """What came of it: how many were judged, what becomes flagged and what no longer is, with the words that decide."""

    run_id: int | None
    rules_version: str
    judged: int
    gained: int
    lost: int
    other: int
    changes: tuple[Change, ...]
    dry_run: bool

    def closing(self) -> str:
        """One sentence on the whole."""
        if not self.judged:
            return f"Nothing to do: no chosen item is left that the present rules ({self.rules_version}) have not judged."
        done = "would become" if self.dry_run else "became"
        tail = (
            " This was a dry run: nothing was changed; `sholu reflag --apply`, or in Prefect a run with dry_run off, does it."
            if self.dry_run
            else " What people decided is as it was."
        )
        return (
            f"{self.judged} items judged by rules {self.rules_version}: {self.gained} {done} flagged, {self.lost} no longer are, "
            f"{self.other} change between clear and near miss.{tail}"
        )


def reflag(settings: Settings, options: ReflagOptions, *, clock: Callable[[], datetime]) -> ReflagReport:
    """Judge stored items by the present rules; an item these rules have judged already is passed over, so it can be cut off and started again.

    Raises ConfigError before anything is touched where the rules are wrong (those in force stay in force) or a source or language is none.
    """
    rulebook = load_rulebook(settings.rules, settings.home / "cache")
    with closing(open_store(settings.database)) as store:
        chosen = chosen_items(
            store, since=options.since, until=options.until, sources=options.sources, languages=options.languages
        )
        parameters = {"sources": list(options.sources), "languages": list(options.languages), "dry_run": options.dry_run}
        with working_alone(store, "reflag", clock=clock, parameters=parameters, rules_version=rulebook.version) as work:
            report = _judge_all(
                settings, options, rulebook, store, work, stored_documents(store, chosen, not_by=rulebook.version)
            )
            work.said = report.closing()
        log.info(report.closing(), extra={"run": report.run_id})
        return report


def _judge_all(
    settings: Settings, options: ReflagOptions, rulebook: Rulebook, store: Store, work: Work, given: Iterable[Stored]
) -> ReflagReport:
    counts = dict.fromkeys(("judged", "gained", "lost", "other"), 0)
    changes: list[Change] = []
    for parcel in judged_in_parcels(rulebook, settings, given, options.workers):
        for each in parcel:
            counts["judged"] += 1
            before, after = word_of(each.stored.before), word_of(each.flagging)
            if before == after:
                continue
            counts["gained" if after == "flagged" else "lost" if before == "flagged" else "other"] += 1
            if len(changes) < SHOWN:
                changes.append(change_of(each))
        if not options.dry_run:
            save_judgements(store, work.run_id, parcel, now=work.clock())
        renew_run(store, work.run_id, now=work.clock())
    return ReflagReport(work.run_id, rulebook.version, **counts, changes=tuple(changes), dry_run=options.dry_run)


def word_of(flagging: Flagging | None) -> str:
    """A verdict in a word."""
    if flagging is None:
        return "not judged"
    return "flagged" if flagging.flagged else "near miss" if flagging.near_miss else "clear"


def change_of(each: Judged, *, before: Flagging | None = None) -> Change:
    """A change with the words that decide it: those of the flag that is gained, or of the one that is lost.

    ``before`` is the verdict to compare with, that in force unless given.
    """
    before, after = before or each.stored.before, each.flagging
    telling = after if after.flagged or before is None else before
    return Change(
        item_id=each.stored.item_id,
        title=each.stored.title,
        source_id=each.stored.source_id,
        before=word_of(before),
        after=word_of(after),
        score_before=before.score if before else 0.0,
        score_after=after.score,
        themes=telling.themes,
        words=telling_words(telling),
        review=each.stored.review,
    )


def judge(rulebook: Rulebook, stored: Stored) -> Flagging:
    """The verdict on one stored item, just as the main job would give it."""
    return _judge_one(rulebook, _asked(stored))


def judged_in_parcels(rulebook: Rulebook, settings: Settings, given: Iterable[Stored], workers: int) -> Iterator[list[Judged]]:
    """Verdicts on items in parcels, in order; with several workers each has its own rulebook, loaded from the cache."""
    source = iter(given)
    parcels = iter(lambda: list(islice(source, CHUNK)), [])
    if workers <= 1:
        for parcel in parcels:
            yield [Judged(stored, judge(rulebook, stored)) for stored in parcel]
        return
    # spawn: a fork would carry the database's connections along
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_adopt, initargs=(settings.rules, settings.home / "cache")
    ) as pool:
        waiting: deque[tuple[list[Stored], Future[list[Flagging]]]] = deque()
        for parcel in parcels:
            waiting.append((parcel, pool.submit(_judge_parcel, [_asked(stored) for stored in parcel])))
            if len(waiting) >= 2 * workers:
                yield _finished(*waiting.popleft())
        while waiting:
            yield _finished(*waiting.popleft())


def _finished(parcel: list[Stored], future: Future[list[Flagging]]) -> list[Judged]:
    return [Judged(stored, flagging) for stored, flagging in zip(parcel, future.result(), strict=True)]


# Title, text, language, published, country: all that the rules ask of an item. The verdict before stays with us.
_Asked = tuple[str, str, str, datetime, str | None]


def _asked(stored: Stored) -> _Asked:
    return (stored.title, stored.text, stored.language, stored.published, stored.country)


def _judge_one(rulebook: Rulebook, asked: _Asked) -> Flagging:
    title, text, language, published, country = asked
    return rulebook.flag(title=title, text=text, language=language, published=published, source_country=country)


_rulebook: Rulebook | None = None


def _adopt(rules: Path, cache: Path) -> None:
    global _rulebook  # noqa: PLW0603  # one rulebook a worker process, loaded once
    _rulebook = load_rulebook(rules, cache)
    # Half a million objects that stay: no use in walking them again and again, as the command itself does not (cli/main.py).
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    Thread(target=leave_with_parent, daemon=True).start()


def _judge_parcel(parcel: list[_Asked]) -> list[Flagging]:
    assert _rulebook is not None
    return [_judge_one(_rulebook, asked) for asked in parcel]
