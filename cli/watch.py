"""Commands that keep the service in order: `sholu watchdog`, `sholu maintain`, `sholu reextract`, `sholu alarms`."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.collect import parse_day
from cli.output import clean, complain, console, print_json, table
from domain.errors import SholuError


def register(app: typer.Typer) -> None:
    app.command("watchdog")(watchdog)
    app.command("alarms")(alarms)
    app.command("maintain")(maintain)
    app.command("reextract")(reextract)


def watchdog(
    every: Annotated[float, typer.Option("--every", min=0, help="Look again every so many seconds, until stopped; 0: once.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="A line of JSON a look.")] = False,
) -> None:
    """Look whether the service itself is well, and raise an alarm once where it is not: for cron, needs no Prefect.

    Exit code 0 when nothing is wrong, 1 while an alarm is open.
    """
    from cli.logs import set_up_logs
    from domain.settings import load_settings

    settings = load_settings()
    set_up_logs(settings.home)
    while True:
        wrong = _look(json=json)
        if not every:
            raise typer.Exit(1 if wrong else 0)
        time.sleep(every)


def _look(*, json: bool) -> bool:
    from domain.settings import load_settings
    from flows.alarms import watch
    from flows.posting import deliver_alarms

    settings = load_settings()
    try:
        seen = watch(settings, clock=lambda: datetime.now(UTC))
        deliver_alarms(settings, clock=lambda: datetime.now(UTC))
    except SholuError as error:
        # A database that cannot be reached is itself the trouble; whoever runs the watchdog (cron, systemd) hears of it.
        complain(f"The watchdog cannot look: {error}")
        return True
    if json:
        print_json({"open": seen.open, "opened": len(seen.opened), "closed": len(seen.closed), "mails": seen.posted})
    elif seen.open or seen.closed:
        console().print(seen.closing())
    return bool(seen.open)


def alarms(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    json: Annotated[bool, typer.Option("--json", help="A line of JSON an alarm.")] = False,
) -> None:
    """List what is wrong with the service right now; docs/operating.md says what to do about each."""
    from domain.settings import load_settings
    from storage.alarms import list_alarms, open_alarms
    from storage.store import open_store

    with closing(open_store(load_settings().database)) as store:
        found = list_alarms(store) if everything else open_alarms(store)
    shown = table("Alarms", "since", "over", "what", "of", "reason")
    for alarm in found:
        if json:
            print_json(alarm)
        over = f"{alarm.closed_at:%m-%d %H:%M}" if alarm.closed_at else ""
        shown.add_row(f"{alarm.opened_at:%m-%d %H:%M}", over, alarm.kind, alarm.subject, clean(alarm.reason, 160))
    if not json:
        console().print(shown if found else "Nothing is wrong.")


def maintain(
    captures: Annotated[
        int, typer.Option("--captures", min=0, help="Days after which bytes of clear, undecided pages go; 0: never.")
    ] = 180,
    ledger: Annotated[int, typer.Option("--ledger", min=0, help="Days after which runs keep their sums only; 0: never.")] = 400,
    backups: Annotated[
        int, typer.Option("--backups", min=0, help="How many back-ups are kept in the home folder; 0: make none.")
    ] = 7,
    deep: Annotated[
        bool, typer.Option("--deep", help="Look the store through to the last byte (done weekly by itself).")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be dropped.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as one object.")] = False,
) -> None:
    """Keep house: back up, drop what is old (never what was flagged or decided), mend the search index, check the store."""
    from cli.logs import set_up_logs
    from domain.settings import load_settings
    from flows.maintaining import MaintainOptions
    from flows.maintaining import maintain as keep_house
    from storage.maintenance import Retention

    settings = load_settings()
    set_up_logs(settings.home)
    options = MaintainOptions(Retention(captures, ledger), backups=backups, deep=deep, dry_run=dry_run)
    report = keep_house(settings, options, clock=lambda: datetime.now(UTC))
    if json:
        print_json(report)
    else:
        console().print(report.closing())
    raise typer.Exit(0 if report.sound else 1)


def reextract(
    source: Annotated[
        list[str] | None, typer.Option("--source", "-s", help="Only this source (its id); may be given again.")
    ] = None,
    language: Annotated[list[str] | None, typer.Option("--language", help="Only this language; may be given again.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="First seen on or after this date.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="First seen before this date.")] = None,
    newest: Annotated[int | None, typer.Option("--newest", min=1, help="Only the last so many items.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Store what differs; without it nothing is changed.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as one object.")] = False,
) -> None:
    """Read the stored pages again, without a network, and say whose text or flag would change; with --apply store it."""
    from cli.logs import set_up_logs
    from domain.settings import load_settings
    from flows.reextracting import ReextractOptions
    from flows.reextracting import reextract as read_again

    settings = load_settings()
    set_up_logs(settings.home)
    options = ReextractOptions(
        since=parse_day(since),
        until=parse_day(until),
        sources=tuple(source or ()),
        languages=tuple(language or ()),
        newest=newest,
        dry_run=not apply,
    )
    report = read_again(settings, options, clock=lambda: datetime.now(UTC))
    if json:
        print_json(report)
        return
    shown = table(
        f"Pages that read otherwise ({report.changed})", "item", "source", "title", "letters", "before", "after", "because of"
    )
    for each in report.changes[:50]:
        letters = f"{each.length_before} → {each.length_after}"
        shown.add_row(
            str(each.item_id),
            each.source_id,
            clean(each.title, 70),
            letters,
            each.before,
            each.after,
            clean(", ".join(each.words), 50),
        )
    if report.changes:
        console().print(shown)
    console().print(report.closing())
