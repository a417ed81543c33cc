"""The digest on a real Prefect server, its mail server named by a block; and that server killed before, during and after a run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest

from demo.mailbox import Mailbox
from storage.store import open_store
from tests.flows.prefect_service import HOUSE, Service, a_press, a_service, stop, until

pytestmark = [pytest.mark.prefect, pytest.mark.slow]

# Almaty's day has begun at whatever hour this runs.
RECIPIENTS = "- {address: anna@example.org, hour: 0}\n"


@pytest.fixture(scope="module")
def box() -> Iterator[Mailbox]:
    with Mailbox() as made:
        yield made


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose settings name readers, a sender and whom to alarm, but no mail server."""
    home = tmp_path_factory.mktemp("troubles")
    (home / "recipients.yaml").write_text(RECIPIENTS, encoding="utf-8")
    given = {
        "SHOLU_RECIPIENTS": str(home / "recipients.yaml"),
        "SHOLU_MAIL_FROM": "Sholu <sholu@news.example>",
        "SHOLU_ALARM_TO": "ops@example.org",
        "SHOLU_DIGEST_PATIENCE": "0",
    }
    with a_press(tmp_path_factory.mktemp("press")) as press, a_service(home, press, **given) as made:
        made.registered()
        open_store(made.settings.database).close()  # what the tests look into is there from the beginning
        yield made


def name_mail_server(service: Service, address: str) -> None:
    """What "Blocks → Secret → sholu-smtp" does in the UI."""
    kind = service.call("GET", "/block_types/slug/secret")[1]["id"]
    (schema, *_) = service.call("POST", "/block_schemas/filter", {"block_schemas": {"block_type_id": {"any_": [kind]}}})[1]
    block = {"name": "sholu-smtp", "data": {"value": address}, "block_type_id": kind, "block_schema_id": schema["id"]}
    status, answer = service.call("POST", "/block_documents/", block)
    assert status < 300, answer


def mails(box: Mailbox, to: str) -> list[EmailMessage]:
    found = [message_from_bytes(body, _class=EmailMessage, policy=SMTP) for body in box.mails]
    return [mail for mail in found if mail["To"] == to]


def words(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_without_a_mail_server_the_digest_fails_with_the_setting_that_is_missing(service: Service, box: Mailbox) -> None:
    collected = service.ended(service.start("collect/every-15-minutes", sources=["one"], force=True))
    assert collected["state_name"] == "Completed", collected["state"]
    run = service.ended(service.start("digest/daily"))
    assert run["state_type"] == "FAILED"
    assert "SHOLU_SMTP_URL: no mail server is set" in run["state"]["message"]
    # A dry run needs none.
    rehearsed = service.ended(service.start("digest/daily", due_only=False, dry_run=True))
    assert rehearsed["state_name"] == "DryRun"
    assert "Rally in Almaty" in service.artifacts(rehearsed["id"])["digest-result"]
    assert box.mails == []


def test_a_digest_on_schedule_goes_out_once_by_the_server_that_the_block_names(service: Service, box: Mailbox) -> None:
    name_mail_server(service, box.address)
    every_minute = [{"active": True, "schedule": {"cron": "* * * * *", "timezone": "Asia/Almaty"}}]
    path = f"/deployments/{service.deployment('digest/daily')['id']}/schedules"
    status, made = service.call("POST", path, every_minute)
    assert status < 300, made
    done = until(lambda: on_schedule(service, 2), "two digests have run on schedule")
    service.call("DELETE", f"{path}/{made[0]['id']}")
    first, second = done[:2]
    # The alarm that the failed digest raised waited for a mail server, too.
    assert first["state"]["message"].startswith("Digests: 1 sent.")
    assert second["state"]["message"] == "Digests: 1 had been sent before."
    assert "| anna@example.org | sent | 1 | 250 taken |" in service.artifacts(first["id"])["digest-result"].replace("\\", "")
    (mail,) = mails(box, "anna@example.org")
    assert mail["Message-ID"].startswith("<digest.")
    assert "Rally in Almaty" in words(mail)
    # That alarm is over now; the flow that looks says so by mail, by the same block.
    service.ended(service.start("watch/hourly"))
    told, *_, over = mails(box, "ops@example.org")
    assert "digest" in words(told)
    assert "over" in words(over)


def test_a_digest_run_by_hand_for_a_day_and_a_reader_is_sent_whatever_the_hour_and_once(service: Service, box: Mailbox) -> None:
    day = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()  # its hour is over: never due by itself
    run = service.ended(service.start("digest/daily", to=["clara@example.org"], day=day))
    assert run["state"]["message"].startswith("Digests: 1 sent."), run["state"]
    again = service.ended(service.start("digest/daily", to=["clara@example.org"], day=day))
    assert again["state"]["message"].startswith("Digests: 1 had been sent before."), again["state"]
    assert len(mails(box, "clara@example.org")) == 1


def on_schedule(service: Service, least: int) -> list[dict[str, Any]]:
    done = service.runs("digest/daily", type={"any_": ["COMPLETED"]})
    found = [run for run in done if "auto-scheduled" in run["tags"]]
    return found if len(found) >= least else []


def ledger(service: Service) -> list[tuple[str, str]]:
    """The runs somebody started: those of the schedule, which begin at every quarter of an hour, have a slot."""
    return service.query("SELECT kind, status FROM runs WHERE kind = 'collect' AND slot IS NULL ORDER BY id")


def sound(service: Service) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "db", "check"],
        env=service.environment, cwd=HOUSE, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_a_run_killed_together_with_what_started_it_is_marked_crashed_and_does_not_block_the_next(service: Service) -> None:
    killed = service.start("collect/every-15-minutes", sources=["slow"], force=True)
    until(
        lambda: service.run(killed)["state_type"] == "RUNNING" and ("collect", "running") in ledger(service), "the run has begun"
    )
    ((pid,),) = service.query("SELECT pid FROM runs WHERE status = 'running' AND kind = 'collect'")
    assert service.runner is not None
    stop(service.runner, signal.SIGKILL)
    with suppress(ProcessLookupError):  # it may have gone with the runner's group
        os.kill(pid, signal.SIGKILL)
    # Nobody is left to tell the server but its own automation (three heartbeats missed are a death), and on SQLite a locked database
    # can cost Prefect the event that would set it off. The runner that comes after does not rely on it.
    service.begin()
    assert service.ended(killed)["state_type"] == "CRASHED"
    after = service.ended(service.start("collect/every-15-minutes", sources=["one"], force=True))
    assert after["state_name"] == "Completed", after["state"]
    assert [status for _, status in ledger(service)[-2:]] == ["crashed", "done"]
    assert service.query("SELECT count(*) FROM claims") == [(0,)]


def test_a_server_killed_during_a_run_costs_neither_the_run_nor_its_rows(service: Service) -> None:
    before = service.ended(service.start("collect/every-15-minutes", sources=["one"], force=True))
    during = service.start("collect/every-15-minutes", sources=["slow"], force=True)
    until(lambda: ("collect", "running") in ledger(service), "the run has begun")
    assert service.server is not None
    stop(service.server, signal.SIGKILL)
    until(lambda: ("collect", "running") not in ledger(service), "the run ends by itself, with nobody to tell")
    assert ledger(service)[-1] == ("collect", "failed")  # the outlet has no feed: its own outcome, not the server's
    assert "sound" in sound(service)
    alone = subprocess.run(
        [sys.executable, "-m", "cli.main", "run", "--source", "one", "--force"],
        env=service.environment, cwd=HOUSE, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert alone.returncode == 0, alone.stderr
    assert "does not answer; this run is done without it and does not show there" in " ".join(alone.stderr.split())
    service.serve()
    assert service.run(before["id"])["state_type"] == "COMPLETED"
    assert service.ended(during)["state_type"] in ("FAILED", "CRASHED")
    # What keeps the service restarts the runner with the server.
    service.end()
    service.begin()
    after = service.ended(service.start("collect/every-15-minutes", sources=["one"], force=True))
    assert after["state_name"] == "Completed", after["state"]
    assert service.query("SELECT count(*) FROM claims") == [(0,)]
    assert service.query("SELECT count(*) FROM items") == [(3,)]
    assert "sound" in sound(service)


def killed_when(service: Service, so: Callable[[], bool], what: str) -> None:
    """Kill the server the moment something is the case, bring it up again and, as what keeps the service does, the runner with it."""
    deadline = time.monotonic() + 300
    while not so():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.01)  # the run is to have no time to tell the server more
    assert service.server is not None
    stop(service.server, signal.SIGKILL)
    service.serve()
    service.end()
    service.begin()


def test_a_server_killed_right_after_a_run_costs_nothing_and_nothing_is_done_or_sent_twice(
    service: Service, box: Mailbox
) -> None:
    items, before = service.query("SELECT count(*) FROM items"), len(ledger(service))
    collected = service.start("collect/every-15-minutes", sources=["one"], force=True)
    killed_when(
        service, lambda: len(ledger(service)) > before and ledger(service)[-1][1] == "done", "the run is closed in our ledger"
    )
    # Whether its last word reached the server is chance; what it calls the run then is not what became of the run.
    assert service.ended(collected)["state_type"] in ("COMPLETED", "FAILED", "CRASHED")
    digest = service.start("digest/daily", to=["boris@example.org"], due_only=False)
    sent = "SELECT count(*) FROM outbox WHERE state = 'sent' AND address = 'boris@example.org'"
    killed_when(service, lambda: service.query(sent) == [(1,)], "the mail is out and recorded")
    assert service.ended(digest)["state_type"] in ("COMPLETED", "FAILED", "CRASHED")

    again = service.ended(service.start("digest/daily", to=["boris@example.org"], due_only=False))
    assert again["state"]["message"] == "Digests: 1 had been sent before."
    assert len(mails(box, "boris@example.org")) == 1
    after = service.ended(service.start("collect/every-15-minutes", sources=["one"], force=True))
    assert after["state_name"] == "Completed", after["state"]
    assert [status for _, status in ledger(service)[before:]] == ["done", "done"]
    until(lambda: service.query("SELECT count(*) FROM runs WHERE status = 'running'") == [(0,)], "no run is left open")
    until(lambda: service.query("SELECT count(*) FROM claims") == [(0,)], "no claim is left")
    assert service.query("SELECT count(*) FROM items") == items
    assert "sound" in sound(service)


def test_a_server_killed_during_a_run_from_the_command_line_does_not_stop_it(service: Service, tmp_path: Path) -> None:
    log = (tmp_path / "said").open("w+b")
    # By default Prefect's client tries five times, in growing pauses; twice is enough to be seen.
    environment = service.environment | {"PREFECT_CLIENT_MAX_RETRIES": "2"}
    run = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "run", "--source", "slow", "--force", "--json"],
        env=environment, cwd=HOUSE, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    try:
        count = len(ledger(service))
        until(lambda: len(ledger(service)) > count and ledger(service)[-1][1] == "running", "the run has begun")
        assert service.server is not None
        stop(service.server, signal.SIGKILL)
        code = run.wait(300)
    finally:
        stop(run, signal.SIGKILL)
        log.close()
    said = (tmp_path / "said").read_text(encoding="utf-8")
    assert code == 3, said  # no source could be seen: what the outlet deserves, whatever became of the server
    assert '"exit_code":3' in said
    assert "the Prefect server went away during the run: the work is done and stored" in said
    assert "Traceback" not in said
    assert ledger(service)[-1] == ("collect", "failed")
