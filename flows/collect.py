"""The flow `collect`: hands the steps of the main job to Prefect, a task a shard, and leaves an artifact that says what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from domain.settings import Settings, load_settings
from domain.values import SourceReport
from flows.report import RunReport
from flows.shards import Shard
from flows.slots import scheduled_slot
from flows.steps import CollectOptions, World, collect, collect_shard

TIMEOUT = 3600  # seconds; a pass takes minutes, and every request and every parse has a shorter limit of its own


@task(
    name="shard",
    task_run_name="{shard.name}",
    description="Polls the sources of a few hosts, reads what is new, flags and stores it.",
    cache_policy=NO_CACHE,  # the world is a living thing (a client, a pool of processes): no key can be made of it
    persist_result=False,
)
async def _shard_task(world: World, shard: Shard) -> list[SourceReport]:
    return await collect_shard(world, shard)


async def _run_shards(world: World, shards: Sequence[Shard]) -> list[list[SourceReport]]:
    """The shards as Prefect tasks in this process: one client and one pool serve them all, as without Prefect."""
    return list(await asyncio.gather(*(_shard_task(world, shard) for shard in shards)))


@flow(
    name="collect",
    description="Polls the sources, reads what is new, flags it and stores it. Safe to run again at any time.",
    timeout_seconds=TIMEOUT,
    persist_result=False,
    validate_parameters=True,
)
async def collect_flow(
    sources: list[str] | None = None,
    force: bool = False,
    since: date | None = None,
    only_due: bool = True,
    dry_run: bool = False,
) -> State[Any]:
    """Poll the sources, read what is new, flag it and store it.

    Args:
        sources: Ids of the sources to poll, as in `sholu sources list`. Empty: all of them.
        force: Read feeds again even where nothing changed, and retry at once what waits for its next try.
        since: Pass over entries published before this day (UTC).
        only_due: Poll only the sources whose turn it is by their own rhythm. Switch off to poll all of them now.
        dry_run: Read and flag, but store nothing; the artifact says what would have been new.
    """
    settings = load_settings()
    slot = scheduled_slot("collect", now=datetime.now(UTC))
    if slot.missed:
        return Completed(name="Skipped", message=slot.reason)
    options = CollectOptions(
        sources=tuple(sources or ()),
        force=force,
        since=datetime.combine(since, time(), UTC) if since else None,
        due_only=only_due and not sources,
        dry_run=dry_run,
        slot=slot.key,
    )
    report = await collect(settings, options, clock=lambda: datetime.now(UTC), run_shards=_run_shards)
    await _leave_artifacts(report)
    get_run_logger().info(report.closing())
    return final_state(report)


def final_state(report: RunReport) -> State[Any]:
    """What the run may call itself: never plainly completed where a source was not seen."""
    if report.exit_code == 0:
        return Completed(message=report.closing(), data=report.summary())
    if report.exit_code == 1:
        return Completed(name="Incomplete", message=report.closing(), data=report.summary())
    return Failed(message=report.closing(), data=report.summary())


async def _leave_artifacts(report: RunReport) -> None:
    """Two artifacts a run: what changed, with links to the items, and how every source ended."""
    await acreate_markdown_artifact(report.markdown(), key="collect-result", description=f"Run {report.run_id}: what is new and what was flagged")
    await acreate_table_artifact(
        [
            {"source": each.source_id, "outcome": each.kind.value, "reason": each.reason, "entries": each.entries, "new": each.counts.new, "flagged": each.counts.flagged}
            for each in sorted(report.sources, key=lambda each: (each.kind.value, each.source_id))
        ],
        key="collect-sources",
        description=f"Run {report.run_id}: how every source ended",
    )


def run_collect(settings: Settings, options: CollectOptions) -> RunReport:
    """The flow called from the command line: the run shows in the Prefect UI, the report comes back to the caller."""
    kept: list[RunReport] = []

    @flow(name="collect", description="A run from the command line.", persist_result=False)
    async def collect_by_hand() -> State[Any]:
        report = await collect(settings, options, clock=lambda: datetime.now(UTC), run_shards=_run_shards)
        kept.append(report)
        await _leave_artifacts(report)
        return final_state(report)

    logging.getLogger("prefect").setLevel(logging.WARNING)
    asyncio.run(_tolerant(collect_by_hand))
    return kept[0]


async def _tolerant(run: Any) -> None:
    await run(return_state=True)

