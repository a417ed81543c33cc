"""How polls ended is kept together: few transactions, nothing lost when the run is cancelled."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.errors import StoreError
from domain.values import PollKind, Rung, RungKind, Source, SourceReport
from flows.ledger import Ledger
from storage.runs import begin_run, run_report
from storage.sources import PollState, poll_states, sync_sources
from storage.store import Store, open_store

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
NAMES = ("azattyq", "vlast", "orda")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(f"sqlite:///{tmp_path / 'sholu.db'}")
    home = "https://{}.example/"
    listed = [Source(name, name, home.format(name), (Rung(RungKind.FEED, home.format(name) + "feed"),)) for name in NAMES]
    sync_sources(opened, listed, now=NOW)
    return opened


def ended(name: str) -> tuple[list[PollState], list[SourceReport]]:
    return [PollState(name, last_polled=NOW)], [SourceReport(name, PollKind.UNCHANGED, "")]


def test_shards_that_end_together_are_kept_in_one_transaction(store: Store) -> None:
    run = begin_run(store, kind="collect", now=NOW, parameters={})
    made = []

    async def work() -> None:
        ledger = Ledger(store, run, clock=lambda: made.append(1) or NOW, shards=3, keep_states=True)  # type: ignore[func-returns-value]
        await asyncio.gather(*(ledger.enter(*ended(name)) for name in NAMES))

    asyncio.run(work())
    assert len(made) == 1, "the clock is looked at once a transaction"
    assert {line.source_id for line in run_report(store, run).sources} == set(NAMES)
    assert set(poll_states(store)) == set(NAMES)


def test_what_had_ended_is_kept_when_the_run_is_cancelled(store: Store) -> None:
    run = begin_run(store, kind="collect", now=NOW, parameters={})

    async def work() -> None:
        ledger = Ledger(store, run, clock=lambda: NOW, shards=3, keep_states=True)
        entering = asyncio.create_task(ledger.enter(*ended("vlast")))
        await asyncio.sleep(0)
        entering.cancel()
        await asyncio.gather(entering, return_exceptions=True)
        await ledger.close()

    asyncio.run(work())
    assert [line.source_id for line in run_report(store, run).sources] == ["vlast"]


def test_a_dry_run_keeps_its_lines_and_no_states(store: Store) -> None:
    run = begin_run(store, kind="collect", now=NOW, parameters={})
    asyncio.run(Ledger(store, run, clock=lambda: NOW, shards=1, keep_states=False).enter(*ended("orda")))
    assert [line.source_id for line in run_report(store, run).sources] == ["orda"]
    assert poll_states(store) == {}


def test_a_database_that_refuses_is_told_to_every_shard_that_waits(store: Store) -> None:
    async def work() -> list[object]:
        ledger = Ledger(store, 4_711, clock=lambda: NOW, shards=2, keep_states=True)  # no such run
        return list(await asyncio.gather(*(ledger.enter(*ended(name)) for name in NAMES[:2]), return_exceptions=True))

    assert [type(error) for error in asyncio.run(work())] == [StoreError, StoreError]
