"""Column types that mean the same on SQLite and on PostgreSQL; no tables here."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Index, Integer, MetaData, Text, text
from sqlalchemy.types import TypeDecorator, TypeEngine

from domain.keys import LONGEST, shortened

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

# PostgreSQL takes neither NUL nor half a surrogate pair in text, SQLite's driver not the latter. Readers clean text on entry;
# this is the last door, so that one hostile title cannot refuse a batch of two hundred. One sign for one: offsets stay right.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def storable(text: str) -> str:
    """``text`` with what no database takes replaced by U+FFFD; of equal length."""
    if "\0" not in text:
        # UTF-8 refuses lone surrogates and nothing else. To try is a third of searching, and is done several times of an article.
        try:
            text.encode()
        except UnicodeEncodeError:
            pass
        else:
            return text
    return UNSTORABLE.sub("\ufffd", text)


def write_json(value: object) -> str:
    """Compact JSON with letters as they are (escaped Cyrillic is three times as long), safe for every database."""
    written = ENCODER.encode(value)
    if "\\u0000" in written:
        written = ESCAPED_NUL.sub("\\1\ufffd", written)
    return storable(written)


def short_key(key: str, limit: int = LONGEST) -> str:
    """``key`` as it can be stored and indexed."""
    return shortened(storable(key), limit)


class Words(TypeDecorator[str]):
    """Text of any length that came from outside."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else storable(value)


class Moment(TypeDecorator[datetime]):
    """An aware time in UTC; SQLite keeps it without a zone, so the zone is taken off and put back here.

    For SQLite in one step each way, as SQLAlchemy's own type writes and reads it: its two steps were a third of keeping 1,000 polls.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Any:
        return _sqlite_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        return _sqlite_moment if dialect.name == "sqlite" else super().result_processor(dialect, coltype)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone was to be stored: {value!r}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@lru_cache(maxsize=256)  # a batch is written with one time for all its rows, an item with one for its dozen terms
def _sqlite_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(f"a time without a zone was to be stored: {value!r}")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _sqlite_moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


# SQLite numbers rows by itself only in a column of type INTEGER (64 bits there anyway).
Id = BigInteger().with_variant(Integer(), "sqlite")


class Json(TypeDecorator[Any]):
    """Lists and mappings: JSONB on PostgreSQL, whose dialect (a thirtieth of a poll of 1,000 feeds) is imported there only."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            from sqlalchemy.dialects.postgresql import JSONB

            return dialect.type_descriptor(JSONB())
        return dialect.type_descriptor(JSON())


_partial: list[tuple[Index, str]] = []


def partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of some rows only, the same on both databases."""
    made = Index(name, *columns, unique=unique, sqlite_where=text(where))
    _partial.append((made, where))
    return made


def tell_postgresql() -> None:
    """Have the partial indexes known to PostgreSQL's dialect; not done by ``partial``, since naming a dialect imports it."""
    for index, where in _partial:
        index.dialect_kwargs["postgresql_where"] = text(where)
