"""Opening the database: what is made, what is refused, and in which words."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, select, text

from domain.errors import StoreError
from storage.migrations.new import NEWEST, make_new, statements
from storage.migrations.run import configuration, upgrade
from storage.schema import REVISIONS
from storage.schema.types import Moment, Words, short_key, write_json
from storage.schema.watching import facts
from storage.schema.whole import metadata
from storage.store import Store, open_store
from tests.storage.conftest import postgres_address


def test_the_first_opening_makes_the_folder_and_every_table(tmp_path: Path) -> None:
    opened = open_store(f"sqlite:///{tmp_path / 'deep' / 'er' / 'sholu.db'}")
    with opened.read() as connection:
        names = set(connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars())
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1
    opened.close()
    assert set(metadata.tables) <= names


def test_the_migrations_make_what_the_schema_says(store: Store) -> None:
    with store.read() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_name": lambda name, kind, _: not str(name).startswith("item_search")}
        )
        assert compare_metadata(context, metadata) == []


def test_the_revisions_the_program_knows_are_the_scripts() -> None:
    scripts = ScriptDirectory.from_config(configuration())
    assert tuple(script.revision for script in reversed(list(scripts.walk_revisions()))) == REVISIONS


def test_a_new_file_is_made_in_one_step_just_as_all_migrations_would_make_it() -> None:
    made: list[list[str]] = []
    for step in (upgrade, make_new):
        with create_engine("sqlite://").begin() as connection:
            step(connection)
            assert statements(connection) == NEWEST.read_text(encoding="utf-8"), "python -m storage.migrations.new"
            held = connection.connection.driver_connection
            assert isinstance(held, sqlite3.Connection)
            made.append(list(held.iterdump()))
    assert made[0] == made[1]


def test_opening_twice_changes_nothing(address: str) -> None:
    for _ in range(2):
        opened = open_store(address)
        with opened.read() as connection:
            assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [REVISIONS[-1]]
        opened.close()


OPEN = "import sys; from storage.store import open_store; open_store(sys.argv[1]).close()"


def open_at_once(address: str, processes: int) -> list[int]:
    command = [sys.executable, "-W", "error", "-c", OPEN, address]
    started = [subprocess.Popen(command, cwd=Path(__file__).parents[2]) for _ in range(processes)]
    return [process.wait(timeout=60) for process in started]


def test_processes_that_start_at_once_on_a_new_file_all_find_it_migrated(tmp_path: Path) -> None:
    assert open_at_once(f"sqlite:///{tmp_path / 'sholu.db'}", 4) == [0, 0, 0, 0]


@pytest.mark.postgres
def test_processes_that_start_at_once_on_a_new_server_all_find_it_migrated(postgres_template: Callable[[], str]) -> None:
    address = postgres_template()
    emptied = open_store(address)
    with emptied.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    emptied.close()
    assert open_at_once(address, 4) == [0, 0, 0, 0]


def test_a_newer_schema_is_refused_and_left_as_it_is(address: str) -> None:
    opened = open_store(address)
    with opened.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    opened.close()
    with pytest.raises(StoreError, match=r"newer Sholu \(schema 9999.*update the program"):
        open_store(address)


def test_an_older_schema_is_refused_where_nothing_may_be_migrated(tmp_path: Path) -> None:
    (tmp_path / "sholu.db").touch()
    with pytest.raises(StoreError, match=r"older than this program.*sholu db upgrade"):
        open_store(f"sqlite:///{tmp_path / 'sholu.db'}", migrate=False)


def test_somebody_elses_database_is_not_written_into(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    with pytest.raises(StoreError, match=r"not Sholu's.*'recipes'.*database of its own"):
        open_store(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        assert [row[0] for row in connection.execute("SELECT name FROM sqlite_master")] == ["recipes"]
    connection.close()


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "sholu.db"
    path.write_bytes(b"Dear diary, " * 500)
    with pytest.raises(StoreError, match=r"sholu\.db is not a database or is damaged.*back-up"):
        open_store(f"sqlite:///{path}")
    assert path.read_bytes() == b"Dear diary, " * 500


def test_a_file_cut_short_is_refused_and_left_as_it_is(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "sholu.db"
    path.write_bytes(sqlite_template.read_bytes()[:9_000])
    with pytest.raises(StoreError, match="damaged"):
        open_store(f"sqlite:///{path}")
    assert path.read_bytes() == sqlite_template.read_bytes()[:9_000]


def test_a_page_overwritten_in_the_middle_is_found_at_the_start(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "sholu.db"
    whole = bytearray(sqlite_template.read_bytes())
    middle = len(whole) // 2 // 4096 * 4096
    whole[middle : middle + 4096] = b"\xa5" * 4096
    path.write_bytes(whole)
    with pytest.raises(StoreError, match=r"damaged.*sholu db check"):
        open_store(f"sqlite:///{path}")
    assert path.read_bytes() == bytes(whole)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"folder .*file/var for the database cannot be made.*SHOLU_HOME"):
        open_store(f"sqlite:///{tmp_path / 'file' / 'var' / 'sholu.db'}")


def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a folder"):
        open_store(f"sqlite:///{tmp_path}")


def test_a_missing_file_is_not_made_by_one_who_only_looks(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"There is no database .* yet"):
        open_store(f"sqlite:///{tmp_path / 'sholu.db'}", migrate=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "address",
    ["nonsense", "mysql://root:s3cret@host/db", "sqlite://", "sqlite:///:memory:", "", "postgresql://u:s3cret@h:port/x"],
)
def test_an_address_that_names_no_database_is_refused_without_showing_it(address: str) -> None:
    with pytest.raises(StoreError, match="SHOLU_DATABASE_URL") as caught:
        open_store(address)
    assert "s3cret" not in str(caught.value)


@pytest.mark.postgres
def test_an_unreachable_server_is_named_without_the_password() -> None:
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:9/sholu cannot be reached") as caught:
        open_store("postgresql://monitor:s3cret@127.0.0.1:9/sholu")
    assert "s3cret" not in str(caught.value)


@pytest.mark.postgres
def test_a_database_that_does_not_exist_is_named(postgres_folder: Path) -> None:
    with pytest.raises(StoreError, match=r'has no such.*"nowhere" does not exist'):
        open_store(postgres_address(postgres_folder, "nowhere"))


@pytest.mark.postgres
@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_does_not_hold_every_text_is_refused_with_its_name_its_encoding_and_a_cure(
    postgres_template: Callable[[], str], postgres_folder: Path, encoding: str
) -> None:
    opened = open_store(postgres_template())
    name = f"in_{encoding.lower()}"
    with opened.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"))
    opened.close()
    with pytest.raises(StoreError, match=rf"/{name}.* has the encoding {encoding}.*createdb -E UTF8"):
        open_store(postgres_address(postgres_folder, name))


@pytest.mark.postgres
def test_a_refused_password_is_said_without_the_password(postgres_folder: Path, postgres_template: Callable[[], str]) -> None:
    opened = open_store(postgres_template())
    with opened.begin() as connection:
        connection.execute(text("CREATE ROLE monitor LOGIN PASSWORD 'right'"))
    rules = (postgres_folder / "pg_hba.conf").read_text()
    (postgres_folder / "pg_hba.conf").write_text(f"local all monitor scram-sha-256\n{rules}")
    try:
        with opened.begin() as connection:
            connection.execute(text("SELECT pg_reload_conf()"))
        address = postgres_address(postgres_folder, "postgres").replace("postgres@", "monitor:s3cret@")
        with pytest.raises(StoreError, match="refuses the user or the password") as caught:
            open_store(address)
        assert "s3cret" not in str(caught.value)
        assert "s3cret" not in opened.address
    finally:
        (postgres_folder / "pg_hba.conf").write_text(rules)
        with opened.begin() as connection:
            connection.execute(text("SELECT pg_reload_conf()"))
        opened.close()


def test_a_database_held_by_another_program_is_said_after_the_wait(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "sholu.db"
    shutil.copy(sqlite_template, path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = open_store(f"sqlite:///{path}", wait=0.1)
    with pytest.raises(StoreError, match="in use by another program"), waiting.begin():
        pass
    with waiting.read() as connection:  # whoever reads need not wait
        assert connection.execute(select(facts)).all() == []
    other.execute("ROLLBACK")
    other.close()
    waiting.close()


def test_a_read_only_database_is_read_and_says_why_it_cannot_be_written(sqlite_template: Path, tmp_path: Path) -> None:
    # Root may write any file, so the child gives that right up first.
    shutil.copy(sqlite_template, tmp_path / "sholu.db")
    tmp_path.chmod(0o555)
    (tmp_path / "sholu.db").chmod(0o444)
    program = (
        "import os, sys\n"
        "from storage.store import open_store\n"
        "from domain.errors import StoreError\n"
        "from storage.runs import begin_run, list_runs\n"
        "from datetime import datetime, UTC\n"
        "open_store(sys.argv[2]).close()\n"  # all is imported before the right to read the project's folder goes
        "if os.getuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "try:\n"
        "    store = open_store(sys.argv[1])\n"
        "    print(len(list_runs(store)))\n"
        "    begin_run(store, kind='collect', now=datetime.now(UTC), parameters={})\n"
        "except StoreError as error: print(error)\n"
    )
    home = tmp_path
    while home != home.parent:  # the child must be able to walk down to the file
        if os.getuid() == 0 and home.stat().st_uid == 0 and not home.stat().st_mode & 0o1:
            home.chmod(home.stat().st_mode | 0o011)
        home = home.parent
    said = subprocess.run(
        [sys.executable, "-c", program, f"sqlite:///{tmp_path / 'sholu.db'}", f"sqlite:///{sqlite_template}"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    tmp_path.chmod(0o755)
    assert "may only be read by this user" in said.stdout, said
    assert "Traceback" not in said.stderr


def test_a_failed_transaction_leaves_nothing(store: Store, now: datetime) -> None:
    row = {"name": "a", "value": {}, "at": now}

    def write(times: int, error: Exception | None) -> None:
        with store.begin() as connection:
            for _ in range(times):
                connection.execute(facts.insert().values(row))
            if error:
                raise error

    with pytest.raises(RuntimeError):
        write(1, RuntimeError())
    with pytest.raises(StoreError):
        write(2, None)
    with store.read() as connection:
        assert connection.execute(select(facts)).all() == []


def test_times_come_back_aware_and_in_utc_and_naive_ones_are_refused(store: Store) -> None:
    table = Table("moments", MetaData(), Column("id", Integer, primary_key=True), Column("at", Moment))
    almaty = datetime(2026, 11, 22, 11, 0, 0, 123456, tzinfo=timezone(timedelta(hours=5)))
    with store.begin() as connection:
        table.create(connection)
        connection.execute(table.insert().values(id=1, at=almaty))
        held = connection.execute(select(table.c.at)).scalar_one()
    assert held == almaty
    assert held.tzinfo is UTC
    with pytest.raises(StoreError), store.begin() as connection:
        connection.execute(table.insert().values(id=2, at=datetime(2026, 1, 1)))


def test_signs_no_database_takes_are_replaced_one_for_one(store: Store) -> None:
    table = Table("said", MetaData(), Column("id", Integer, primary_key=True), Column("words", Words))
    with store.begin() as connection:
        table.create(connection)
        connection.execute(table.insert().values(id=1, words="а\x00б\ud800в😀"))
        assert connection.execute(select(table.c.words)).scalar_one() == "а\ufffdб\ufffdв😀"
    with store.begin() as connection:
        value = {"title": "\x00", "path": "C:\\u0000", "half": "\udfff", "kk": "Қ"}
        connection.execute(facts.insert().values(name="x", value=value, at=datetime.now(UTC)))
        held = connection.execute(select(facts.c.value)).scalar_one()
    assert held == {"title": "\ufffd", "path": "C:\\u0000", "half": "\ufffd", "kk": "Қ"}
    assert write_json({"kk": "Қазақстан"}) == '{"kk":"Қазақстан"}'


def test_a_long_key_stays_one_of_its_kind() -> None:
    one, other = short_key("x" * 5000 + "1"), short_key("x" * 5000 + "2")
    assert one != other
    assert len(one) == len(other) == 200
    assert short_key("x" * 200) == "x" * 200


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_a_database_of_every_earlier_schema_is_brought_up_to_date_with_all_that_is_in_it(tmp_path: Path, revision: str) -> None:
    path = tmp_path / "sholu.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        upgrade(connection, revision)
        connection.execute(text("INSERT INTO facts (name, value, at) VALUES ('kept', '1', '2026-11-22 06:00:00')"))
    engine.dispose()
    opened = open_store(f"sqlite:///{path}")
    with opened.read() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == REVISIONS[-1]
        assert connection.execute(text("SELECT value FROM facts WHERE name = 'kept'")).scalar_one() == 1
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_name": lambda name, kind, _: not str(name).startswith("item_search")}
        )
        assert compare_metadata(context, metadata) == []
    opened.close()
