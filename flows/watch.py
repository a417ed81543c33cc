"""The flow `watch`: started every hour, and by Prefect's automations when a run failed or did not come."""

from __future__ import annotations

import asyncio

from prefect import flow, get_run_logger
from prefect.artifacts import create_table_artifact

from flows.alarms import MEANINGS, watch
from flows.posting import deliver_alarms
from flows.shell import State_, ended, now, scheduled_slot, settings_of_run, skipped, with_mail_server
from storage.alarms import Trouble


@flow(
    name="watch",
    description="Looks whether the service itself is well. An alarm is told once, and once more when it is over.",
    timeout_seconds=600,
    persist_result=False,
    validate_parameters=True,
)
def watch_flow(kind: str = "", subject: str = "", said: str = "") -> State_:
    """Look whether the service itself is well.

    Args:
        kind: What Prefect saw, when an automation starts this: run-failed or run-missing. Empty: nothing in particular.
        subject: Of which flow.
        said: What Prefect said of it.
    """
    slot = scheduled_slot("watch")
    if slot.missed:
        return skipped(slot.reason)
    settings = settings_of_run()
    heard = (
        Trouble(kind, subject, f"Prefect: {subject} {said}".strip(), {"heard": True})
        if kind == "run-failed" and subject
        else None
    )
    seen = watch(settings, clock=now, heard=heard)
    deliver_alarms(asyncio.run(with_mail_server(settings)), clock=now)
    if seen.open:
        create_table_artifact(
            [
                {
                    "what": MEANINGS.get(alarm.kind, alarm.kind),
                    "of": alarm.subject,
                    "since (UTC)": f"{alarm.opened_at:%Y-%m-%d %H:%M}",
                    "reason": alarm.reason,
                }
                for alarm in seen.open
            ],
            key="alarms",
            description="What is wrong with the service right now",
        )
    get_run_logger().info(seen.closing())
    return ended(True, seen.closing(), name="Alarm" if seen.open else "Completed")
