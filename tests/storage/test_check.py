"""`sholu db check` names whatever does not add up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import delete, text, update

from domain.values import Counts, OutcomeKind, PollKind, SourceReport
from storage.captures import save_captures
from storage.check import check_store
from storage.entries import PendingEntry
from storage.items import save_results
from storage.results import NotStored
from storage.runs import add_reports, end_run
from storage.schema.evidence import blobs
from storage.schema.items import flaggings, item_sources, item_terms, item_versions, items
from storage.schema.watching import entries, outcomes, run_sources, runs
from storage.store import Store
from tests.storage.conftest import a_capture, a_read

Take = Callable[..., tuple[PendingEntry, ...]]


@pytest.fixture
def kept(store: Store, run_id: int, take: Take, now: datetime) -> Store:
    """Three items, one failed entry, their captures and their ledger."""
    *read, failed = take(1, 2, 3, 4)
    ids = save_captures(store, run_id, [a_capture(each.entry.url, each.entry.key.encode() * 100, now) for each in read])
    results: list[Any] = [a_read(each, capture_id=capture) for each, capture in zip(read, ids, strict=True)]
    save_results(store, run_id, [*results, NotStored(failed, OutcomeKind.FAILED, "a consent wall")], now=now)
    add_reports(store, run_id, [SourceReport("azattyq", PollKind.OK, "", "feed", 4, Counts(new=3, failed=1, flagged=3))], now=now)
    end_run(store, run_id, now=now, status="done")
    return store


def test_a_store_nobody_touched_is_sound(kept: Store) -> None:
    assert list(check_store(kept)) == []


SPAN = [{"field": "text", "start": 0, "end": 4, "text": "Nope", "term": "t", "points": 2.0}]
FAULTS: dict[str, tuple[Any, str, str]] = {
    "a line of the ledger lost": (delete(outcomes).where(outcomes.c.subject == "key-1"), "ledger", "3 new but 2 lines"),
    "a sum that is wrong": (update(run_sources).values(seen=9), "ledger", "saw 9 entries, but accounts for 4"),
    "more flagged than stored": (update(run_sources).values(flagged=4), "ledger", "flagged 4 of 3 stored"),
    "a run without its end": (update(runs).values(ended_at=None), "ledger", "its end says otherwise"),
    "a run without its sums": (delete(run_sources), "ledger", "has lines, but no sums"),
    "an entry whose item is gone": (
        update(entries).where(entries.c.key == "key-1").values(item_id=77),
        "entries",
        "is not there",
    ),
    "an entry given up without a reason": (update(entries).values(reason=""), "entries", "without a reason"),
    "an entry in no state": (update(entries).values(state="lost"), "entries", "a state that does not exist"),
    "an item without its version": (
        update(items).where(items.c.id == 1).values(version=2),
        "items",
        "does not point at its version 2",
    ),
    "an item without its reasons": (
        update(items).where(items.c.id == 1).values(flagging_id=None),
        "items",
        "the reasons for it are not",
    ),
    "an item that says something else": (update(items).where(items.c.id == 1).values(score=9.0), "items", "something else than"),
    "an item without its outlet": (delete(item_sources).where(item_sources.c.item_id == 2), "items", "among its outlets"),
    "an item in no group": (update(items).where(items.c.id == 1).values(cluster_id=3), "items", "group of equal texts (3)"),
    "a term with another grade": (
        update(item_terms).where(item_terms.c.item_id == 1).values(grade=0),
        "items",
        "another grade or time",
    ),
    "a version skipped": (
        update(item_versions).where(item_versions.c.id == 1).values(number=5),
        "versions",
        "the last is number 5",
    ),
    "a text altered": (
        update(item_versions).where(item_versions.c.id == 1).values(text="Forged."),
        "versions",
        "not the one that was",
    ),
    "a span that is not there": (update(flaggings).where(flaggings.c.id == 1).values(spans=SPAN), "flaggings", "are not 'Nope'"),
    "a score that is no sum": (update(flaggings).where(flaggings.c.id == 1).values(score=9.0), "flaggings", "none of its rules"),
    "bytes altered": (update(blobs).where(blobs.c.id == 1).values(data=b"rot"), "captures", "cannot be unpacked"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_does_not_add_up_is_named(kept: Store, fault: str) -> None:
    statement, check, sentence = FAULTS[fault]
    with kept.begin() as connection:
        connection.execute(statement)
    found = list(check_store(kept))
    assert any(problem.check == check and sentence in problem.sentence for problem in found), found


def test_an_item_that_search_cannot_find_is_named(kept: Store) -> None:
    with kept.begin() as connection:
        if kept.dialect == "sqlite":
            connection.execute(text("INSERT INTO item_search (item_search) VALUES ('delete-all')"))
        else:
            connection.execute(text("DELETE FROM item_search WHERE item_id = 1"))
    assert [problem.check for problem in check_store(kept)] == ["search"]


def test_fifty_problems_of_one_kind_are_twenty_and_their_number(kept: Store, now: datetime) -> None:
    row = {"kind": "collect", "status": "done", "parameters": {}, "host": "", "boot": "", "pid": 1, "process_started": ""}
    with kept.begin() as connection:
        connection.execute(runs.insert(), [row | {"started_at": now, "lease_until": now}] * 50)  # ended, but never said when
    found = [problem.sentence for problem in check_store(kept, deep=False)]
    assert len(found) == 21
    assert found[-1] == "and 30 more of this kind"


def test_without_depth_bytes_are_not_read(kept: Store) -> None:
    with kept.begin() as connection:
        connection.execute(update(blobs).values(data=b"rot"))
    assert list(check_store(kept, deep=False)) == []
    assert {problem.check for problem in check_store(kept)} == {"captures"}
