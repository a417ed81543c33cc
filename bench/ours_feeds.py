"""Our feeds alone: polls every source, reads what changed and keeps the new entries, but asks for no page; ``python -m bench.ours_feeds``.

The same steps on the same store as `sholu run`, which goes on to the pages. Prints how many entries were new and how many feeds changed.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

from domain.settings import load_settings
from domain.values import Source
from extractors.kept_list import known_sources
from extractors.rhythm import Bounds
from flows.judging import after_poll, read_state
from flows.steps import read_source
from flows.world import CollectOptions, World, open_world
from rules.engine.late import open_rulebook
from storage.entries import Body
from storage.runs import end_run
from storage.sources import PollState, save_poll_states


async def take(world: World, source: Source) -> tuple[int, int, PollState | None]:
    """New entries, whether the feed had changed, and the state to be kept if it had not."""
    state = world.states.get(source.id, PollState(source.id))
    reading = await read_source(world, source, state)
    if reading.ok and not reading.unchanged:
        seen = read_state(state, reading, whole=True)
        taken = await world.feeds.put(Body(source.id, reading.entries, seen, reading.capture))
        return len(taken.pending), 1, None
    bounds = Bounds(world.settings.poll_min, world.settings.poll_max)
    return 0, 0, after_poll(state, source, reading, new=0, now=world.now, rng=world.rng, bounds=bounds, whole=True)


async def poll() -> tuple[int, int]:
    """New entries in all (those that wait from before stand among them), and changed feeds."""
    settings = load_settings()
    listed = known_sources(settings.sources, settings.home / "cache")
    rulebook = open_rulebook(settings.rules, settings.home / "cache")

    def clock() -> datetime:
        return datetime.now(UTC)

    def tell(_what: str, _more: int, _done: int) -> None:
        """Nobody watches."""

    async with open_world(settings, CollectOptions(), listed, listed, rulebook, clock=clock, tell=tell) as (world, plan):
        found = await asyncio.gather(*(take(world, source) for shard in plan.shards for source in shard.sources))
        await asyncio.to_thread(save_poll_states, world.store, [state for _, _, state in found if state])
        await asyncio.to_thread(end_run, world.store, world.run_id, now=clock(), status="done")
    return sum(new for new, _, _ in found), sum(changed for _, changed, _ in found)


if __name__ == "__main__":
    entries, feeds = asyncio.run(poll())
    print(json.dumps({"pending": entries, "changed": feeds}))
