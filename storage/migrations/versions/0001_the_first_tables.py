"""The first tables (until the first release this follows storage/schema; then it is frozen as written)."""

from alembic import op

from storage.schema import metadata
from storage.schema.items import POSTGRES_SEARCH, SQLITE_SEARCH

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    metadata.create_all(connection)
    for statement in SQLITE_SEARCH if connection.dialect.name == "sqlite" else POSTGRES_SEARCH:
        op.execute(statement)
