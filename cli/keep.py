"""Commands that look after what is stored: `sholu db check`, `sholu backup`, `sholu restore`, `sholu doctor`."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.output import complain, console, print_json, table

database = typer.Typer(name="db", help="The database: check it, bring it up to date.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(database)
    app.command("backup")(backup)
    app.command("restore")(restore)
    app.command("doctor")(doctor)


@database.command("check")
def db_check(
    deep: Annotated[
        bool, typer.Option("--deep", help="Also read every stored page, compare its hash, and walk the evidence chain.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="A line of JSON a problem, then a summary.")] = False,
) -> None:
    """Prove that nothing was lost or doubled: ledger, entries, items, versions, flags, captures."""
    from domain.settings import load_settings
    from storage.check import check_store
    from storage.store import open_store

    with closing(open_store(load_settings().database)) as store:
        problems = list(check_store(store, deep=deep))
    if json:
        for problem in problems:
            print_json(problem)
        print_json({"problems": len(problems)})
    elif problems:
        shown = table(f"{len(problems)} problems", "what", "where", "problem")
        for problem in problems:
            shown.add_row(problem.check, problem.where, problem.sentence)
        console().print(shown)
    else:
        sound = "The store is sound: every entry has one outcome, every item its versions and reasons"
        looked_through = ", every page its bytes, and no link of the evidence chain is broken."
        left = ". Bytes of pages and the evidence chain were not looked at: `sholu db check --deep`."
        console().print(sound + (looked_through if deep else left))
    raise typer.Exit(1 if problems else 0)


@database.command("migrate")
def db_migrate() -> None:
    """Bring the database up to date with this version of the program (every command does so by itself)."""
    from domain.settings import load_settings
    from storage.store import open_store

    with closing(open_store(load_settings().database)) as store:
        console().print(f"The database is up to date: {store.address}")


def backup(
    to: Annotated[Path, typer.Argument(help="The file to write; must not exist yet.")],
) -> None:
    """Write a consistent copy of the database while everything goes on running."""
    from domain.settings import load_settings
    from storage.backup import back_up

    size = back_up(load_settings().database, to)
    console().print(f"Backed up to {to} ({size / 1e6:.1f} MB). Try it: sholu restore {to} --check")


def restore(
    file: Annotated[Path, typer.Argument(help="A file written by `sholu backup`.")],
    check: Annotated[bool, typer.Option("--check", help="Only say whether the file is whole.")] = False,
) -> None:
    """Put a backup back in place; the database there is kept beside it, never overwritten."""
    from domain.settings import load_settings
    from storage.backup import check_backup, put_back

    if check:
        console().print(check_backup(file))
        return
    kept = put_back(load_settings().database, file, now=datetime.now(UTC))
    console().print(f"Restored from {file}." + (f" The database that was there is kept as {kept}." if kept else ""))


def doctor(
    json: Annotated[bool, typer.Option("--json", help="A line of JSON a check.")] = False,
) -> None:
    """Look at everything a run needs: versions, database, rules, sources, mail, disk, clock."""
    from cli.examination import examine

    findings = examine()
    shown = table("Sholu's health", "", "what", "finding")
    for finding in findings:
        if json:
            print_json(finding)
        shown.add_row({"good": "✓", "note": "·", "bad": "✗"}[finding.grade], finding.what, finding.sentence)
    if not json:
        console().print(shown)
    bad = [finding for finding in findings if finding.grade == "bad"]
    if bad:
        complain(f"{len(bad)} of these need mending: {', '.join(finding.what for finding in bad)}.")
    raise typer.Exit(1 if bad else 0)
