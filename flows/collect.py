"""The flow `collect`: hands the steps of the main job to Prefect, a task a shard; artifacts say what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time
from typing import Annotated

from httpx import HTTPError
from prefect import flow, get_run_logger, task
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.cache_policies import NO_CACHE
from pydantic import Field

from domain.errors import SholuError
from domain.settings import Settings
from domain.values import SourceReport
from flows.report import RunReport
from flows.shards import Shard
from flows.shell import State_, ended, item_link, now, scheduled_slot, settings_of_run, skipped
from flows.steps import collect, collect_shard
from flows.world import CollectOptions, World
from storage.runs import SlotTaken

log = logging.getLogger("sholu.collect")

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
    at_most: Annotated[int, Field(ge=1)] | None = None,
    lane: Annotated[int, Field(ge=0)] = 0,
) -> State_:
    """Poll the sources, read what is new, flag it and store it.

    Args:
        sources: Ids of the sources to poll, as in `sholu sources list`. Empty: all of them.
        force: Read feeds again even where nothing changed, and retry at once what waits for its next try.
        since: Pass over entries published before this day (UTC).
        only_due: Poll only the sources whose turn it is by their own rhythm. Switch off to poll all of them now.
        dry_run: Read and flag, but store nothing; the artifact says what would have been new.
        at_most: Take a share of about so many sources, whole hosts of them, and leave the others to workers beside this one.
        lane: Which of the workers that start at the same minute this run is for: each lane has its slot of the schedule.
    """
    settings = settings_of_run()
    slot = scheduled_slot("collect", lane=lane)
    if slot.missed:
        return skipped(slot.reason)
    options = CollectOptions(
        sources=tuple(sources or ()),
        force=force,
        since=datetime.combine(since, time(), UTC) if since else None,
        due_only=only_due and not sources,
        dry_run=dry_run,
        slot=slot.key,
        at_most=at_most,
    )
    try:
        report = await collect(settings, options, clock=now, run_shards=_run_shards)
    except SlotTaken as taken:
        return skipped(str(taken))
    await _leave_artifacts(settings, report)
    get_run_logger().info(report.closing())
    return final_state(report)


def final_state(report: RunReport) -> State_:
    """What the run may call itself: never plainly completed where a source was not seen."""
    name = "Incomplete" if report.exit_code else "DryRun" if report.dry_run else "Completed"
    return ended(report.exit_code in (0, 1), report.closing(), report.summary(), name=name)


async def _leave_artifacts(settings: Settings, report: RunReport) -> None:
    """Three artifacts a run: what came of it in words, the items it flagged with links to them, and how every source ended."""
    run = f"Run {report.run_id}"
    desk = settings.desk_address.rstrip("/")
    await acreate_markdown_artifact(
        report.markdown(desk=desk), key="collect-result", description=f"{run}: what is new, what was not seen"
    )
    if report.flagged_items:
        flagged = [
            {
                "item": item_link(settings, item.item_id, item.title, item.url),
                "outlet": item.outlet,
                "themes": ", ".join(item.themes),
                "because of": ", ".join(item.words),
                "score": item.score,
            }
            for item in report.flagged_items
        ]
        await acreate_table_artifact(flagged, key="collect-flagged", description=f"{run}: what was flagged, and why")
    ending = [
        {
            "source": each.source_id,
            "outcome": each.kind.value,
            "reason": each.reason,
            "entries": each.entries,
            **{name: value for name, value in asdict(each.counts).items() if value},
        }
        for each in sorted(report.sources, key=lambda each: (each.kind.value, each.source_id))
    ]
    await acreate_table_artifact(
        ending or [{"source": "none was due"}], key="collect-sources", description=f"{run}: how every source ended"
    )


def run_collect(settings: Settings, options: CollectOptions) -> RunReport:
    """The flow called from the command line: the run shows in the Prefect UI, the report comes back to the caller."""
    # Whatever ends the run is told by the report or an error of ours: Prefect's own lines, tracebacks among them, say it again.
    known = [name for name in logging.root.manager.loggerDict if name.startswith("prefect.")]
    for name in ("prefect", "prefect._internal.concurrency", *known):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return asyncio.run(_by_hand(settings, options))


async def _by_hand(settings: Settings, options: CollectOptions) -> RunReport:
    kept: list[RunReport] = []
    refused: list[SholuError] = []

    @flow(name="collect", description="A run from the command line.", persist_result=False, timeout_seconds=TIMEOUT)
    async def by_hand(sources: list[str], force: bool, since: datetime | None, only_due: bool, dry_run: bool) -> State_:
        del sources, force, since, only_due, dry_run  # shown in the UI; the options say the same
        try:
            report = await collect(settings, options, clock=now, run_shards=_run_shards)
        except SholuError as error:
            refused.append(error)
            raise
        kept.append(report)
        await _leave_artifacts(settings, report)
        return final_state(report)

    try:
        state = await by_hand(
            list(options.sources), options.force, options.since, options.due_only, options.dry_run, return_state=True
        )
        said = state.message or ""
    except HTTPError as error:  # Prefect's client has tried again and given up
        said = f"it went away ({error})"
    if kept and said.startswith("it went away"):
        log.error("the Prefect server went away during the run: the work is done and stored, but the run does not show there")
    if kept:
        return kept[0]  # also where only the scheduler failed: the work is done and stored
    if refused:
        raise refused[0]
    raise SholuError(f"The Prefect server did not let the run begin: {said}; `sholu run --plain` does it.")
