"""Starts everything on one machine and keeps it alive: Prefect's server, the runner of the schedules, the desk, the watchdog.

Only processes and their health are dealt with here; no Prefect is imported, so that the keeper itself stays small.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from domain.errors import SholuError
from domain.settings import Settings
from flows.prefect_settings import prefect_environment

HEALTHY_WITHIN = 180.0  # seconds; a new Prefect database took up to 33 on two shared cores
LOOK_EVERY = 1.0  # seconds between two looks at the processes
ASK_EVERY = 15.0  # seconds between two questions whether a part still answers
ASK_SOON = 1.0  # … and while it is starting again
HUNG_AFTER = 120.0  # seconds without an answer after which a part that lives is started again
RESTART_PAUSES = (1.0, 5.0, 15.0, 60.0)  # seconds before each further start of a part that died
STEADY = 300.0  # seconds alive after which a death counts as the first again
STOP_WITHIN = 20.0  # seconds for a part to end by itself before it is killed
WATCH_EVERY = 300  # seconds between two looks of the watchdog
LOG_BYTES = 20_000_000  # a log that has grown to this is put aside once

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Part:
    """One process that `sholu serve` keeps alive; ``health`` is an address that answers 200 once it works, ``stop`` what ends it."""

    name: str
    command: tuple[str, ...]
    health: str = ""
    port: int = 0
    restarts_with: str = ""
    stop: signal.Signals = signal.SIGTERM


@dataclass(slots=True)
class _Running:
    """A part at work: its process (None while it waits for its next start), since when, and how often it died of late."""

    part: Part
    log: Path
    process: subprocess.Popen[bytes] | None = None
    since: float = 0.0
    deaths: int = 0
    start_at: float = 0.0
    asked_at: float = 0.0
    answered_at: float = 0.0
    well: bool = False


def parts(*, host: str, prefect_port: int, desk_port: int | None) -> tuple[Part, ...]:
    """What runs on one machine, in the order in which it is started."""
    python = sys.executable
    near = reachable(host)
    service = [
        Part(
            "prefect",
            (python, "-m", "prefect", "server", "start", "--host", host, "--port", str(prefect_port)),
            health=f"http://{near}:{prefect_port}/api/health",
            port=prefect_port,
        )
    ]
    if desk_port is not None:
        command = (python, "-m", "cli.main", "review", "--host", host, "--port", str(desk_port))
        service.append(Part("desk", command, health=f"http://{near}:{desk_port}/healthz", port=desk_port))
    # After a restart of the server a runner hears no cancellation any more: it is restarted with it. It ends in order on SIGINT only.
    service.append(Part("schedules", (python, "-m", "flows.runner"), restarts_with="prefect", stop=signal.SIGINT))
    service.append(Part("watchdog", (python, "-m", "cli.main", "watchdog", "--every", str(WATCH_EVERY))))
    return tuple(service)


def reachable(host: str) -> str:
    """The address at which this machine reaches what listens on ``host``."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104


def environment_of(
    home: Path, *, host: str, prefect_port: int, desk_port: int | None, desk_address: str, given: Mapping[str, str]
) -> dict[str, str]:
    """The environment of all parts: Prefect's own variables, and where the desk is unless the settings say so."""
    near = reachable(host)
    made = {**given, **prefect_environment(home, host=near, port=prefect_port), "SHOLU_HOME": str(home.absolute())}
    made["SHOLU_RUNNER_ALONE"] = "1"  # no other runner serves these deployments: the lock sees to it
    if desk_port is not None and not desk_address:
        made["SHOLU_DESK_ADDRESS"] = f"http://{near}:{desk_port}"
    return made


def serve_all(settings: Settings, *, host: str, prefect_port: int, desk_port: int | None, say: Say) -> None:
    """Start every part, watch over them until interrupted, then stop them all; raises SholuError when a part never works."""
    home = settings.home
    logs = home / "log"
    logs.mkdir(parents=True, exist_ok=True)
    with _the_only_one(home):
        _Service(
            parts(host=host, prefect_port=prefect_port, desk_port=desk_port),
            environment_of(
                home,
                host=host,
                prefect_port=prefect_port,
                desk_port=desk_port,
                desk_address=settings.desk_address,
                given=os.environ,
            ),
            logs,
            say,
        ).run(_welcome(reachable(host), prefect_port, desk_port, logs))


def _welcome(host: str, prefect_port: int, desk_port: int | None, logs: Path) -> Sequence[str]:
    desk = [f"Review desk: http://{host}:{desk_port}"] if desk_port is not None else []
    return (
        f"Prefect:     http://{host}:{prefect_port}",
        *desk,
        f"Logs:        {logs}",
        "Schedules are active; the first poll comes at the next quarter of an hour. Ctrl-C stops everything; what is under way is finished by the next run.",
    )


@contextmanager
def _the_only_one(home: Path) -> Iterator[None]:
    """Hold the home folder's lock while serving; raises SholuError where another `sholu serve` holds it. A dead one holds nothing."""
    path = home / "serve.lock"
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            pid = file.read().strip() or "?"
            message = f"`sholu serve` is running for {home.absolute()} already (process {pid}); stop that one, or set SHOLU_HOME."
            raise SholuError(message) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


class _Stopped(Exception):
    """Somebody asked for the end while a part was still starting."""


class _Service:
    """The parts at work. Their processes are leaders of sessions of their own: Ctrl-C reaches us alone, and we stop them in order."""

    def __init__(self, parts: Sequence[Part], environment: Mapping[str, str], logs: Path, say: Say) -> None:
        self._environment = dict(environment)
        self._logs = logs
        self._say = say
        self._running = [_Running(part, logs / f"{part.name}.log") for part in parts]
        self._stopping = False

    def run(self, welcome: Sequence[str]) -> None:
        # Said also for SIGINT: started in the background of a script it would be ignored, by us and by all we start.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._asked_to_stop)
        try:
            for each in self._running:
                _refuse_taken_port(each.part)
            for each in self._running:
                self._start(each)
                self._await_health(each)
            for line in welcome:
                self._say(line)
            while not self._stopping:
                time.sleep(LOOK_EVERY)
                for each in self._running:
                    self._look_after(each)
        except _Stopped:
            pass
        finally:
            # A second Ctrl-C must not leave half of them behind.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            self._say("Stopping …")
            self._stop()

    def _asked_to_stop(self, *_: object) -> None:
        self._stopping = True

    def _start(self, each: _Running) -> None:
        _put_aside(each.log)
        with each.log.open("ab") as sink:
            each.process = subprocess.Popen(  # noqa: S603  # our own commands
                each.part.command, env=self._environment, stdout=sink, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        each.since = each.asked_at = each.answered_at = time.monotonic()
        each.well = not each.part.health

    def _await_health(self, each: _Running) -> None:
        """The first start: whatever keeps a part from working is said at once, and nothing is left half started."""
        if not each.part.health:
            return
        self._say(f"Starting {each.part.name} …")
        deadline = time.monotonic() + HEALTHY_WITHIN
        while time.monotonic() < deadline and not self._stopping:
            if each.process is None or each.process.poll() is not None:
                break
            if _answers(each.part.health):
                each.well = True
                return
            time.sleep(0.5)
        if self._stopping:
            raise _Stopped
        raise SholuError(f"{each.part.name} did not start: {_last_words(each.log)} (all of it in {each.log})")

    def _look_after(self, each: _Running) -> None:
        now = time.monotonic()
        if each.process is None:
            if now >= each.start_at and self._can_start(each):
                self._start(each)
        elif each.process.poll() is not None:
            self._say(f"{each.part.name} ended with status {each.process.returncode}: {_last_words(each.log)}")
            self._bury(each)
        elif each.part.health and now - each.asked_at >= (ASK_EVERY if each.well else ASK_SOON):
            self._ask(each, now)

    def _can_start(self, each: _Running) -> bool:
        """Whether what a part depends on works: started before, it would only die of it."""
        return all(other.well for other in self._running if other.part.name == each.part.restarts_with)

    def _ask(self, each: _Running, now: float) -> None:
        each.asked_at = now
        if _answers(each.part.health):
            if not each.well:
                self._say(f"{each.part.name} works again.")
            each.well, each.answered_at = True, now
            _put_aside(each.log)
        elif now - each.answered_at > (HUNG_AFTER if each.well else HEALTHY_WITHIN):
            self._say(f"{each.part.name} has not answered for {now - each.answered_at:.0f} seconds.")
            self._bury(each)

    def _bury(self, each: _Running) -> None:
        """End what is left of a part and have it start again, later each time it dies soon; with it what depends on it."""
        steady = time.monotonic() - each.since > STEADY
        each.deaths = 0 if steady else each.deaths
        pause = RESTART_PAUSES[min(each.deaths, len(RESTART_PAUSES) - 1)]
        each.deaths += 1
        self._say(f"Starting {each.part.name} again in {pause:.0f} s.")
        _end(each)
        each.start_at = time.monotonic() + pause
        for other in self._running:
            if other.part.restarts_with == each.part.name:
                _end(other)
                other.start_at = each.start_at

    def _stop(self) -> None:
        for each in reversed(self._running):
            _end(each)


def _refuse_taken_port(part: Part) -> None:
    if not part.port:
        return
    host = part.command[part.command.index("--host") + 1]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, part.port))
        except OSError as error:
            option = "--prefect-port" if part.name == "prefect" else "--desk-port"
            message = f"{part.name} cannot listen on {host}:{part.port} ({error.strerror}); choose another with {option}, or stop what is there."
            raise SholuError(message) from error


def _answers(address: str) -> bool:
    with suppress(OSError, ValueError), urlopen(address, timeout=5) as answer:  # noqa: S310  # our own parts on this machine
        return bool(answer.status == 200)
    return False


def _last_words(log: Path) -> str:
    with suppress(OSError):
        lines = [
            line.strip() for line in log.read_text(encoding="utf-8", errors="replace")[-20_000:].splitlines() if line.strip()
        ]
        if lines:
            return f"“{lines[-1][:200]}”"
    return "it said nothing."


def _put_aside(log: Path) -> None:
    """Keep a log that has grown too large as one former file; the process goes on writing into the emptied one (it appends)."""
    with suppress(OSError):
        if log.stat().st_size > LOG_BYTES:
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            os.truncate(log, 0)


def _end(each: _Running) -> None:
    """Stop a part's process and all it started, also what outlived it."""
    process, each.process = each.process, None
    if process is None:
        return
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, each.part.stop)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_WITHIN)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
