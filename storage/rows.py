"""Plain rows by the thousand, written without what SQLAlchemy does for each one, which takes longer than SQLite does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table

from storage.store import MANY, in_batches


def insert_rows(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert whole rows, their values in the order of the table's columns; nothing is returned and no conflict forgiven."""
    if connection.dialect.name != "sqlite":  # elsewhere the time is the server's
        names = table.columns.keys()
        for batch in in_batches(list(rows), MANY):
            connection.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in batch])
    elif rows:
        statement, keep = _statement(connection.dialect, table)
        kept = [
            values if as_kept is None else map(as_kept, values)
            for as_kept, values in zip(keep, zip(*rows, strict=True), strict=True)
        ]
        connection.exec_driver_sql(statement, list(zip(*kept, strict=True)))


@lru_cache(maxsize=64)
def _statement(dialect: Dialect, table: Table) -> tuple[str, tuple[Any, ...]]:
    """``INSERT`` as the driver takes it, and for each column what makes of a value that which is kept (None: it stays)."""
    return str(table.insert().compile(dialect=dialect)), tuple(
        column.type.dialect_impl(dialect).bind_processor(dialect) for column in table.columns
    )
