"""Write the first migration out, table by table, as the schema is now: run once, before the first release.

``python -m storage.migrations.freeze`` replaces ``versions/0001_the_first_tables.py``. From the release on that file is never
touched again, and every change of the schema is a migration of its own.
"""

from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from storage.schema import metadata
from storage.schema.items import POSTGRES_SEARCH, SQLITE_SEARCH

FIRST = Path(__file__).resolve().parent / "versions" / "0001_the_first_tables.py"
HEAD = '''"""The first tables, as they were released; never changed since."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

import storage.schema.types

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

'''


def first_migration() -> str:
    """The source of the first migration for the schema as it is."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        script = produce_migrations(MigrationContext.configure(connection), metadata)
    engine.dispose()
    if script.upgrade_ops is None:
        raise AssertionError("Alembic made nothing of the schema")
    body = render_python_code(script.upgrade_ops)
    search = (
        f"    statements = {{\n        'sqlite': {SQLITE_SEARCH!r},\n        'postgresql': {POSTGRES_SEARCH!r},\n    }}\n"
        "    for statement in statements[op.get_bind().dialect.name]:\n        op.execute(statement)\n"
    )
    return f"{HEAD}\ndef upgrade() -> None:\n    {body.strip()}\n{search}"


if __name__ == "__main__":
    FIRST.write_text(first_migration(), encoding="utf-8")
