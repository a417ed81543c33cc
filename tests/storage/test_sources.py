"""Sources in the database, their poll state, and the claims that keep two runs apart."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event, text

from domain.values import Ownership, SourceState
from storage.runs import begin_run, end_run
from storage.sources import (
    PollState,
    claim,
    claim_hosts,
    claim_sources,
    forget_validators,
    held_by_others,
    poll_states,
    release_claims,
    renew_claims,
    save_poll_states,
    stored_sources,
    sync_sources,
)
from storage.store import Store, open_store
from tests.storage.conftest import a_source


def test_the_table_follows_the_files_and_forgets_nobody(store: Store, now: datetime) -> None:
    facts = {
        "country": "KZ",
        "region": "KZ-MAN",
        "verified": date(2026, 11, 1),
        "verified_by": "NN",
        "rhythm": timedelta(hours=6),
    }
    whole = a_source("a", languages=("kk", "ru"), ownership=Ownership.EXILE, state=SourceState.WORKING, **facts)
    sync_sources(store, [whole, a_source("b")], now=now)
    assert stored_sources(store) == [whole, a_source("b")]
    renamed = replace(whole, title="Azattyq Asia", rungs=())
    sync_sources(store, [renamed], now=now)
    assert stored_sources(store, listed=True) == [renamed]
    assert [source.id for source in stored_sources(store, listed=False)] == ["b"]
    sync_sources(store, [renamed, a_source("b")], now=now)
    assert [source.id for source in stored_sources(store, listed=True)] == ["a", "b"]


def test_poll_states_come_back_as_they_were(store: Store, run_id: int, now: datetime) -> None:
    state = PollState("vlast", 1, "https://moved.example.org/rss", '"e"', "Sat, 21 Nov 2026 06:00:00 GMT", "ab" * 32, now, 1800.0,
                      2, now, now, None, "failed", "no answer", 20, {"gaps": [1.5, 2]})  # fmt: skip
    save_poll_states(store, [state, PollState("azattyq")])
    save_poll_states(store, [replace(state, failures=3)])
    assert poll_states(store, ["vlast"]) == {"vlast": replace(state, failures=3)}
    assert poll_states(store)["azattyq"] == PollState("azattyq")
    forget_validators(store, ["vlast"])
    assert (poll_states(store)["vlast"].etag, poll_states(store)["vlast"].failures) == ("", 3)


def test_a_thousand_sources_cost_a_handful_of_statements(store: Store, now: datetime) -> None:
    ids = [f"s{number:04}" for number in range(1000)]
    sync_sources(store, [a_source(each) for each in ids], now=now)
    run = begin_run(store, kind="collect", now=now, parameters={})
    said: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *args: said.append(args[2]))
    sync_sources(store, [a_source(each) for each in ids], now=now)
    assert len(claim_sources(store, ids, run_id=run, now=now)) == 1000
    assert poll_states(store, ids) == {}
    save_poll_states(store, [PollState(each, etag='"x"') for each in ids])
    assert len(poll_states(store, ids)) == 1000
    statements = [statement for statement in said if not statement.startswith(("BEGIN", "PRAGMA"))]
    assert len(statements) < 25


def test_a_source_is_claimed_by_one_run_until_it_is_released(store: Store, run_id: int, now: datetime) -> None:
    other = begin_run(store, kind="collect", now=now, parameters={})
    assert claim_sources(store, ["azattyq"], run_id=run_id, now=now) == {"azattyq"}
    assert claim_sources(store, ["azattyq", "vlast"], run_id=other, now=now) == {"vlast"}
    assert claim_sources(store, ["azattyq"], run_id=run_id, now=now) == {"azattyq"}  # one's own again
    release_claims(store, run_id, ["azattyq"])
    assert claim_sources(store, ["azattyq"], run_id=other, now=now) == {"azattyq"}
    end_run(store, other, now=now, status="done")
    assert claim_sources(store, ["azattyq", "vlast"], run_id=run_id, now=now) == {"azattyq", "vlast"}


def test_a_claim_ends_with_its_lease_and_lives_on_when_renewed(store: Store, run_id: int, now: datetime) -> None:
    other = begin_run(store, kind="collect", now=now, parameters={})
    claim_sources(store, ["azattyq"], run_id=run_id, now=now, lease_s=60)
    renew_claims(store, run_id, now=now + timedelta(seconds=50), lease_s=60)
    assert claim_sources(store, ["azattyq"], run_id=other, now=now + timedelta(seconds=100)) == set()
    assert claim_sources(store, ["azattyq"], run_id=other, now=now + timedelta(seconds=111)) == {"azattyq"}


def test_a_claim_written_by_a_clock_that_had_jumped_does_not_last_ten_years(store: Store, run_id: int, now: datetime) -> None:
    other = begin_run(store, kind="collect", now=now, parameters={})
    claim_sources(store, ["azattyq"], run_id=run_id, now=now + timedelta(days=3650))
    assert claim_sources(store, ["azattyq"], run_id=other, now=now) == {"azattyq"}


def test_claims_of_different_kinds_do_not_meet(store: Store, run_id: int, now: datetime) -> None:
    other = begin_run(store, kind="collect", now=now, parameters={})
    assert claim(store, "host", ["vlast"], run_id=run_id, now=now) == {"vlast"}
    assert claim(store, "source", ["vlast"], run_id=other, now=now) == {"vlast"}


def test_runs_that_claim_at_once_share_the_sources_without_overlap(address: str) -> None:
    now = datetime.now(UTC)
    ids = [f"s{number}" for number in range(40)]
    first = open_store(address)
    sync_sources(first, [a_source(each) for each in ids], now=now)
    gate = threading.Barrier(4)
    got: list[set[str]] = []

    def work(turned: int) -> None:
        mine = open_store(address)
        run = begin_run(mine, kind="collect", now=now, parameters={})
        gate.wait()
        got.append(claim_sources(mine, ids[turned:] + ids[:turned], run_id=run, now=now))
        mine.close()

    threads = [threading.Thread(target=work, args=(number * 10,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first.close()
    assert sorted(each for share in got for each in share) == sorted(ids)


def test_a_naive_time_is_refused(store: Store, run_id: int) -> None:
    with pytest.raises(Exception, match="time without a zone"):
        save_poll_states(store, [PollState("vlast", next_due=datetime(2026, 1, 1))])


def test_a_host_whose_sources_are_being_claimed_just_now_is_passed_over_and_not_waited_for(
    postgres_template: Callable[[], str], now: datetime
) -> None:
    address = postgres_template()
    with closing(open_store(address)) as store, closing(open_store(address, wait=1.0)) as other:
        sync_sources(store, [a_source("azattyq"), a_source("vlast")], now=now)
        runs = [begin_run(store, kind="collect", now=now, parameters={}) for _ in range(2)]
        groups = [(["azattyq.org"], ["azattyq"]), (["vlast.kz"], ["vlast"])]
        with store.begin() as connection:
            # Another worker in the middle of its claim: its transaction is open.
            connection.execute(text("SELECT id FROM sources WHERE id = 'azattyq' FOR UPDATE"))
            assert claim_hosts(other, groups, run_id=runs[1], now=now) == [False, True]
        assert claim_hosts(store, groups, run_id=runs[0], now=now) == [True, False]
        assert held_by_others(store, "host", run_id=runs[0], now=now) == {"vlast.kz"}


def test_hosts_are_got_whole_or_not_at_all(store: Store, now: datetime) -> None:
    sync_sources(store, [a_source("azattyq"), a_source("vlast")], now=now)
    one, other = (begin_run(store, kind="collect", now=now, parameters={}) for _ in range(2))
    assert claim_hosts(store, [(["b.example"], ["vlast"])], run_id=one, now=now) == [True]
    both = [(["a.example", "b.example"], ["azattyq", "vlast"])]
    assert claim_hosts(store, both, run_id=other, now=now) == [False]
    assert held_by_others(store, "host", run_id=one, now=now) == set(), "what was got of a group in vain is free again"
