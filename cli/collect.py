"""Commands that read the news: `sholu run`, `sholu items`, `sholu demo`."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.output import clean, complain, console, print_json, runnable, table
from domain.errors import ConfigError

if TYPE_CHECKING:
    from flows.report import RunReport


def register(app: typer.Typer) -> None:
    app.command("run")(run)
    app.command("items")(items)
    app.command("demo")(demo)


def parse_day(text: str | None) -> datetime | None:
    """An ISO date or time as given on the command line; a bare date is its start in UTC."""
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{text!r} is not a date; write it as 2026-11-22 or 2026-11-22T08:00+05:00") from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def run(
    source: Annotated[
        list[str] | None, typer.Option("--source", "-s", help="Only this source (its id); may be given again.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Read feeds again even where nothing changed, and retry what waits.")
    ] = False,
    since: Annotated[str | None, typer.Option("--since", help="Pass over entries published before this date.")] = None,
    due: Annotated[bool, typer.Option("--due", help="Only sources whose turn it is by their own rhythm (for cron).")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and flag, but store nothing.")] = False,
    at_most: Annotated[
        int | None,
        typer.Option(
            "--at-most", min=1, help="One worker of several on one database: take a share of so many sources, whole hosts."
        ),
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Never use a Prefect server, even if one is configured.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, one object in the last line.")] = False,
) -> None:
    """Do the main job once: poll the sources, read what is new, flag it, store it."""
    from cli.at_once import run_sources

    raise typer.Exit(
        run_sources(
            sources=tuple(source or ()),
            force=force,
            since=parse_day(since),
            due=due,
            dry_run=dry_run,
            at_most=at_most,
            plain=plain,
            json=json,
        )
    )


def show_report(report: RunReport, *, hints: bool = True) -> None:
    """Print what a run did: sources, items, flags with the words that made them, and (``hints``) where to look next."""
    out = console()
    if report.offline:
        out.print(runnable(report.closing()))
        return
    sources = table(f"Sources ({len(report.sources)})", "source", "outcome", "entries", "new", "reason")
    for each in sorted(report.sources, key=lambda each: (each.kind.value, each.source_id)):
        sources.add_row(
            each.source_id, each.kind.value, str(each.entries or ""), str(each.counts.new or ""), clean(each.reason, 110)
        )
    out.print(sources)
    if report.flagged_items:
        flagged = table(f"Flagged ({len(report.flagged_items)})", "title", "outlet", "themes", "because of")
        for item in report.flagged_items:
            flagged.add_row(
                clean(item.title, 90), clean(item.outlet, 30), ", ".join(item.themes), clean(", ".join(item.words), 70)
            )
        out.print(flagged)
    counts = report.counts
    out.print(
        f"Entries: {counts.seen} seen = {counts.new} new + {counts.updated} updated + {counts.unchanged} unchanged + "
        f"{counts.duplicate} duplicate + {counts.skipped} skipped + {counts.failed} failed; {counts.flagged} flagged."
    )
    out.print(runnable(report.closing(hints=hints)))


def items(
    flagged: Annotated[bool, typer.Option("--flagged", help="Only what the rules flagged.")] = False,
    near_miss: Annotated[bool, typer.Option("--near-miss", help="Only near misses.")] = False,
    since: Annotated[str | None, typer.Option("--since", help="First seen on or after this date.")] = None,
    source: Annotated[str | None, typer.Option("--source", "-s", help="Only this source (its id).")] = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="At most this many (0: all; a table shows 50 unless told).")] = 0,
    json: Annotated[bool, typer.Option("--json", help="A line of JSON an item.")] = False,
) -> None:
    """List what is stored: a table newest first, or with --json a line an item in the order of their ids."""
    from domain.settings import load_settings
    from flows.choosing import chosen_items
    from storage.shelf import FLAGGED, NEAR_MISS, list_items, page
    from storage.store import open_store

    settings = load_settings()
    grades = tuple(grade for grade, wanted in ((FLAGGED, flagged), (NEAR_MISS, near_miss)) if wanted)
    with closing(open_store(settings.database)) as store:
        wanted = chosen_items(store, since=parse_day(since), sources=(source,) if source else (), grades=grades)
        if json:
            for item in islice(list_items(store, wanted), limit or None):
                print_json(item_line(item))
            return
        shown = table("Items", "id", "seen", "source", "lang", "flag", "score", "title", "themes")
        for item in page(store, wanted, limit=limit or 50):
            line = item_line(item)
            mark = "flagged" if line["flagged"] else "near" if line["near_miss"] else ""
            shown.add_row(
                str(item.id),
                f"{item.first_seen:%m-%d %H:%M}",
                item.source_id,
                item.language,
                mark,
                f"{line['score']:g}",
                clean(item.title, 90),
                ", ".join(line["themes"]),
            )
        console().print(
            shown
            if shown.row_count
            else "No item is like that."
            if flagged or near_miss or since or source
            else "No items yet. `sholu run` reads the sources; `sholu demo` shows the whole thing without a network."
        )


def item_line(item: Any) -> dict[str, Any]:
    """One item as `sholu items --json` prints it; the names are others' to build on."""
    flagging = item.flagging
    return {
        "id": item.id,
        "url": item.url,
        "title": item.title,
        "source": item.source_id,
        "language": item.language,
        "published": item.published,
        "published_from": item.published_from,
        "first_seen": item.first_seen,
        "text": item.text,
        "body_from": item.body_from,
        "version": item.version,
        "flagged": bool(flagging and flagging.flagged),
        "near_miss": bool(flagging and flagging.near_miss),
        "score": flagging.score if flagging else 0.0,
        "threshold": flagging.threshold if flagging else None,
        "themes": flagging.themes if flagging else (),
        "places": flagging.places if flagging else (),
        "regions": flagging.regions if flagging else (),
        "entities": flagging.entities if flagging else (),
        "spans": flagging.spans if flagging else (),
        "rules_version": flagging.rules_version if flagging else "",
    }


def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep serving the demo site and the review desk until you press Ctrl-C.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, one object in the last line.")] = False,
) -> None:
    """Do the whole job on a small news site served on this machine, in a database of its own."""
    from cli.demonstration import demonstrate

    code = demonstrate(keep=keep, json=json)
    if code:
        complain("The demo did not come out as it should; the table above says which source failed.")
    raise typer.Exit(code)
