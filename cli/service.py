"""The command `sholu serve`: everything on one machine."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.output import console


def register(app: typer.Typer) -> None:
    app.command("serve")(serve)


def serve(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    prefect_port: Annotated[int, typer.Option("--prefect-port", min=1, max=65535)] = 4200,
    desk_port: Annotated[int, typer.Option("--desk-port", min=1, max=65535)] = 8710,
    desk: Annotated[bool, typer.Option("--desk/--no-desk", help="Whether to start the review desk, too.")] = True,
) -> None:
    """Start the Prefect UI with the schedules and the review desk, and keep them alive until stopped."""
    from domain.settings import load_settings
    from extractors.catalogue import load_sources
    from flows.serving import serve_all
    from rules.engine.rulebook import load_rulebook
    from storage.store import open_store

    settings = load_settings()
    # Whatever is wrong with the data is said here and now, not every quarter of an hour in a log.
    load_sources(settings.sources)
    load_rulebook(settings.rules, settings.home / "cache")
    open_store(settings.database).close()
    out = console()
    serve_all(settings, host=host, prefect_port=prefect_port, desk_port=desk_port if desk else None, say=out.print)
