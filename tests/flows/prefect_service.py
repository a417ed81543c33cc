"""A Prefect server on loopback with our deployments and a small press to read, for the tests of the schedule.

Prefect itself is only in processes of its own here: a server, the runner as `sholu serve` starts it, and the runs it starts.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from domain.settings import Settings
from flows.deployments import DEPLOYMENTS
from flows.prefect_settings import prefect_environment
from tests.flows.conftest import RULEBOOK, Site, filler

HOUSE = Path(__file__).resolve().parent.parent.parent
TERMINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
DESK = "http://desk.invalid"


class SlowPages(SimpleHTTPRequestHandler):
    """Files of a folder; what is under ``/slow`` takes its time, so that a run of it can be caught in the act."""

    def do_GET(self) -> None:
        if self.path.startswith("/slow/"):
            time.sleep(20)
        with suppress(OSError):
            super().do_GET()

    def log_message(self, *args: object) -> None:
        pass


@dataclass
class Service:
    """A Prefect server on loopback with the deployments, spoken to over its API as the UI does it."""

    port: int
    home: Path
    environment: dict[str, str]
    settings: Settings
    runner: subprocess.Popen[bytes] | None = None
    server: subprocess.Popen[bytes] | None = None

    def serve(self) -> None:
        """Start the server and wait until it answers."""
        log = (self.home / "server.log").open("ab")
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(self.port)]
        server = subprocess.Popen(command, env=self.environment, cwd=HOUSE, stdout=log, stderr=log, start_new_session=True)
        log.close()
        self.server = server
        until(lambda: answers(self.port) or server.poll() is not None, "the server answers", within=300)
        assert server.poll() is None, (self.home / "server.log").read_text()

    def registered(self) -> None:
        """Wait until every deployment is there and its form closed."""
        last = f"/deployments/name/{DEPLOYMENTS[-1].name}"
        until(lambda: '"additionalProperties": false' in json.dumps(self.call("GET", last)[1]), "all deployments are registered")

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"http://127.0.0.1:{self.port}/api{path}", data, {"content-type": "application/json"}, method=method)
        for tries in range(6):
            try:
                with urlopen(request, timeout=60) as answer:
                    text = answer.read()
                    return answer.status, json.loads(text) if text else None
            except HTTPError as error:
                # Prefect on SQLite says 503 while its database is locked; its own clients ask again, too.
                if error.code != 503 or tries == 5:
                    return error.code, error.read().decode()
                time.sleep(1)
        raise AssertionError("not reached")

    def deployment(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"/deployments/name/{name}")[1]
        return found

    def start(self, name: str, **parameters: Any) -> str:
        status, made = self.call(
            "POST", f"/deployments/{self.deployment(name)['id']}/create_flow_run", {"parameters": parameters}
        )
        assert status < 300, made
        return str(made["id"])

    def runs(self, name: str, **state: Any) -> list[dict[str, Any]]:
        chosen = {"deployments": {"id": {"any_": [self.deployment(name)["id"]]}}, "flow_runs": {"state": state}}
        found: list[dict[str, Any]] = self.call("POST", "/flow_runs/filter", chosen | {"sort": "EXPECTED_START_TIME_ASC"})[1]
        return found

    def ended(self, run_id: str) -> dict[str, Any]:
        return until(lambda: found if (found := self.run(run_id))["state_type"] in TERMINAL else None, f"run {run_id} ends")

    def run(self, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"/flow_runs/{run_id}")[1]
        return found

    def artifacts(self, run_id: str) -> dict[str, Any]:
        found = self.call("POST", "/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run_id]}}})[1]
        return {each["key"]: each["data"] for each in found}

    def query(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(self.settings.home / "sholu.db")) as connection:
            return connection.execute(sql).fetchall()

    def begin(self) -> None:
        log = (self.home / "runner.log").open("ab")
        command = [sys.executable, "-m", "flows.runner"]
        self.runner = subprocess.Popen(command, env=self.environment, cwd=HOUSE, stdout=log, stderr=log, start_new_session=True)
        log.close()

    def end(self) -> None:
        if self.runner is not None:
            stop(self.runner, signal.SIGINT)
            self.runner = None


def until(found: Callable[[], Any], what: str, *, within: float = 400.0) -> Any:
    """Wait for something to be the case; a limit, not a measurement."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        value = found()
        if value:
            return value
        time.sleep(0.5)
    raise AssertionError(f"waited in vain: {what}")


def stop(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    if process.poll() is None:
        os.kill(process.pid, how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/api/health", timeout=5) as answer:
        return bool(answer.status == 200)
    return False


@contextmanager
def a_press(folder: Path) -> Iterator[int]:
    """A small site on loopback, of files in a folder: a quick outlet with three articles and one whose feed is slow to come; its port."""
    server = ThreadingHTTPServer(("0.0.0.0", 0), partial(SlowPages, directory=str(folder)))
    server.daemon_threads = True
    port = int(server.server_address[1])
    made = Site(port=port)
    made.feed("/one.xml", ("Rally in Almaty", "/a1.html"), ("Quiet day in Almaty", "/a2.html"), ("Weather", "/a3.html"))
    for path, title in (("/a1.html", "Rally in Almaty"), ("/a2.html", "Quiet day in Almaty"), ("/a3.html", "Weather")):
        made.article(path, title, filler("A rally was held in Almaty" if path == "/a1.html" else title))
    for path, (_, _, body) in made.pages.items():
        (folder / path[1:]).write_bytes(body)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield port
    server.shutdown()
    server.server_close()
    thread.join()


def a_quiet_service(home: Path, press: int, port: int, **given: str) -> Service:
    """A service in a folder of its own, of which nothing has been started; ``given`` are further variables."""
    rules = home / "rules"
    for name, text in RULEBOOK.items():
        (rules / name).parent.mkdir(parents=True, exist_ok=True)
        (rules / name).write_text(text, encoding="utf-8")
    sources = home / "sources.yaml"
    base = f"http://127.0.4.1:{press}"
    sources.write_text(
        f"- {{id: one, title: One, home: '{base}/', feed: '{base}/one.xml', languages: [en], country: KZ}}\n"
        f"- {{id: slow, title: Slow, home: '{base}/', feed: 'http://127.0.4.2:{press}/slow/feed.xml', languages: [en]}}\n",
        encoding="utf-8",
    )
    settings = Settings(
        home=home / "var", sources=sources, rules=rules, allow_addresses="127.0.0.0/8", workers=1, host_pause=0.0, _env_file=None
    )  # type: ignore[call-arg]  # not a setting: type checkers see only those
    around = {name: value for name, value in os.environ.items() if not name.startswith(("SHOLU_", "PREFECT_"))}
    environment = around | prefect_environment(settings.home, host="127.0.0.1", port=port)
    environment |= {
        "SHOLU_HOME": str(settings.home),
        "SHOLU_SOURCES": str(sources),
        "SHOLU_RULES": str(rules),
        "SHOLU_ALLOW_ADDRESSES": "127.0.0.0/8",
        "SHOLU_WORKERS": "1",
        "SHOLU_HOST_PAUSE": "0",
        "SHOLU_DESK_ADDRESS": DESK,
        "SHOLU_RUNNER_ALONE": "1",
        # Runs that were started are seen at once, and a hang of the slow outlet is not cut off by the client.
        "PREFECT_RUNNER_POLL_FREQUENCY": "2",
        "SHOLU_DEADLINE": "120",
        **given,
    }
    settings.home.mkdir()
    return Service(port, home, environment, settings)


@contextmanager
def a_service(home: Path, press: int, **given: str) -> Iterator[Service]:
    """A server and the runner at work in a folder; ``given`` are further variables of theirs."""
    made = a_quiet_service(home, press, free_port(), **given)
    try:
        made.serve()
        made.begin()
        yield made
    finally:
        made.end()
        if made.server is not None:
            stop(made.server, signal.SIGTERM)
