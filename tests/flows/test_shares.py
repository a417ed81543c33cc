"""Several workers on one database: whole hosts each, none of them read by two at once, all of them read."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta

from domain.settings import Settings
from domain.values import Rung, RungKind, Source
from flows.world import CollectOptions, make_plan
from storage.runs import begin_run, end_run
from storage.sources import PollState, save_poll_states, sync_sources
from storage.store import Store, open_store

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def watched(count: int, a_host: int) -> list[Source]:
    made = []
    for number in range(count):
        url = f"http://host{number // a_host}.example/feed{number}.xml"
        made.append(Source(f"s{number:02}", f"s{number}", url, (Rung(RungKind.FEED, url),), (), None))
    return made


def planned(settings: Settings, store: Store, sources: list[Source], run: int, at_most: int) -> set[str]:
    options = CollectOptions(due_only=True, at_most=at_most)
    plan = make_plan(settings, options, store, sources, {}, run, NOW)
    assert not plan.passed_over, "what another worker reads is not told as passed over"
    return {source.id for shard in plan.shards for source in shard.sources}


def test_two_workers_share_hosts_without_a_host_in_common(settings: Settings) -> None:
    sources = watched(12, a_host=3)
    with closing(open_store(settings.database)) as store:
        sync_sources(store, sources, now=NOW)
        one, other, third = (begin_run(store, kind="collect", now=NOW, parameters={}) for _ in range(3))
        first = planned(settings, store, sources, one, 6)
        second = planned(settings, store, sources, other, 6)
        assert len(first) == len(second) == 6
        assert first | second == {source.id for source in sources}
        assert not first & second
        hosts = {source.id: source.rungs[0].url.split("/")[2] for source in sources}
        assert not {hosts[each] for each in first} & {hosts[each] for each in second}
        assert planned(settings, store, sources, third, 6) == set(), "nothing is left for a third"
        end_run(store, one, now=NOW, status="done")
        assert planned(settings, store, sources, third, 6) == first, "a host is free again when its worker is done"


def test_a_source_that_another_worker_has_just_read_is_not_read_again(settings: Settings) -> None:
    sources = watched(2, a_host=1)
    with closing(open_store(settings.database)) as store:
        sync_sources(store, sources, now=NOW)
        read = PollState(sources[0].id, last_polled=NOW, last_ok=NOW, next_due=NOW + timedelta(hours=1))
        save_poll_states(store, [read])
        run = begin_run(store, kind="collect", now=NOW, parameters={})
        # This worker's look at the states is from before the other one read the source.
        assert planned(settings, store, sources, run, 5) == {sources[1].id}


def test_a_run_without_a_share_takes_all(settings: Settings) -> None:
    sources = watched(4, a_host=2)
    with closing(open_store(settings.database)) as store:
        sync_sources(store, sources, now=NOW)
        run = begin_run(store, kind="collect", now=NOW, parameters={})
        plan = make_plan(settings, CollectOptions(), store, sources, {}, run, NOW)
        assert sum(len(shard.sources) for shard in plan.shards) == 4
