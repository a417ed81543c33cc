"""The outbox: mails ready to go, each put there once for its slot and address, and how every try to deliver it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, exists, select, update
from sqlalchemy.engine import Row
from sqlalchemy.orm import aliased

from storage.schema.digest import deliveries, digests, outbox, recipients, told
from storage.store import MANY, Store, in_batches

WAITING = ("queued", "sending")
FAR = timedelta(days=1)  # no next try lies further ahead than this, but for a clock that had jumped


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail ready to go, as bytes, so that a repeat is the same mail."""

    kind: str  # digest, alarm
    slot: str
    address: str
    message_id: str
    message: bytes = field(repr=False)
    recipient_id: int | None = None
    alarm_id: int | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """A letter in the outbox and how it stands: queued, sending, sent, refused, given-up (or silent: no mail that day)."""

    id: int
    kind: str
    slot: str
    address: str
    message_id: str
    state: str
    attempts: int
    next_try: datetime
    answer: str
    queued_at: datetime
    sent_at: datetime | None
    digest_id: int | None
    message: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to deliver: SMTP's code (0: the line broke before any answer; 354: … after the text was handed over) and words."""

    number: int
    at: datetime
    code: int
    answer: str


def post_letter(store: Store, letter: Letter, *, now: datetime) -> bool:
    """Put a mail that is no digest into the outbox; False where its slot had put one there for this address already."""
    with store.begin() as connection:
        return write_letter(store, connection, letter, digest_id=None, now=now)


def waiting(
    store: Store, *, kind: str | None = None, slot: str | None = None, addresses: Sequence[str] | None = None
) -> list[Posted]:
    """Letters that wait to be sent, the earliest next try first, without their bytes."""
    o = outbox.c
    query = select(*(column for column in o if column.name != "message")).where(o.state.in_(WAITING)).order_by(o.next_try, o.id)
    for column, value in ((o.kind, kind), (o.slot, slot)):
        if value is not None:
            query = query.where(column == value)
    if addresses is not None:
        query = query.where(o.address.in_(list(addresses)))
    with store.read() as connection:
        return [_posted(row) for row in connection.execute(query)]


def letter_of(store: Store, posted_id: int) -> Posted | None:
    """A letter as it stands now, with its bytes."""
    with store.read() as connection:
        row = connection.execute(select(outbox).where(outbox.c.id == posted_id)).first()
    return None if row is None else _posted(row)


def posted_on(store: Store, day: date) -> list[Posted]:
    """How the digests of a day stand, by address; a reader who gets no mail on an empty day has the state ``silent``."""
    o = outbox.c
    with store.read() as connection:
        rows = connection.execute(
            select(*(column for column in o if column.name != "message"))
            .where(o.kind == "digest", o.slot == day.isoformat())
            .order_by(o.address)
        ).all()
        held = select(digests.c.id, digests.c.slot, digests.c.composed_at).where(
            digests.c.day == day, ~exists(select(o.id).where(o.digest_id == digests.c.id))
        )
        quiet = connection.execute(held).all()
        ids = [int(row.slot.rpartition("/")[2]) for row in quiet]
        names = dict(
            connection.execute(select(recipients.c.id, recipients.c.address).where(recipients.c.id.in_(ids))).tuples().all()
        )
    silent = [
        Posted(
            0,
            "digest",
            day.isoformat(),
            names.get(int(row.slot.rpartition("/")[2]), ""),
            "",
            "silent",
            0,
            row.composed_at,
            "",
            row.composed_at,
            None,
            row.id,
        )
        for row in quiet
    ]
    return [_posted(row) for row in rows] + silent


def find_letter(store: Store, *, kind: str, slot: str, address: str) -> Posted | None:
    """The letter of a slot to an address, with its bytes."""
    o = outbox.c
    with store.read() as connection:
        row = connection.execute(select(outbox).where(o.kind == kind, o.slot == slot, o.address == address)).first()
    return None if row is None else _posted(row)


def attempts_of(store: Store, posted_id: int) -> list[Attempt]:
    """Every try to deliver a letter, the first first."""
    d = deliveries.c
    with store.read() as connection:
        rows = connection.execute(select(deliveries).where(d.outbox_id == posted_id).order_by(d.number))
        return [Attempt(row.number, row.at, row.code, row.answer) for row in rows]


def begin_attempt(store: Store, posted_id: int, *, now: datetime) -> Posted | None:
    """Mark a letter as being handed over, before the server is spoken to; None where it does not wait any more.

    The caller holds the claim on it (``storage.sources.claim``), so that no two processes are at one letter.
    """
    o = outbox.c
    with store.begin() as connection:
        marked = update(outbox).where(o.id == posted_id, o.state.in_(WAITING)).values(state="sending", attempts=o.attempts + 1)
        row = connection.execute(marked.returning(*o)).first()
        if row is None:
            return None
        connection.execute(deliveries.insert().values(outbox_id=posted_id, number=row.attempts, at=now, code=0, answer=""))
    return _posted(row)


def end_attempt(
    store: Store,
    posted: Posted,
    *,
    state: str,
    code: int,
    answer: str,
    next_try: datetime | None = None,
    now: datetime,
    untell: bool = False,
) -> None:
    """Record how handing over ended. ``untell``: the mail surely did not arrive and never will, so its items are news again."""
    values: dict[str, Any] = {"state": state, "answer": answer, "next_try": next_try or now}
    if state == "sent":
        values["sent_at"] = now
    with store.begin(ordered=True) as connection:
        connection.execute(update(outbox).where(outbox.c.id == posted.id).values(values))
        d = deliveries.c
        connection.execute(
            update(deliveries).where(d.outbox_id == posted.id, d.number == posted.attempts).values(code=code, answer=answer)
        )
        if untell and posted.digest_id is not None:
            _untell(connection, posted.digest_id)


def put_off(store: Store, ids: Sequence[int], *, answer: str, next_try: datetime) -> None:
    """Letters that were not tried because the server cannot be reached at all wait with the others."""
    with store.begin() as connection:
        for some in in_batches(list(ids), MANY):
            o = outbox.c
            connection.execute(
                update(outbox).where(o.id.in_(some), o.state.in_(WAITING)).values(answer=answer, next_try=next_try)
            )


def withdraw(store: Store, *, now: datetime) -> list[Posted]:
    """Give up digests to those who left the list by file since: nobody gets mail after taking their leave. Returns them."""
    o, r = outbox.c, recipients.c
    gone = select(r.id).where(~r.active, r.settings["by_file"].as_boolean())
    with store.begin() as connection:
        statement = update(outbox).where(o.state.in_(WAITING), o.kind == "digest", o.recipient_id.in_(gone))
        rows = connection.execute(
            statement.values(state="given-up", answer="no longer a recipient", next_try=now).returning(*o)
        ).all()
    return [_posted(row) for row in rows]


def is_due(posted: Posted, now: datetime) -> bool:
    """Whether a letter may be tried now; a next try absurdly far ahead was written by a clock that had jumped."""
    return posted.next_try <= now or posted.next_try > now + FAR


def _untell(connection: Connection, digest_id: int) -> None:
    connection.execute(delete(told).where(told.c.digest_id == digest_id))
    # Corrections of what was never told go too: the item will be told as it then is.
    itself = aliased(told)
    first = select(itself.c.item_id).where(
        itself.c.recipient_id == told.c.recipient_id, itself.c.item_id == told.c.item_id, itself.c.version == 0
    )
    reader = select(outbox.c.recipient_id).where(outbox.c.digest_id == digest_id)
    connection.execute(delete(told).where(told.c.recipient_id.in_(reader), told.c.version > 0, ~exists(first)))


def write_letter(store: Store, connection: Connection, letter: Letter, *, digest_id: int | None, now: datetime) -> bool:
    """Put a letter into the outbox within the caller's transaction; False where its slot and address have one already."""
    row = {
        "kind": letter.kind, "slot": letter.slot, "address": letter.address, "digest_id": digest_id, "alarm_id": letter.alarm_id,
        "recipient_id": letter.recipient_id, "message_id": letter.message_id, "message": letter.message, "state": "queued", "attempts": 0,
        "next_try": now, "answer": "", "queued_at": now,
    }  # fmt: skip
    return (
        connection.execute(store.insert(outbox).values(row).on_conflict_do_nothing().returning(outbox.c.id)).first() is not None
    )


def _posted(row: Row[Any]) -> Posted:
    return Posted(
        row.id, row.kind, row.slot, row.address, row.message_id, row.state, row.attempts, row.next_try, row.answer, row.queued_at, row.sent_at,
        row.digest_id, getattr(row, "message", b""),
    )  # fmt: skip
