"""What Prefect itself does when a run dies, fails or does not come: automations made by code, the same however often made."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, RunDeployment
from prefect.events.schemas.automations import Automation, AutomationCore, EventTrigger, Posture

from flows.deployments import DEPLOYMENTS

# Runs beat every 30 seconds (`prefect_settings`): three beats missed are a death, and a busy machine misses one.
SILENCE = timedelta(seconds=90)
GOOD = ("Completed", "Incomplete", "Skipped", "DryRun", "Alarm")
BAD = ("Failed", "Crashed", "TimedOut")
"""Endings by their names: Prefect's events are named after a state's name, so each of our own names has an event of its own."""


def zombies() -> AutomationCore:
    """A run whose process is gone without a word stays Running for ever unless somebody says what happened."""
    return AutomationCore(
        name="sholu: a run without a sign of life has crashed",
        description="Marks a run crashed when its heartbeat has stopped for 90 seconds.",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={
                "prefect.flow-run.heartbeat",
                *(f"prefect.flow-run.{end}" for end in (*GOOD, *BAD, "Cancelled")),
            },
            match={"prefect.resource.id": ["prefect.flow-run.*"]},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENCE,
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message="No sign of life for 90 seconds: its process is gone.")],
    )


def failures(watch: UUID) -> AutomationCore:
    """A run that failed or crashed, perhaps before it could reach our own database."""
    return AutomationCore(
        name="sholu: a run failed or crashed",
        description="Starts `watch`, which opens an alarm and tells of it once.",
        trigger=EventTrigger(
            expect={f"prefect.flow-run.{end}" for end in BAD},
            match={"prefect.resource.id": ["prefect.flow-run.*"]},
            match_related=[
                {
                    "prefect.resource.role": "flow",
                    "prefect.resource.name": [row.flow for row in DEPLOYMENTS if row.flow != "watch"],
                }
            ],
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[
            RunDeployment(
                source="selected",
                deployment_id=watch,
                parameters={
                    "kind": "run-failed",
                    "subject": "{{ flow.name }}",
                    "said": "{{ flow_run.name }} {{ flow_run.state.name }}: {{ flow_run.state.message }}",
                },
            )
        ],
    )


def silence(watch: UUID, *, flow: str = "collect", within: timedelta = timedelta(hours=1)) -> AutomationCore:
    """The dead man's switch: no run of a flow has ended for so long, whatever the reason.

    A state of a name of its own ("Incomplete", "Skipped") has an event of that name, so any ending counts that is not a failure.
    """
    return AutomationCore(
        name=f"sholu: no {flow} for {int(within.total_seconds() // 60)} minutes",
        description="Starts `watch`, which opens an alarm where our own database says the same.",
        trigger=EventTrigger(
            expect={f"prefect.flow-run.{end}" for end in GOOD},
            match={"prefect.resource.id": ["prefect.flow-run.*"]},
            match_related={"prefect.resource.role": "flow", "prefect.resource.name": flow},
            posture=Posture.Proactive,
            threshold=1,
            within=within,
        ),
        actions=[RunDeployment(source="selected", deployment_id=watch, parameters={"kind": "run-missing", "subject": flow})],
    )


async def ensure_automations(client: PrefectClient, watch: UUID) -> list[UUID]:
    """Make ours as this version of the program wants them, in the place of those of the same names; others are left alone."""
    wanted = [zombies(), failures(watch), silence(watch)]
    made = []
    for each in wanted:
        for old in await client.read_automations_by_name(each.name):
            if _same(old, each):
                made.append(old.id)
                break
            await client.delete_automation(old.id)
        else:
            made.append(await client.create_automation(each))
    return made


def _same(old: Automation, new: AutomationCore) -> bool:
    """Whether it is there as wanted already: made anew, its counting of silence would begin anew at every start."""
    return _told(old) == _told(new)


def _told(automation: AutomationCore) -> dict[str, Any]:
    told: dict[str, Any] = automation.model_dump(mode="json", include={"name", "description", "enabled", "trigger", "actions"})
    return {name: _sorted(value) for name, value in told.items()}


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(each) for name, each in value.items() if name not in {"id", "created", "updated"}}
    if isinstance(value, list):
        return sorted((_sorted(each) for each in value), key=repr)
    return value
