"""Which slot of a schedule a flow run stands for, and whether it comes so late that a later one does its work; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Slot:
    """The slot of a scheduled run: ``key`` is None for a run by hand, which may happen at any time."""

    key: str | None
    missed: bool = False
    reason: str = ""


def slot_of(kind: str, *, scheduled: datetime | None, now: datetime, every: timedelta, lane: int = 0) -> Slot:
    """The slot of a run scheduled for a time (None: by hand); missed when the next slot, ``every`` later, has come already.

    After down time Prefect starts every missed run in a burst (its issue 15886): this lets only the last of them do anything,
    so that one run catches up and not fifty. Runs of one minute that are meant to work side by side are told apart by their ``lane``.
    """
    if scheduled is None:
        return Slot(None)
    if now - scheduled >= every:
        return Slot(
            None, missed=True, reason=f"This run was due {_ago(now - scheduled)} ago and was missed; a later one does its work."
        )
    beside = f" lane {lane}" if lane else ""
    return Slot(f"{kind} {scheduled.astimezone(UTC):%Y-%m-%dT%H:%M}Z{beside}")


def _ago(late: timedelta) -> str:
    minutes = int(late.total_seconds() // 60)
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"
