"""The flow `reextract`: hands the reading of stored pages to Prefect, dry first; an artifact says what reads otherwise."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from prefect import flow, get_run_logger
from prefect.artifacts import create_table_artifact
from pydantic import Field

from domain.settings import Settings
from domain.values import Language
from flows.alone import UnderWay
from flows.reextracting import ReextractOptions, Reread, reextract
from flows.reflag import start_of
from flows.shell import State_, ended, item_link, now, settings_of_run, skipped


@flow(
    name="reextract",
    description="Reads stored pages again, with no network. Former versions are kept; what people decided is never touched.",
    timeout_seconds=12 * 3600,
    persist_result=False,
    validate_parameters=True,
)
def reextract_flow(
    dry_run: bool = True,
    since: date | None = None,
    until: date | None = None,
    sources: list[str] | None = None,
    languages: list[Language] | None = None,
    newest: Annotated[int, Field(ge=1)] | None = None,
) -> State_:
    """Read stored pages again, and flag what reads otherwise by the present rules.

    Args:
        dry_run: Only say what would change. Look at the artifact, then run again with this switched off.
        since: Only items first seen on or after this day (UTC).
        until: Only items first seen before this day (UTC).
        sources: Ids of sources, as in `sholu sources list`. Empty: all of them.
        languages: Only items in these languages. Empty: all.
        newest: Only the last so many items: a quick try.
    """
    settings = settings_of_run()
    options = ReextractOptions(
        since=start_of(since),
        until=start_of(until),
        sources=tuple(sources or ()),
        languages=tuple(languages or ()),
        newest=newest,
        dry_run=dry_run,
    )
    try:
        report = reextract(settings, options, clock=now)
    except UnderWay as other:
        return skipped(str(other))
    create_table_artifact(
        [_row(settings, change) for change in report.changes] or [{"item": "no page reads otherwise"}],
        key="reextract-changes",
        description=f"Run {report.run_id}: {report.closing()}",
    )
    if report.failures:
        create_table_artifact(
            [{"item": item_link(settings, item_id, f"item {item_id}"), "why": why} for item_id, why in report.failures],
            key="reextract-failures",
            description=f"Run {report.run_id}: pages that yield nothing now; their stored text is kept",
        )
    get_run_logger().info(report.closing())
    return ended(True, report.closing(), name="DryRun" if dry_run else "Incomplete" if report.failed else "Completed")


def _row(settings: Settings, change: Reread) -> dict[str, object]:
    return {
        "item": item_link(settings, change.item_id, change.title),
        "source": change.source_id,
        "letters before": change.length_before,
        "letters after": change.length_after,
        "before": change.before,
        "after": change.after,
        "because of": ", ".join(change.words),
        "decided": change.review,
    }
