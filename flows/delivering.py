"""Handing over what waits in the outbox, of whatever kind: each letter by one process at a time, every answer recorded at once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.send import HANDED_OVER, Fate, Handing, Line, Server
from domain.errors import MailError
from storage.outbox import Posted, attempts_of, begin_attempt, end_attempt, is_due, put_off, waiting
from storage.runs import renew_run
from storage.sources import claim, release_claims
from storage.store import Store

log = logging.getLogger("sholu.mail")

KEEP = timedelta(days=3)  # how long a server may put a mail off before its items are told in the next digest instead
LEAST_TRIES = 8  # … but never before so many tries: a clock that jumps a year ahead gives nothing up
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
HANG_UPS = 3  # lines broken in a row after which the rest waits, too


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a delivery did: the letters it handed over or tried to, and why the server could not be spoken to ("" if it could)."""

    handled: tuple[int, ...]
    trouble: str = ""


def deliver(
    store: Store,
    server: Server,
    sender: str,
    *,
    run_id: int,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    patience: float,
) -> Delivered:
    """Hand over all letters that wait; what is put off is tried again while ``patience`` (seconds) lasts."""
    handled: dict[int, None] = {}
    trouble = ""
    waited = 0.0
    while True:
        trouble = _round(store, server, sender, run_id, clock, handled)
        now = clock()
        left = waiting(store)
        if not left:
            return Delivered(tuple(handled), trouble)
        pause = max(1.0, min((each.next_try - now).total_seconds() for each in left))
        if waited + pause > patience:
            return Delivered(tuple(handled), trouble)
        log.info("%d mails wait; the next try is in %.0f seconds", len(left), pause)
        sleep(pause)
        waited += pause
        renew_run(store, run_id, now=clock(), lease_s=patience + 900.0)


def next_pause(posted: Posted, now: datetime) -> timedelta:
    """How long to wait: half as long again as the letter has waited, so that greylisting (minutes) and a server that is down
    for a night are both met soon after they end."""
    return min(max((now - posted.queued_at) / 2, FIRST_PAUSE), LONGEST_PAUSE)


def _round(
    store: Store, server: Server, sender: str, run_id: int, clock: Callable[[], datetime], handled: dict[int, None]
) -> str:
    """One try for every letter that is due; returns why the server could not be spoken to, "" if it could."""
    lease = 2 * server.timeout + 60.0
    line: Line | None = None
    broken = 0
    with ExitStack() as stack:
        for posted in waiting(store):
            now = clock()
            name = str(posted.id)
            if not is_due(posted, now) or name not in claim(store, "mail", [name], run_id=run_id, now=now, lease_s=lease):
                continue
            try:
                if line is None:
                    line = stack.enter_context(_opened(server, broken))
                handing = _hand_over(store, line, posted, sender, clock)
            except MailError as error:
                log.warning("%s", error)
                now = clock()
                for each in waiting(store):
                    if is_due(each, now):
                        put_off(store, [each.id], answer=str(error), next_try=now + next_pause(each, now))
                        handled.setdefault(each.id)
                return str(error)
            finally:
                release_claims(store, run_id, [name], kind="mail")
            if handing is None:
                continue
            handled.setdefault(posted.id)
            if handing.hung_up:
                line, broken = None, broken + 1
            else:
                broken = 0
    return ""


def _opened(server: Server, broken: int) -> Line:
    if broken >= HANG_UPS:
        raise MailError(f"The mail server {server.shown} broke the connection {broken} times in a row.")
    return Line(server)


def _hand_over(store: Store, line: Line, posted: Posted, sender: str, clock: Callable[[], datetime]) -> Handing | None:
    """Try one letter and record the answer; None where it was sent meanwhile. Between the two may lie the end of the process: then
    the letter stays "sending", and the next run repeats it under the same Message-ID."""
    letter = begin_attempt(store, posted.id, now=clock())
    if letter is None:
        return None
    handing = line.hand_over(sender, letter.address, letter.message)
    now = clock()
    doubtful = handing.in_doubt or any(each.code == HANDED_OVER for each in attempts_of(store, letter.id))
    state, next_try = {Fate.SENT: "sent", Fate.REFUSED: "refused"}.get(handing.fate, "queued"), None
    if state == "queued":
        if letter.attempts >= LEAST_TRIES and now - letter.queued_at > KEEP:
            state = "given-up"
        next_try = now + next_pause(letter, now)
    lost = state in {"refused", "given-up"}
    end_attempt(
        store,
        letter,
        state=state,
        code=handing.code,
        answer=handing.answer,
        next_try=next_try,
        now=now,
        untell=lost and not doubtful,
    )
    if state != "sent":
        log.warning("the %s of %s for %s is %s: %s", letter.kind, letter.slot, letter.address, state, handing.answer)
    return handing
