"""Commands on the rules: `sholu rules check | explain | forms | try`, `sholu flag`, `sholu reflag`."""

from __future__ import annotations

import typer

commands = typer.Typer(name="rules", help="The rules: check, explain, forms, try.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(commands)
