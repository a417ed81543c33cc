"""Killed at any instant, several at once, a full disk: the store that heals equals that of undisturbed work, row for row."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from domain.errors import StoreError
from storage.check import check_store
from storage.runs import list_runs, sweep_runs
from storage.store import open_store
from tests.storage.work import NOW, essence, work, work_on_a_small_disk, work_until

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.storage.work"])


Undisturbed = tuple[dict[str, list[Any]], float]


def begun(target: Callable[..., None], *given: Any) -> BaseProcess:
    process = FORKS.Process(target=target, args=given)
    process.start()
    return process


@pytest.fixture(scope="module")
def undisturbed(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    """What the work ends in when nothing happens, and the seconds it took."""
    path = tmp_path_factory.mktemp("undisturbed") / "sholu.db"
    shutil.copy(sqlite_template, path)
    began = time.monotonic()
    work(f"sqlite:///{path}")
    took = time.monotonic() - began
    store = open_store(f"sqlite:///{path}")
    assert list(check_store(store)) == []
    yield essence(store), took
    store.close()


def assert_healed(address: str, expected: dict[str, list[Any]]) -> None:
    with closing(open_store(address)) as store:
        sweep_runs(store, now=NOW)
        assert list(check_store(store)) == []
        assert "running" not in {run.status for run in list_runs(store)}
        found = essence(store)
    for subject, rows in expected.items():
        assert found[subject] == rows, subject


def finish(address: str) -> None:
    process = begun(work, address)
    process.join()
    assert process.exitcode == 0


def kill_at_random_steps(address: str, kills: int, seed: int) -> None:
    rng = random.Random(seed)
    ended = []
    for _ in range(kills):
        process = begun(work_until, address, rng.randrange(1, 250))
        process.join()
        ended.append(process.exitcode)
    assert ended.count(-signal.SIGKILL) > kills / 2
    assert set(ended) <= {0, -signal.SIGKILL}
    finish(address)


def test_work_killed_at_any_step_with_the_database_ends_in_the_same_rows(address: str, undisturbed: Undisturbed) -> None:
    kill_at_random_steps(address, kills=8, seed=1)
    assert_healed(address, undisturbed[0])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_hundred_kills_end_in_the_same_rows(sqlite_template: Path, tmp_path: Path, undisturbed: Undisturbed, seed: int) -> None:
    shutil.copy(sqlite_template, tmp_path / "sholu.db")
    kill_at_random_steps(f"sqlite:///{tmp_path / 'sholu.db'}", kills=25, seed=100 + seed)
    assert_healed(f"sqlite:///{tmp_path / 'sholu.db'}", undisturbed[0])


@pytest.mark.slow
def test_work_killed_from_outside_at_random_times_ends_in_the_same_rows(address: str, undisturbed: Undisturbed) -> None:
    expected, took = undisturbed
    rng = random.Random(2)
    for _ in range(20):
        process = begun(work, address)
        process.join(0.02 + rng.random() * took / 3)
        process.kill()
        process.join()
    finish(address)
    assert_healed(address, expected)


def test_two_that_work_at_once_end_in_the_same_rows(address: str, undisturbed: Undisturbed) -> None:
    both = [begun(work, address, 1), begun(work, address, 1)]
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    finish(address)
    assert_healed(address, undisturbed[0])


@pytest.mark.parametrize("room", [460_000, 600_000, 800_000])
def test_a_full_disk_is_said_and_the_next_run_ends_in_the_same_rows(
    sqlite_template: Path,
    tmp_path: Path,
    undisturbed: Undisturbed,
    room: int,
) -> None:
    address = f"sqlite:///{tmp_path / 'sholu.db'}"
    shutil.copy(sqlite_template, tmp_path / "sholu.db")
    process = begun(work_on_a_small_disk, address, room, str(tmp_path / "said"))
    process.join()
    assert process.exitcode == StoreError.exit_code
    assert "The disk that holds the database" in (tmp_path / "said").read_text(encoding="utf-8")
    finish(address)
    assert_healed(address, undisturbed[0])
