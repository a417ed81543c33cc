"""Alembic's door to our schema; a connection is always handed in by ``storage.migrations.run``."""

from alembic import context

from storage.schema.whole import metadata


def include_name(name: str | None, kind: str, _parents: object) -> bool:
    return not (kind == "table" and name is not None and name.split("_", 2)[:2] == ["item", "search"])


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_name=include_name,
    compare_type=True,
    transactional_ddl=True,
    render_as_batch=False,
)
context.run_migrations()
