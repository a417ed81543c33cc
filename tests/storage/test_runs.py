"""Runs, their slots and their ledger."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from domain.errors import StoreError
from domain.values import Counts, Outcome, OutcomeKind, PollKind, SourceReport
from storage.runs import (
    SlotTaken,
    add_outcomes,
    add_reports,
    begin_run,
    end_run,
    list_runs,
    renew_run,
    run_outcomes,
    run_report,
    sweep_runs,
)
from storage.schema.watching import runs
from storage.sources import claim_sources
from storage.store import Store, open_store

HOUR = timedelta(hours=1)


def test_a_run_is_entered_with_its_process_and_closed_with_its_end(store: Store, now: datetime) -> None:
    run = begin_run(store, kind="collect", now=now, parameters={"force": True}, rules_version="r1")
    assert run_report(store, run).run.status == "running"
    end_run(store, run, now=now + HOUR, status="incomplete", reason="two sources were not seen")
    ended = run_report(store, run).run
    assert (ended.status, ended.reason, ended.ended_at) == ("incomplete", "two sources were not seen", now + HOUR)
    assert (ended.parameters, ended.rules_version) == ({"force": True}, "r1")


def test_a_slot_is_worked_once(store: Store, now: datetime) -> None:
    first = begin_run(store, kind="digest", slot="2026-11-22", now=now, parameters={})
    with pytest.raises(SlotTaken, match="2026-11-22 is already under way"):
        begin_run(store, kind="digest", slot="2026-11-22", now=now, parameters={})
    end_run(store, first, now=now, status="done")
    with pytest.raises(SlotTaken, match="already done"):
        begin_run(store, kind="digest", slot="2026-11-22", now=now, parameters={})
    begin_run(store, kind="collect", slot="2026-11-22", now=now, parameters={})
    begin_run(store, kind="digest", slot="2026-11-23", now=now, parameters={})


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_slot_whose_run_failed_is_free_again(store: Store, now: datetime, status: str) -> None:
    first = begin_run(store, kind="digest", slot="2026-11-22", now=now, parameters={})
    end_run(store, first, now=now, status=status)
    assert begin_run(store, kind="digest", slot="2026-11-22", now=now, parameters={}) != first


def test_two_that_start_a_slot_in_the_same_instant_get_one_run(address: str, now: datetime) -> None:
    gate = threading.Barrier(6)
    ended: list[str] = []

    def start() -> None:
        mine = open_store(address)
        gate.wait()
        try:
            begin_run(mine, kind="digest", slot="2026-11-22", now=now, parameters={})
            ended.append("began")
        except SlotTaken:
            ended.append("taken")
        mine.close()

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["began"] + ["taken"] * 5


BEGIN_AND_DIE = """
import os, signal, sys
from datetime import UTC, datetime
from storage.runs import begin_run
from storage.sources import claim_sources
from storage.store import open_store
store = open_store(sys.argv[1])
run = begin_run(store, kind="collect", now=datetime(2026, 11, 22, 6, tzinfo=UTC), parameters={}, slot="s")
claim_sources(store, ["azattyq"], run_id=run, now=datetime(2026, 11, 22, 6, tzinfo=UTC))
print(run, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def killed_run(address: str) -> int:
    died = subprocess.run(
        [sys.executable, "-c", BEGIN_AND_DIE, address],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert died.returncode == -9, died.stderr
    return int(died.stdout)


def test_a_run_whose_process_was_killed_is_swept_and_its_slot_and_claims_are_free_at_once(
    store: Store, run_id: int, now: datetime
) -> None:
    dead = killed_run(store.address if store.path is None else f"sqlite:///{store.path}")
    swept = sweep_runs(store, now=now)
    assert [(run.id, run.slot) for run in swept] == [(dead, "s")]
    assert "ended without closing" in swept[0].reason
    assert run_report(store, dead).run.status == "crashed"
    assert sweep_runs(store, now=now) == []
    begin_run(store, kind="collect", slot="s", now=now, parameters={})
    assert claim_sources(store, ["azattyq"], run_id=run_id, now=now) == {"azattyq"}


def test_a_claim_of_a_killed_process_is_taken_over_without_a_sweep(store: Store, run_id: int, now: datetime) -> None:
    killed_run(store.address if store.path is None else f"sqlite:///{store.path}")
    assert claim_sources(store, ["azattyq"], run_id=run_id, now=now) == {"azattyq"}


def test_a_run_on_another_machine_is_dead_only_when_its_lease_is_over(store: Store, run_id: int, now: datetime) -> None:
    with store.begin() as connection:
        connection.execute(update(runs).values(host="elsewhere", boot="b/1"))
    renew_run(store, run_id, now=now, lease_s=600)
    assert sweep_runs(store, now=now + timedelta(seconds=599)) == []
    assert [run.id for run in sweep_runs(store, now=now + timedelta(seconds=601))] == [run_id]


def test_a_run_seen_alive_here_is_not_swept_by_a_clock_that_jumped(store: Store, run_id: int, now: datetime) -> None:
    assert sweep_runs(store, now=now + timedelta(days=3650)) == []


def test_a_run_from_before_the_machine_was_started_anew_is_dead(store: Store, run_id: int, now: datetime) -> None:
    with store.begin() as connection:
        connection.execute(update(runs).values(boot="another-boot/1"))
    assert [run.id for run in sweep_runs(store, now=now)] == [run_id]


def test_the_ledger_sums_what_each_source_reports(store: Store, run_id: int, now: datetime) -> None:
    some = SourceReport("azattyq", PollKind.OK, "", "feed", 5, Counts(new=2, unchanged=3, flagged=1))
    none = SourceReport("vlast", PollKind.FAILED, "the server did not answer within 30 s", "feed", 0, Counts())
    add_reports(store, run_id, [none, some], now=now)
    add_reports(store, run_id, [some], now=now)  # said again
    report = run_report(store, run_id)
    assert report.sources == (some, none)
    assert report.run.counts == Counts(new=2, unchanged=3, flagged=1)
    assert report.run.counts.seen == 5
    assert list_runs(store)[0].counts.seen == 5


def test_an_entry_that_stands_twice_has_a_line_beside_that_of_its_first(store: Store, run_id: int, now: datetime) -> None:
    again = Outcome(OutcomeKind.DUPLICATE, "https://example.org/1", "stands twice in the feed")
    first = Outcome(OutcomeKind.NEW, "https://example.org/1")
    unchanged = Outcome(OutcomeKind.UNCHANGED, "https://example.org/2")
    for _ in range(2):
        add_outcomes(store, run_id, "azattyq", [("k", again), ("k", again), ("k", first), ("l", unchanged)], now=now)
    kinds = sorted(str(outcome.kind) for _, outcome in run_outcomes(store, run_id))
    assert kinds == ["duplicate", "duplicate", "new"]


def test_a_run_that_is_not_there_is_named(store: Store) -> None:
    with pytest.raises(StoreError, match="no run 77"):
        run_report(store, 77)
