"""The queue of entries: what becomes pending, what is tried again and when, what is never lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import event, func, select

from domain.errors import StoreError, ValueRefused
from domain.values import Capture, DateFrom, OutcomeKind
from storage.captures import load_capture
from storage.entries import (
    AT_ONCE,
    BACK_OFF,
    BYTES_AN_ENTRY,
    Body,
    PendingEntry,
    Taken,
    given_up,
    next_try,
    pending_entries,
    sources_with_pending,
    take_entries,
)
from storage.items import save_results
from storage.results import NotStored
from storage.runs import begin_run
from storage.schema.evidence import captures
from storage.sources import PollState, poll_states, sync_sources
from storage.store import Store
from tests.storage.conftest import a_capture, a_read, a_source, an_entry

Take = Callable[..., tuple[PendingEntry, ...]]
DAY = timedelta(days=1)


def keys(pending: tuple[PendingEntry, ...] | list[PendingEntry]) -> list[str]:
    return [each.entry.key for each in pending]


def test_an_entry_comes_back_from_the_queue_as_it_was(store: Store, run_id: int, now: datetime) -> None:
    whole = an_entry(1, summary="Кратко", content="Длинно", published=now - DAY, published_from=DateFrom.FEED, updated=now,
                     authors=("А. Б.",), language="ru")  # fmt: skip
    taken = take_entries(store, run_id, [Body("azattyq", [whole], PollState("azattyq"))], now=now)[0]
    assert [each.entry for each in taken.pending] == [whole]
    assert [each.entry for each in pending_entries(store, ["azattyq"], now=now)] == [whole]


def test_seen_is_the_sum_of_pending_unchanged_and_repeated(store: Store, run_id: int, take: Take, now: datetime) -> None:
    save_results(store, run_id, [a_read(each) for each in take(1, 2)], now=now)
    found = [an_entry(1), an_entry(2), an_entry(3), an_entry(3), an_entry(1)]
    taken = take_entries(store, run_id, [Body("azattyq", found, PollState("azattyq"))], now=now)[0]
    assert keys(taken.pending) == ["key-3"]
    assert (taken.unchanged, keys_of(taken.repeated)) == (2, ["key-3", "key-1"])


def keys_of(entries: tuple[object, ...]) -> list[str]:
    return [entry.key for entry in entries]  # type: ignore[attr-defined]


def test_a_changed_title_or_text_makes_an_entry_pending_again(store: Store, run_id: int, take: Take, now: datetime) -> None:
    save_results(store, run_id, [a_read(each) for each in take(1, 2, 3)], now=now)
    pending = take_entries(
        store,
        run_id,
        [Body("azattyq", [an_entry(1, title="Other"), an_entry(2, content="More"), an_entry(3)], PollState("azattyq"))],
        now=now,
    )[0].pending
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
        taken = take_entries(store, run, [Body("azattyq", [an_entry(1, updated=at)], PollState("azattyq"))], now=at)[0]
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
        take_entries(store, run_id, [Body("azattyq", [an_entry(1), bad], PollState("azattyq", etag='"new"'))], now=now)[0]
    assert poll_states(store) == {}
    assert pending_entries(store, None, now=now) == []
    take_entries(store, run_id, [Body("azattyq", [an_entry(1)], PollState("azattyq", etag='"new"'))], now=now)[0]
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
    again = take_entries(store, run, [Body("azattyq", [an_entry(1, title="Changed")], PollState("azattyq"))], now=at)[0]
    assert [each.tries for each in again.pending] == [0]


def test_a_try_put_off_by_a_clock_that_had_jumped_does_not_wait_ten_years(
    store: Store, run_id: int, take: Take, now: datetime
) -> None:
    late = now + timedelta(days=3650)
    save_results(store, run_id, [NotStored(take(1)[0], OutcomeKind.FAILED, "no answer", next_try(1, late))], now=late)
    assert keys(pending_entries(store, None, now=now)) == ["key-1"]


def test_an_entry_that_changed_while_it_was_read_stays_in_the_queue(store: Store, run_id: int, take: Take, now: datetime) -> None:
    before = take(1)
    take_entries(store, run_id, [Body("azattyq", [an_entry(1, title="Changed meanwhile")], PollState("azattyq"))], now=now)[0]
    save_results(store, run_id, [a_read(before[0])], now=now)
    assert [each.entry.title for each in pending_entries(store, None, now=now)] == ["Changed meanwhile"]


def test_a_key_of_ten_thousand_signs_is_kept_apart_from_its_like(store: Store, run_id: int, now: datetime) -> None:
    long = [
        replace(an_entry(number), key="k" * 10_000 + str(number), url="https://example.org/" + "u" * 9_000) for number in range(2)
    ]
    assert len(take_entries(store, run_id, [Body("azattyq", long, PollState("azattyq"))], now=now)[0].pending) == 2
    assert take_entries(store, run_id, [Body("azattyq", long, PollState("azattyq"))], now=now)[0].unchanged == 0  # still pending
    assert len(pending_entries(store, None, now=now)) == 2


def test_hostile_signs_in_an_entry_do_not_refuse_the_others(store: Store, run_id: int, now: datetime) -> None:
    odd = an_entry(1, title="a\x00b\ud800", summary="\udfff", authors=("\x00",), language="x" * 500)
    taken = take_entries(store, run_id, [Body("azattyq", [odd, an_entry(2)], PollState("azattyq"))], now=now)[0]
    assert [each.entry.title for each in taken.pending] == ["a\ufffdb\ufffd", "Title 2"]
    assert take_entries(store, run_id, [Body("azattyq", [odd, an_entry(2)], PollState("azattyq"))], now=now)[0].unchanged == 0


def test_many_feeds_share_one_transaction_and_each_gets_its_own(store: Store, run_id: int, now: datetime) -> None:
    names = [f"source-{number:02}" for number in range(30)]
    sync_sources(store, [a_source(name) for name in names], now=now)
    bodies = [
        Body(name, [an_entry(number, name) for number in (1, 2, 1)], PollState(name, etag=f'"{name}"'), a_feed(name, now))
        for name in reversed(names)
    ]
    commits: list[object] = []
    event.listen(store.engine, "commit", commits.append)
    taken = take_entries(store, run_id, bodies, now=now)
    assert len(commits) == 1
    for body, each in zip(bodies, taken, strict=True):
        assert {one.entry.source_id for one in each.pending} == {body.source_id}
        assert (keys(each.pending), each.unchanged, keys_of(each.repeated)) == (["key-1", "key-2"], 0, ["key-1"])
        (capture_id,) = {one.capture_id for one in each.pending}
        assert capture_id is not None
        assert body.capture is not None
        assert load_capture(store, capture_id).body == body.capture.body
    assert {name: state.etag for name, state in poll_states(store, names).items()} == {name: f'"{name}"' for name in names}


def test_the_bytes_of_a_feed_are_kept_only_where_they_bring_news(store: Store, run_id: int, now: datetime) -> None:
    def take(source_id: str, body: bytes, **given: str) -> Taken:
        feed = a_capture(f"https://example.org/{source_id}.xml", body, now)
        return take_entries(
            store, run_id, [Body(source_id, [an_entry(1, source_id, **given)], PollState(source_id), feed)], now=now
        )[0]

    def kept() -> int:
        with store.read() as connection:
            return connection.execute(select(func.count()).select_from(captures)).scalar_one()

    first = take("azattyq", b"<rss>1</rss>")
    save_results(store, run_id, [a_read(each) for each in first.pending], now=now)
    assert take("azattyq", b"<rss>1, and another time of day</rss>").pending == ()
    assert kept() == 1
    assert take("azattyq", b"<rss>2</rss>", title="Other").pending != ()
    assert kept() == 2


def test_feeds_of_many_entries_do_not_hold_the_database_all_at_once(store: Store, run_id: int, now: datetime) -> None:
    bodies = [
        Body(name, [an_entry(number, name) for number in range(AT_ONCE - 1)], PollState(name)) for name in ("azattyq", "vlast")
    ]
    commits: list[object] = []
    event.listen(store.engine, "commit", commits.append)
    assert [len(each.pending) for each in take_entries(store, run_id, bodies[:2], now=now)] == [AT_ONCE - 1, AT_ONCE - 1]
    assert len(commits) == 1
    many = [replace(body, entries=[*body.entries, an_entry("last", body.source_id)]) for body in bodies[:2]]
    take_entries(store, run_id, many, now=now)
    assert len(commits) == 3
    large = a_capture("https://example.org/large.xml", b"<rss>" + b" " * AT_ONCE * BYTES_AN_ENTRY, now)
    take_entries(store, run_id, [replace(body, entries=body.entries[:1], capture=large) for body in bodies], now=now)
    assert len(commits) == 5


def test_what_refuses_one_feed_is_told_apart_from_a_database_that_is_not_well(store: Store, run_id: int, now: datetime) -> None:
    bad = replace(an_entry(2), published=datetime(2026, 1, 1))  # no zone
    with pytest.raises(ValueRefused, match="refused"):
        take_entries(store, run_id, [Body("azattyq", [bad], PollState("azattyq"))], now=now)
    with pytest.raises(StoreError) as told:  # the run is gone: nothing could be kept, whatever its values
        take_entries(store, run_id + 99, [Body("azattyq", [an_entry(1)], PollState("azattyq"))], now=now)
    assert not isinstance(told.value, ValueRefused)


def a_feed(name: str, now: datetime) -> Capture:
    return a_capture(f"https://example.org/{name}.xml", f"<rss>{name}</rss>".encode(), now)
