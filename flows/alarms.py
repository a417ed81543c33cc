"""Whether the service itself is in trouble, by our own database alone: alarms are opened, closed and told of once each.

Deciding what is wrong is pure (``troubles``). No scheduler is known here: `sholu watchdog` runs this from plain cron, and the
flow `watch` runs it when Prefect sees that a run failed or did not come.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from zoneinfo import ZoneInfo

from domain.settings import Settings
from domain.telling import Sight
from flows.alone import Clock
from flows.maintaining import free_space
from storage.alarms import (
    Alarm,
    LastRun,
    Owed,
    Trouble,
    composed_slots,
    digest_debts,
    last_runs,
    note_told,
    open_alarms,
    settle_alarms,
    unsent_digests,
    untold_alarms,
)
from storage.digests import slot_of
from storage.outbox import Letter, post_letter
from storage.runs import sweep_runs
from storage.sight import sight
from storage.store import Store, open_store

log = logging.getLogger("sholu.alarms")

KINDS = ("run-failed", "run-missing", "digest-late", "coverage", "disk")
SEEN_WITHIN = timedelta(hours=26)  # as the digest counts: a source polled once a day may have had its turn a little earlier
LET_GO = timedelta(days=3)  # an alarm over for longer than this is no longer told of: the mail server was away too long
EASED = 1.1  # what has raised an alarm must be better than its bound by a tenth before it is over: no mail at every flutter
MEANINGS = {
    "run-failed": "A run failed",
    "run-missing": "A run did not happen",
    "digest-late": "The digest has not gone out",
    "coverage": "Too few sources were seen",
    "disk": "The disk is nearly full",
}
REMEDIES = {
    "run-failed": "The next run takes up what was left. If it fails, too, the sentence above names what to mend; `sholu doctor` looks at the rest.",
    "run-missing": "Is the service running (`systemctl status sholu`, or the timers, cron, the worker)? Once it is, one run makes up for all missed.",
    "digest-late": "`sholu digest` makes and sends what is due; what was sent is not sent again.",
    "coverage": "`sholu sources check` says of each source what is seen and why not. Many at once: the network, or the machine's clock.",
    "disk": "`sholu maintain --dry-run` says what retention would drop; back-ups are in the folder `backups` there, and may be moved.",
}
"""What to do first, for whoever reads the mail on a telephone; more is in docs/operating.md."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that alarms are judged by, read at one moment; ``late``: digests owed and not composed, ``unsent``: not gone out."""

    runs: Mapping[str, LastRun]
    sight: Sight
    late: tuple[str, ...]
    unsent: tuple[tuple[str, str, str], ...]
    free: int
    open: tuple[Alarm, ...]


@dataclass(frozen=True, slots=True)
class Watched:
    """What a look at the service came to: what is wrong now, what is new of it, and what is over."""

    open: tuple[Alarm, ...]
    opened: tuple[Alarm, ...]
    closed: tuple[Alarm, ...]
    posted: int

    def closing(self) -> str:
        """One line on the whole."""
        if not self.open:
            return "Nothing is wrong." + (f" {len(self.closed)} alarms are over." if self.closed else "")
        return f"{len(self.open)} alarms: " + "; ".join(
            f"{MEANINGS.get(each.kind, each.kind)}: {each.reason}" for each in self.open
        )


def watch(settings: Settings, *, clock: Clock, heard: Trouble | None = None) -> Watched:
    """Look at the service once: open and close alarms and put a mail for each into the outbox. Raises StoreError.

    ``heard`` is a trouble somebody else saw (the scheduler: a run that failed before it could reach our database).
    """
    now = clock()
    with closing(open_store(settings.database)) as store:
        sweep_runs(store, now=now)
        facts = gather(store, settings, now)
        found = list(troubles(facts, settings, now))
        if heard is not None and (heard.kind, heard.subject) not in {(each.kind, each.subject) for each in found}:
            found.append(heard)
        opened, closed = settle_alarms(store, found, KINDS, now=now)
        for alarm in opened:
            log.error("alarm: %s: %s", MEANINGS.get(alarm.kind, alarm.kind), alarm.reason)
        for alarm in closed:
            log.warning("alarm over: %s (%s)", MEANINGS.get(alarm.kind, alarm.kind), alarm.subject)
        posted = post_alarms(store, settings, now)
        return Watched(tuple(open_alarms(store)), tuple(opened), tuple(closed), posted)


def gather(store: Store, settings: Settings, now: datetime) -> Facts:
    """Read everything the alarms are judged by."""
    late = _late_digests(store, settings, now)
    patience = timedelta(seconds=settings.alarm_digest)
    return Facts(
        runs=last_runs(store),
        sight=sight(store, since=now - SEEN_WITHIN, until=now),
        late=tuple(late),
        unsent=tuple(unsent_digests(store, before=now - patience, since=now - LET_GO)),
        free=free_space(settings.home),
        open=tuple(open_alarms(store)),
    )


def _late_digests(store: Store, settings: Settings, now: datetime) -> list[str]:
    """Whose digest should have been composed by now and was not."""
    patience = timedelta(seconds=settings.alarm_digest)
    due = {slot_of(day, owed.recipient_id): owed.address for owed in digest_debts(store) if (day := due_day(owed, patience, now))}
    return [due[slot] for slot in sorted(due.keys() - composed_slots(store, due.keys()))]


def due_day(owed: Owed, patience: timedelta, now: datetime) -> date | None:
    """The recipient's day whose digest should be out by ``now``, None where that is not so yet or they came later."""
    here = now.astimezone(ZoneInfo(owed.time_zone))
    due = here.replace(hour=owed.hour, minute=0, second=0, microsecond=0)
    return here.date() if here >= due + patience and owed.added_at < due else None


def troubles(facts: Facts, settings: Settings, now: datetime) -> Iterable[Trouble]:
    """What is wrong, by the facts and the bounds of the settings; pure."""
    standing = {(alarm.kind, alarm.subject): alarm for alarm in facts.open}
    yield from _failed(facts.runs, standing)
    yield from _missing(facts.runs, settings, now)
    yield from _digests(facts)
    yield from _unseen(facts, settings, standing)
    bound = settings.alarm_disk * (EASED if ("disk", "home") in standing else 1)
    if facts.free < bound:
        free, least = facts.free / 1e9, settings.alarm_disk / 1e9
        said = f"{free:.2f} GB are free in {settings.home}, less than {least:.2f} GB; make room, or the runs will stop"
        yield Trouble("disk", "home", said, {"free": facts.free})


def _failed(runs: Mapping[str, LastRun], standing: Mapping[tuple[str, str], Alarm]) -> Iterable[Trouble]:
    for kind, last in runs.items():
        if last.status in ("failed", "crashed"):
            yield Trouble("run-failed", kind, f"{kind} {last.status} (run {last.run_id}): {last.reason}", {"run": last.run_id})
    for (what, kind), alarm in standing.items():
        # Told by the scheduler, of a run that never reached us: over once a run of that kind has ended well since.
        if what == "run-failed" and (kind not in runs or runs[kind].status not in ("failed", "crashed")):
            good = runs[kind].good_at if kind in runs else None
            if alarm.detail.get("heard") and (good is None or good <= alarm.last_seen):
                yield Trouble("run-failed", kind, alarm.reason, alarm.detail)


def _missing(runs: Mapping[str, LastRun], settings: Settings, now: datetime) -> Iterable[Trouble]:
    for kind, patience in (("collect", settings.alarm_collect), ("maintain", settings.alarm_maintain)):
        last = runs.get(kind)
        # What was never begun is not missed: on this machine nobody has asked for it yet.
        if last is not None and (now - last.started_at).total_seconds() > patience:
            hours = (now - last.started_at).total_seconds() / 3600
            said = f"the last {kind} began {last.started_at:%Y-%m-%d %H:%M} UTC, {hours:.1f} hours ago; is the schedule running?"
            yield Trouble("run-missing", kind, said, {"last": last.started_at.isoformat()})


def _digests(facts: Facts) -> Iterable[Trouble]:
    if facts.late:
        shown = ", ".join(facts.late[:5]) + (" …" if len(facts.late) > 5 else "")
        said = f"the digest of today was not made for {len(facts.late)} recipients ({shown}); `sholu digest` makes and sends it"
        yield Trouble("digest-late", "composing", said)
    if facts.unsent:
        answer = next((said for _, _, said in facts.unsent if said), "no answer yet")
        said = f"{len(facts.unsent)} digests wait to be sent, the mail server's last words: {answer}"
        yield Trouble("digest-late", "sending", said)


def _unseen(facts: Facts, settings: Settings, standing: Mapping[tuple[str, str], Alarm]) -> Iterable[Trouble]:
    seen = facts.sight
    collect = facts.runs.get("collect")
    # Where nothing ran at all, or nothing had a whole day yet, another alarm says so or there is nothing to say.
    if collect is None or not seen.runs or not seen.panel or collect.first_at > seen.since:
        return
    bound = min(settings.alarm_coverage * (EASED if ("coverage", "panel") in standing else 1), 1.0)
    if seen.seen < bound * seen.panel:
        worst = ", ".join(each.source_id for each in seen.unseen if not each.quiet)[:200]
        share = f"{seen.percent} %, wanted are {settings.alarm_coverage:.0%}"
        said = f"{seen.seen} of {seen.panel} sources were seen within a day ({share}); not seen: {worst}"
        yield Trouble("coverage", "panel", said, {"seen": seen.seen, "panel": seen.panel})


def post_alarms(store: Store, settings: Settings, now: datetime) -> int:
    """Put a mail into the outbox for every alarm opened or over that was not told of yet; returns how many.

    Each once: an alarm's phase is a slot of the outbox, so two watchdogs, or one killed in between, post no second mail.
    """
    count = 0
    for alarm, phase in untold_alarms(store, since=now - LET_GO):
        for address in addresses(settings):
            letter = letter_of(alarm, phase, address, settings, now)
            count += post_letter(store, letter, now=now)
        note_told(store, alarm.id, phase)
    return count


def addresses(settings: Settings) -> Sequence[str]:
    """Who is told of alarms."""
    return tuple(dict.fromkeys(part.strip() for part in settings.alarm_to.split(",") if part.strip()))


def letter_of(alarm: Alarm, phase: str, address: str, settings: Settings, now: datetime) -> Letter:
    """The mail of an alarm's phase ("opened" or "over"): plain text, the same Message-ID however often it is made."""
    sender = settings.mail_from or "Sholu <sholu@localhost>"
    domain = sender.rpartition("@")[2].strip(" >") or "localhost"
    slot = f"{alarm.id}/{phase}"
    what = MEANINGS.get(alarm.kind, alarm.kind)
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = address
    mail["Subject"] = f"[Sholu] {'Over: ' if phase == 'over' else ''}{what} ({alarm.subject})"
    mail["Date"] = format_datetime(now)
    message_id = f"<sholu-alarm-{alarm.id}-{phase}-{hashlib.sha256(address.encode()).hexdigest()[:12]}@{domain}>"
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_words(alarm, phase, settings), cte="base64")
    return Letter("alarm", slot, address, message_id, mail.as_bytes(), alarm_id=alarm.id)


def _words(alarm: Alarm, phase: str, settings: Settings) -> str:
    zone = ZoneInfo(settings.digest_zone)
    # Two times side by side can only be compared in one zone, and which one it is must stand there.
    since, until = (
        f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" if moment else "" for moment in (alarm.opened_at, alarm.closed_at)
    )
    if phase == "over":
        lines = [f"This is over; it lasted from {since} to {until} ({zone.key}):", "", alarm.reason]
    else:
        lines = [f"{MEANINGS.get(alarm.kind, alarm.kind)}, since {since} ({zone.key}):", "", alarm.reason]
        lines += ["", REMEDIES.get(alarm.kind, ""), f"All of what it means: docs/operating.md, “{alarm.kind}”."]
    if settings.desk_address:
        lines += ["", f"The desk: {settings.desk_address.rstrip('/')}/"]
    return "\n".join(lines) + "\n"
