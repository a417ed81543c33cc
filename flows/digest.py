"""The flow `digest`: hands the steps of the digest to Prefect and leaves an artifact that says who was told what."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.digest_report import DigestReport
from flows.digest_steps import send_digest
from flows.shell import settings_of_run, skipped, with_mail_server

TIMEOUT = 7200 + 3600  # seconds: the longest patience with a mail server, and time to hand over


@flow(
    name="digest",
    description="Sends the daily digest: once to each reader; what the mail server put off is tried again. Safe to run again at any time.",
    timeout_seconds=TIMEOUT,
    persist_result=False,
    validate_parameters=True,
)
async def digest_flow(
    day: date | None = None,
    to: list[str] | None = None,
    due_only: bool = False,
    dry_run: bool = False,
) -> State[Any]:
    """Send the daily digest.

    Args:
        day: The day whose digest is sent, whatever the hour. Empty: today.
        to: Addresses to send to instead of the list of recipients, whatever the hour. Empty: the list.
        due_only: Only readers whose hour has come; for schedules, of no effect where a day or an address is given.
        dry_run: Compose but store and send nothing; the artifact shows the text.
    """
    settings = await with_mail_server(settings_of_run())
    # The deployments are for schedules and carry due_only; who names a day or a reader in their form wants it now, not at its hour.
    due_only = due_only and not to and day is None
    # In a thread: the steps speak to the mail server and wait between tries, and Prefect's heartbeat must go on meanwhile.
    report = await asyncio.to_thread(
        send_digest, settings, day=day, to=tuple(to or ()), due_only=due_only, dry_run=dry_run, clock=lambda: datetime.now(UTC)
    )
    await acreate_markdown_artifact(
        report.markdown(), key="digest-result", description=f"Run {report.run_id or '(dry)'}: who was told what"
    )
    get_run_logger().info(report.closing())
    return final_state(report)


def final_state(report: DigestReport) -> State[Any]:
    """What the run may call itself: never plainly completed while a mail waits or was refused, nor when there was nothing to do."""
    if report.idle:
        return skipped(report.idle)
    if report.dry_run:
        return Completed(name="DryRun", message=report.closing(), data=report.summary())
    if report.exit_code == 0:
        return Completed(message=report.closing(), data=report.summary())
    if report.exit_code == 1:
        return Completed(name="Incomplete", message=report.closing(), data=report.summary())
    return Failed(message=report.closing(), data=report.summary())
