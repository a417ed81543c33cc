"""The schedule on a real Prefect server: what fires, what is refused, what happens when runs are cancelled, killed or missed.

Prefect itself is only in processes of its own here: a server, the runner as `sholu serve` starts it, and the runs it starts.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from domain.settings import Settings
from flows.deployments import DEPLOYMENTS
from flows.prefect_settings import prefect_environment
from flows.steps import collect
from flows.world import CollectOptions
from tests.flows.conftest import RULEBOOK, Site, filler

pytestmark = [pytest.mark.prefect, pytest.mark.slow]

HOUSE = Path(__file__).resolve().parent.parent.parent
TERMINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
DESK = "http://desk.invalid"


class SlowPages(SimpleHTTPRequestHandler):
    """Files of a folder; what is under ``/slow`` takes a minute, so that a run of it can be caught in the act."""

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


@pytest.fixture(scope="session")
def press(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """A small site on loopback for the whole session: a quick outlet with three articles and one whose feed never comes."""
    folder = tmp_path_factory.mktemp("press")
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
    yield folder, port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, press: tuple[Path, int]) -> Iterator[Service]:
    """A server, the deployments registered once, and a down time during which three nights were missed; then the runner at work."""
    home = tmp_path_factory.mktemp("service")
    port = free_port()
    rules = home / "rules"
    for name, text in RULEBOOK.items():
        (rules / name).parent.mkdir(parents=True, exist_ok=True)
        (rules / name).write_text(text, encoding="utf-8")
    sources = home / "sources.yaml"
    base = f"http://127.0.4.1:{press[1]}"
    sources.write_text(
        f"- {{id: one, title: One, home: '{base}/', feed: '{base}/one.xml', languages: [en], country: KZ}}\n"
        f"- {{id: slow, title: Slow, home: '{base}/', feed: 'http://127.0.4.2:{press[1]}/slow/feed.xml', languages: [en]}}\n",
        encoding="utf-8",
    )
    settings = Settings(
        home=home / "var", sources=sources, rules=rules, allow_addresses="127.0.0.0/8", workers=1, host_pause=0.0, _env_file=None
    )  # type: ignore[call-arg]  # a private parameter of pydantic-settings
    given = {name: value for name, value in os.environ.items() if not name.startswith(("SHOLU_", "PREFECT_"))}
    environment = given | prefect_environment(settings.home, host="127.0.0.1", port=port)
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
    }
    settings.home.mkdir()
    log = (home / "server.log").open("ab")
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(command, env=environment, cwd=HOUSE, stdout=log, stderr=log, start_new_session=True)
    made = Service(port, home, environment, settings)
    try:
        until(lambda: answers(port) or server.poll() is not None, "the server answers", within=300)
        assert server.poll() is None, (home / "server.log").read_text()
        made.begin()
        yield made
    finally:
        made.end()
        stop(server, signal.SIGTERM)
        log.close()


@pytest.fixture(scope="session")
def scheduled(service: Service) -> Service:
    """The service once the schedules have been seen to yield runs."""
    last = f"/deployments/name/{DEPLOYMENTS[-1].name}"
    until(lambda: '"additionalProperties": false' in json.dumps(service.call("GET", last)[1]), "all deployments are registered")
    return service


def test_every_cron_of_the_table_yields_runs_at_its_hour_in_almaty(scheduled: Service) -> None:
    for row in DEPLOYMENTS:
        if row.cron is None:
            assert not scheduled.runs(row.name, type={"any_": ["SCHEDULED"]}), row.name
            continue
        found = until(partial(scheduled.runs, row.name, type={"any_": ["SCHEDULED"]}), f"runs of {row.name} are scheduled")
        times = [datetime.fromisoformat(each["expected_start_time"]) for each in found]
        assert all(later - earlier == row.every for earlier, later in pairwise(times)), row.name
    night = scheduled.runs("maintain/nightly", type={"any_": ["SCHEDULED"]})[0]
    assert night["expected_start_time"][11:16] == "22:30"  # 03:30 in Almaty, UTC+5


def test_every_parameter_has_a_type_and_words_in_the_form(scheduled: Service) -> None:
    for row in DEPLOYMENTS:
        schema = scheduled.deployment(row.name)["parameter_openapi_schema"]
        for name, field in schema["properties"].items():
            assert len(field.get("description", "")) > 10, f"{row.name}: {name}"
            assert {"type", "anyOf", "$ref"} & field.keys(), f"{row.name}: {name}"
        assert schema["additionalProperties"] is False, row.name


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("collect/every-15-minutes", {"sorces": ["one"]}, "sorces"),
        ("collect/every-15-minutes", {"force": "perhaps"}, "force"),
        ("maintain/nightly", {"captures": -1}, "captures"),
        ("reflag/by-hand", {"languages": ["tlh"]}, "languages"),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_runs(scheduled: Service, name: str, parameters: Any, said: str) -> None:
    status, answer = scheduled.call(
        "POST", f"/deployments/{scheduled.deployment(name)['id']}/create_flow_run", {"parameters": parameters}
    )
    assert status == 409
    assert said in answer


def test_a_run_by_hand_leaves_the_rows_a_plain_run_leaves_and_artifacts_that_lead_to_them(scheduled: Service) -> None:
    run = scheduled.ended(scheduled.start("collect/every-15-minutes", sources=["one"], force=True))
    assert (run["state_type"], run["state_name"]) == ("COMPLETED", "Completed"), run["state"]
    shown = scheduled.artifacts(run["id"])
    assert {"collect-result", "collect-flagged", "collect-sources"} <= shown.keys()
    (flagged,) = json.loads(shown["collect-flagged"])
    item_id = scheduled.query("SELECT id FROM items WHERE grade = 2")[0][0]
    assert flagged["item"] == f"[Rally in Almaty]({DESK}/item/{item_id})"
    (source,) = json.loads(shown["collect-sources"])
    assert (source["source"], source["outcome"], source["new"]) == ("one", "ok", 3)
    plain = scheduled.settings.model_copy(update={"home": scheduled.home / "plain"})
    options = CollectOptions(sources=("one",), force=True)
    asyncio.run(collect(plain, options, clock=lambda: datetime.now(UTC)))
    beside = replace(scheduled, settings=plain)
    for question in (
        "SELECT key, url, source_id, title, language, published, version, grade, score, themes FROM items ORDER BY key",
        "SELECT v.sha256, v.text, v.extractor FROM item_versions v ORDER BY v.sha256",
        "SELECT kind, value, grade FROM item_terms ORDER BY kind, value",
        "SELECT source_id, kind, url, reason, flagged FROM outcomes ORDER BY url",
        "SELECT source_id, key, state FROM entries ORDER BY key",
        "SELECT url_asked, sha256 FROM captures ORDER BY url_asked",
    ):
        assert scheduled.query(question) == beside.query(question)
        assert scheduled.query(question)


def test_a_run_leaves_a_line_in_the_log_for_each_outcome(scheduled: Service) -> None:
    run = scheduled.ended(scheduled.start("collect/every-15-minutes", sources=["one"], force=True, dry_run=True))
    assert run["state_name"] == "DryRun"
    asked = {"logs": {"flow_run_id": {"any_": [run["id"]]}}, "limit": 200}
    # Prefect's workers send their lines in batches: some are still under way when the run has ended.
    until(
        lambda: any(line["message"].startswith("one: ") for line in scheduled.call("POST", "/logs/filter", asked)[1]),
        "the line of the outlet is in Prefect's log",
    )
    kept = (scheduled.settings.home / "log" / "sholu.log").read_text(encoding="utf-8").splitlines()
    assert any(json.loads(line).get("source") == "one" for line in kept)


def started(service: Service, run_id: str) -> int:
    """The process of a run that has begun to poll the outlet that never answers."""
    until(lambda: service.run(run_id)["state_type"] == "RUNNING", f"{run_id} runs")
    rows = until(
        lambda: service.query("SELECT pid FROM runs WHERE status = 'running' AND kind = 'collect'"), "it is in the ledger"
    )
    return int(rows[-1][0])


def test_a_run_whose_process_is_killed_is_marked_crashed_and_does_not_block_the_next(scheduled: Service) -> None:
    killed = scheduled.start("collect/every-15-minutes", sources=["slow"], force=True)
    os.kill(started(scheduled, killed), signal.SIGKILL)
    assert scheduled.ended(killed)["state_type"] == "CRASHED"
    after = scheduled.ended(scheduled.start("collect/every-15-minutes", sources=["one"]))
    assert after["state_name"] == "Completed", after["state"]
    assert scheduled.query("SELECT status FROM runs WHERE kind = 'collect' ORDER BY id DESC LIMIT 2") == [("done",), ("crashed",)]
    assert scheduled.query("SELECT count(*) FROM claims") == [(0,)]
    # Prefect saw the crash, too, and had `watch` look: that is the alarm's door where our own database never heard of a run.
    looked = until(
        lambda: [each for each in scheduled.runs("watch/hourly") if each["parameters"].get("kind") == "run-failed"], "watch looks"
    )
    assert looked[0]["parameters"]["subject"] == "collect"
    scheduled.ended(looked[0]["id"])
    assert scheduled.query("SELECT kind, subject FROM alarms") == [("run-failed", "collect")]


def test_a_run_that_is_cancelled_in_the_ui_ends_and_says_so_in_our_ledger(scheduled: Service) -> None:
    run = scheduled.start("collect/every-15-minutes", sources=["slow"], force=True)
    started(scheduled, run)
    asked = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
    assert scheduled.call("POST", f"/flow_runs/{run}/set_state", asked)[0] < 300
    assert scheduled.ended(run)["state_type"] == "CANCELLED"
    status = until(
        lambda: (
            found if (found := scheduled.query("SELECT status FROM runs ORDER BY id DESC LIMIT 1")) != [("running",)] else None
        ),
        "the ledger says so",
    )
    assert status == [("cancelled",)]


def test_the_dead_mans_switch_starts_the_watch_when_a_flow_falls_silent(scheduled: Service) -> None:
    made = scheduled.call("POST", "/automations/filter", {})[1]
    switch = next(each for each in made if "no collect" in each["name"])
    quick = {name: switch[name] for name in ("description", "enabled", "trigger", "actions")}
    quick |= {"name": "test: silence", "trigger": switch["trigger"] | {"within": 10.0}}
    quick["trigger"]["match_related"] = {"prefect.resource.role": "flow", "prefect.resource.name": "nobody-runs-this"}
    quick["actions"][0]["parameters"] = {"kind": "run-missing", "subject": "nobody-runs-this"}
    status, answer = scheduled.call("POST", "/automations/", quick)
    assert status < 300, answer
    try:
        looked = until(
            lambda: [each for each in scheduled.runs("watch/hourly") if each["parameters"].get("subject") == "nobody-runs-this"],
            "the switch fires",
        )
        assert looked[0]["created_by"]["type"] == "AUTOMATION"
    finally:
        scheduled.call("DELETE", f"/automations/{answer['id']}")


def test_after_down_time_one_run_catches_up_and_not_all_that_were_missed(scheduled: Service) -> None:
    scheduled.end()
    waiting = scheduled.runs("maintain/nightly", type={"any_": ["SCHEDULED"]})
    assert len(waiting) >= 3
    now = datetime.now(UTC)
    missed = [now - timedelta(days=2, hours=6), now - timedelta(days=1, hours=6), now - timedelta(hours=6)]
    with closing(sqlite3.connect(scheduled.settings.home / "prefect" / "prefect.db", timeout=60)) as connection, connection:
        for run, due in zip(waiting, missed, strict=False):
            said = due.strftime("%Y-%m-%d %H:%M:%S.%f")
            number = run["id"].replace("-", "")
            touched = connection.execute(
                "UPDATE flow_run SET expected_start_time = ?, next_scheduled_start_time = ? WHERE replace(id, '-', '') = ?",
                (said, said, number),
            )
            assert touched.rowcount == 1
            # The state has its own copy of the hour, and a run is held back until that has come.
            held = connection.execute(
                "UPDATE flow_run_state SET state_details = json_set(state_details, '$.scheduled_time', ?) "
                "WHERE replace(flow_run_id, '-', '') = ?",
                (due.isoformat(), number),
            )
            assert held.rowcount == 1
    scheduled.begin()
    ended = [scheduled.ended(run["id"]) for run in waiting[:3]]
    assert [run["state_name"] for run in ended] == ["Missed", "Missed", "Completed"]
    slots = scheduled.query("SELECT slot, status FROM runs WHERE kind = 'maintain'")
    assert slots == [(f"maintain {missed[2]:%Y-%m-%dT%H:%M}Z", "done")]
    assert list((scheduled.settings.home / "backups").glob("sholu-*.db"))
    shutil.rmtree(scheduled.settings.home / "backups")
