"""Thirty days of news, readers and failures: every flagged item is told to every reader exactly once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from domain.settings import Settings
from flows.digest_steps import send_digest
from storage.outbox import waiting
from storage.verdicts import Decision
from tests.digest.conftest import MORNING, Clock, Mailbox, Newsroom, hang_up, text_of

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
READERS = ("anna@example.org", "bolat@example.org", "chris@example.org")
MARK = re.compile(r"Story-\d{4}")


def told_in(text: str) -> list[str]:
    """The stories told as such: corrections speak of them again, and say so."""
    return MARK.findall(text.partition("\nCORRECTIONS OF WHAT YOU WERE TOLD")[0])


class Weather:
    """What goes wrong on which day, decided by dice that always fall alike."""

    def __init__(self, box: Mailbox, dice: Random) -> None:
        self.box, self.dice, self.day = box, dice, 0
        box.greeting = lambda: "421 down for maintenance" if self.day in (5, 6, 20) else None
        box.at_mail = self.at_mail
        box.at_rcpt = self.at_rcpt
        box.at_data = lambda server, _: hang_up(server) if self.falls(0.08) else None
        box.after_data = lambda server, _: hang_up(server) if self.falls(0.12) else None

    def falls(self, chance: float) -> bool:
        return self.day < 30 and self.dice.random() < chance

    def at_mail(self, server: Any, _: str) -> str | None:
        return "421 too many connections" if self.falls(0.05) else None

    def at_rcpt(self, server: Any, address: str) -> str | None:
        if address == READERS[2] and 10 <= self.day < 13:
            return "550 5.1.1 no such user"
        return "451 4.7.1 greylisted" if address == READERS[1] and self.falls(0.4) else None


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_over_thirty_days_with_failures_every_flagged_item_is_told_exactly_once(
    seed: int, settings: Settings, box: Mailbox, room: Newsroom
) -> None:
    dice = Random(seed)
    weather = Weather(box, Random(seed + 100))
    clock = Clock(MORNING - HOUR)
    flagged: set[str] = set()
    hidden: list[tuple[int, str]] = []
    known: list[int] = []
    number = 0
    for day in range(int(os.environ.get("DAYS", "31"))):
        weather.day = day
        for _ in range(dice.randint(0, 5) if day < 29 else 0):
            number += 1
            title = f"Story-{number:04}"
            at = MORNING + day * DAY - timedelta(minutes=dice.randint(5, 1430))
            published = at - dice.choice([0, 0, 0, 6, 40]) * DAY
            seen = dice.random() < 0.75
            item = room.publish(title, at=at, published=published, source=dice.choice(room.sources).id, flag={"flagged": seen})
            if seen:
                flagged.add(title)
                known.append(item)
            else:
                hidden.append((item, title))
        if hidden and dice.random() < 0.3:
            item, title = hidden.pop(dice.randrange(len(hidden)))
            room.reflag(item, flagged=True, at=MORNING + day * DAY - HOUR, version=f"new-rules-{day}")
            flagged.add(title)
        if known and dice.random() < 0.3:
            room.decide(dice.choice(known), Decision.RELEVANT, at=MORNING + day * DAY - HOUR)
        room.polled(MORNING + day * DAY - HOUR)
        # Cron every six hours, now and then two schedulers at once, sometimes nothing at all for a day; the clock strays.
        for run in range(0 if day == 17 else 4):
            clock.now = (
                MORNING
                + day * DAY
                + run * 6 * HOUR
                + timedelta(days=90 if (day, run) == (8, 2) else 0, minutes=dice.randint(0, 9))
            )

            def once() -> None:
                send_digest(settings.changed(digest_patience=300.0), due_only=True, clock=clock, sleep=clock.sleep)

            if dice.random() < 0.2:
                both = [threading.Thread(target=once) for _ in range(2)]
                [each.start() for each in both]
                [each.join() for each in both]
            else:
                once()
    assert not waiting(room.store)
    assert len(flagged) > int(os.environ.get("MANY", "40"))
    for reader in READERS:
        bodies: dict[str, set[bytes]] = {}
        for to, body in box.taken:
            if to == reader:
                (mark,) = re.findall(rb"^Message-ID: (\S+)", body, re.MULTILINE)
                bodies.setdefault(mark.decode(), set()).add(body)
        assert all(len(same) == 1 for same in bodies.values()), "a repeat is the same mail"
        seen_once = {mail["Message-ID"]: mail for mail in box.mails(reader)}
        counts = Counter(mark for mail in seen_once.values() for mark in told_in(text_of(mail)))
        relevant = Counter(mark for mail in seen_once.values() for mark in MARK.findall(_relevant(text_of(mail))))
        counts -= relevant
        assert set(counts) - flagged == set()
        assert {mark: counts[mark] for mark in flagged if counts[mark] != 1} == {}


def _relevant(text: str) -> str:
    return text.partition("\nDECIDED RELEVANT SINCE THE LAST DIGEST")[2].partition("\n\n\n")[0]


@pytest.mark.slow
def test_a_run_killed_between_sending_and_recording_repeats_the_same_mail_and_no_other(
    settings: Settings, box: Mailbox, room: Newsroom, tmp_path: Path, clock: Clock
) -> None:
    room.publish("Story-0001", at=MORNING - HOUR)
    script = (
        "import sys; from datetime import UTC, datetime; from pathlib import Path; from pydantic import SecretStr\n"
        "from domain.settings import Settings; from flows.digest_steps import send_digest\n"
        "home = Path(sys.argv[1])\n"
        "settings = Settings(home=home, recipients=home / 'recipients.yaml', smtp_url=SecretStr(sys.argv[2]), rules=home / 'none',\n"
        "    mail_from='Sholu <sholu@news.example>', digest_patience=0.0, _env_file=None)\n"
        f"report = send_digest(settings, clock=lambda: datetime.fromisoformat('{MORNING.isoformat()}'))\n"
        "sys.exit(report.exit_code)\n"
    )
    victim: list[int] = []

    def kill(*_: object) -> str | None:
        if len(box.taken) == 2 and victim:
            os.kill(victim.pop(), signal.SIGKILL)  # the mail is taken, its sender never hears of it
        return None

    box.after_data = kill
    assert settings.smtp_url is not None
    command = [sys.executable, "-c", script, str(tmp_path), settings.smtp_url.get_secret_value()]
    first = subprocess.Popen(command, cwd=Path(__file__).parents[2])
    victim.append(first.pid)
    assert first.wait(120) == -signal.SIGKILL
    assert [to for to, _ in box.taken] == list(READERS[:2])
    second = subprocess.run(command, cwd=Path(__file__).parents[2], timeout=120, check=False)
    assert second.returncode == 0
    assert [to for to, _ in box.taken] == [READERS[0], READERS[1], READERS[1], READERS[2]]
    assert box.taken[1] == box.taken[2]


def test_a_run_killed_while_composing_leaves_nothing_half_told(
    settings: Settings, box: Mailbox, room: Newsroom, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.publish("Story-0001", at=MORNING - HOUR)
    import storage.digests

    keep: Callable[..., Any] = storage.digests.write_letter

    def cut(*given: Any, **more: Any) -> bool:
        if given[2].address == READERS[1]:
            raise KeyboardInterrupt
        return bool(keep(*given, **more))

    monkeypatch.setattr(storage.digests, "write_letter", cut)
    with pytest.raises(KeyboardInterrupt):
        send_digest(settings, clock=clock, sleep=clock.sleep)
    monkeypatch.undo()
    send_digest(settings, clock=clock, sleep=clock.sleep)
    assert sorted(to for to, _ in box.taken) == list(READERS)
    assert all(told_in(text_of(mail)) == ["Story-0001"] for mail in box.mails())
