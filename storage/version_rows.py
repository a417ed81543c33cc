"""Rows of versions, flaggings and the terms to filter by, written with their links in the evidence chain; what is written is decided
in ``items``."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from domain.values import Document, Flagging
from storage import chain, records
from storage.flagging_rows import flagging_row, grade, terms
from storage.results import Read, text_hash
from storage.rows import insert_rows
from storage.schema.items import flaggings, item_terms, item_versions, items
from storage.schema.types import short_key, storable
from storage.store import MANY, Store, in_batches

# Lines of a diff that are kept; a page rewritten from top to bottom is seen from its two texts.
DIFF_LINES = 2_000


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version about to be written."""

    item_id: int
    number: int
    result: Read
    first_seen: datetime  # of the item
    diff: str = ""


def text_columns(document: Document, first_seen: datetime, now: datetime) -> dict[str, Any]:
    """What an item repeats of the version in force."""
    return {
        "url": document.url,
        "title": document.title,
        "language": document.language,
        "published": document.published,
        "published_from": str(document.published_from) if document.published_from else None,
        "body_from": str(document.body_from),
        "moment": moment_of(document, first_seen),
        "changed_at": now,
    }


def judgement_columns(flagging: Flagging | None) -> dict[str, Any]:
    """What an item repeats of the flagging in force."""
    if flagging is None:
        return {"grade": -1, "score": 0.0, "threshold": 0.0, "rules_version": "", "themes": []}
    return {
        "grade": grade(flagging),
        "score": flagging.score,
        "threshold": flagging.threshold,
        "rules_version": flagging.rules_version,
        "themes": list(flagging.themes),
    }


def moment_of(document: Document, first_seen: datetime) -> datetime:
    """What lists are ordered by."""
    return document.published or first_seen


def write_texts(store: Store, connection: Connection, run_id: int, texts: Sequence[NewVersion], now: datetime) -> None:
    """Insert versions with their flaggings and terms, and point the items at them."""
    rows = [_version_row(each, now) | {"run_id": run_id} for each in texts]
    v = item_versions.c
    version_of = {row.item_id: row.id for row in connection.execute(item_versions.insert().returning(v.id, v.item_id), rows)}
    linked = sorted((version_of[row["item_id"]], records.digest(records.record(records.VERSION, row))) for row in rows)
    chain.append(connection, [("version", version_id, digest) for version_id, digest in linked])
    judged = [(each, each.result.flagging) for each in texts if each.result.flagging is not None]
    flagging_of = write_flaggings(
        store, connection, run_id, [(each.item_id, version_of[each.item_id], flagging) for each, flagging in judged], now
    )
    pointers = [
        {"b_id": item_id, "version_id": version_id, "flagging_id": flagging_of.get(version_id)}
        for item_id, version_id in version_of.items()
    ]
    connection.execute(update(items).where(items.c.id == bindparam("b_id")), pointers)
    write_terms(
        connection, [(each.item_id, flagging, moment_of(each.result.document, each.first_seen)) for each, flagging in judged]
    )


def _version_row(each: NewVersion, now: datetime) -> dict[str, Any]:
    document = each.result.document
    return {
        "item_id": each.item_id,
        "number": each.number,
        "sha256": text_hash(storable(document.title), storable(document.text)),
        "url": document.url,
        "title": document.title,
        "text": document.text,
        "language": document.language,
        "published": document.published,
        "published_from": str(document.published_from) if document.published_from else None,
        "authors": list(document.authors),
        "extractor": document.extractor,
        "body_from": str(document.body_from),
        "cut": document.cut,
        "capture_id": each.result.capture_id,
        "fetched_at": each.result.fetched_at or now,
        "seen_at": now,
        "diff": each.diff,
    }


def write_flaggings(
    store: Store, connection: Connection, run_id: int, judged: Sequence[tuple[int, int, Flagging]], now: datetime
) -> dict[int, int]:
    """Append flaggings, given as (item id, version id, flagging), and return flagging id by version id; what is held stays.

    Each new one gets its link in the evidence chain: within a transaction begun with ``ordered=True``.
    """
    if not judged:
        return {}
    rows = [
        flagging_row(item_id, version_id, flagging) | {"at": now, "run_id": run_id} for item_id, version_id, flagging in judged
    ]
    f = flaggings.c
    insert = store.insert(flaggings).on_conflict_do_nothing().returning(f.id, f.version_id, f.rules_version)
    written = {(row["version_id"], row["rules_version"]): row for row in rows}
    added = sorted(
        (row.id, records.digest(records.record(records.FLAGGING, written[row.version_id, row.rules_version])))
        for batch in in_batches(rows)
        for row in connection.execute(insert, batch)
    )
    chain.append(connection, [("flagging", flagging_id, digest) for flagging_id, digest in added])
    held: dict[tuple[int, str], int] = {}
    for ids in in_batches(sorted({version_id for _, version_id, _ in judged}), MANY):
        for row in connection.execute(select(f.id, f.version_id, f.rules_version).where(f.version_id.in_(ids))):
            held[row.version_id, row.rules_version] = row.id
    return {version_id: held[version_id, flagging.rules_version] for _, version_id, flagging in judged}


def write_terms(connection: Connection, judged: Sequence[tuple[int, Flagging, datetime]]) -> None:
    """Make the filter terms of items those of their flagging, given as (item id, flagging, moment)."""
    for ids in in_batches([item_id for item_id, _, _ in judged], MANY):
        connection.execute(delete(item_terms).where(item_terms.c.item_id.in_(ids)))
    rows: list[tuple[Any, ...]] = []
    for item_id, flagging, moment in judged:
        level = grade(flagging)
        rows.extend((kind, short_key(value, 200), item_id, level, moment) for kind, value in terms(flagging))
    insert_rows(connection, item_terms, rows)


def text_diff(title: str, text: str, document: Document) -> str:
    """A unified diff of two texts by line, the title first; at most 2,000 lines."""
    before, after = [title, *text.splitlines()], [document.title, *document.text.splitlines()]
    lines = difflib.unified_diff(before, after, "before", "after", n=1, lineterm="")
    return "\n".join(line for _, line in zip(range(DIFF_LINES), lines, strict=False))
