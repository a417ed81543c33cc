"""Commands on the list of sources: `sholu sources list | check | import | export`."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.output import clean, console, print_json, table
from domain.errors import ConfigError
from domain.values import Ownership

commands = typer.Typer(name="sources", help="The sources we watch: list, check, import, export.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(commands)


@commands.command("list")
def list_sources(
    language: Annotated[str | None, typer.Option("--language", help="Only sources in this language (en, ru, kk).")] = None,
    ownership: Annotated[Ownership | None, typer.Option("--ownership", help="Only outlets behind which these stand.")] = None,
    json: Annotated[bool, typer.Option("--json", help="A line of JSON a source.")] = False,
) -> None:
    """Show every source: its state, who verified it and when, the rung in use and how the last poll ended."""
    from domain.settings import load_settings
    from extractors.catalogue import load_sources
    from storage.sources import poll_states
    from storage.store import open_store

    settings = load_settings()
    listed = load_sources(settings.sources)
    spoken = sorted({each for source in listed for each in source.languages})
    if language and language not in spoken:
        raise ConfigError(f"no source is in {language!r}; they are in {', '.join(spoken)}", file="command line", key="--language")
    sources = [
        each for each in listed if (not language or language in each.languages) and (not ownership or each.ownership == ownership)
    ]
    with closing(open_store(settings.database)) as store:
        states = poll_states(store, [each.id for each in sources])
    shown = table(f"Sources ({len(sources)})", "id", "in", "of", "owner", "state", "verified", "rung", "last poll")
    for source in sources:
        state = states.get(source.id)
        rung = source.rungs[min(state.rung, len(source.rungs) - 1)] if state else source.rungs[0]
        if json:
            print_json({"source": source, "rung": rung, "poll": state})
            continue
        polled = (
            f"{state.last_polled:%m-%d %H:%M} {state.last_kind} {clean(state.last_reason, 60)}"
            if state and state.last_polled
            else "never"
        )
        ownership_word = source.ownership.value if source.ownership else ""
        shown.add_row(
            source.id,
            " ".join(source.languages),
            source.country or "",
            ownership_word,
            source.state.value,
            f"{source.verified}" if source.verified else "never",
            rung.kind.value,
            polled,
        )
    if not json:
        console().print(shown)
        console().print("`--json` says who verified each, and where its addresses are.")


@commands.command("check")
def check(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]…", help="Which sources; all of them unless told.")] = None,
    json: Annotated[bool, typer.Option("--json", help="A line of JSON a source.")] = False,
) -> None:
    """Poll sources and say what each yields today; touches nothing that is stored."""
    from domain.settings import load_settings
    from extractors.catalogue import load_sources
    from extractors.verdicts import YIELDING
    from flows.checking import check_sources
    from flows.steps import chosen_sources

    settings = load_settings()
    sources = chosen_sources(load_sources(settings.sources), ids or (), settings.sources)
    checks = asyncio.run(check_sources(settings, sources, clock=lambda: datetime.now(UTC)))
    shown = table(
        f"What {len(checks)} sources yield", "source", "verdict", "rung", "status", "type", "bytes", "entries", "newest", "reason"
    )
    for each in checks:
        if json:
            print_json(each)
            continue
        newest = f"{each.newest:%Y-%m-%d %H:%M}" if each.newest else ""
        shown.add_row(
            each.source_id, each.verdict, each.rung, str(each.status or ""), each.media_type, str(each.size or ""), str(each.entries),
            newest, clean(each.reason, 100),
        )  # fmt: skip
    if not json:
        console().print(shown)
    alive = sum(1 for each in checks if each.verdict in YIELDING)
    raise typer.Exit(0 if alive == len(checks) else 3 if not alive else 1)


@commands.command("import")
def import_sources(
    file: Annotated[Path, typer.Argument(help="An OPML file, a bare list of addresses, or YAML in our own format.")],
    out: Annotated[Path | None, typer.Option("--out", help="The YAML file to write; standard output unless told.")] = None,
) -> None:
    """Turn OPML or a list of addresses into stanzas, leaving out what is listed already."""
    from domain.settings import load_settings
    from extractors.catalogue import load_sources, not_yet_listed, written_stanzas

    settings = load_settings()
    new, present = not_yet_listed(load_sources(settings.sources), load_sources(file))
    written = written_stanzas(new)
    if out is None:
        typer.echo(written)
    elif out.exists():
        raise ConfigError("exists already and is not overwritten; give another --out and join the two by hand", file=out)
    else:
        out.write_text(written, encoding="utf-8")
    console(stderr=True).print(
        f"{len(new)} new, {len(present)} listed already. Fill in what is missing, then: sholu sources check ID"
    )


@commands.command("export")
def export(
    opml: Annotated[bool, typer.Option("--opml", help="As OPML, for a feed reader.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Where to; standard output unless told.")] = None,
) -> None:
    """Write the list of sources as YAML, or as OPML for a feed reader."""
    from domain.settings import load_settings
    from extractors.catalogue import load_sources, written_stanzas
    from extractors.opml import written_opml

    sources = load_sources(load_settings().sources)
    written = written_opml(sources) if opml else written_stanzas(sources)
    if out is None:
        typer.echo(written)
    else:
        out.write_text(written, encoding="utf-8")
