"""A new SQLite database in one step: the statements all migrations end in, so that Alembic is not imported for it.

``python -m storage.migrations.new`` writes ``newest.sql`` anew, after every new migration; a test compares the two.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from storage.schema import REVISIONS

NEWEST: Final = Path(__file__).with_name("newest.sql")
_BETWEEN: Final = ";\n\n"
_MADE_BY_US: Final = """SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
AND name NOT IN (SELECT name FROM pragma_table_list WHERE type = 'shadow') ORDER BY rowid"""


def make_new(connection: Connection) -> None:
    """Make all tables of the newest schema in an empty database, in the transaction of ``connection``."""
    for statement in NEWEST.read_text(encoding="utf-8").split(_BETWEEN):
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (REVISIONS[-1],))


def statements(connection: Connection) -> str:
    """What ``newest.sql`` must hold, of a database that went through all migrations."""
    return _BETWEEN.join(connection.exec_driver_sql(_MADE_BY_US).scalars())


def _write() -> None:
    from sqlalchemy import create_engine

    from storage.migrations.run import upgrade

    with create_engine("sqlite://").begin() as connection:
        upgrade(connection)
        NEWEST.write_text(statements(connection), encoding="utf-8")


if __name__ == "__main__":
    _write()
