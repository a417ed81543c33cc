"""Commands about proof: `sholu verify`, `sholu evidence ITEM`, `sholu warc FILE`, `sholu recheck`."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.output import complain, console, print_json
from domain.errors import ConfigError, StoreError

SHOWN = 200  # faults told one by one; past that they are only counted


def register(app: typer.Typer) -> None:
    app.command("verify")(verify)
    app.command("evidence")(evidence)
    app.command("warc")(warc)
    app.command("recheck")(recheck)


def verify(
    head: Annotated[
        str | None, typer.Option("--head", help="A link noted elsewhere, as NUMBER:HASH; the chain must still hold it.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="A line of JSON a fault, then a summary.")] = False,
) -> None:
    """Prove that no capture, text, flag, verdict or ledger was changed, taken out or added since it was stored."""
    from domain.settings import load_settings
    from storage.evidence import chain_head, link_at
    from storage.proof import count_records, verify_store
    from storage.store import open_store

    noted = _noted(head)
    started = time.monotonic()
    try:
        store = open_store(load_settings().database, migrate=False)
    except StoreError as error:
        if "damaged" not in str(error):
            raise
        # A flipped byte may hit the file's own structure: that is a finding, not a database that cannot be reached.
        _tell([str(error)], 0, started, "", json=json)
        raise typer.Exit(1) from error
    with closing(store):
        records, last = 0, ""
        faults: list[str] = []
        try:
            faults.extend(f"{problem.where}: {problem.sentence}" for problem in verify_store(store))
            records = count_records(store)
            if found := chain_head(store):
                last = f"{found.seq}:{found.link}"
            if noted and link_at(store, noted[0]) != noted[1]:
                faults.append(f"link {noted[0]}: is not {noted[1]}, as it was noted elsewhere: the chain was cut or rewritten")
        except StoreError as error:
            faults.append(str(error))
    _tell(faults, records, started, last, json=json)
    raise typer.Exit(1 if faults else 0)


def _noted(head: str | None) -> tuple[int, str] | None:
    if head is None:
        return None
    number, _, link = head.partition(":")
    if not number.isdigit() or len(link) != 64:
        raise ConfigError(f"{head!r} is no link of the chain; write it as `sholu verify` prints it, NUMBER:HASH", key="--head")
    return int(number), link.lower()


def _tell(faults: list[str], records: int, started: float, head: str, *, json: bool) -> None:
    seconds = time.monotonic() - started
    if json:
        for fault in faults:
            print_json({"fault": fault})
        print_json({"faults": len(faults), "records": records, "seconds": round(seconds, 3), "head": head})
        return
    out = console()
    for fault in faults[:SHOWN]:
        complain(fault)
    if len(faults) > SHOWN:
        complain(f"and {len(faults) - SHOWN} more.")
    speed = f"{records} records in {seconds:.1f} s ({records / max(seconds, 0.001):.0f} a second)"
    if faults:
        out.print(
            f"{len(faults)} faults found; looked at {speed}. Restore a back-up (`sholu restore`), and keep this database for whoever looks into it."
        )
        return
    out.print(f"Everything is as it was stored: {speed}.")
    if head:
        out.print(f"The head of the chain is {head}", soft_wrap=True)
        out.print("Noted elsewhere (a mail, a sheet of paper), it proves all of this later: sholu verify --head NUMBER:HASH")


def evidence(
    item: Annotated[int, typer.Argument(help="The item's number, as `sholu items` shows it.", min=1)],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="A folder, or a file ending in .zip; evidence-ITEM.zip unless told.")
    ] = None,
) -> None:
    """Write all that is held on one item so that another person can check it without this program."""
    from domain.settings import load_settings
    from flows.evidence import export_item

    done = export_item(load_settings(), item, out or Path(f"evidence-{item}.zip"), now=datetime.now(UTC))
    said = console()
    said.print(
        f"Wrote {done.files} files with {done.captures} captures to {done.path}; its README.md says how to check them.",
        soft_wrap=True,
    )
    said.print(f"SHA-256 of SHA256SUMS: {done.sums_sha256}", soft_wrap=True)


def warc(
    file: Annotated[Path, typer.Argument(help="The file to write, .warc or .warc.gz; must not exist yet.")],
    since: Annotated[str | None, typer.Option("--since", help="Received on or after this date.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Received before this date.")] = None,
) -> None:
    """Write the captures of a time as one WARC 1.1 file, the format of web archives."""
    from cli.collect import parse_day
    from domain.settings import load_settings
    from flows.evidence import export_captures

    count = export_captures(load_settings(), file, since=parse_day(since), until=parse_day(until), now=datetime.now(UTC))
    console().print(f"Wrote {count} captures to {file}.", soft_wrap=True)


def recheck(
    source: Annotated[
        list[str] | None, typer.Option("--source", "-s", help="Only items of this source (its id); may be given again.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, one object in the last line.")] = False,
) -> None:
    """Look again at flagged items whose time has come (1 hour, 24 hours and 7 days after): changed, gone or the same."""
    import asyncio

    from cli.logs import set_up_logs
    from domain.settings import load_settings
    from flows.rechecking import recheck as look_again

    settings = load_settings()
    set_up_logs(settings.home)
    report = asyncio.run(look_again(settings, clock=lambda: datetime.now(UTC), sources=tuple(source or ())))
    if json:
        print_json(report.summary())
    else:
        for each in report.found:
            console().print(f"{each.state}: {each.url} (item {each.item_id}): {each.reason}", soft_wrap=True)
        console().print(report.closing(), soft_wrap=True)
    raise typer.Exit(report.exit_code)
