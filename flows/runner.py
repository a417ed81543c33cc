"""Hands the table of deployments to Prefect and serves them: started by `sholu serve` as a process of its own."""

from __future__ import annotations

from typing import Any

from prefect import Flow, serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.types.entrypoint import EntrypointType
from prefect.flows import load_flow_from_entrypoint
from prefect.schedules import Cron, Schedule

from flows.deployments import DEPLOYMENTS, TIMEZONE, Deployment


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
        name=row.name.split("/", 1)[1],
        schedules=[schedule] if schedule else None,
        parameters=dict(row.parameters),
        description=row.description,
        tags=list(row.tags),
        concurrency_limit=limit_of(row),
        enforce_parameter_schema=True,
        # By module, not by file: the schedule survives a move of the folder.
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


def main() -> None:
    """Register every deployment and run what is due until stopped."""
    serve(*(deployment(row) for row in DEPLOYMENTS), pause_on_shutdown=False, print_starting_message=False, limit=4)


if __name__ == "__main__":
    main()
