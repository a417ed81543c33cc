"""What stands before every command: `sholu --version`."""

from __future__ import annotations

from typing import Annotated

import typer

from domain import __version__


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sholu {__version__}")
        raise typer.Exit


def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    del version
