"""The command `sholu digest`: what leaves the house by mail."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import clean, complain, console, print_json, table
from domain.errors import ConfigError

if TYPE_CHECKING:
    from flows.digest_report import DigestReport, Preview

FORMS = (".eml", ".html", ".txt")


def register(app: typer.Typer) -> None:
    app.command("digest")(digest)


def digest(
    day: Annotated[str | None, typer.Option("--date", help="The day, as 2026-11-22; today if not given.")] = None,
    to: Annotated[
        list[str] | None, typer.Option("--to", help="Send to this address instead of the list; may be given again.")
    ] = None,
    due: Annotated[bool, typer.Option("--due", help="Only readers whose hour has come (for cron).")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the text; store nothing, ask no mail server.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Write it to FILE.eml, .html or .txt instead of sending it.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, one object in one line.")] = False,
) -> None:
    """Send the daily digest: once to each reader, what waits is tried again, nothing is sent twice."""
    from cli.logs import set_up_logs
    from domain.settings import load_settings
    from flows.digest_steps import send_digest

    if out is not None and out.suffix not in FORMS:
        raise ConfigError(f"the name must end in one of {', '.join(FORMS)}", file=out, key="--out")
    settings = load_settings()
    set_up_logs(settings.home)
    rehearsal = dry_run or out is not None
    report = send_digest(
        settings,
        day=_parse(day),
        to=tuple(to or ()),
        dry_run=rehearsal,
        due_only=due,
        clock=lambda: datetime.now(UTC),
        sleep=_wait,
    )
    if out is not None:
        _write(report, out)
    if json:
        print_json(report.summary())
    elif report.dry_run and out is None:
        _show_previews(report)
    elif out is None:
        _show(report)
    raise typer.Exit(report.exit_code)


def _wait(seconds: float) -> None:
    complain(
        f"Mail waits: the mail server is away or put it off. The next try is in {seconds:.0f} seconds; Ctrl-C leaves it to the next run."
    )
    time.sleep(seconds)


def _parse(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{text!r} is not a date; write it as 2026-11-22", file="command line", key="--date") from None


def _write(report: DigestReport, out: Path) -> None:
    if len(report.previews) != 1:
        raise ConfigError(
            f"there are {len(report.previews)} readers and one file; name one of them with --to", file=out, key="--out"
        )
    preview = report.previews[0]
    if out.suffix == ".html" and not preview.html:
        raise ConfigError(f"this digest has no HTML part: {preview.trouble}", file=out, key="--out")
    body = {".eml": preview.message, ".html": preview.html.encode(), ".txt": preview.text.encode()}[out.suffix]
    out.write_bytes(body)
    complain(f"Wrote {out} ({len(body) / 1000:.0f} KB); nothing was sent.")


def _show_previews(report: DigestReport) -> None:
    for preview in report.previews:
        _show_preview(preview)
    complain(report.closing())


def _show_preview(preview: Preview) -> None:
    if preview.address:
        typer.echo(f"To: {clean(preview.address)}")
    typer.echo(f"Subject: {clean(preview.subject)}\n")
    # Line by line: text of the web must not speak to the terminal.
    for line in preview.text.splitlines():
        kept = len(line) - len(line.lstrip(" "))
        typer.echo(line[:kept] + clean(line))
    typer.echo("")


def _show(report: DigestReport) -> None:
    from flows.digest_report import WORDS

    out = console()
    if report.letters:
        shown = table("Digests", "of", "for", "state", "stories", "tries", "the server's answer")
        for each in report.letters:
            stories = report.composed.get(each.address)
            told = "" if stories is None else str(stories)
            shown.add_row(
                each.slot,
                clean(each.address),
                WORDS.get(each.state, each.state),
                told,
                str(each.attempts),
                clean(each.answer, 120),
            )
        out.print(shown)
    out.print(report.closing())
