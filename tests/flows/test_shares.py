"""Several workers on one database: whole hosts each, none of them read by two at once, all of them read."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta

import yaml
from hypothesis import given
from hypothesis import strategies as st

from domain.settings import Settings
from domain.values import PollKind, Rung, RungKind, Source
from flows.prefect_file import written
from flows.shards import groups_of, hosts_of, shards_of
from flows.slots import slot_of
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


def living_at(number: int, feed: str, home: str) -> Source:
    return Source(
        f"s{number:02}", f"s{number}", f"https://{home}/", (Rung(RungKind.FEED, f"https://{feed}/{number}.xml"),), (), None
    )


def test_sources_with_the_pages_of_one_host_belong_together_wherever_their_feeds_are(settings: Settings) -> None:
    one, other = living_at(1, "feeds.example", "www.paper.example"), living_at(2, "paper.example", "paper.example")
    alone = living_at(3, "else.example", "else.example")
    assert hosts_of(one) == {"feeds.example", "paper.example"}
    assert [[source.id for source in group.sources] for group in groups_of([one, alone, other])] == [["s01", "s02"], ["s03"]]
    with closing(open_store(settings.database)) as store:
        sync_sources(store, [one, other, alone], now=NOW)
        first, second = (begin_run(store, kind="collect", now=NOW, parameters={}) for _ in range(2))
        assert planned(settings, store, [one], first, 1) == {"s01"}
        assert planned(settings, store, [one, other, alone], second, 3) == {"s03"}, "a host of the other one is being read"


HOSTS = st.sampled_from([f"h{number}.example" for number in range(8)])


@given(st.lists(st.tuples(HOSTS, HOSTS), max_size=30), st.integers(1, 9))
def test_no_two_shards_and_no_two_groups_ever_speak_to_one_host(places: list[tuple[str, str]], count: int) -> None:
    sources = [living_at(number, feed, home) for number, (feed, home) in enumerate(places)]
    for parts in (shards_of(sources, count), groups_of(sources)):
        assert sorted(source.id for part in parts for source in part.sources) == [source.id for source in sources]
        hosts = [host for part in parts for host in frozenset().union(*map(hosts_of, part.sources))]
        assert len(hosts) == len(set(hosts))


def test_who_has_waited_longest_comes_first(settings: Settings) -> None:
    sources = watched(4, a_host=1)
    with closing(open_store(settings.database)) as store:
        sync_sources(store, sources, now=NOW)
        hours = (1, 3, 2, 4)
        waited = {
            source.id: PollState(source.id, last_polled=NOW - timedelta(days=1), next_due=NOW - timedelta(hours=ago))
            for source, ago in zip(sources, hours, strict=True)
        }
        save_poll_states(store, waited.values())
        run = begin_run(store, kind="collect", now=NOW, parameters={})
        plan = make_plan(settings, CollectOptions(due_only=True, at_most=2), store, sources, waited, run, NOW)
        assert {source.id for shard in plan.shards for source in shard.sources} == {"s01", "s03"}


def test_a_run_of_everything_keeps_away_from_a_host_another_run_is_at(settings: Settings) -> None:
    sources = watched(4, a_host=2)
    with closing(open_store(settings.database)) as store:
        sync_sources(store, sources, now=NOW)
        one, other = (begin_run(store, kind="collect", now=NOW, parameters={}) for _ in range(2))
        assert planned(settings, store, sources[:1], one, 1) == {"s00"}
        plan = make_plan(settings, CollectOptions(), store, sources, {}, other, NOW)
        assert {source.id for shard in plan.shards for source in shard.sources} == {"s02", "s03"}
        assert [(report.source_id, report.kind) for report in plan.passed_over] == [
            ("s00", PollKind.SKIPPED),
            ("s01", PollKind.SKIPPED),
        ]


def test_every_lane_of_a_schedule_has_its_own_slot_and_number() -> None:
    rows = yaml.safe_load(written(lanes=3, at_most=700))["deployments"]
    collect = next(row for row in rows if row["entrypoint"].endswith(":collect_flow"))
    assert collect["concurrency_limit"]["limit"] == 3
    assert [schedule["parameters"] for schedule in collect["schedules"]] == [{"lane": lane, "at_most": 700} for lane in (1, 2, 3)]
    assert len({schedule["cron"] for schedule in collect["schedules"]}) == 1
    slots = {slot_of("collect", scheduled=NOW, now=NOW, every=timedelta(minutes=15), lane=lane).key for lane in (0, 1, 2)}
    assert len(slots) == 3
    assert all(row["concurrency_limit"]["limit"] == 1 for row in rows if row is not collect)
