"""Which slot of a schedule a flow run stands for, and whether it comes so late that the next one does its work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from prefect.runtime import flow_run

LATE = timedelta(minutes=12)
"""After down time Prefect starts every missed run in a burst (its issue 15886): older ones than this do nothing."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The slot of a scheduled run: ``key`` is None for a run by hand, which may happen at any time."""

    key: str | None
    missed: bool = False
    reason: str = ""


def scheduled_slot(kind: str, *, now: datetime, late: timedelta = LATE) -> Slot:
    """The slot of the present flow run, from Prefect's own record of it."""
    scheduled = flow_run.scheduled_start_time
    automatic = "auto-scheduled" in (flow_run.tags or [])
    return slot_of(kind, scheduled=scheduled if automatic else None, now=now, late=late)


def slot_of(kind: str, *, scheduled: datetime | None, now: datetime, late: timedelta = LATE) -> Slot:
    """The slot of a run scheduled for a time (None: by hand); missed when it starts too late to be worth its while."""
    if scheduled is None:
        return Slot(None)
    if now - scheduled > late:
        minutes = int((now - scheduled).total_seconds() // 60)
        return Slot(None, missed=True, reason=f"This run was due {minutes} minutes ago, while the service was down; the next one does its work.")
    return Slot(f"{kind} {scheduled:%Y-%m-%dT%H:%M}Z")
