"""The flow `reflag`: hands the judging of stored items to Prefect, dry first, with an artifact of what changes and why."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from prefect import flow, get_run_logger
from prefect.artifacts import create_table_artifact

from domain.settings import Settings
from domain.values import Language
from flows.alone import UnderWay
from flows.reflagging import Change, ReflagOptions, reflag
from flows.shell import State_, ended, item_link, now, settings_of_run, skipped


@flow(
    name="reflag",
    description="Judges stored items by the present rules. What people decided is never touched.",
    timeout_seconds=6 * 3600,
    persist_result=False,
    validate_parameters=True,
)
def reflag_flow(
    dry_run: bool = True,
    since: date | None = None,
    until: date | None = None,
    sources: list[str] | None = None,
    languages: list[Language] | None = None,
) -> State_:
    """Judge stored items by the present rules.

    Args:
        dry_run: Only say what would change. Look at the artifact, then run again with this switched off.
        since: Only items first seen on or after this day (UTC).
        until: Only items first seen before this day (UTC).
        sources: Ids of sources, as in `sholu sources list`. Empty: all of them.
        languages: Only items in these languages. Empty: all.
    """
    settings = settings_of_run()
    options = ReflagOptions(
        since=start_of(since),
        until=start_of(until),
        sources=tuple(sources or ()),
        languages=tuple(languages or ()),
        dry_run=dry_run,
    )
    try:
        report = reflag(settings, options, clock=now)
    except UnderWay as other:
        return skipped(str(other))
    create_table_artifact(
        [_row(settings, change) for change in report.changes] or [{"item": "no item changes"}],
        key="reflag-changes",
        description=f"Run {report.run_id}: {report.closing()}",
    )
    get_run_logger().info(report.closing())
    return ended(True, report.closing(), name="DryRun" if dry_run else "Completed")


def start_of(day: date | None) -> datetime | None:
    """A day's beginning in UTC."""
    return datetime.combine(day, time(), UTC) if day else None


def _row(settings: Settings, change: Change) -> dict[str, object]:
    return {
        "item": item_link(settings, change.item_id, change.title),
        "source": change.source_id,
        "before": f"{change.before} ({change.score_before:g})",
        "after": f"{change.after} ({change.score_after:g})",
        "because of": ", ".join(change.words),
        "themes": ", ".join(change.themes),
        "decided": change.review,
    }
