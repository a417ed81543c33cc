"""Runs by Prefect: the whole job as a flow beside the same without, and a work pool with several workers on a real server.

Prefect's server and workers are real processes started here; what they cost is counted by themselves, beside what the work costs.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
import psycopg

from bench.measure import Cost
from bench.stand import HOUSE, PLAIN, SHOLU, Stand, environment, free_port, standing
from bench.tables import Table
from bench.watched import make_known, watched, write_list
from bench.workers import postgres
from flows.prefect_file import write
from flows.prefect_settings import prefect_environment

BIN = Path(sys.executable).parent
WITHIN = 600.0  # seconds for anything of Prefect's to happen
OVER = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@contextmanager
def prefect_server(place: Path) -> Iterator[tuple[dict[str, str], psutil.Process]]:
    """A Prefect server on loopback with a database of its own; gives the variables of its clients, and its process."""
    port = free_port()
    env = prefect_environment(place, host="127.0.0.1", port=port)
    command = [str(BIN / "prefect"), "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with running(command, {**environment(place / "var", place / "none"), **env}, place / "server.log") as server:
        until(lambda: _answers(f"{env['PREFECT_API_URL']}/health"), "Prefect's server answers")
        yield env, psutil.Process(server.pid)


@contextmanager
def running(command: list[str], env: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process for as long as it is needed, its words in a file."""
    with log.open("ab") as sink:
        process = subprocess.Popen(command, cwd=HOUSE, env=dict(env), stdout=sink, stderr=sink, start_new_session=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def until(found: Callable[[], Any], what: str) -> Any:
    """Wait for something to be the case; a limit, not a measurement."""
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.5)
    raise SystemExit(f"waited in vain: {what}")


def spent(process: psutil.Process) -> float:
    """Seconds of CPU a process and those below it have used so far."""
    members = [process, *process.children(recursive=True)]
    return sum(times.user + times.system for member in members if (times := member.cpu_times()))


def with_prefect(count: int, polls: int) -> Table:
    """The whole job and a pass where nothing changed, without Prefect and as a flow; the server's own cost stands beside it."""
    rows = []
    flow = tuple(word for word in PLAIN if word != "--plain")
    with tempfile.TemporaryDirectory(prefix="sholu-bench-") as place, prefect_server(Path(place)) as (env, server):
        for site, number, options, what in (
            ("pages", count, "--articles", "articles"),
            ("quiet", polls, "--feeds", "unchanged feeds"),
        ):
            costs: dict[str, tuple[Cost, float]] = {}
            for how, command in (("--plain", PLAIN), ("as a flow", flow)):
                with standing(site, options, str(number)) as stand:
                    stand.ready()
                    if site == "quiet":
                        _know(stand, number)
                    before = spent(server)
                    more = {} if how == "--plain" else env
                    costs[how] = stand.run(f"sholu run {how}, {number:,} {what}", *command, **more), spent(server) - before
            for how, (cost, servers) in costs.items():
                server_cost = round(servers, 2) if how == "as a flow" else 0.0
                rows.append(
                    (
                        cost.name,
                        round(cost.cpu, 2),
                        server_cost,
                        round(cost.cpu / costs["--plain"][0].cpu, 2),
                        round(cost.peak / 1e6),
                    )
                )
    heads = ("", "CPU s", "server's CPU s", "of --plain", "peak MB")
    return Table(
        "prefect",
        "What Prefect adds",
        heads,
        tuple(rows),
        "The server is counted from the start of the run to its end; it idles at some cost, too.",
    )


def _know(stand: Stand, count: int) -> None:
    sources = watched(count, stand.port)
    write_list(stand.sources, sources)
    stand.home.mkdir(exist_ok=True)
    make_known(f"sqlite:///{stand.home}/sholu.db", sources)


def work_pool(workers: int, count: int, share: int) -> Table:
    """A work pool with several workers: the deployments of the house with as many lanes, started at once, one worker killed on its way."""
    with tempfile.TemporaryDirectory(prefix="sholu-bench-") as name, postgres(Path(name) / "pg") as database:
        place = Path(name)
        address = str(database.get_uri())
        with standing("quiet", "--feeds", str(count)) as stand, prefect_server(place) as (prefect, server):
            sources = watched(count, stand.port)
            write_list(stand.sources, sources)
            make_known(address, sources, changed=count // 20)
            env = {
                **stand.env,
                **prefect,
                "SHOLU_DATABASE_URL": address,
                "SHOLU_HOUSE": str(HOUSE),
                "PREFECT_WORKER_QUERY_SECONDS": "2",
            }
            subprocess.run([SHOLU, "rules", "check"], cwd=HOUSE, env=env, capture_output=True, check=False)
            write(place / "prefect.yaml", lanes=workers, at_most=share)
            for command in (("work-pool", "create", "sholu", "--type", "process"),
                            ("--no-prompt", "deploy", "--all", "--prefect-file", str(place / "prefect.yaml"))):  # fmt: skip
                subprocess.run([BIN / "prefect", *command], cwd=HOUSE, env=env, capture_output=True, check=True)
            return _pool_runs(env, place, server, address, workers, count, share)


def _pool_runs(
    env: dict[str, str], place: Path, server: psutil.Process, address: str, workers: int, count: int, share: int
) -> Table:
    api = env["PREFECT_API_URL"]
    before = spent(server)
    deployment = _call(api, "/deployments/name/collect/every-15-minutes")["id"]
    command = [str(BIN / "prefect"), "worker", "start", "--pool", "sholu", "--type", "process", "--limit", "1"]
    killed, lanes, runs = False, 0, []
    started = []
    try:
        for number in range(workers):
            crew = running([*command, "--name", f"worker-{number}"], env, place / f"worker-{number}.log")
            started.append((crew, crew.__enter__()))
        begun = time.monotonic()
        deadline = begun + WITHIN
        while time.monotonic() < deadline:
            states = _states(api, runs)
            polled, pending, _ = _stand_of(address)
            # A run whose machine is lost is called running until the server misses its signs of life.
            if polled >= count and not pending and sum(state not in OVER for state in states) <= killed:
                break
            if sum(state not in OVER for state in states) < workers and polled < count:
                lanes += 1
                given = {"parameters": {"only_due": True, "at_most": share, "lane": lanes % workers + 1}}
                runs.append(_call(api, f"/deployments/{deployment}/create_flow_run", given)["id"])
            busy = [worker.pid for _, worker in started if _at_work(worker.pid)]
            if not killed and polled > count // 4 and busy and workers > 1:
                _lose(busy[0])
                killed = True
            time.sleep(2)
        seconds = time.monotonic() - begun
    finally:
        for crew, _ in started:
            crew.__exit__(None, None, None)
    polled, pending, items = _stand_of(address)
    events = _call(api, "/events/count-by/event", {"filter": {}})
    of_runs = sum(each["count"] for each in events)
    check = subprocess.run([SHOLU, "db", "check"], cwd=HOUSE, env=env, capture_output=True, check=False).returncode
    states = _states(api, runs)
    rows = (
        ("workers", workers), ("one killed on its way", "yes" if killed else "no"), ("sources", count), ("share of a run", share),
        ("seconds", round(seconds, 1)), ("flow runs", len(runs)), ("of them ended well", states.count("COMPLETED")),
        ("sources polled", polled), ("articles stored (each once)", items), ("entries still waiting", pending),
        ("sholu db check", "sound" if check == 0 else "NOT sound"), ("CPU s of Prefect's server", round(spent(server) - before, 1)),
        ("Prefect's events", of_runs), ("events a flow run", round(of_runs / max(1, len(runs)), 1)),
    )  # fmt: skip
    return Table("pool", "A work pool on a real Prefect server and one PostgreSQL", ("", "found"), rows)


def _at_work(worker: int) -> bool:
    """Whether a flow run of this worker is under way."""
    try:
        return any("prefect.engine" in process.cmdline() for process in psutil.Process(worker).children(recursive=True))
    except psutil.Error:
        return False


def _lose(worker: int) -> None:
    """A machine is lost with everything on it: the flow runs a worker started are killed with it."""
    tree = psutil.Process(worker)
    for process in (tree, *tree.children(recursive=True)):
        process.kill()


def _stand_of(address: str) -> tuple[int, int, int]:
    with psycopg.connect(address) as connection:
        row = connection.execute(
            "SELECT (SELECT count(DISTINCT source_id) FROM run_sources WHERE kind <> 'skipped'),"
            " (SELECT count(*) FROM entries WHERE state = 'pending'), (SELECT count(*) FROM items)"
        ).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


def _states(api: str, runs: list[str]) -> list[str]:
    found = _call(api, "/flow_runs/filter", {"flow_runs": {"id": {"any_": runs}}}) if runs else []
    return [each["state_type"] for each in found]


def _call(api: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    for tries in range(10):
        try:
            with urlopen(Request(f"{api}{path}", data, {"content-type": "application/json"}), timeout=60) as answer:
                return json.loads(answer.read())
        except HTTPError as error:
            # Prefect on SQLite says 503 while its database is locked; its own clients ask again, too.
            if error.code != 503 or tries == 9:
                raise
        except TimeoutError:
            if tries == 9:
                raise
        time.sleep(2)
    raise AssertionError("not reached")


def _answers(address: str) -> bool:
    try:
        with urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
