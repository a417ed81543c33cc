"""The command `sholu review`: the desk at which a person decides."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("review")(review)


def review(
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; anything but this machine asks for users.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535)] = 8710,
) -> None:
    """Open the review desk: a web page on which a person decides what is relevant."""
    from domain.settings import load_settings
    from review.serve import serve

    serve(load_settings(), host=host, port=port)
