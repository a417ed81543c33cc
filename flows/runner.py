"""Hands the table of deployments to Prefect and runs what is due: started by `sholu serve` as a process of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import Flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId, FlowRunFilter
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy, FlowRun, State, StateType
from prefect.deployments.runner import RunnerDeployment
from prefect.flows import load_flow_from_entrypoint
from prefect.runner import Runner
from prefect.schedules import Cron, Schedule
from prefect.states import Cancelled, Crashed
from prefect.types.entrypoint import EntrypointType

from flows.automations import ensure_automations
from flows.deployments import DEPLOYMENTS, TIMEZONE, Deployment
from flows.slots import slot_of

log = logging.getLogger("sholu.runner")

AT_ONCE = 4  # flow runs at the same time; each kind has a limit of one


def schedule_of(row: Deployment) -> Schedule | None:
    """The schedule of a row of the table, or None where it only runs by hand."""
    return Cron(row.cron, timezone=TIMEZONE) if row.cron else None


def limit_of(row: Deployment) -> ConcurrencyLimitConfig:
    """One run at a time; what a second one does meanwhile."""
    return ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy(row.collision))


def deployment(row: Deployment) -> RunnerDeployment:
    """A row of the table as Prefect has it."""
    flow: Flow[..., Any] = load_flow_from_entrypoint(row.entrypoint)
    schedule = schedule_of(row)
    return RunnerDeployment.from_flow(
        flow,
        name=row.short,
        schedules=[schedule] if schedule else None,
        parameters=dict(row.parameters),
        description=row.description,
        tags=list(row.tags),
        concurrency_limit=limit_of(row),
        enforce_parameter_schema=True,
        # By module, not by file: the schedule survives a move of the folder.
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


async def run(*, alone: bool) -> None:
    """Register every deployment, put in order what a former life left behind, and run what is due until stopped.

    ``alone`` says that no other runner or worker serves these: what is Running without a process here is dead.
    """
    runner = Runner(name="sholu", pause_on_shutdown=False, limit=AT_ONCE)
    ids = {row.name: await runner.aadd_deployment(await asyncio.to_thread(deployment, row)) for row in DEPLOYMENTS}
    await settle(ids, living=living_runs() if alone else None)
    await runner.start()


async def settle(ids: dict[str, UUID], *, living: frozenset[str] | None) -> None:
    """What the server is told besides the deployments themselves; ``living``: the runs that have a process, None: not known."""
    async with get_client() as client:
        await ensure_automations(client, ids["watch/hourly"])
        await close_forms(client, ids.values())
        if living is not None:
            await crash_the_dead(client, ids.values(), living=living)
        await cancel_missed(client, ids, now=datetime.now(UTC))


async def settle_deployed() -> None:
    """The same after `prefect deploy`, for workers: the deployments are there already, under the names of the table."""
    async with get_client() as client:
        ids = {row.name: (await client.read_deployment_by_name(row.name)).id for row in DEPLOYMENTS}
    await settle(ids, living=None)


async def close_forms(client: PrefectClient, ids: Iterable[UUID]) -> None:
    """Have the server refuse parameters a flow does not have: it takes any name by itself, and the run would crash on it."""
    for each in ids:
        schema = (await client.request("GET", "/deployments/{id}", path_params={"id": each})).json()["parameter_openapi_schema"]
        closed = {"parameter_openapi_schema": {**schema, "additionalProperties": False}}
        await client.request("PATCH", "/deployments/{id}", path_params={"id": each}, json=closed)


async def cancel_missed(client: PrefectClient, ids: dict[str, UUID], *, now: datetime) -> int:
    """Cancel what was missed in a down time, all but the last slot: fifty processes that find they are late cost minutes."""
    count = 0
    for row in DEPLOYMENTS:
        for each in await _runs(client, [ids[row.name]], StateType.SCHEDULED):
            due = each.next_scheduled_start_time or each.expected_start_time
            if each.auto_scheduled and due is not None and slot_of(row.flow, scheduled=due, now=now, every=row.every).missed:
                message = "Missed while the service was down; the last slot missed, or the next one, does its work."
                await client.set_flow_run_state(each.id, Cancelled(name="Missed", message=message), force=True)
                count += 1
    if count:
        log.warning("%s runs were missed while the service was down; each flow catches up with one", count)
    return count


async def crash_the_dead(client: PrefectClient, ids: Iterable[UUID], *, living: frozenset[str]) -> int:
    """Mark as crashed what says it runs and has no process: the automation only sees deaths while it watches."""
    count = 0
    for each in await _runs(client, list(ids), StateType.RUNNING, StateType.CANCELLING, StateType.PENDING):
        if str(each.id) not in living:
            died: State[Any] = Crashed(message="Its process was gone when the service started again.")
            await client.set_flow_run_state(each.id, died, force=True)
            count += 1
    if count:
        log.warning("%s runs of a former life of the service were marked crashed", count)
    return count


async def _runs(client: PrefectClient, ids: list[UUID], *states: StateType) -> list[FlowRun]:
    chosen = FlowRunFilter.model_validate({"state": {"type": {"any_": [state.value for state in states]}}})
    of_ours = DeploymentFilter(id=DeploymentFilterId(any_=ids))
    found: list[FlowRun] = []
    while True:
        some = await client.read_flow_runs(flow_run_filter=chosen, deployment_filter=of_ours, limit=200, offset=len(found))
        found += some
        if len(some) < 200:
            return found


def living_runs() -> frozenset[str]:
    """Ids of the flow runs that have a process on this machine (Linux: Prefect puts the id into the environment)."""
    mark = b"PREFECT__FLOW_RUN_ID="
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        found |= {part[len(mark) :].decode(errors="replace") for part in environment.split(b"\0") if part.startswith(mark)}
    return frozenset(found)


def main(arguments: list[str]) -> None:
    """Run until stopped; with ``--settle`` only put a server in order whose deployments `prefect deploy` has made."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if arguments == ["--settle"]:
        asyncio.run(settle_deployed())
        return
    with suppress(KeyboardInterrupt):
        asyncio.run(run(alone=os.environ.get("SHOLU_RUNNER_ALONE") == "1"))


if __name__ == "__main__":
    main(sys.argv[1:])
