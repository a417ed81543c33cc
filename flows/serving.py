"""Starts everything on one machine and keeps it alive: Prefect's server, the runner of the schedules, the review desk.

Only processes and their health are dealt with here; no Prefect is imported, so that the keeper itself stays small.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from domain.errors import SholuError
from flows.prefect_settings import prefect_environment

HEALTHY_WITHIN = 180.0  # seconds; a new Prefect database took up to 33 on two shared cores
RESTART_PAUSES = (1.0, 5.0, 15.0, 60.0)  # seconds before each further start of a part that died
STEADY = 300.0  # seconds alive after which a death counts as the first again
STOP_WITHIN = 20.0  # seconds for a part to end by itself before it is killed

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Part:
    """One process that `sholu serve` keeps alive; ``health`` is an address that answers 200 once it works."""

    name: str
    command: tuple[str, ...]
    health: str = ""
    restarts_with: str = ""


@dataclass(slots=True)
class _Running:
    """A part at work: its process, since when, and how often it died of late."""

    part: Part
    process: subprocess.Popen[bytes]
    since: float
    deaths: int = 0
    log: Path = field(default_factory=Path)


def parts(*, host: str, prefect_port: int, desk_port: int | None) -> tuple[Part, ...]:
    """What runs on one machine, in the order in which it is started."""
    python = sys.executable
    service = (
        Part(
            "prefect",
            (python, "-m", "prefect", "server", "start", "--host", host, "--port", str(prefect_port)),
            health=f"http://{host}:{prefect_port}/api/health",
        ),
        # After a restart of the server a runner hears no cancellation any more: it is restarted with it.
        Part("schedules", (python, "-m", "flows.runner"), restarts_with="prefect"),
    )
    if desk_port is None:
        return service
    command = (python, "-m", "cli.main", "review", "--host", host, "--port", str(desk_port))
    return (*service, Part("desk", command, health=f"http://{host}:{desk_port}/healthz"))


def serve_all(home: Path, *, host: str, prefect_port: int, desk_port: int | None, say: Say) -> None:
    """Start every part, watch over them until interrupted, then stop them all; raises SholuError when a part never works."""
    environment = {**os.environ, **prefect_environment(home, host=host, port=prefect_port), "SHOLU_HOME": str(home.absolute())}
    logs = home / "log"
    logs.mkdir(parents=True, exist_ok=True)
    stopping: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    running: dict[str, _Running] = {}
    try:
        for part in parts(host=host, prefect_port=prefect_port, desk_port=desk_port):
            _refuse_taken_port(part)
            running[part.name] = _start(part, environment, logs)
            _await_health(running[part.name], say)
        desk = f"   review desk: http://{host}:{desk_port}" if desk_port else ""
        say(f"Prefect: http://{host}:{prefect_port}{desk}   logs: {logs}")
        say("Schedules are active. Ctrl-C stops everything; what is under way is finished by the next run.")
        while not stopping:
            time.sleep(1)
            _revive(running, environment, logs, say)
    except KeyboardInterrupt:
        pass
    finally:
        say("Stopping …")
        _stop(running)


def _start(part: Part, environment: Mapping[str, str], logs: Path, deaths: int = 0) -> _Running:
    log = logs / f"{part.name}.log"
    with log.open("ab") as sink:
        # A session of its own: Ctrl-C reaches us alone, and we stop the parts in order.
        process = subprocess.Popen(part.command, env=dict(environment), stdout=sink, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603  # our own commands
    return _Running(part, process, time.monotonic(), deaths, log)


def _refuse_taken_port(part: Part) -> None:
    if part.health and _answers(part.health):
        raise SholuError(f"Something already answers at {part.health}: is `sholu serve` running? Stop it, or choose other ports (--help).")


def _await_health(running: _Running, say: Say) -> None:
    if not running.part.health:
        return
    say(f"Starting {running.part.name} …")
    deadline = time.monotonic() + HEALTHY_WITHIN
    while time.monotonic() < deadline:
        if running.process.poll() is not None:
            break
        if _answers(running.part.health):
            return
        time.sleep(0.5)
    raise SholuError(f"{running.part.name} did not start: {_last_words(running.log)} (all of it in {running.log})")


def _answers(address: str) -> bool:
    with suppress(OSError, ValueError), urlopen(address, timeout=2) as answer:  # noqa: S310  # our own parts on this machine
        return bool(answer.status == 200)
    return False


def _revive(running: dict[str, _Running], environment: Mapping[str, str], logs: Path, say: Say) -> None:
    """Start again what died, later each time it dies soon; a part that depends on it is restarted too."""
    for name, each in list(running.items()):
        if each.process.poll() is None:
            continue
        steady = time.monotonic() - each.since > STEADY
        deaths = 0 if steady else each.deaths
        pause = RESTART_PAUSES[min(deaths, len(RESTART_PAUSES) - 1)]
        say(f"{name} ended with status {each.process.returncode}: {_last_words(each.log)} Starting it again in {pause:.0f} s.")
        time.sleep(pause)
        running[name] = _start(each.part, environment, logs, deaths + 1)
        with suppress(SholuError):
            _await_health(running[name], say)
        for dependent in [other for other in running.values() if other.part.restarts_with == name]:
            _end(dependent)
            running[dependent.part.name] = _start(dependent.part, environment, logs)


def _last_words(log: Path) -> str:
    with suppress(OSError):
        lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
        if lines:
            return f"“{lines[-1][:200]}”"
    return "it said nothing."


def _stop(running: Mapping[str, _Running]) -> None:
    for each in reversed(list(running.values())):
        _end(each)


def _end(running: _Running) -> None:
    with suppress(ProcessLookupError):
        os.killpg(running.process.pid, signal.SIGTERM)
    try:
        running.process.wait(STOP_WITHIN)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(running.process.pid, signal.SIGKILL)
        running.process.wait()
