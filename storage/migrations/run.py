"""Run the migrations on a connection that already holds the lock, in its transaction: all of them or none."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

HERE = Path(__file__).resolve().parent


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration without an ini file, so that it works from an installed package too."""
    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the database to ``revision`` within the transaction of ``connection``."""
    command.upgrade(configuration(connection), revision)
