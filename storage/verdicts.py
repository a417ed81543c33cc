"""What people decided: appended, never changed; what each reviewer now holds and what an item now counts as follow from it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, delete, exists, func, insert, select, update
from sqlalchemy.orm import aliased

from domain.errors import SholuError
from storage import chain, records
from storage.schema.items import flaggings, item_versions, items
from storage.schema.review import audit_log, current_verdicts, item_tags, verdicts
from storage.store import MANY, Store, in_batches


class Decision(StrEnum):
    """What a person can say of an item."""

    RELEVANT = "relevant"
    NOT_RELEVANT = "not-relevant"
    UNSURE = "unsure"


DISPUTED = "disputed"  # what an item counts as while its reviewers differ
OPEN = "open"
LOOKED_AT = 1_000


class NothingToDecide(SholuError):
    """None of the items named exists; says so to the person."""


@dataclass(frozen=True, slots=True)
class Ballot:
    """One decision on one or several items, as it comes from the desk.

    ``seen`` is the greatest verdict id the reviewer could have seen when deciding (0 when none, or when the page hid them): a later
    verdict of somebody else was made at the same time, neither knowing of the other. ``blind`` says the page hid all verdicts.
    ``shown`` is, by item, the number of the version the page showed: that is what was decided on, whatever came since.
    """

    items: tuple[int, ...]
    reviewer: str
    decision: Decision
    reason: str = ""
    note: str = ""
    tags: tuple[str, ...] = ()
    seen: int = 0
    blind: bool = False
    sample_id: int | None = None
    seconds: float | None = None
    settles: bool = False
    shown: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a ballot: the batch to undo it by, the items, where another decided meanwhile, who and what, and the items
    whose text changed after the page had been made."""

    batch: str
    items: tuple[int, ...]
    meanwhile: tuple[tuple[int, str, str], ...] = ()  # item, reviewer, decision
    changed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """One row of an item's history of decisions."""

    id: int
    item_id: int
    reviewer: str
    act: str
    decision: str
    reason: str
    note: str
    blind: bool
    seconds: float | None
    at: datetime
    undone: bool
    undoes: int | None
    version_id: int


def decide(store: Store, ballot: Ballot, *, now: datetime, address: str = "") -> Decided:
    """Append a verdict an item, in one transaction with its traces in the audit log. Unknown items are left out; raises
    NothingToDecide when all are unknown."""
    batch = secrets.token_hex(8)
    with store.begin(ordered=True) as connection:
        known = _known(connection, ballot.items)
        changed = _older_versions(connection, ballot)
        if not known:
            raise NothingToDecide("None of these items is in the store any more; nothing was decided. Reload the page.")
        meanwhile: list[tuple[int, str, str]] = []
        for item_id, *in_force in known:
            version_id, flagging_id = changed.get(item_id) or in_force
            others = connection.execute(
                select(current_verdicts.c.verdict_id, current_verdicts.c.reviewer, current_verdicts.c.decision)
                .where(current_verdicts.c.item_id == item_id, current_verdicts.c.reviewer != ballot.reviewer)
            ).all()  # fmt: skip
            unseen = ballot.blind or all(row.verdict_id > ballot.seen for row in others)
            meanwhile += [
                (item_id, row.reviewer, row.decision) for row in others if row.verdict_id > ballot.seen and not ballot.blind
            ]
            verdict_id = connection.execute(
                insert(verdicts).values(
                    item_id=item_id, version_id=version_id, flagging_id=flagging_id, reviewer=ballot.reviewer,
                    act="settle" if ballot.settles else "decide", decision=ballot.decision.value, reason=ballot.reason,
                    note=ballot.note, blind=unseen and not ballot.settles, sample_id=ballot.sample_id, seconds=ballot.seconds,
                    batch=batch, at=now,
                ).returning(verdicts.c.id)
            ).scalar_one()  # fmt: skip
            _link(connection, verdict_id)
            _hold(store, connection, item_id, ballot, verdict_id, blind=unseen and not ballot.settles, now=now)
            _tag(store, connection, item_id, ballot, now)
            _count(connection, item_id)
        ids = tuple(item_id for item_id, _, _ in known)
        detail = {"decision": ballot.decision.value, "reason": ballot.reason, "items": list(ids[:200]), "batch": batch}
        write_audit(
            connection,
            who=ballot.reviewer,
            what="settle" if ballot.settles else "decide",
            subject=str(ids[0]),
            detail=detail,
            address=address,
            now=now,
        )
    return Decided(batch, ids, tuple(meanwhile), tuple(item_id for item_id in ids if item_id in changed))


def last_decision(store: Store, reviewer: str) -> datetime | None:
    """When the reviewer last decided, settled or took back anything."""
    with store.read() as connection:
        return connection.execute(select(func.max(verdicts.c.at)).where(verdicts.c.reviewer == reviewer)).scalar()


def undo(store: Store, reviewer: str, *, now: datetime, address: str = "") -> tuple[int, ...]:
    """Take back the reviewer's latest decision that still stands (all items decided with it); returns the items, () when none is left."""
    later = aliased(verdicts)
    standing = ~select(later.c.id).where(later.c.undoes == verdicts.c.id).exists()
    with store.begin(ordered=True) as connection:
        last = connection.execute(
            select(verdicts.c.id, verdicts.c.batch)
            .where(verdicts.c.reviewer == reviewer, verdicts.c.act != "undo", standing)
            .order_by(verdicts.c.at.desc(), verdicts.c.id.desc())
            .limit(1)
        ).first()
        if last is None:
            return ()
        same = verdicts.c.batch == last.batch if last.batch else verdicts.c.id == last.id
        taken = connection.execute(
            select(verdicts.c.id, verdicts.c.item_id, verdicts.c.version_id, verdicts.c.flagging_id)
            .where(verdicts.c.reviewer == reviewer, verdicts.c.act != "undo", same, standing)
            .order_by(verdicts.c.id)
        ).all()  # fmt: skip
        batch = secrets.token_hex(8)
        for row in taken:
            undone = connection.execute(
                insert(verdicts).values(
                    item_id=row.item_id, version_id=row.version_id, flagging_id=row.flagging_id, reviewer=reviewer,
                    act="undo", decision="", undoes=row.id, blind=False, batch=batch, at=now,
                ).returning(verdicts.c.id)
            ).scalar_one()  # fmt: skip
            _link(connection, undone)
            _hold_before(store, connection, row.item_id, reviewer)
            _count(connection, row.item_id)
        ids = tuple(dict.fromkeys(row.item_id for row in taken))
        write_audit(
            connection,
            who=reviewer,
            what="undo",
            subject=str(ids[0]),
            detail={"items": list(ids[:200])},
            address=address,
            now=now,
        )
    return ids


def _link(connection: Connection, verdict_id: int) -> None:
    """The verdict's link in the evidence chain; within a transaction begun with ``ordered=True``."""
    row = connection.execute(select(verdicts).where(verdicts.c.id == verdict_id)).mappings().one()
    chain.append(connection, [("verdict", verdict_id, records.digest(records.record(records.VERDICT, row)))])


def history(store: Store, item_id: int) -> list[Said]:
    """All that was decided on an item, the first decision first; what was undone is marked, never missing."""
    with store.read() as connection:
        rows = connection.execute(select(verdicts).where(verdicts.c.item_id == item_id).order_by(verdicts.c.id)).all()
    undone = {row.undoes for row in rows if row.undoes is not None}
    return [_said(row, undone) for row in rows]


def tags_of(store: Store, item_id: int) -> list[str]:
    """The item's tags in alphabetical order."""
    with store.read() as connection:
        return list(
            connection.execute(select(item_tags.c.tag).where(item_tags.c.item_id == item_id).order_by(item_tags.c.tag)).scalars()
        )


def tags_by_item(store: Store, item_ids: Sequence[int]) -> dict[int, list[str]]:
    """The tags of some items, each list in alphabetical order."""
    found: dict[int, list[str]] = {}
    with store.read() as connection:
        for some in in_batches(list(item_ids), MANY):
            query = select(item_tags.c.item_id, item_tags.c.tag).where(item_tags.c.item_id.in_(some)).order_by(item_tags.c.tag)
            for row in connection.execute(query):
                found.setdefault(row.item_id, []).append(row.tag)
    return found


def known_tags(store: Store, limit: int = 200) -> list[str]:
    """Tags in use, to offer while typing."""
    with store.read() as connection:
        return list(connection.execute(select(item_tags.c.tag).distinct().order_by(item_tags.c.tag).limit(limit)).scalars())


def newest_verdict(store: Store) -> int:
    """The greatest verdict id there is: what a page shown now has seen."""
    with store.read() as connection:
        return int(connection.execute(select(func.max(verdicts.c.id))).scalar() or 0)


def held_by(store: Store, item_ids: Sequence[int]) -> dict[int, list[tuple[str, str, str]]]:
    """For each item who holds what of it: (reviewer, decision, reason)."""
    held: dict[int, list[tuple[str, str, str]]] = {}
    with store.read() as connection:
        for some in in_batches(list(item_ids), MANY):
            query = select(
                current_verdicts.c.item_id, current_verdicts.c.reviewer, current_verdicts.c.decision, current_verdicts.c.reason
            ).where(current_verdicts.c.item_id.in_(some))
            for row in connection.execute(query.order_by(current_verdicts.c.verdict_id)):
                held.setdefault(row.item_id, []).append((row.reviewer, row.decision, row.reason))
    return held


def to_read_twice(store: Store, reviewer: str, *, share: float, since: datetime, limit: int) -> list[int]:
    """Items a second person should judge blind, the latest decision first, of decisions not older than ``since``.

    They are those of another's single decision that fall into the share to be read twice. The share is chosen by the item's number,
    scattered by a multiplication (Knuth's, with a prime below 2**16), so that it is the same for all reviewers and nobody chooses
    what is checked. Only the last LOOKED_AT decisions of each kind are looked at, so that this takes no longer with very many.
    """
    found: list[tuple[datetime, int]] = []
    with store.read() as connection:
        for decision in Decision:
            v = current_verdicts.c
            last = (
                select(v.item_id, v.reviewer, v.at, v.settles)
                .where(v.decision == decision.value, v.at >= since)
                .order_by(v.at.desc())
                .limit(LOOKED_AT)
                .subquery()
            )
            other = aliased(current_verdicts)
            query = (
                select(last.c.at, last.c.item_id)
                .where(
                    last.c.reviewer != reviewer,
                    last.c.settles.is_(False),
                    (last.c.item_id * 40503) % 1000 < int(share * 1000),
                    ~exists(
                        select(other.c.item_id).where(other.c.item_id == last.c.item_id, other.c.reviewer != last.c.reviewer)
                    ),
                )
                .order_by(last.c.at.desc())
                .limit(limit)
            )
            found += [(row.at, row.item_id) for row in connection.execute(query)]
    return [item_id for _, item_id in sorted(found, reverse=True)][:limit]


def write_audit(
    connection: Connection, *, who: str, what: str, subject: str, detail: Mapping[str, object], address: str, now: datetime
) -> None:
    """One line of the audit log, in the transaction of what it tells of."""
    connection.execute(
        insert(audit_log).values(at=now, who=who, what=what, subject=subject, detail=dict(detail), address=address)
    )


def _known(connection: Connection, ids: Sequence[int]) -> list[tuple[int, int, int | None]]:
    found: dict[int, tuple[int, int, int | None]] = {}
    for some in in_batches(list(dict.fromkeys(ids)), MANY):
        for row in connection.execute(select(items.c.id, items.c.version_id, items.c.flagging_id).where(items.c.id.in_(some))):
            if row.version_id is not None:
                found[row.id] = (row.id, row.version_id, row.flagging_id)
    return [found[item_id] for item_id in dict.fromkeys(ids) if item_id in found]


def _older_versions(connection: Connection, ballot: Ballot) -> dict[int, tuple[int, int | None]]:
    """Of the items that were shown in a version no longer in force, that version and what the rules last said of it."""
    found: dict[int, tuple[int, int | None]] = {}
    judged = select(func.max(flaggings.c.id)).where(flaggings.c.version_id == item_versions.c.id).scalar_subquery()
    for item_id in (one for one in ballot.items if one in ballot.shown):
        row = connection.execute(
            select(item_versions.c.id, judged.label("flagging_id"))
            .join(items, items.c.id == item_versions.c.item_id)
            .where(items.c.id == item_id, item_versions.c.number == ballot.shown[item_id], items.c.version_id != item_versions.c.id)
        ).first()  # fmt: skip
        if row is not None:
            found[item_id] = (row.id, row.flagging_id)
    return found


def _hold(
    store: Store, connection: Connection, item_id: int, ballot: Ballot, verdict_id: int, *, blind: bool, now: datetime
) -> None:
    held = {
        "verdict_id": verdict_id, "decision": ballot.decision.value, "reason": ballot.reason, "blind": blind,
        "settles": ballot.settles, "at": now,
    }  # fmt: skip
    made = store.insert(current_verdicts).values(item_id=item_id, reviewer=ballot.reviewer, **held)
    connection.execute(made.on_conflict_do_update(index_elements=["item_id", "reviewer"], set_=held))


def _hold_before(store: Store, connection: Connection, item_id: int, reviewer: str) -> None:
    """What the reviewer held before, once the latest is undone: the last decision of theirs that still stands, or nothing."""
    later = aliased(verdicts)
    last = connection.execute(
        select(verdicts)
        .where(
            verdicts.c.item_id == item_id, verdicts.c.reviewer == reviewer, verdicts.c.act != "undo",
            ~select(later.c.id).where(later.c.undoes == verdicts.c.id).exists(),
        )
        .order_by(verdicts.c.id.desc())
        .limit(1)
    ).first()  # fmt: skip
    connection.execute(
        delete(current_verdicts).where(current_verdicts.c.item_id == item_id, current_verdicts.c.reviewer == reviewer)
    )
    if last is not None:
        connection.execute(
            store.insert(current_verdicts).values(
                item_id=item_id, reviewer=reviewer, verdict_id=last.id, decision=last.decision, reason=last.reason,
                blind=last.blind, settles=last.act == "settle", at=last.at,
            )
        )  # fmt: skip


def _count(connection: Connection, item_id: int) -> None:
    """What the item now counts as: as settled, else what all say, else disputed; open when nobody says anything."""
    held = connection.execute(
        select(current_verdicts.c.decision, current_verdicts.c.settles, current_verdicts.c.at)
        .where(current_verdicts.c.item_id == item_id)
        .order_by(current_verdicts.c.verdict_id)
    ).all()
    settled = [row.decision for row in held if row.settles]
    said = {row.decision for row in held}
    review = settled[-1] if settled else (OPEN if not said else said.pop() if len(said) == 1 else DISPUTED)
    at = max((row.at for row in held), default=None)
    connection.execute(update(items).where(items.c.id == item_id).values(review=review, reviewed_at=at))


def _tag(store: Store, connection: Connection, item_id: int, ballot: Ballot, now: datetime) -> None:
    for tag in ballot.tags:
        made = store.insert(item_tags).values(item_id=item_id, tag=tag, reviewer=ballot.reviewer, at=now)
        connection.execute(made.on_conflict_do_nothing(index_elements=["item_id", "tag"]))


def _said(row: object, undone: set[int]) -> Said:
    get = row.__getattribute__
    return Said(
        get("id"), get("item_id"), get("reviewer"), get("act"), get("decision"), get("reason"), get("note"), get("blind"),
        get("seconds"), get("at"), get("id") in undone, get("undoes"), get("version_id"),
    )  # fmt: skip
