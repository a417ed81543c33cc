"""Prove that nothing was lost, doubled or altered (``sholu db check``); nothing is mended here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Select, and_, case, func, or_, select, text

from domain.errors import StoreError
from domain.values import Flagging, OutcomeKind
from storage.chain_check import UNREADABLE, readable, verify_chain
from storage.flagging_rows import flagging_from, grade
from storage.packing import unpack
from storage.problems import Problem
from storage.results import text_hash
from storage.schema.evidence import blobs, captures
from storage.schema.items import flaggings, item_sources, item_terms, item_versions, items
from storage.schema.watching import entries, outcomes, run_sources, runs
from storage.store import Store

STEP = 500
# Points are sums of a few decimals; a difference below this is how binary numbers write them.
EQUAL = 1e-6
# Problems shown of one kind: a thousand lines of the same say no more than twenty and their number.
SHOWN = 20
KINDS = [str(kind) for kind in OutcomeKind]

__all__ = ["Problem", "check_store"]


def check_store(store: Store, *, deep: bool = True) -> Iterator[Problem]:
    """Every problem found, in the order of the news' way; ``deep`` also unpacks every body and walks the evidence chain."""
    yield from _few("file", file_problems(store))
    with store.read() as connection:
        yield from _few("ledger", _ledger(connection))
        yield from _few("entries", _entries(connection))
        yield from _few("items", item_problems(connection))
        yield from _few("versions", _versions(connection))
        yield from _few("flaggings", _flaggings(connection))
        yield from _few("search", _search(store, connection))
        if deep:
            yield from _few("captures", body_problems(connection))
    if deep:
        yield from _few("chain", verify_chain(store))


def _few(check: str, problems: Iterator[Problem]) -> Iterator[Problem]:
    total = 0
    for problem in problems:
        total += 1
        if total <= SHOWN:
            yield problem
    if total > SHOWN:
        yield Problem(check, "…", f"and {total - SHOWN} more of this kind")


def file_problems(store: Store) -> Iterator[Problem]:
    if store.dialect != "sqlite":
        return  # PostgreSQL enforces its keys itself, and its pages are the server's to check (pg_amcheck)
    try:
        with store.read() as connection:
            for (found,) in connection.execute(text("PRAGMA integrity_check(50)")):
                if found != "ok":
                    yield Problem("file", str(store.path), f"SQLite finds the file damaged: {found}")
            for table, row, parent, _ in connection.execute(text("PRAGMA foreign_key_check")):
                yield Problem("file", f"{table} {row}", f"names a row of {parent} that is not there")
    except StoreError as error:
        yield Problem("file", str(store.path), str(error))


def _ledger(connection: Connection) -> Iterator[Problem]:
    """seen = new + updated + unchanged + duplicate + skipped + failed, and each but the unchanged has its line."""
    s = run_sources.c
    total = s.new + s.updated + s.unchanged + s.duplicate + s.skipped + s.failed
    for row in connection.execute(select(s.run_id, s.source_id, s.seen, total.label("total")).where(s.seen != total)):
        yield Problem("ledger", f"run {row.run_id}, {row.source_id}", f"saw {row.seen} entries, but accounts for {row.total}")
    for row in connection.execute(
        select(s.run_id, s.source_id, s.flagged, s.new, s.updated).where(s.flagged > s.new + s.updated)
    ):
        yield Problem("ledger", f"run {row.run_id}, {row.source_id}", f"flagged {row.flagged} of {row.new + row.updated} stored")
    yield from _lines(connection)
    endless = or_(
        and_(runs.c.status == "running", runs.c.ended_at.is_not(None)),
        and_(runs.c.status != "running", runs.c.ended_at.is_(None)),
    )
    for row in connection.execute(select(runs.c.id, runs.c.status).where(endless)):
        yield Problem("ledger", f"run {row.id}", f"is {row.status}, but its end says otherwise")


def _lines(connection: Connection) -> Iterator[Problem]:
    """The lines of each run and source, counted by kind, against its sums; a crashed run has lines, but perhaps no sums."""
    o, s = outcomes.c, run_sources.c
    counted = select(o.run_id, o.source_id, *(func.sum(case((o.kind == kind, 1), else_=0)).label(kind) for kind in KINDS))
    lines = counted.group_by(o.run_id, o.source_id).subquery()
    joined = run_sources.join(runs, runs.c.id == s.run_id).outerjoin(
        lines, and_(lines.c.run_id == s.run_id, lines.c.source_id == s.source_id)
    )
    exact = [kind for kind in KINDS if kind != OutcomeKind.UNCHANGED]
    differs = or_(*(s[kind] != func.coalesce(lines.c[kind], 0) for kind in exact))
    said_by_lines = (lines.c[kind].label(f"line_{kind}") for kind in exact)
    query = select(s.run_id, s.source_id, runs.c.parameters, *(s[kind] for kind in exact), *said_by_lines)
    # A dry run counts what would have been and writes no lines.
    for row in connection.execute(
        query.select_from(joined).where(differs, runs.c.kind.not_like("%dry%")).order_by(s.run_id, s.source_id)
    ):
        said = ", ".join(
            f"{getattr(row, kind)} {kind} but {getattr(row, f'line_{kind}') or 0} lines"
            for kind in exact
            if getattr(row, kind) != (getattr(row, f"line_{kind}") or 0)
        )
        yield Problem("ledger", f"run {row.run_id}, {row.source_id}", f"sums and lines differ: {said}")
    lost = (
        select(lines.c.run_id, lines.c.source_id)
        .select_from(
            lines.join(runs, runs.c.id == lines.c.run_id).outerjoin(
                run_sources, and_(lines.c.run_id == s.run_id, lines.c.source_id == s.source_id)
            )
        )
        .where(s.run_id.is_(None), runs.c.status.in_(("done", "incomplete")), runs.c.kind == "collect")
    )
    for row in connection.execute(lost):
        yield Problem("ledger", f"run {row.run_id}, {row.source_id}", "has lines, but no sums although the run ended")


def _entries(connection: Connection) -> Iterator[Problem]:
    e = entries.c
    states = ("pending", "done", "skipped", "given-up")
    for row in connection.execute(select(e.id, e.state).where(e.state.not_in(states))):
        yield Problem("entries", f"entry {row.id}", f"is in a state that does not exist: {row.state}")
    orphan = select(e.id).outerjoin(items, items.c.id == e.item_id).where(e.state == "done", items.c.id.is_(None))
    for row in connection.execute(orphan):
        yield Problem("entries", f"entry {row.id}", "is done, but the item it gave is not there")
    for row in connection.execute(select(e.id, e.state).where(e.state.in_(("skipped", "given-up")), e.reason == "")):
        yield Problem("entries", f"entry {row.id}", f"is {row.state} without a reason")


def item_problems(connection: Connection) -> Iterator[Problem]:
    i, v, f = items.c, item_versions.c, flaggings.c
    for row in connection.execute(
        select(i.id, i.version).outerjoin(item_versions, v.id == i.version_id)
        .where(or_(v.id.is_(None), v.item_id != i.id, v.number != i.version))
    ):  # fmt: skip
        yield Problem("items", f"item {row.id}", f"does not point at its version {row.version}")
    repeats = or_(i.title != v.title, i.url != v.url, i.language != v.language, i.body_from != v.body_from)
    for row in connection.execute(select(i.id).join(item_versions, v.id == i.version_id).where(repeats)):
        yield Problem("items", f"item {row.id}", "says something else than the version in force")
    judged = and_(i.grade >= 0, or_(f.id.is_(None), f.item_id != i.id, f.version_id != i.version_id))
    for row in connection.execute(select(i.id).outerjoin(flaggings, f.id == i.flagging_id).where(judged)):
        yield Problem("items", f"item {row.id}", "is judged, but the reasons for it are not there")
    said = case((f.flagged, 2), (f.near_miss, 1), else_=0)
    repeated = or_(i.grade != said, i.score != f.score, i.threshold != f.threshold, i.rules_version != f.rules_version)
    for row in connection.execute(select(i.id).join(flaggings, f.id == i.flagging_id).where(repeated)):
        yield Problem("items", f"item {row.id}", "says something else than its flagging")
    outlet = and_(item_sources.c.item_id == i.id, item_sources.c.source_id == i.source_id)
    for row in connection.execute(
        select(i.id, i.source_id).outerjoin(item_sources, outlet).where(item_sources.c.item_id.is_(None))
    ):
        yield Problem("items", f"item {row.id}", f"does not count {row.source_id}, where it was first seen, among its outlets")
    first = items.alias("first_of_cluster")
    lost = or_(first.c.id.is_(None), i.cluster_id > i.id)
    for row in connection.execute(select(i.id, i.cluster_id).outerjoin(first, first.c.id == i.cluster_id).where(lost)):
        yield Problem("items", f"item {row.id}", f"is in a group of equal texts ({row.cluster_id}) that does not exist")
    terms = item_terms.c
    stale = or_(terms.grade != i.grade, terms.moment != i.moment)
    for row in connection.execute(select(i.id, terms.kind, terms.value).join(item_terms, terms.item_id == i.id).where(stale)):
        yield Problem(
            "items", f"item {row.id}", f"is listed under {row.kind} {row.value} with another grade or time than its own"
        )


def _versions(connection: Connection) -> Iterator[Problem]:
    v = item_versions.c
    gaps = select(v.item_id, func.count().label("held"), func.max(v.number).label("last")).group_by(v.item_id)
    for row in connection.execute(gaps.having(func.count() != func.max(v.number))):
        yield Problem("versions", f"item {row.item_id}", f"has {row.held} versions, but the last is number {row.last}")
    for row in _stream(connection, select(v.id, v.item_id, v.sha256, v.title, v.text)):
        if text_hash(row.title, row.text) != row.sha256:
            yield Problem("versions", f"version {row.id} of item {row.item_id}", "its text is not the one that was stored")


def _flaggings(connection: Connection) -> Iterator[Problem]:
    f, v = flaggings.c, item_versions.c
    for row in _stream(connection, select(flaggings, v.title, v.text).join(item_versions, v.id == f.version_id)):
        flagging = flagging_from(row)
        for fault in flagging_faults(flagging, row.title, row.text):
            yield Problem("flaggings", f"flagging {row.id} of item {row.item_id}", fault)


def flagging_faults(flagging: Flagging, title: str, body: str) -> Iterator[str]:
    """What contradicts itself in a flagging of this title and text; pure."""
    for span in flagging.spans:
        said = title if span.field == "title" else body
        if said[span.start : span.end] != span.text:
            yield f"signs {span.start} to {span.end} of the {span.field} are not {span.text!r}"
    for ruling in flagging.rulings:
        if abs(sum(part.points for part in ruling.parts) - ruling.score) > EQUAL:
            yield f"the score {ruling.score} of rule {ruling.rule} is not the sum of its parts"
        if any(not 0 <= index < len(flagging.spans) for part in ruling.parts for index in part.spans):
            yield f"rule {ruling.rule} names evidence that is not there"
    if flagging.rulings and not any(abs(ruling.score - flagging.score) <= EQUAL for ruling in flagging.rulings):
        yield f"the score {flagging.score} is that of none of its rules"
    if grade(flagging) == 2 and not flagging.spans:
        yield "flagged without evidence"


def _search(store: Store, connection: Connection) -> Iterator[Problem]:
    kept = "item_search_docsize" if store.dialect == "sqlite" else "item_search"
    indexed = connection.execute(text(f"SELECT count(*) FROM {kept}")).scalar_one()  # noqa: S608 - one of our two names
    held = connection.execute(select(func.count()).select_from(items)).scalar_one()
    if indexed != held:
        yield Problem(
            "search", "item_search", f"{indexed} of {held} items can be found by search; run `sholu maintain` to index anew"
        )


def body_problems(connection: Connection) -> Iterator[Problem]:
    for row in readable(connection, select(blobs), blobs.c.id, "body"):
        if isinstance(row, Problem):
            yield row
            continue
        try:
            unpack(row.data, row.size, row.sha256, f"body {row.id}")
        except StoreError as error:
            yield Problem("captures", f"body {row.id}", str(error))
        except UNREADABLE as error:
            yield Problem("captures", f"body {row.id}", f"cannot be read, so it was altered ({error})")
    other = select(captures.c.id).join(blobs, blobs.c.id == captures.c.blob_id).where(blobs.c.sha256 != captures.c.sha256)
    for row in connection.execute(other):
        yield Problem("captures", f"capture {row.id}", "points at the bytes of another one")


def _stream(connection: Connection, query: Select[Any]) -> Iterator[Any]:
    yield from connection.execute(query.execution_options(yield_per=STEP))
