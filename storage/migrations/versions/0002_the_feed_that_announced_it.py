"""The bytes of the feed that announced an article are evidence too: entries and outlets name their capture."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("entries", sa.Column("capture_id", ID, nullable=True))
    op.add_column("item_sources", sa.Column("capture_id", ID, nullable=True))
    op.create_index("ix_item_sources_capture_id", "item_sources", ["capture_id"])
