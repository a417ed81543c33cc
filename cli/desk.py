"""The command `sholu review`: the desk at which a person decides, and its first users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import console

if TYPE_CHECKING:
    from domain.settings import Settings


def register(app: typer.Typer) -> None:
    app.command("review")(review)


def review(
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; anything but this machine asks for users.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535)] = 8710,
    add_user: Annotated[
        str | None, typer.Option("--add-user", metavar="NAME", help="Make a user instead; asks for the password.")
    ] = None,
    role: Annotated[str, typer.Option("--role", help="Role of the user made: reader, reviewer or admin.")] = "admin",
) -> None:
    """Open the review desk: a web page on which a person decides what is relevant."""
    from domain.settings import load_settings

    settings = load_settings()
    if add_user is not None:
        _add_user(settings, add_user, role)
        return
    from review.serve import serve

    serve(settings, host=host, port=port)


def _add_user(settings: Settings, name: str, role: str) -> None:
    from review.serve import make_user

    # Never an option: what is typed on a command line stands in the shell's history and in the list of processes.
    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    make_user(settings, name, password, role)
    console().print(f"{name} may enter the desk as {role}.")
