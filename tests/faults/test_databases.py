"""A full disk, a damaged, read-only, locked, older or newer database: a sentence, an exit code, a sound store, and a next run that heals."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from storage.migrations.run import upgrade
from storage.schema import REVISIONS
from tests.faults.programs import Program, rows, sqlite_of
from tests.faults.test_kills import must_be_sound

FULL_DISKS = 10 if int(os.environ.get("SHOLU_FAULT_KILLS", "6")) >= 100 else 3


def in_a_sentence(said: str) -> None:
    """What a person reads: no traceback, no SQL, no address with a password."""
    assert "Traceback" not in said
    assert "fault in Sholu" not in said
    assert "SELECT" not in said
    assert said.strip().endswith(".")


@pytest.fixture
def done(program: Callable[..., Program]) -> Program:
    """A program that has run once, its database in one file."""
    made = program("home")
    assert made() == 0, made.said
    with closing(sqlite3.connect(made.home / "sholu.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return made


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mounts a disk of so many bytes; skips where only the machine's administrator may."""
    mounted: list[Path] = []

    def mount(size: int) -> Path:
        place = tmp_path / f"disk-{len(mounted)}"
        place.mkdir()
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(place)], capture_output=True, text=True, check=False
        )
        if made.returncode:
            pytest.skip(f"needs the right to mount a small disk: {made.stderr.strip()}")
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", "-l", str(place)], capture_output=True, check=False)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("mount") is None, reason="needs mount")
def test_a_full_disk_is_named_and_with_space_the_next_run_heals(
    program: Callable[..., Program], small_disk: Callable[[int], Path], done: Program
) -> None:
    expected = rows(sqlite_of(done))
    need = sum(path.stat().st_size for path in done.home.glob("sholu.db*"))
    refused = 0
    for number in range(FULL_DISKS):
        # From no room for the tables to nearly enough for all of it.
        disk = small_disk(int(need * (0.3 + 1.2 * number / FULL_DISKS)))
        made = program(f"full-{number}")
        made.environment |= {"SHOLU_HOME": str(disk)}
        code = made()
        if code:
            refused += 1
            assert code == 4, made.said
            assert "full" in made.said
            in_a_sentence(made.said)
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        assert made() == 0, made.said
        address = f"sqlite:///{disk / 'sholu.db'}"
        assert rows(address) == expected
        must_be_sound(address)
    assert refused


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "its header": lambda whole: b"\x00" * 100 + whole[100:],
    "a page in the middle": lambda whole: (
        whole[: len(whole) // 2 // 4096 * 4096] + b"\xa5" * 4096 + whole[len(whole) // 2 // 4096 * 4096 + 4096 :]
    ),
    "cut in half": lambda whole: whole[: len(whole) // 2],
    "cut within a page": lambda whole: whole[: len(whole) - 1000],
    "something else": lambda _: b"This is a letter, not a database.\n" * 400,
    "the schema": lambda whole: whole[:100] + b"\xff" * 400 + whole[500:],
}


@pytest.mark.slow
def test_a_damaged_database_is_named_left_as_it_is_and_never_a_success(done: Program) -> None:
    path = done.home / "sholu.db"
    whole = path.read_bytes()
    for what, damage in DAMAGE.items():
        for beside in ("-wal", "-shm"):
            path.with_name(path.name + beside).unlink(missing_ok=True)
        damaged = damage(whole)
        path.write_bytes(damaged)
        for command in (("run", "--plain"), ("items",), ("verify",), ("db", "check")):
            assert done(*command) in (1, 4), (what, command, done.said)
            in_a_sentence(done.said.replace("\n", " "))
            assert str(path) in done.said or "damaged" in done.said, (what, command, done.said)
        assert path.read_bytes() == damaged, f"{what}: written over"
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
    path.write_bytes(whole)
    assert done() == 0, done.said


@pytest.mark.slow
def test_a_damaged_log_of_a_killed_run_costs_at_most_what_it_held(program: Callable[..., Program]) -> None:
    """SQLite's write-ahead log has checksums: a torn end is passed over, what was stored before stays."""
    expected_of = program("undisturbed")
    assert expected_of() == 0
    made = program("home")
    made.kill_after(0.9)
    log = made.home / "sholu.db-wal"
    if log.exists() and log.stat().st_size > 5000:
        torn = bytearray(log.read_bytes())
        torn[-2000:] = os.urandom(2000)
        log.write_bytes(torn)
    assert made() == 0, made.said
    must_be_sound(sqlite_of(made))
    assert rows(sqlite_of(made)) == rows(sqlite_of(expected_of))


@pytest.mark.slow
def test_a_locked_database_is_waited_for_and_then_named(done: Program) -> None:
    path = done.home / "sholu.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert done() == 4
        assert "in use by another program" in done.said
        in_a_sentence(done.said)
        other.execute("ROLLBACK")
    assert done() == 0, done.said
    must_be_sound(sqlite_of(done))


@pytest.mark.slow
def test_an_older_a_newer_and_a_foreign_schema(done: Program, program: Callable[..., Program]) -> None:
    path = done.home / "sholu.db"

    def execute(*statements: str) -> None:
        with closing(sqlite3.connect(path)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    execute("UPDATE alembic_version SET version_num = '9999'")
    before = path.read_bytes()
    assert done() == 4
    assert "newer Sholu" in done.said
    in_a_sentence(done.said)
    assert path.read_bytes() == before
    execute("DROP TABLE alembic_version")
    assert done() == 4
    assert "not Sholu's" in done.said
    in_a_sentence(done.said)
    # An older schema is brought up to date by the next run; so is the file a program leaves that died before its first table.
    old = program("old")
    old.home.mkdir()
    engine = create_engine(f"sqlite:///{old.home / 'sholu.db'}")
    with engine.begin() as connection:
        upgrade(connection, REVISIONS[0])
    engine.dispose()
    assert old() == 0, old.said
    must_be_sound(sqlite_of(old))
    empty = program("empty")
    empty.home.mkdir()
    (empty.home / "sholu.db").touch()
    assert empty() == 0, empty.said
    must_be_sound(sqlite_of(empty))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chattr") is None and os.getuid() == 0, reason="root may write to any file")
def test_a_database_that_may_only_be_read_is_named(done: Program) -> None:
    path = done.home / "sholu.db"
    if os.getuid() == 0:
        if subprocess.run(["chattr", "+i", str(path)], capture_output=True, check=False).returncode:
            pytest.skip("this file system knows no files that root may not write")
    else:
        path.chmod(0o400)
    try:
        assert done() == 4
        assert "only be read" in done.said or "cannot be opened" in done.said or "read" in done.said
        in_a_sentence(done.said)
    finally:
        if os.getuid() == 0:
            subprocess.run(["chattr", "-i", str(path)], capture_output=True, check=False)
        else:
            path.chmod(0o600)
    assert done() == 0, done.said


@pytest.mark.slow
def test_a_home_that_cannot_be_made_is_named(program: Callable[..., Program], tmp_path: Path) -> None:
    made = program("home")
    (tmp_path / "a-file").write_text("x", encoding="utf-8")
    made.environment |= {"SHOLU_HOME": str(tmp_path / "a-file" / "home")}
    assert made() in (1, 4)
    assert "a-file" in made.said
    in_a_sentence(made.said)
