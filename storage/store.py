"""Open the database and say in a sentence why it cannot be used; what is in it is the business of the other files here."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.pool import ConnectionPoolEntry

from domain.errors import StoreError, ValueRefused
from storage.faults import damaged, sentence
from storage.schema import REVISIONS
from storage.schema.types import tell_postgresql, write_json

if TYPE_CHECKING:
    from sqlalchemy.dialects.sqlite import Insert

# How long one writer waits for another, in seconds. A batch of 200 items holds the database for about 50 ms.
WAIT = 30.0
# Keys of PostgreSQL's advisory locks: one for the migration, one for every write whose order matters (see docs/decisions/0031).
MIGRATION_LOCK, WRITER_LOCK = 7_465_601, 7_465_602
# Rows a statement: SQLAlchemy's executemany is as fast as raw sqlite3 from about 200 on.
BATCH = 200
# One SELECT … IN (…) takes this many values; SQLite's limit of variables was 999 before 3.32.
MANY = 500
# Files up to this size, in bytes, are looked through at every opening (SQLite reads 650 MB a second so: 0.1 s at most); larger
# ones by `sholu db check`. A damaged file must be found before more is written into it.
LOOKED_THROUGH = 64_000_000


@dataclass(frozen=True, slots=True)
class Store:
    """An open database. Safe to share between threads; ``address`` has no password in it and may be shown."""

    address: str
    engine: Engine
    dialect: str
    path: Path | None
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _joined: threading.local = field(default_factory=threading.local, repr=False)

    @contextmanager
    def begin(self, *, ordered: bool = False) -> Iterator[Connection]:
        """One transaction that writes: committed at the end, undone when anything is raised. Raises StoreError.

        SQLite has one writer at a time, so ``BEGIN IMMEDIATE`` waits here and not halfway; the lock spares the threads of this
        process its polling. On PostgreSQL ``ordered`` asks for the same: writers one after the other, each seeing all that
        the one before left, as the evidence chain and the search for near-duplicates need it.
        """
        if (connection := self._outer()) is not None:
            yield connection
            return
        with _told(self.address), self._turn if self.dialect == "sqlite" else nullcontext(), self.engine.connect() as connection:
            writing = connection.execution_options(sholu_writes=True)
            with writing.begin():
                if ordered and self.dialect == "postgresql":
                    writing.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITER_LOCK})
                yield writing

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that reads one consistent state; it never waits for a writer. Raises StoreError."""
        if (connection := self._outer()) is not None:
            yield connection
            return
        with _told(self.address), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def together(self, *, ordered: bool = False) -> Iterator[None]:
        """Whatever this thread reads and writes within is one transaction: all of it is kept, or none. Raises StoreError."""
        if self._outer() is not None:
            yield
            return
        with self.begin(ordered=ordered) as connection:
            self._joined.connection = connection
            try:
                yield
            finally:
                del self._joined.connection

    def _outer(self) -> Connection | None:
        found: Connection | None = getattr(self._joined, "connection", None)
        return found

    def insert(self, table: Table) -> Insert:
        """``INSERT`` with ``on_conflict_do_update``; both databases spell it alike, so one type serves for both."""
        # Only the dialect in use is imported: that of PostgreSQL, with its drivers, takes as long as 40 polls.
        if self.dialect == "sqlite":
            from sqlalchemy.dialects.sqlite import insert
        else:
            from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]
        return insert(table)

    def close(self) -> None:
        self.engine.dispose()


def open_store(address: str, *, migrate: bool = True, wait: float = WAIT) -> Store:
    """Open the database at an SQLAlchemy ``address`` (``sqlite:///file`` or ``postgresql://…``), making or migrating it first.

    With ``migrate=False`` a database that is not as this program needs it is refused and nothing is written.
    Raises StoreError with a sentence that names the address, never the password.
    """
    url = _parse(address)
    shown = url.render_as_string(hide_password=True)
    path = _file(url, make=migrate) if url.get_backend_name() == "sqlite" else None
    engine = _engine(url, wait)
    store = Store(str(path) if path else shown, engine, engine.dialect.name, path)
    try:
        _must_be_sound(store)
        _bring_up_to_date(store, migrate=migrate)
    except BaseException:
        engine.dispose()
        raise
    return store


def _parse(address: str) -> URL:
    try:
        url = make_url(address)
        backend = url.get_backend_name()
    except (ArgumentError, ValueError) as error:
        # The text itself is not shown: whoever mistypes an address mistypes it with the password in it.
        raise StoreError(
            "SHOLU_DATABASE_URL is not an address of a database; write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME."
        ) from error
    if backend in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise StoreError(
            f"SHOLU_DATABASE_URL names {backend!r}, which Sholu cannot use; write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME."
        )
    if not url.database or url.database == ":memory:":
        raise StoreError(
            "SHOLU_DATABASE_URL names a database in memory, which would be lost and cannot be shared; write sqlite:///FILE."
        )
    return url.set(drivername="sqlite+pysqlite")


def _file(url: URL, *, make: bool) -> Path:
    path = Path(str(url.database)).absolute()
    if path.is_dir():
        raise StoreError(f"The database {path} is a folder; name a file in SHOLU_DATABASE_URL or SHOLU_HOME.")
    if not make and not path.exists():
        raise StoreError(f"There is no database {path} yet; `sholu run` makes it, or set SHOLU_DATABASE_URL or SHOLU_HOME.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The folder {path.parent} for the database cannot be made: {error.strerror}; "
            "make it, or set SHOLU_HOME to a folder that can be written."
        ) from error
    return path


def _engine(url: URL, wait: float) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(
            url,
            json_serializer=write_json,
            connect_args={"timeout": wait},
            pool_timeout=wait,
            max_overflow=30,
            pool_use_lifo=True,  # the one used last: in turn, each would fill a cache of its own
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    tell_postgresql()
    try:
        engine = create_engine(
            url,
            json_serializer=write_json,
            connect_args={"connect_timeout": 10, "options": f"-c timezone=UTC -c lock_timeout={int(wait * 1000)}"},
            pool_timeout=wait,
            pool_pre_ping=True,
            max_overflow=30,
        )
    except (ImportError, NoSuchModuleError) as error:
        raise StoreError(
            "PostgreSQL needs the driver psycopg, which is not installed; install Sholu with its extra `postgres`."
        ) from error
    # First: in a database without an encoding the driver hands SQLAlchemy's own opening questions back as bytes, a TypeError.
    event.listen(engine, "connect", partial(_must_be_utf8, url), insert=True)
    return engine


def _must_be_utf8(url: URL, connection: Any, _entry: ConnectionPoolEntry) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        connection.close()
        raise StoreError(
            f"The database {url.render_as_string(hide_password=True)} has the encoding {encoding}, which does not hold every text; "
            "Sholu needs UTF8. Make a new one (createdb -E UTF8 -T template0 NAME) and name it in SHOLU_DATABASE_URL."
        )


def _prepare_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # sqlite3's own begin knows no IMMEDIATE and commits before DDL: we say BEGIN ourselves
    # 4 MB a connection: with 16 a run of 1,000 articles took as much CPU and 16 MB more, for what the system's cache holds too.
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "temp_store = MEMORY", "cache_size = -4000"):
        try:
            connection.execute(f"PRAGMA {pragma}")
        except sqlite3.OperationalError as error:
            # A read-only file can still be read; whoever writes is told by the write itself.
            if "readonly" not in str(error):
                raise


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("sholu_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _told(address: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise (ValueRefused if _is_of_a_value(error) else StoreError)(sentence(error, address)) from error
    except UnicodeDecodeError as error:  # sqlite3's own messages name columns: a flipped byte in the schema is no UTF-8
        raise StoreError(damaged(address, f"a name or a text in it cannot be read: {error.reason}")) from error


def _is_of_a_value(error: Exception) -> bool:
    """Whether the database is well and a value is not: it breaks a rule of the schema, or no column can hold it."""
    if isinstance(error, DBAPIError):  # a foreign key that leads nowhere is nobody's value: the run itself is gone
        return isinstance(error, DataError | IntegrityError) and "foreign key" not in str(error.orig).lower()
    return isinstance(error, StatementError)  # not even sent


def _revision(connection: Connection) -> str | None:
    """The migration the database is at, ``None`` for an empty one. Raises StoreError for somebody else's database."""
    names = set(connection.dialect.get_table_names(connection))
    if "alembic_version" not in names:
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    return str(found[0]) if found else None


def _must_be_sound(store: Store) -> None:
    if store.path is None or not store.path.exists() or store.path.stat().st_size > LOOKED_THROUGH:
        return
    with store.read() as connection:
        found = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one())
    if found != "ok":
        raise StoreError(damaged(store.address, found))


def _bring_up_to_date(store: Store, *, migrate: bool) -> None:
    with store.read() as connection:
        at = _revision(connection)
        if at is None:
            _must_be_empty(store, connection)
    _must_be_known(store, at)
    if at == REVISIONS[-1]:
        return
    if not migrate:
        raise StoreError(
            f"The database {store.address} is older than this program (schema {at or 'none'}, needed is {REVISIONS[-1]}); "
            "run `sholu db upgrade`."
        )
    with store.begin() as connection:  # SQLite: BEGIN IMMEDIATE, so a second process waits here and then finds it done
        if store.dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        at = _revision(connection)
        _must_be_known(store, at)
        if at is None and store.dialect == "sqlite":
            from storage.migrations.new import make_new

            make_new(connection)
        elif at != REVISIONS[-1]:
            # Imported only when there is something to migrate: Alembic costs a tenth of a second.
            from storage.migrations.run import upgrade

            upgrade(connection)


def _must_be_known(store: Store, at: str | None) -> None:
    if at is not None and at not in REVISIONS:
        raise StoreError(
            f"The database {store.address} was made by a newer Sholu (schema {at}, this program knows up to {REVISIONS[-1]}); "
            "update the program, or restore a back-up made with this version. Nothing was changed."
        )


def _must_be_empty(store: Store, connection: Connection) -> None:
    names = connection.dialect.get_table_names(connection)
    if names:
        raise StoreError(
            f"The database {store.address} holds tables that are not Sholu's (for example {min(names)!r}); "
            "give Sholu a database of its own in SHOLU_DATABASE_URL. Nothing was changed."
        )


def in_batches(rows: list[Any], size: int = BATCH) -> Iterator[list[Any]]:
    """``rows`` in lists of at most ``size``."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
