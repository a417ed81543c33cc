"""Back up the database while all goes on, say whether a back-up is whole, and put one back without overwriting anything."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing, suppress
from datetime import datetime
from itertools import count
from pathlib import Path

from sqlalchemy import URL, make_url

from domain.errors import StoreError
from storage.check import check_store
from storage.faults import sentence
from storage.runs import end_interrupted
from storage.schema import REVISIONS
from storage.store import Store, open_store

# Pages copied before others get a turn at the file: 4 MB.
PAGES = 1_000
# What a restored ledger says of the runs that were at work when the back-up was made, the one that made it among them.
CUT_OFF = "the back-up that was restored was made while this run was at work; how it ended is not in it"


def back_up(address: str, to: Path) -> int:
    """Write a consistent copy of the database to a new file and return its size in bytes. Raises StoreError.

    SQLite by its online back-up (runs go on meanwhile), PostgreSQL by ``pg_dump`` in its custom format. The copy appears under
    its name only when it is whole.
    """
    if to.exists():
        raise StoreError(f"The file {to} exists already; a back-up never overwrites: name another file.")
    part = to.with_name(f"{to.name}.part")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        with closing(open_store(address, migrate=False)) as store:
            if store.path is None:
                _dump(address, store, part)
            else:
                _copy(store.path, part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.rename(to)
    except OSError as error:
        raise StoreError(f"The back-up {to} cannot be written: {error.strerror}; name a file on a disk with space.") from error
    finally:
        for left in (part, part.with_name(f"{part.name}-journal")):
            left.unlink(missing_ok=True)
    return to.stat().st_size


def check_backup(file: Path) -> str:
    """Open a back-up, read it through, and say in a sentence what it holds. Raises StoreError where it is not whole."""
    if not file.is_file():
        raise StoreError(f"There is no back-up {file}.")
    if _is_dump(file):
        listed = subprocess.run([_tool("pg_restore"), "--list", str(file)], capture_output=True, text=True, check=False)  # noqa: S603
        if listed.returncode:
            raise StoreError(f"The back-up {file} is not whole: {listed.stderr.strip()[:200]}.")
        return f"{file} is a dump of PostgreSQL that can be read; it is put back into an empty database."
    # Immutable: nothing is written beside the back-up, not even SQLite's own files.
    try:
        with closing(sqlite3.connect(f"file:{_quoted(file)}?mode=ro&immutable=1", uri=True)) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if found != "ok":
                raise StoreError(f"The back-up {file} is damaged: {found}.")
            revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            items = connection.execute("SELECT count(*) FROM items").fetchone()[0]
            captures = connection.execute("SELECT count(*) FROM captures").fetchone()[0]
    except sqlite3.Error as error:
        raise StoreError(sentence(error, str(file))) from error
    if revision is None or revision[0] not in REVISIONS:
        raise StoreError(
            f"The back-up {file} was made by a newer Sholu (schema {revision and revision[0]}); update the program first."
        )
    return f"{file} is whole: {items} items and {captures} captures, schema {revision[0]}."


def put_back(address: str, file: Path, *, now: datetime) -> Path | None:
    """Make ``file`` the database; what was there is kept beside it under a new name, which is returned (``None``: nothing was).

    The copy is proven whole before anything is moved. Stop all runs and the desk first: raises StoreError where one is at work.
    Runs that were at work when the copy was made are closed in it at ``now``: no process of theirs is left to do so.
    A dump of PostgreSQL goes into an empty database only, all of it or nothing.
    """
    check_backup(file)
    url = make_url(address)
    dumped = _is_dump(file)
    if dumped != (url.get_backend_name() != "sqlite") or not url.database:
        raise StoreError(
            f"The back-up {file} is of {'PostgreSQL' if dumped else 'SQLite'}, the database in SHOLU_DATABASE_URL is not."
        )
    if dumped:
        _load(url, file, now)
        return None
    target = Path(url.database).absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.restoring")
    try:
        shutil.copyfile(file, part)
        with closing(open_store(f"sqlite:///{part}")) as store:  # migrated, and looked through, before it takes the place
            end_interrupted(store, now=now, reason=CUT_OFF)
            problems = list(check_store(store, deep=False))
        if problems:
            raise StoreError(
                f"The back-up {file} is not sound, nothing was changed: {problems[0].where}: {problems[0].sentence}."
            )
        kept = _set_aside(target)
        part.rename(target)
    except OSError as error:
        raise StoreError(f"The back-up {file} cannot be put back as {target}: {error.strerror}.") from error
    finally:
        for suffix in ("", "-wal", "-shm"):
            part.with_name(part.name + suffix).unlink(missing_ok=True)
    return kept


def _set_aside(target: Path) -> Path | None:
    """Move a database out of the way with its write-ahead log, which belongs to it: without it, its last rows would be gone."""
    if not target.exists():
        return None
    _must_be_idle(target)
    kept = next(path for number in count(1) if not (path := target.with_name(f"{target.name}.kept-{number}")).exists())
    for suffix in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            target.with_name(target.name + suffix).rename(kept.with_name(kept.name + suffix))
    return kept


def _must_be_idle(target: Path) -> None:
    try:
        with closing(sqlite3.connect(target, timeout=0, isolation_level=None)) as connection:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise StoreError(f"The database {target} is in use; stop all runs and the desk, then restore.") from error
    except sqlite3.DatabaseError:
        return  # damaged: nobody works in it, and it is kept as it is


def _copy(path: Path, part: Path) -> None:
    part.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(part)) as copy:
            source.backup(copy, pages=PAGES, sleep=0.01)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
            found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise StoreError(sentence(error, str(part if "full" in str(error) else path))) from error
    if found != "ok":
        raise StoreError(f"The copy of {path} is damaged ({found}); look at the database with `sholu db check`.")


def _is_dump(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(5) == b"PGDMP"


def _dump(address: str, store: Store, part: Path) -> None:
    done = _run("pg_dump", make_url(address), "--format=custom", "--no-owner", f"--file={part}")
    if done.returncode:
        raise StoreError(f"pg_dump could not back up {store.address}: {done.stderr.strip()[:300]}.")


def _load(url: URL, file: Path, now: datetime) -> None:
    shown = url.render_as_string(hide_password=True)
    listed = _run("pg_dump", url, "--schema-only", "--no-owner")
    if "CREATE TABLE" in listed.stdout:
        raise StoreError(
            f"The database {shown} is not empty; make a new one (createdb), name it in SHOLU_DATABASE_URL, and restore there."
        )
    done = _run("pg_restore", url, "--single-transaction", "--exit-on-error", "--no-owner", str(file))
    if listed.returncode or done.returncode:
        raise StoreError(
            f"{file} could not be put into {shown}: {(listed.stderr + done.stderr).strip()[:300]}. Nothing was changed."
        )
    with closing(open_store(url.render_as_string(hide_password=False))) as store:
        end_interrupted(store, now=now, reason=CUT_OFF)


def _run(tool: str, url: URL, *options: str) -> subprocess.CompletedProcess[str]:
    # The password goes by the environment: a command line is there for all to read.
    environment = os.environ | ({"PGPASSWORD": str(url.password)} if url.password else {})
    target = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    command = [_tool(tool), f"--dbname={target}", *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own address


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise StoreError(f"{name} is not on the PATH; install PostgreSQL's client programs of the server's version.")
    return found


def _quoted(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
