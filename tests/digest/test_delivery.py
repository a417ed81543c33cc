"""Delivery that loses nothing and doubles nothing, against a real mail server that misbehaves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from domain.errors import ConfigError
from domain.settings import Settings
from flows.digest_steps import send_digest
from storage.outbox import attempts_of, posted_on, waiting
from storage.runs import list_runs
from tests.digest.conftest import MORNING, Clock, Mailbox, Newsroom, Send, hang_up, text_of

TODAY = date(2026, 11, 22)
ALL_THREE = ["anna@example.org", "bolat@example.org", "chris@example.org"]
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def a_rally(room: Newsroom) -> int:
    return room.publish("A rally in the square", at=MORNING - HOUR)


def states(room: Newsroom, day: date = TODAY) -> dict[str, str]:
    return {each.address: each.state for each in posted_on(room.store, day)}


def test_each_reader_gets_one_mail_and_a_second_run_sends_none(send: Send, box: Mailbox, room: Newsroom) -> None:
    report = send()
    assert (report.exit_code, sorted(to for to, _ in box.taken)) == (0, ALL_THREE)
    again = send()
    assert (again.exit_code, len(box.taken)) == (0, 3)
    assert "3 had been sent before" in again.closing()
    assert [run.status for run in list_runs(room.store, kind="digest")] == ["done", "done"]


def test_two_schedulers_at_once_send_each_reader_one_mail(settings: Settings, box: Mailbox, room: Newsroom) -> None:
    box.after_data = lambda *_: time.sleep(0.05)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            send_digest(settings, clock=lambda: MORNING, sleep=lambda _: None)
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    runs = [threading.Thread(target=run) for _ in range(4)]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    assert not failed
    assert sorted(to for to, _ in box.taken) == ALL_THREE
    assert set(states(room).values()) == {"sent"}


def test_a_refused_reader_does_not_stop_the_others_and_is_named(send: Send, box: Mailbox, room: Newsroom) -> None:
    box.at_rcpt = lambda _, to: "550 5.1.1 no such user" if to.startswith("anna") else None
    report = send()
    assert report.exit_code == 1
    assert states(room) == {ALL_THREE[0]: "refused", ALL_THREE[1]: "sent", ALL_THREE[2]: "sent"}
    (refused,) = [each for each in report.letters if each.state == "refused"]
    assert "550 5.1.1 no such user" in refused.answer


def test_what_was_refused_is_told_once_the_address_is_mended(send: Send, box: Mailbox, clock: Clock) -> None:
    box.at_rcpt = lambda _, to: "550 no such user" if to.startswith("anna") else None
    send()
    box.at_rcpt = None
    clock.now += timedelta(days=1)
    send()
    (mended,) = box.mails(ALL_THREE[0])
    assert "A rally in the square" in text_of(mended)
    assert "A rally in the square" not in text_of(box.mails(ALL_THREE[1])[1])


def test_greylisting_is_waited_out_within_the_run(send: Send, box: Mailbox, clock: Clock, room: Newsroom) -> None:
    box.at_rcpt = lambda _, to: (
        "451 4.7.1 greylisted, try again" if to == ALL_THREE[1] and clock.now < MORNING + timedelta(minutes=5) else None
    )
    report = send(digest_patience=900.0)
    assert (report.exit_code, len(box.taken)) == (0, 3)
    posted = next(each for each in posted_on(room.store, TODAY) if each.address == ALL_THREE[1])
    tries = attempts_of(room.store, posted.id)
    assert [each.code for each in tries] == [451] * (len(tries) - 1) + [250]
    assert 3 <= len(tries) <= 8
    assert sum(clock.slept) <= 900


def test_what_is_put_off_for_longer_waits_for_the_next_run_and_says_so(
    send: Send, box: Mailbox, clock: Clock, room: Newsroom
) -> None:
    box.at_rcpt = lambda *_: "452 4.2.2 mailbox full"
    report = send(digest_patience=60.0)
    assert report.exit_code == 1
    assert {each.answer for each in report.letters} == {f"127.0.0.1:{box.port} answered RCPT TO with 452 4.2.2 mailbox full"}
    box.at_rcpt = None
    clock.now += timedelta(hours=2)
    assert send().exit_code == 0
    assert len(box.taken) == 3


def test_a_line_broken_after_the_text_was_given_repeats_the_same_mail(
    send: Send, box: Mailbox, clock: Clock, room: Newsroom
) -> None:
    broken: list[str] = []

    def once(server: object, envelope: object) -> str | None:
        if not broken:
            broken.append("x")
            return hang_up(server)
        return None

    box.after_data = once
    report = send(digest_patience=120.0)
    assert report.exit_code == 0
    bodies = [body for to, body in box.taken if to == ALL_THREE[0]]
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
    assert {mail["Message-ID"] for mail in box.mails(ALL_THREE[0])} == {box.mails(ALL_THREE[0])[0]["Message-ID"]}
    posted = next(each for each in posted_on(room.store, TODAY) if each.address == ALL_THREE[0])
    assert [each.code for each in attempts_of(room.store, posted.id)] == [354, 250]


@pytest.mark.parametrize("where", ["at_mail", "at_rcpt", "at_data"])
def test_a_line_broken_before_the_text_was_taken_is_tried_again(where: str, send: Send, box: Mailbox, clock: Clock) -> None:
    setattr(box, where, hang_up)
    report = send()
    assert report.exit_code in (1, 5)
    assert not box.taken
    setattr(box, where, None)
    clock.now += HOUR
    assert send().exit_code == 0
    assert sorted(to for to, _ in box.taken) == ALL_THREE


def test_421_closes_the_line_and_the_mail_waits(send: Send, box: Mailbox, clock: Clock) -> None:
    box.at_mail = lambda *_: "421 4.3.2 shutting down"
    report = send()
    assert {each.state for each in report.letters} == {"queued"}
    assert "421 4.3.2 shutting down" in report.letters[0].answer
    box.at_mail, box.greeting = None, lambda: "421 too busy"
    clock.now += HOUR
    report = send()
    assert report.exit_code == 5
    assert "does not take mail now: 421 too busy" in report.closing()
    box.greeting = None
    clock.now += HOUR
    assert send().exit_code == 0
    assert len(box.taken) == 3


def test_a_server_that_is_down_keeps_every_mail_waiting_and_is_asked_once_a_round(send: Send, box: Mailbox, clock: Clock) -> None:
    report = send(smtp_url=_secret("smtp://127.0.0.1:1"))
    assert report.exit_code == 5
    assert "127.0.0.1:1 cannot be reached: Connection refused" in report.closing()
    clock.now += HOUR
    assert send().exit_code == 0
    assert len(box.taken) == 3


def test_a_server_that_never_answers_costs_its_limit_and_no_more(send: Send, box: Mailbox) -> None:
    box.at_data = lambda *_: time.sleep(1.2)
    started = time.monotonic()
    report = send(smtp_timeout=0.4, to=("anna@example.org",))
    assert time.monotonic() - started < 20
    (letter,) = report.letters
    assert letter.state == "queued"
    assert "did not answer within 0.4 seconds after the text had been handed over, so that it may have arrived" in letter.answer


def test_a_wrong_sender_or_login_is_our_own_trouble_and_no_readers_fault(send: Send, box: Mailbox, clock: Clock) -> None:
    box.at_mail = lambda *_: "550 5.7.1 sender not allowed"
    report = send()
    assert {each.state for each in report.letters} == {"queued"}
    box.at_mail = None
    clock.now += HOUR
    assert send().exit_code == 0
    assert len(box.taken) == 3


def test_a_mail_put_off_for_days_is_given_up_and_its_stories_come_in_the_next_digest(
    send: Send, box: Mailbox, clock: Clock
) -> None:
    box.at_rcpt = lambda _, to: "450 later" if to == ALL_THREE[0] else None
    for _ in range(14):
        send()
        clock.now += timedelta(hours=6)
    box.at_rcpt = None
    clock.now += timedelta(days=1)
    send()
    told = [mail for mail in box.mails(ALL_THREE[0]) if "A rally in the square" in text_of(mail)]
    assert len(told) == 1


def test_a_clock_that_jumps_ahead_and_back_loses_and_doubles_nothing(
    send: Send, box: Mailbox, clock: Clock, room: Newsroom
) -> None:
    box.at_rcpt = lambda *_: "451 later"
    clock.now += timedelta(days=400)
    send()
    clock.now = MORNING
    box.at_rcpt = None
    room.publish("Second rally", at=MORNING)
    send()
    clock.now += timedelta(days=1)
    room.publish("Third rally", at=clock.now - HOUR)
    send()
    text = "".join(text_of(mail) for mail in box.mails(ALL_THREE[0]))
    assert [text.count(title) for title in ("A rally in the square", "Second rally", "Third rally")] == [1, 1, 1]
    assert not waiting(room.store)


def test_who_leaves_the_list_gets_no_mail_that_still_waits(
    send: Send, box: Mailbox, settings: Settings, clock: Clock, room: Newsroom
) -> None:
    box.at_rcpt = lambda *_: "451 later"
    send()
    assert settings.recipients is not None
    settings.recipients.write_text("- address: bolat@example.org\n", encoding="utf-8")
    box.at_rcpt = None
    clock.now += HOUR
    send()
    assert [to for to, _ in box.taken] == ["bolat@example.org"]
    assert states(room)["anna@example.org"] == "given-up"


def test_somebody_named_by_hand_gets_theirs_and_the_list_is_left_alone(send: Send, box: Mailbox) -> None:
    send(to=("new@example.org",))
    assert [to for to, _ in box.taken] == ["new@example.org"]
    send()
    assert sorted(to for to, _ in box.taken) == [*ALL_THREE, "new@example.org"]


def test_a_dry_run_needs_no_server_stores_nothing_and_shows_the_text(send: Send, box: Mailbox, room: Newsroom) -> None:
    report = send(dry_run=True, smtp_url=None, mail_from="", recipients=None)
    assert report.exit_code == 0
    assert "A rally in the square" in report.previews[0].text
    assert (list_runs(room.store, kind="digest"), box.connections, waiting(room.store)) == ([], 0, [])


def test_a_dry_run_of_a_day_that_was_sent_shows_it_as_it_was_sent(send: Send, box: Mailbox) -> None:
    send()
    report = send(dry_run=True, to=("anna@example.org",))
    assert report.previews[0].sent_as_shown
    assert report.previews[0].text.replace("\r\n", "\n").strip() == text_of(box.mails("anna@example.org")[0]).strip()


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"recipients": None}, "SHOLU_RECIPIENTS"),
        ({"smtp_url": None}, "SHOLU_SMTP_URL"),
        ({"mail_from": ""}, "SHOLU_MAIL_FROM"),
        ({"mail_from": "Sholu <nobody>"}, "SHOLU_MAIL_FROM"),
        ({"digest_unsubscribe": "mailto:a@b.org\r\nBcc: x@y.org"}, "SHOLU_DIGEST_UNSUBSCRIBE"),
        ({"digest_list_id": "a>\r\nX: y"}, "SHOLU_DIGEST_LIST_ID"),
        ({"to": ("not an address",)}, "--to"),
        ({"to": ("a@b.org\r\nBcc: c@d.org",)}, "--to"),
        ({"day": date(2027, 1, 1)}, "--date"),
    ],
)
def test_what_is_wrong_in_the_settings_is_said_before_anything_is_touched(
    given: dict[str, object], key: str, send: Send, room: Newsroom
) -> None:
    with pytest.raises(ConfigError, match=key):
        send(**given)
    assert list_runs(room.store, kind="digest") == []


def test_a_schedule_without_readers_has_nothing_to_do_and_says_so(send: Send) -> None:
    report = send(due_only=True, recipients=None, smtp_url=None, mail_from="")
    assert (report.exit_code, report.closing()) == (
        0,
        "Nobody is to get the digest yet: name a file of recipients in SHOLU_RECIPIENTS.",
    )


def test_a_schedule_without_readers_still_tries_what_somebody_named_by_hand_is_owed(
    send: Send, box: Mailbox, clock: Clock, room: Newsroom
) -> None:
    room.publish("A story", at=clock.now - timedelta(hours=1))
    box.at_rcpt = lambda *_: "451 greylisted"
    assert send(to=("dana@example.org",), recipients=None).exit_code == 1
    box.at_rcpt = None
    clock.now += timedelta(hours=1)
    report = send(due_only=True, recipients=None)
    assert (report.exit_code, report.closing()) == (0, "Digests: 1 sent.")
    assert [to for to, _ in box.taken] == ["dana@example.org"]
    assert send(due_only=True, recipients=None).idle


def test_the_password_is_in_no_message(send: Send) -> None:
    with pytest.raises(ConfigError) as raised:
        send(smtp_url=_secret("smtp://me:hunter2@[broken"))
    report = send(smtp_url=_secret("smtp://me:hunter2@127.0.0.1:1"))
    assert "hunter2" not in f"{raised.value} {report.closing()} {report.summary()}"


def _secret(text: str) -> object:
    from pydantic import SecretStr

    return SecretStr(text)


def test_a_reader_is_served_at_their_own_hour_and_only_then(send: Send, box: Mailbox, settings: Settings, clock: Clock) -> None:
    assert settings.recipients is not None
    settings.recipients.write_text(
        "- address: early@example.org\n- {address: late@example.org, hour: 18}\n- {address: west@example.org, time_zone: Europe/London}\n",
        encoding="utf-8",
    )
    hours: dict[str, list[int]] = {}
    clock.now = MORNING - timedelta(hours=3)
    for _ in range(48):
        before = len(box.taken)
        send(due_only=True)
        for to, _body in box.taken[before:]:
            hours.setdefault(to, []).append((clock.now + timedelta(hours=5)).hour)
        clock.now += HOUR
    assert hours == {"early@example.org": [8, 8], "late@example.org": [18, 18], "west@example.org": [13, 13]}


def test_after_days_without_service_one_digest_makes_up_for_all(send: Send, box: Mailbox, clock: Clock, room: Newsroom) -> None:
    send(due_only=True)
    clock.now += timedelta(days=3, hours=-2)
    room.publish("Another rally", at=clock.now - timedelta(days=1))
    for _ in range(3):  # the burst of runs that a schedule makes up for
        send(due_only=True)
    assert len(box.mails("anna@example.org")) == 2
    clock.now += 2 * HOUR
    room.publish("A later rally", at=clock.now - timedelta(minutes=5))
    send(due_only=True)
    assert len(box.mails("anna@example.org")) == 3
    assert "A later rally" in text_of(box.mails("anna@example.org")[2])
    assert "Another rally" not in text_of(box.mails("anna@example.org")[2])


def test_servers_and_their_answers_are_named_in_the_report(send: Send, box: Mailbox, post_office: Callable[..., Mailbox]) -> None:
    box.at_rcpt = lambda *_: "554 5.7.1 \x1b[31mrejected\u202e by policy"
    report = send()
    assert all("\x1b" not in each.answer and "\u202e" not in each.answer for each in report.letters)
    assert "| anna@example.org | was refused |" in report.markdown().replace("\\", "")
