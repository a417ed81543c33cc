"""Alarms: opened once, told once, told once more when over, whatever the order of events; judged by our own database alone."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr
from sqlalchemy import update

from domain.settings import Settings
from domain.telling import Recipient
from flows.alarms import KINDS, MEANINGS, REMEDIES, Watched, watch
from flows.posting import deliver_alarms
from flows.steps import collect
from flows.world import CollectOptions
from storage.alarms import Trouble, list_alarms
from storage.digests import sync_recipients
from storage.outbox import letter_of, waiting
from storage.runs import begin_run, end_run
from storage.schema.watching import runs
from storage.store import Store, open_store
from tests.conftest import HOUSE
from tests.flows.conftest import Site

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def watched(settings: Settings) -> Settings:
    """Settings of a service that tells two people of its troubles and has enough of a disk."""
    changes = {"alarm_to": "ops@example.org, second@example.org", "alarm_disk": 0, "mail_from": "Sholu <sholu@example.org>"}
    return settings.changed(**changes)


@pytest.fixture
def store(watched: Settings) -> Iterator[Store]:
    with closing(open_store(watched.database)) as opened:
        yield opened


def look(settings: Settings, now: datetime, heard: Trouble | None = None) -> Watched:
    return watch(settings, clock=lambda: now, heard=heard)


def ran(store: Store, status: str, at: datetime, kind: str = "collect", **parameters: Any) -> int:
    run_id = begin_run(store, kind=kind, now=at, parameters=parameters)
    end_run(store, run_id, now=at, status=status, reason=f"it {status}")
    return run_id


def kinds(seen: Watched) -> list[tuple[str, str]]:
    return [(alarm.kind, alarm.subject) for alarm in seen.open]


def subjects(store: Store) -> list[str]:
    letters = [letter_of(store, each.id) for each in waiting(store, kind="alarm")]
    return [email.message_from_bytes(each.message)["Subject"] for each in letters if each]


def test_a_new_service_is_in_no_trouble(watched: Settings) -> None:
    assert look(watched, NOW).open == ()


def test_a_failed_run_is_told_once_to_each_and_once_more_when_it_is_over(watched: Settings, store: Store) -> None:
    ran(store, "failed", NOW)
    first = look(watched, NOW)
    assert kinds(first) == [("run-failed", "collect")]
    assert first.posted == 2
    assert look(watched, NOW + timedelta(minutes=5)).posted == 0
    assert look(watched, NOW + timedelta(minutes=10)).opened == ()
    ran(store, "incomplete", NOW + timedelta(minutes=15))
    over = look(watched, NOW + timedelta(minutes=16))
    assert (kinds(over), over.posted) == ([], 2)
    assert look(watched, NOW + timedelta(minutes=20)).posted == 0
    assert subjects(store) == ["[Sholu] A run failed (collect)"] * 2 + ["[Sholu] Over: A run failed (collect)"] * 2


def test_a_run_of_one_source_a_dry_run_and_a_cancelled_one_say_nothing_of_the_service(watched: Settings, store: Store) -> None:
    ran(store, "done", NOW)
    ran(store, "failed", NOW + HOUR / 4, sources=["one"])
    ran(store, "failed", NOW + HOUR / 3, dry_run=True)
    ran(store, "cancelled", NOW + HOUR / 2)
    assert look(watched, NOW + HOUR / 2).open == ()


def test_runs_that_stop_coming_are_missed(watched: Settings, store: Store) -> None:
    ran(store, "done", NOW)
    assert look(watched, NOW + HOUR - timedelta(seconds=1)).open == ()
    assert kinds(look(watched, NOW + HOUR + timedelta(seconds=1))) == [("run-missing", "collect")]
    ran(store, "done", NOW + 2 * HOUR)
    assert look(watched, NOW + 2 * HOUR).open == ()


def test_a_run_whose_process_is_gone_is_found_dead_by_the_watchdog_itself(watched: Settings, store: Store) -> None:
    run_id = begin_run(store, kind="collect", now=NOW, parameters={})
    with store.begin() as connection:
        connection.execute(update(runs).where(runs.c.id == run_id).values(pid=2**22 + 1, process_started="0"))
    seen = look(watched, NOW + timedelta(minutes=1))
    assert kinds(seen) == [("run-failed", "collect")]
    assert "ended without closing the run" in seen.open[0].reason


def test_what_the_scheduler_saw_stays_until_a_run_of_that_kind_ends_well(watched: Settings, store: Store) -> None:
    ran(store, "done", NOW)
    heard = Trouble("run-failed", "collect", "Prefect: it crashed before it began", {"heard": True})
    assert kinds(look(watched, NOW + HOUR / 2, heard)) == [("run-failed", "collect")]
    assert kinds(look(watched, NOW + HOUR / 2 + timedelta(minutes=5))) == [("run-failed", "collect")]
    ran(store, "done", NOW + HOUR)
    assert look(watched, NOW + HOUR).open == ()


def test_too_few_sources_seen_within_a_day_are_an_alarm_and_a_flutter_is_not_the_end_of_it(
    watched: Settings, store: Store, site: Site
) -> None:
    run = lambda at: asyncio.run(collect(watched, CollectOptions(), clock=lambda: at))  # noqa: E731
    run(NOW)
    site.put("/two.xml", "gone", status=404)
    for hours in range(6, 36, 6):
        run(NOW + hours * HOUR)
    assert kinds(look(watched, NOW + 30 * HOUR + timedelta(minutes=1))) == [("coverage", "panel")]
    assert "1 of 2 sources" in list_alarms(store)[0].reason
    site.feed("/two.xml", ("Weather report", "/b1"), host="127.0.3.2")
    asyncio.run(collect(watched, CollectOptions(force=True), clock=lambda: NOW + 31 * HOUR))
    assert look(watched, NOW + 31 * HOUR).open == ()


def test_a_disk_nearly_full_is_told_before_it_is_full(watched: Settings) -> None:
    full = watched.changed(alarm_disk=10**18)
    assert kinds(look(full, NOW)) == [("disk", "home")]
    assert look(watched, NOW).open == ()


def test_a_digest_not_made_by_its_hour_is_late(watched: Settings, store: Store) -> None:
    reader = Recipient("reader@example.org", "R", "en", (), (), (), 8, "Asia/Almaty", "mail")
    sync_recipients(store, [reader], now=NOW - 24 * HOUR)
    eight = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)  # 08:00 in Almaty
    assert look(watched, eight + timedelta(minutes=59)).open == ()
    assert kinds(look(watched, eight + timedelta(minutes=60))) == [("digest-late", "composing")]


def test_two_watchdogs_at_once_open_one_alarm_and_post_one_mail_to_each(watched: Settings, store: Store) -> None:
    ran(store, "failed", NOW)
    with ThreadPoolExecutor(6) as pool:
        seen = list(pool.map(lambda _: look(watched, NOW), range(6)))
    assert sum(len(each.opened) for each in seen) == 1
    assert len(waiting(store, kind="alarm")) == 2


def test_the_mail_says_since_when_in_the_zone_of_the_digest_and_what_to_do_first(watched: Settings, store: Store) -> None:
    ran(store, "failed", NOW)
    look(watched, NOW)
    ran(store, "done", NOW + HOUR)
    look(watched, NOW + HOUR)
    told, over = [
        email.message_from_bytes(letter.message, policy=email.policy.default).get_content()
        for each in waiting(store, kind="alarm")
        if (letter := letter_of(store, each.id)) and letter.address == "ops@example.org"
    ]
    assert "A run failed, since 2026-11-22 11:00 (Asia/Almaty):" in told
    assert "The next run takes up what was left." in told
    assert "This is over; it lasted from 2026-11-22 11:00 to 2026-11-22 12:00 (Asia/Almaty):" in over
    assert "next run" not in over


def test_every_alarm_has_a_meaning_a_remedy_and_a_heading_in_the_documentation() -> None:
    page = (HOUSE / "docs" / "operating.md").read_text(encoding="utf-8")
    for kind in KINDS:
        assert MEANINGS[kind], kind
        assert REMEDIES[kind], kind
        assert f"### {kind}\n" in page, kind


def test_the_mail_arrives_and_waits_while_the_server_is_down(watched: Settings, store: Store) -> None:
    received: list[Any] = []

    class Keeper:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            received.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content)))
            return "250 kept"

    ran(store, "failed", NOW)
    look(watched, NOW)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(Keeper(), hostname="127.0.0.1", port=port)
    nowhere = watched.changed(smtp_url=SecretStr("smtp://127.0.0.1:9?tls=none"))
    assert "127.0.0.1" in deliver_alarms(nowhere, clock=lambda: NOW)
    controller.start()
    try:
        there = watched.changed(smtp_url=SecretStr(f"smtp://127.0.0.1:{port}?tls=none"))
        assert deliver_alarms(there, clock=lambda: NOW + HOUR) == ""
        assert deliver_alarms(there, clock=lambda: NOW + 2 * HOUR) == ""
    finally:
        controller.stop()
    assert [to for to, _ in received] == [["ops@example.org"], ["second@example.org"]]
    mail = received[0][1]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "docs/operating.md" in mail.get_payload(decode=True).decode()
    assert len({each["Message-ID"] for _, each in received}) == 2
