"""The queue of entries: what becomes pending, what is tried again and when, what is never lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from domain.errors import StoreError
from domain.values import DateFrom, OutcomeKind
from storage.entries import (
    BACK_OFF,
    PendingEntry,
    given_up,
    next_try,
    pending_entries,
    sources_with_pending,
    take_entries,
)
from storage.items import save_results
from storage.results import NotStored
from storage.runs import begin_run
from storage.sources import PollState, poll_states
from storage.store import Store
from tests.storage.conftest import a_read, an_entry

Take = Callable[..., tuple[PendingEntry, ...]]
DAY = timedelta(days=1)


def keys(pending: tuple[PendingEntry, ...] | list[PendingEntry]) -> list[str]:
    return [each.entry.key for each in pending]


def test_an_entry_comes_back_from_the_queue_as_it_was(store: Store, run_id: int, now: datetime) -> None:
    whole = an_entry(1, summary="Кратко", content="Длинно", published=now - DAY, published_from=DateFrom.FEED, updated=now,
                     authors=("А. Б.",), language="ru")  # fmt: skip
    taken = take_entries(store, run_id, "azattyq", [whole], PollState("azattyq"), now=now)
    assert [each.entry for each in taken.pending] == [whole]
    assert [each.entry for each in pending_entries(store, ["azattyq"], now=now)] == [whole]


def test_seen_is_the_sum_of_pending_unchanged_and_repeated(store: Store, run_id: int, take: Take, now: datetime) -> None:
    save_results(store, run_id, [a_read(each) for each in take(1, 2)], now=now)
    found = [an_entry(1), an_entry(2), an_entry(3), an_entry(3), an_entry(1)]
    taken = take_entries(store, run_id, "azattyq", found, PollState("azattyq"), now=now)
    assert keys(taken.pending) == ["key-3"]
    assert (taken.unchanged, keys_of(taken.repeated)) == (2, ["key-3", "key-1"])


def keys_of(entries: tuple[object, ...]) -> list[str]:
    return [entry.key for entry in entries]  # type: ignore[attr-defined]


def test_a_changed_title_or_text_makes_an_entry_pending_again(store: Store, run_id: int, take: Take, now: datetime) -> None:
    save_results(store, run_id, [a_read(each) for each in take(1, 2, 3)], now=now)
    pending = take_entries(
        store,
        run_id,
        "azattyq",
        [an_entry(1, title="Other"), an_entry(2, content="More"), an_entry(3)],
        PollState("azattyq"),
        now=now,
    ).pending
    assert sorted(keys(pending)) == ["key-1", "key-2"]
    assert all(each.item_id is not None for each in pending)


def test_an_entry_that_always_says_it_changed_is_read_ever_more_rarely(
    store: Store, run_id: int, take: Take, now: datetime
) -> None:
    pending = take(1, updated=now)
    save_results(store, run_id, [a_read(each) for each in pending], now=now)
    reads = []
    for quarter in range(1, 4 * 24 * 2):  # polled every fifteen minutes for two days
        at = now + timedelta(minutes=15 * quarter)
        run = begin_run(store, kind="collect", now=at, parameters={}) if quarter % 50 == 0 else run_id
        taken = take_entries(store, run, "azattyq", [an_entry(1, updated=at)], PollState("azattyq"), now=at)
        assert len(taken.pending) + taken.unchanged == 1
        if taken.pending:
            reads.append(quarter)
            fresh = begin_run(store, kind="collect", now=at, parameters={})
            save_results(store, fresh, [a_read(each) for each in taken.pending], now=at)
    assert 4 <= len(reads) <= 8
    gaps = [after - before for before, after in pairwise(reads)]
    assert gaps == sorted(gaps)


def test_the_etag_is_never_kept_without_its_entries(store: Store, run_id: int, now: datetime) -> None:
    bad = replace(an_entry(2), published=datetime(2026, 1, 1))  # no zone: refused
    with pytest.raises(StoreError):
        take_entries(store, run_id, "azattyq", [an_entry(1), bad], PollState("azattyq", etag='"new"'), now=now)
    assert poll_states(store) == {}
    assert pending_entries(store, None, now=now) == []
    take_entries(store, run_id, "azattyq", [an_entry(1)], PollState("azattyq", etag='"new"'), now=now)
    assert poll_states(store)["azattyq"].etag == '"new"'


def test_what_a_dead_run_left_is_in_the_queue_of_the_next(store: Store, take: Take, now: datetime) -> None:
    take(1, 2)
    begin_run(store, kind="collect", now=now + DAY, parameters={})
    assert sources_with_pending(store, now=now + DAY) == {"azattyq"}
    assert keys(pending_entries(store, ["azattyq", "vlast"], now=now + DAY)) == ["key-1", "key-2"]
    assert pending_entries(store, ["vlast"], now=now + DAY) == []


def test_a_failed_page_is_tried_again_with_back_off_and_then_given_up_with_its_reason(
    store: Store, take: Take, now: datetime
) -> None:
    pending = take(1)
    at = now
    for tries in range(len(BACK_OFF) + 1):
        assert pending[0].tries == tries
        run = begin_run(store, kind="collect", now=at, parameters={})
        retry = next_try(tries + 1, at)
        save_results(store, run, [NotStored(pending[0], OutcomeKind.FAILED, "a consent wall", retry)], now=at)
        if retry is None:
            break
        assert pending_entries(store, None, now=retry - timedelta(seconds=1)) == []
        at, pending = retry, tuple(pending_entries(store, None, now=retry))
    assert pending_entries(store, None, now=at + 365 * DAY) == []
    assert [(entry.key, reason) for entry, reason in given_up(store)] == [("key-1", "a consent wall")]
    again = take_entries(store, run, "azattyq", [an_entry(1, title="Changed")], PollState("azattyq"), now=at)
    assert [each.tries for each in again.pending] == [0]


def test_a_try_put_off_by_a_clock_that_had_jumped_does_not_wait_ten_years(
    store: Store, run_id: int, take: Take, now: datetime
) -> None:
    late = now + timedelta(days=3650)
    save_results(store, run_id, [NotStored(take(1)[0], OutcomeKind.FAILED, "no answer", next_try(1, late))], now=late)
    assert keys(pending_entries(store, None, now=now)) == ["key-1"]


def test_an_entry_that_changed_while_it_was_read_stays_in_the_queue(store: Store, run_id: int, take: Take, now: datetime) -> None:
    before = take(1)
    take_entries(store, run_id, "azattyq", [an_entry(1, title="Changed meanwhile")], PollState("azattyq"), now=now)
    save_results(store, run_id, [a_read(before[0])], now=now)
    assert [each.entry.title for each in pending_entries(store, None, now=now)] == ["Changed meanwhile"]


def test_a_key_of_ten_thousand_signs_is_kept_apart_from_its_like(store: Store, run_id: int, now: datetime) -> None:
    long = [
        replace(an_entry(number), key="k" * 10_000 + str(number), url="https://example.org/" + "u" * 9_000) for number in range(2)
    ]
    assert len(take_entries(store, run_id, "azattyq", long, PollState("azattyq"), now=now).pending) == 2
    assert take_entries(store, run_id, "azattyq", long, PollState("azattyq"), now=now).unchanged == 0  # still pending
    assert len(pending_entries(store, None, now=now)) == 2


def test_hostile_signs_in_an_entry_do_not_refuse_the_others(store: Store, run_id: int, now: datetime) -> None:
    odd = an_entry(1, title="a\x00b\ud800", summary="\udfff", authors=("\x00",), language="x" * 500)
    taken = take_entries(store, run_id, "azattyq", [odd, an_entry(2)], PollState("azattyq"), now=now)
    assert [each.entry.title for each in taken.pending] == ["a\ufffdb\ufffd", "Title 2"]
    assert take_entries(store, run_id, "azattyq", [odd, an_entry(2)], PollState("azattyq"), now=now).unchanged == 0
