"""The schedule on a real Prefect server: what fires, what is refused, what happens when runs are cancelled, killed or missed."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any
from urllib.request import urlopen

import pytest

from flows.deployments import DEPLOYMENTS
from flows.steps import collect
from flows.world import CollectOptions
from tests.flows.prefect_service import DESK, Service, a_press, a_service, until

pytestmark = [pytest.mark.prefect, pytest.mark.slow]


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server with the deployments and the runner, for the whole session."""
    with a_press(tmp_path_factory.mktemp("press")) as press, a_service(tmp_path_factory.mktemp("service"), press) as made:
        yield made


@pytest.fixture(scope="session")
def scheduled(service: Service) -> Service:
    """The service once the schedules have been seen to yield runs."""
    service.registered()
    return service


@pytest.fixture(scope="session")
def undisturbed(scheduled: Service) -> Service:
    """The same, with no run of its own at the next quarter of an hour, which would read what a test is about to read first."""
    for name in ("collect/every-15-minutes", "watch/hourly"):
        path = f"/deployments/{scheduled.deployment(name)['id']}/schedules"
        for schedule in scheduled.call("GET", path, None)[1]:
            assert scheduled.call("PATCH", f"{path}/{schedule['id']}", {"active": False})[0] < 300
        until(lambda name=name: not scheduled.runs(name, type={"any_": ["SCHEDULED"]}), f"no run of {name} is scheduled")
    return scheduled


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


def test_prefects_pages_are_unpacked_into_our_own_folder_and_shown(scheduled: Service) -> None:
    # A service may not write beside the program, where Prefect would put them: it would have no page, and say so in its log only.
    with urlopen(f"http://127.0.0.1:{scheduled.port}/", timeout=60) as answer:
        assert answer.headers["Content-Type"].startswith("text/html")
        page = answer.read()
    assert (scheduled.settings.home / "prefect" / "pages" / "v1" / "index.html").read_bytes() == page


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


def test_a_run_by_hand_leaves_the_rows_a_plain_run_leaves_and_artifacts_that_lead_to_them(undisturbed: Service) -> None:
    run = undisturbed.ended(undisturbed.start("collect/every-15-minutes", sources=["one"], force=True))
    assert (run["state_type"], run["state_name"]) == ("COMPLETED", "Completed"), run["state"]
    shown = undisturbed.artifacts(run["id"])
    assert {"collect-result", "collect-flagged", "collect-sources"} <= shown.keys()
    (flagged,) = json.loads(shown["collect-flagged"])
    item_id = undisturbed.query("SELECT id FROM items WHERE grade = 2")[0][0]
    assert flagged["item"] == f"[Rally in Almaty]({DESK}/item/{item_id})"
    (source,) = json.loads(shown["collect-sources"])
    assert (source["source"], source["outcome"], source["new"]) == ("one", "ok", 3)
    plain = undisturbed.settings.changed(home=undisturbed.home / "plain")
    options = CollectOptions(sources=("one",), force=True)
    asyncio.run(collect(plain, options, clock=lambda: datetime.now(UTC)))
    beside = replace(undisturbed, settings=plain)
    for question in (
        "SELECT key, url, source_id, title, language, published, version, grade, score, themes FROM items ORDER BY key",
        "SELECT v.sha256, v.text, v.extractor FROM item_versions v ORDER BY v.sha256",
        "SELECT kind, value, grade FROM item_terms ORDER BY kind, value",
        "SELECT source_id, kind, url, reason, flagged FROM outcomes ORDER BY url",
        "SELECT source_id, key, state FROM entries ORDER BY key",
        "SELECT url_asked, sha256 FROM captures ORDER BY url_asked",
    ):
        assert undisturbed.query(question) == beside.query(question)
        assert undisturbed.query(question)


def test_a_run_leaves_a_line_in_the_log_for_each_outcome(undisturbed: Service) -> None:
    run = undisturbed.ended(undisturbed.start("collect/every-15-minutes", sources=["one"], force=True, dry_run=True))
    assert run["state_name"] == "DryRun"
    asked = {"logs": {"flow_run_id": {"any_": [run["id"]]}}, "limit": 200}
    # Prefect's workers send their lines in batches: some are still under way when the run has ended.
    until(
        lambda: any(line["message"].startswith("one: ") for line in undisturbed.call("POST", "/logs/filter", asked)[1]),
        "the line of the outlet is in Prefect's log",
    )
    kept = (undisturbed.settings.home / "log" / "sholu.log").read_text(encoding="utf-8").splitlines()
    assert any(json.loads(line).get("source") == "one" for line in kept)


def started(service: Service, run_id: str) -> int:
    """The process of a run that has begun to poll the outlet that never answers."""
    until(lambda: service.run(run_id)["state_type"] == "RUNNING", f"{run_id} runs")
    rows = until(
        lambda: service.query("SELECT pid FROM runs WHERE status = 'running' AND kind = 'collect'"), "it is in the ledger"
    )
    return int(rows[-1][0])


def test_a_run_whose_process_is_killed_is_marked_crashed_and_does_not_block_the_next(undisturbed: Service) -> None:
    killed = undisturbed.start("collect/every-15-minutes", sources=["slow"], force=True)
    os.kill(started(undisturbed, killed), signal.SIGKILL)
    assert undisturbed.ended(killed)["state_type"] == "CRASHED"
    after = undisturbed.ended(undisturbed.start("collect/every-15-minutes", sources=["one"]))
    assert after["state_name"] == "Completed", after["state"]
    assert undisturbed.query("SELECT status FROM runs WHERE kind = 'collect' ORDER BY id DESC LIMIT 2") == [
        ("done",),
        ("crashed",),
    ]
    assert undisturbed.query("SELECT count(*) FROM claims") == [(0,)]
    # Prefect saw the crash, too, and had `watch` look: that is the alarm's door where our own database never heard of a run.
    looked = until(
        lambda: [each for each in undisturbed.runs("watch/hourly") if each["parameters"].get("kind") == "run-failed"],
        "watch looks",
    )
    assert looked[0]["parameters"]["subject"] == "collect"
    undisturbed.ended(looked[0]["id"])
    assert undisturbed.query("SELECT kind, subject FROM alarms") == [("run-failed", "collect")]


def test_a_run_that_is_cancelled_in_the_ui_ends_and_says_so_in_our_ledger(undisturbed: Service) -> None:
    run = undisturbed.start("collect/every-15-minutes", sources=["slow"], force=True)
    started(undisturbed, run)
    asked = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
    assert undisturbed.call("POST", f"/flow_runs/{run}/set_state", asked)[0] < 300
    assert undisturbed.ended(run)["state_type"] == "CANCELLED"
    status = until(
        lambda: (
            found if (found := undisturbed.query("SELECT status FROM runs ORDER BY id DESC LIMIT 1")) != [("running",)] else None
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
