"""The digest, step by step: compose once a day for each reader, then hand over what waits. Plain functions that know no scheduler.

Composing reads the store, decides and renders, and keeps digest, what it told and the mail in one transaction; the mail server
is spoken to afterwards. Whatever dies in between, the next run sends what waits and composes nothing twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from typing import Any, Literal
from zoneinfo import ZoneInfo

from digest.message import Sender, digest_message, message_id, read_sender
from digest.naming import Names
from digest.recipients import Vocabulary, checked_address, load_recipients
from digest.render import Rendered, render
from digest.select import Frame, select
from digest.send import Server, read_server
from digest.values import Digest
from domain.errors import ConfigError, SholuError, StoreError
from domain.settings import Settings
from domain.telling import Recipient
from flows.delivering import deliver
from flows.digest_report import DigestReport, Preview
from rules.engine.rulebook import Rulebook, load_rulebook
from storage.digests import (
    AlreadyTold,
    Composed,
    Reader,
    Settled,
    add_reader,
    find_reader,
    is_composed,
    keep_digest,
    last_digest,
    sync_recipients,
    tellable,
    told_clusters,
)
from storage.outbox import Letter, find_letter, letter_of, posted_on, waiting, withdraw
from storage.runs import begin_run, end_run, status_after, sweep_runs
from storage.sight import figures, sight
from storage.store import Store, open_store

log = logging.getLogger("sholu.digest")

Clock = Callable[[], datetime]
Sleep = Callable[[float], None]

CHART_DAYS = 14
DAY = timedelta(days=1)
SEEN_WITHIN = timedelta(hours=26)  # a source that is polled once a day may have had its turn a little more than a day ago
TRIES = 3  # composings of one digest while other runs take its items
LEASE = 900.0  # seconds beyond its patience for which a run counts as alive


@dataclass(frozen=True, slots=True)
class Post:
    """All that composing and sending need beside the store."""

    settings: Settings
    sender: Sender
    server: Server
    names: Names


def send_digest(
    settings: Settings,
    *,
    day: date | None = None,
    to: Sequence[str] = (),
    dry_run: bool = False,
    due_only: bool = False,
    clock: Clock,
    sleep: Sleep = time.sleep,
) -> DigestReport:
    """Compose the digests that are not composed yet, hand over every mail that waits, and say what came of it.

    ``day`` is today where it is not given; ``to`` are addresses instead of the file of recipients; ``due_only`` (for schedules)
    passes over readers whose hour has not come and composes the one day that is due for each. Safe to run again at any time, and
    twice at once. Raises ConfigError before anything is touched, StoreError where the database refuses.
    """
    now = clock()
    rulebook = load_rules(settings)
    wanted = wanted_recipients(settings, to, vocabulary_of(rulebook))
    if day is not None and day > now.astimezone(ZoneInfo(settings.digest_zone)).date():
        raise ConfigError(f"{day} has not come yet; nothing can be told of it", file="command line", key="--date")
    if dry_run:
        return _rehearse(settings, names_of(rulebook), wanted, day, now)
    if not wanted and due_only and not _mail_waits(settings):
        # A schedule on a machine where nobody has set up mail yet: not a fault that is to be reported every half hour.
        idle = "Nobody is to get the digest yet: name a file of recipients in SHOLU_RECIPIENTS."
        return DigestReport(run_id=None, letters=(), composed={}, handled=frozenset(), idle=idle)
    if not wanted and not due_only:
        raise ConfigError(
            "nobody is to get the digest: name a file of recipients here, or an address with --to; --dry-run needs neither",
            file="environment or .env", key="SHOLU_RECIPIENTS",
        )  # fmt: skip
    sender = read_sender(settings.mail_from, list_id=settings.digest_list_id, unsubscribe=settings.digest_unsubscribe)
    url = settings.smtp_url.get_secret_value() if settings.smtp_url else ""
    server = read_server(url, ca=settings.smtp_ca, timeout=settings.smtp_timeout)
    post = Post(settings, sender, server, names_of(rulebook))
    with closing(open_store(settings.database)) as store:
        return _run(store, post, wanted, listed=not to, day=day, due_only=due_only, clock=clock, sleep=sleep)


def _mail_waits(settings: Settings) -> bool:
    """Whether somebody named by hand is still owed a mail: the schedule tries it again although it has no list."""
    with closing(open_store(settings.database)) as store:
        return bool(waiting(store))


def wanted_recipients(settings: Settings, to: Sequence[str], known: Vocabulary) -> tuple[Recipient, ...]:
    """The recipients of the file, or those named by address, with their own wishes where the file has them."""
    defaults = default_recipient(settings)
    listed = load_recipients(settings.recipients, defaults=defaults, known=known) if settings.recipients else ()
    if not to:
        return listed
    by_address = {each.address.lower(): each for each in listed}
    chosen = []
    for address in dict.fromkeys(to):
        try:
            checked = checked_address(address)
        except ValueError as error:
            raise ConfigError(str(error), file="command line", key="--to") from error
        chosen.append(by_address.get(checked.lower()) or replace(defaults, address=checked))
    return tuple(chosen)


def default_recipient(settings: Settings) -> Recipient:
    """A recipient of whom nothing is said."""
    quiet: Literal["mail", "silent"] = "silent" if settings.digest_empty_day == "silent" else "mail"
    return Recipient(
        "", language=settings.digest_language, hour=settings.digest_hour, time_zone=settings.digest_zone, empty_day=quiet
    )


def load_rules(settings: Settings) -> Rulebook | None:
    """The rulebook; without one that loads, places and people are called by their ids, and the digest goes out."""
    try:
        return load_rulebook(settings.rules, settings.home / "cache")
    except SholuError as error:
        log.warning("the rulebook does not load, places and people are called by their ids: %s", error)
        return None


def names_of(rulebook: Rulebook | None) -> Names:
    """What places and people are called."""
    return Names(rulebook.entities, rulebook.country) if rulebook else Names()


def vocabulary_of(rulebook: Rulebook | None) -> Vocabulary:
    """What readers can ask for: the themes of the rules, the regions of the places they know, their languages."""
    if rulebook is None:
        return Vocabulary()
    return Vocabulary(
        themes=frozenset(rule.theme for rule in rulebook.rules.values()),
        regions=frozenset(entity.region for entity in rulebook.entities.values() if entity.region),
        languages=frozenset(rulebook.definitions.languages),
    )


def due_day(recipient: Recipient, now: datetime) -> date:
    """The latest day whose digest is due: today once the hour has come, yesterday before."""
    local = now.astimezone(ZoneInfo(recipient.time_zone))
    return local.date() if local.hour >= recipient.hour else local.date() - DAY


def hour_of(recipient: Recipient, day: date) -> datetime:
    """When the digest of a day is due, in UTC."""
    return datetime.combine(day, clock_time(recipient.hour), ZoneInfo(recipient.time_zone)).astimezone(UTC)


def _run(
    store: Store,
    post: Post,
    wanted: Sequence[Recipient],
    *,
    listed: bool,
    day: date | None,
    due_only: bool,
    clock: Clock,
    sleep: Sleep,
) -> DigestReport:
    now = clock()
    for dead in sweep_runs(store, now=now):
        log.warning("run %s (%s) had died (%s); what it left waiting is sent now", dead.id, dead.kind, dead.reason)
    parameters = {
        "day": day.isoformat() if day else None,
        "to": [] if listed else [each.address for each in wanted],
        "due_only": due_only,
    }
    patience = post.settings.digest_patience
    run_id = begin_run(store, kind="digest", now=now, parameters=parameters, lease_s=patience + LEASE)
    try:
        readers = sync_recipients(store, wanted, now=now) if listed else [add_reader(store, each, now=now) for each in wanted]
        for left in withdraw(store, now=now):
            log.warning("%s is no longer a recipient: the digest of %s is not sent", left.address, left.slot)
        made: dict[str, tuple[date, int | None]] = {}
        for reader in readers:
            its_day = day or (
                due_day(reader.recipient, now) if due_only else now.astimezone(ZoneInfo(reader.recipient.time_zone)).date()
            )
            if due_only and not _is_due(store, reader, its_day, now):
                continue
            made[reader.recipient.address] = (its_day, compose_once(store, post, reader, its_day, run_id=run_id, clock=clock))
        ended = deliver(store, post.server, post.sender.address, run_id=run_id, clock=clock, sleep=sleep, patience=patience)
        report = _report(store, run_id, made, ended.handled, ended.trouble)
        status = {0: "done", 1: "incomplete"}.get(report.exit_code, "failed")
        end_run(store, run_id, now=clock(), status=status, reason=report.closing())
    except BaseException as error:
        with suppress(StoreError):
            end_run(store, run_id, now=clock(), status=status_after(error), reason=str(error) or type(error).__name__)
        raise
    return report


def _is_due(store: Store, reader: Reader, day: date, now: datetime) -> bool:
    """Somebody new at six in the morning waits for eight, and is not sent yesterday's digest first."""
    return hour_of(reader.recipient, day) <= now and (day == due_day(reader.recipient, now)) and (
        day == now.astimezone(ZoneInfo(reader.recipient.time_zone)).date() or last_digest(store, reader) is not None
    )  # fmt: skip


def compose_once(store: Store, post: Post, reader: Reader, day: date, *, run_id: int | None, clock: Clock) -> int | None:
    """Compose and keep a reader's digest of a day; how many stories it tells, None where it was composed before."""
    for _ in range(TRIES):
        if is_composed(store, reader, day):
            return None
        now = clock()
        digest = select_digest(store, reader, day, post.names, now=now)
        letter = None
        if not (digest.empty and digest.sight.complete and reader.recipient.empty_day == "silent"):
            letter = _letter(post, reader, digest, now)
        composed = Composed(
            reader.id, day, digest.since, digest.until, digest.sight.complete, content_of(digest),
            tuple(Settled(item, section) for item, section in digest.settled), letter,
        )  # fmt: skip
        with suppress(AlreadyTold):
            keep_digest(store, composed, run_id=run_id, now=now)
            return digest.stories + len(digest.late)
    if is_composed(store, reader, day):
        return None
    raise StoreError(
        f"The digest of {day} for {reader.recipient.address} could not be composed: other runs keep telling its items; run again."
    )


def _letter(post: Post, reader: Reader, digest: Digest, now: datetime) -> Letter:
    rendered = rendered_for(post.settings, digest, post.names)
    if rendered.trouble:
        log.error(
            "the digest of %s for %s could not have its usual form: %s", digest.day, reader.recipient.address, rendered.trouble
        )
    slot = digest.day.isoformat()
    return Letter(
        kind="digest",
        slot=slot,
        address=reader.recipient.address,
        message_id=message_id(post.sender, "digest", slot, reader.recipient.address),
        message=digest_message(rendered, reader.recipient, post.sender, slot=slot, now=now),
        recipient_id=reader.id,
    )


def rendered_for(settings: Settings, digest: Digest, names: Names) -> Rendered:
    """The digest in words, as the settings have it."""
    return render(
        digest, names, desk=settings.desk_address, unsubscribe=settings.digest_unsubscribe, templates=settings.digest_templates
    )


def select_digest(
    store: Store, reader: Reader | None, day: date, names: Names, *, now: datetime, recipient: Recipient | None = None
) -> Digest:
    """What one reader (None: somebody nobody has written to, ``recipient`` says who) is told on a day."""
    whom = reader.recipient if reader is not None else recipient
    assert whom is not None, "either a reader or a recipient"
    today = now.astimezone(ZoneInfo(whom.time_zone)).date()
    # A day that is over ends at its hour; what came later belongs to the next.
    until = now if day >= today else min(now, hour_of(whom, day))
    before = last_digest(store, reader, before=day) if reader is not None else None
    since = before[1] if before is not None else max(reader.since, until - DAY) if reader is not None else until - DAY
    since = min(since, until)  # the clock had jumped ahead when the last one was composed
    items = tellable(store, reader, since=since, now=now, until=None if until == now else until)
    told = told_clusters(store, reader, [item.cluster_id for item in items]) if reader is not None else {}
    edges = [(at, hour_of(whom, at - DAY)) for at in (day - DAY * back for back in range(CHART_DAYS - 1, -1, -1))]
    return select(
        Frame(day, since, until, whom),
        items,
        told_clusters=told,
        sight=sight(store, since=min(since, until - SEEN_WITHIN), until=until + timedelta(seconds=1)),
        figures=figures(store, since=since, edges=edges),
        kind=names.kind,
    )


def content_of(digest: Digest) -> dict[str, Any]:
    """What was selected, as it is kept beside the mail: item ids by section and what was seen."""
    return {
        "sections": {name: [[item.id for item in story.items] for story in stories] for name, stories in digest.sections},
        "late": [[item.id for item in story.items] for story in digest.late],
        "relevant": [story.lead.id for story in digest.relevant],
        "echoes": [echo.item.id for echo in digest.echoes],
        "corrections": [[each.item.id, list(each.kinds)] for each in digest.corrections],
        "panel": digest.sight.panel,
        "seen": digest.sight.seen,
        "unread": digest.sight.unread,
    }


def _report(
    store: Store, run_id: int, made: dict[str, tuple[date, int | None]], handled: Sequence[int], trouble: str
) -> DigestReport:
    days = sorted({day for day, _ in made.values()})
    posted = [each for day in days for each in posted_on(store, day) if each.address in made and made[each.address][0] == day]
    known = {each.id for each in posted}
    others = [replace(each, message=b"") for one in handled if one not in known and (each := letter_of(store, one)) is not None]
    return DigestReport(
        run_id=run_id,
        letters=(*posted, *others),
        composed={address: stories for address, (_, stories) in made.items() if stories is not None},
        handled=frozenset(handled),
        trouble=trouble,
    )


def _rehearse(settings: Settings, names: Names, wanted: Sequence[Recipient], day: date | None, now: datetime) -> DigestReport:
    """What would be sent: nothing is stored, no server is asked. A digest that was composed already is shown as it was sent."""
    previews = []
    with closing(open_store(settings.database)) as store:
        for recipient in wanted or (default_recipient(settings),):
            reader = find_reader(store, recipient.address) if recipient.address else None
            if reader is not None:
                reader = replace(reader, recipient=recipient)
            its_day = day or now.astimezone(ZoneInfo(recipient.time_zone)).date()
            kept = find_letter(store, kind="digest", slot=its_day.isoformat(), address=recipient.address) if reader else None
            if kept is not None:
                previews.append(Preview.of_letter(kept))
                continue
            digest = select_digest(store, reader, its_day, names, now=now, recipient=recipient)
            rendered = rendered_for(settings, digest, names)
            message = digest_message(rendered, *_shown_as(settings, recipient), slot=its_day.isoformat(), now=now)
            previews.append(
                Preview(
                    recipient.address, its_day, rendered.subject, rendered.text, rendered.html or "", message, rendered.trouble
                )
            )
    return DigestReport(run_id=None, letters=(), composed={}, handled=frozenset(), previews=tuple(previews))


def _shown_as(settings: Settings, recipient: Recipient) -> tuple[Recipient, Sender]:
    """Recipient and sender of a mail that is only shown; stand-ins where none are set."""
    try:
        sender = read_sender(
            settings.mail_from or "Sholu <sholu@localhost>",
            list_id=settings.digest_list_id,
            unsubscribe=settings.digest_unsubscribe,
        )
    except ConfigError:
        sender = Sender("Sholu", "sholu@localhost", "sholu.localhost")
    return (recipient if recipient.address else replace(recipient, address="reader@localhost")), sender
