"""The flow `maintain`: hands the upkeep of the store to Prefect; its own history is pruned by the server (`prefect_settings`)."""

from __future__ import annotations

from typing import Annotated

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from pydantic import Field

from flows.alone import UnderWay
from flows.maintaining import MaintainOptions, MaintainReport, maintain
from flows.shell import State_, cell, ended, now, scheduled_slot, settings_of_run, skipped
from storage.maintenance import Retention
from storage.runs import SlotTaken

Days = Annotated[int, Field(ge=0, le=36_500)]


@flow(
    name="maintain",
    description="Backs up, drops what is old, mends the search index, checks the store; never drops what was flagged or decided.",
    timeout_seconds=6 * 3600,
    persist_result=False,
    validate_parameters=True,
)
def maintain_flow(
    captures: Days = 180,
    ledger: Days = 400,
    entries: Days = 400,
    backups: Annotated[int, Field(ge=0, le=366)] = 7,
    deep: bool = False,
    dry_run: bool = False,
) -> State_:
    """Keep house.

    Args:
        captures: Days after which the bytes of pages go that were neither flagged nor decided (their text stays). 0: never.
        ledger: Days after which a run keeps its sums only, not its lines. 0: never.
        entries: Days after which the program forgets entries that left their feeds. 0: never.
        backups: How many back-ups are kept in the home folder. 0: make none.
        deep: Look the store through to the last byte now; once a week it is done anyway.
        dry_run: Only say what would be dropped.
    """
    slot = scheduled_slot("maintain")
    if slot.missed:
        return skipped(slot.reason)
    options = MaintainOptions(
        retention=Retention(captures, ledger, entries), backups=backups, deep=deep, dry_run=dry_run, slot=slot.key
    )
    try:
        report = maintain(settings_of_run(), options, clock=now)
    except (SlotTaken, UnderWay) as other:
        return skipped(str(other))
    create_markdown_artifact(markdown(report), key="maintain-result", description=f"Run {report.run_id}: what was kept in order")
    (get_run_logger().info if report.sound else get_run_logger().error)(report.closing())
    return ended(report.sound, report.closing(), name="DryRun" if dry_run else "Completed")


def markdown(report: MaintainReport) -> str:
    """The report as an artifact shows it."""
    lines = [cell(report.closing())]
    if report.problems:
        lines += ["", "| what | where | problem |", "|---|---|---|"]
        lines += [f"| {cell(each.check)} | {cell(each.where)} | {cell(each.sentence)} |" for each in report.problems]
    return "\n".join(lines)
