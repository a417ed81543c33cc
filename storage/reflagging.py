"""Judging stored items anew: streams what the present rules have not judged yet and keeps their verdicts; decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select, update

from domain.values import Flagging
from storage.flagging_rows import flagging_from
from storage.schema.items import flaggings, item_versions, items
from storage.schema.watching import sources
from storage.shelf import ALL, Filter, conditions
from storage.store import Store
from storage.version_rows import judgement_columns, write_flaggings, write_terms

STREAM = 200  # items a trip: a few megabytes of text


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored item as the rules need it, and what they said of it before (None: nothing yet); ``review`` is a person's word."""

    item_id: int
    version_id: int
    title: str
    text: str
    language: str
    published: datetime
    country: str | None
    source_id: str
    review: str
    before: Flagging | None


@dataclass(frozen=True, slots=True)
class Judged:
    """A stored item and the new verdict on it."""

    stored: Stored
    flagging: Flagging


def stored_documents(store: Store, chosen: Filter = ALL, *, not_by: str = "", newest: int | None = None) -> Iterator[Stored]:
    """Stream items for judging; ``not_by`` leaves out those a rules version has judged, ``newest`` takes only the last so many."""
    i, v, f = items.c, item_versions.c, flaggings.c
    query = (
        select(
            i.id.label("item_id"), v.id.label("version_id"), v.title, v.text, i.language, i.moment, sources.c.country, i.source_id, i.review,
            f.id.label("flagging_id"), f.score, f.threshold, f.flagged, f.near_miss, f.themes, f.entities, f.places, f.regions,
            f.spans, f.rulings, f.rules_version,
        )
        .join(item_versions, v.id == i.version_id)
        .join(sources, sources.c.id == i.source_id)
        .outerjoin(flaggings, f.id == i.flagging_id)
        .where(*conditions(store, chosen))
    )  # fmt: skip
    if not_by:
        query = query.where(i.rules_version != not_by)
    first = 0
    if newest is not None:
        with store.read() as connection:
            first = (
                connection.execute(
                    select(i.id).where(*conditions(store, chosen)).order_by(i.id.desc()).offset(newest - 1).limit(1)
                ).scalar()
                or 0
            )
    after = first - 1
    while True:
        with store.read() as connection:
            rows = connection.execute(query.where(i.id > after).order_by(i.id).limit(STREAM)).all()
        for row in rows:
            before = flagging_from(row) if row.flagging_id is not None else None
            yield Stored(
                row.item_id,
                row.version_id,
                row.title,
                row.text,
                row.language,
                row.moment,
                row.country,
                row.source_id,
                row.review,
                before,
            )
        if len(rows) < STREAM:
            return
        after = rows[-1].item_id


def save_judgements(store: Store, run_id: int, judged: Sequence[Judged], *, now: datetime) -> None:
    """Make verdicts those in force, in one transaction; what a person decided is left alone. The same again changes nothing.

    An item whose text changed meanwhile keeps the verdict on its newer text.
    """
    if not judged:
        return
    with store.begin(ordered=True) as connection:
        current = {
            row.id: row.version_id
            for row in connection.execute(
                select(items.c.id, items.c.version_id).where(items.c.id.in_([each.stored.item_id for each in judged]))
            )
        }
        kept = [each for each in judged if current.get(each.stored.item_id) == each.stored.version_id]
        flagging_ids = write_flaggings(
            store, connection, run_id, [(each.stored.item_id, each.stored.version_id, each.flagging) for each in kept], now
        )
        write_terms(connection, [(each.stored.item_id, each.flagging, each.stored.published) for each in kept])
        rows = [
            {f"b_{name}": value for name, value in judgement_columns(each.flagging).items()}
            | {"b_id": each.stored.item_id, "b_flagging_id": flagging_ids[each.stored.version_id]}
            for each in kept
        ]
        if rows:
            names = [*judgement_columns(kept[0].flagging), "flagging_id"]
            statement = (
                update(items).where(items.c.id == bindparam("b_id")).values({name: bindparam(f"b_{name}") for name in names})
            )
            connection.execute(statement, rows)
