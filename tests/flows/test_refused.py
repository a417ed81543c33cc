"""A value that the database refuses costs the feed or the page it stood in, and nobody else; the refusal is a real one, by a trigger."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.settings import Settings
from domain.values import PollKind
from flows.report import RunReport
from flows.steps import collect
from flows.world import CollectOptions
from storage.shelf import list_items
from storage.store import open_store

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def run(settings: Settings, now: datetime = NOW) -> RunReport:
    return asyncio.run(collect(settings, CollectOptions(), clock=lambda: now))


def change(settings: Settings, statement: str) -> list[Any]:
    open_store(settings.database).close()
    with closing(sqlite3.connect(settings.home / "sholu.db")) as connection, connection:
        return connection.execute(statement).fetchall()


def refuse(settings: Settings, table: str) -> None:
    """Have the database take no row of that table with the title of the site's rally."""
    change(
        settings,
        f"CREATE TRIGGER refusing BEFORE INSERT ON {table} WHEN NEW.title = 'Rally in Almaty' "
        "BEGIN SELECT RAISE(ABORT, 'this title cannot be kept'); END",
    )


def titles(settings: Settings) -> set[str]:
    with closing(open_store(settings.database)) as store:
        return {item.title for item in list_items(store)}


def test_an_entry_that_the_database_refuses_costs_its_own_feed_alone(settings: Settings) -> None:
    refuse(settings, "entries")
    report = run(settings)
    kinds = {each.source_id: (each.kind, each.reason) for each in report.sources}
    assert sorted(kind for kind, _ in kinds.values()) == sorted([PollKind.FAILED, PollKind.OK])
    assert report.exit_code == 1, "not all was seen"
    (reason,) = (reason for kind, reason in kinds.values() if kind is PollKind.FAILED)
    assert "this title cannot be kept" in reason
    assert titles(settings) == {"Weather report"}
    change(settings, "DROP TRIGGER refusing")
    later = run(settings, NOW + timedelta(hours=1))
    assert (later.counts.new, later.exit_code) == (2, 0), "its feed was not taken for read"
    assert titles(settings) == {"Weather report", "Rally in Almaty", "Quiet day in Almaty"}


def test_a_text_that_the_database_refuses_is_told_and_tried_again_and_the_others_are_kept(settings: Settings) -> None:
    refuse(settings, "items")
    report = run(settings)
    assert (report.counts.new, report.counts.failed) == (2, 1)
    assert titles(settings) == {"Weather report", "Quiet day in Almaty"}
    ((reason,),) = change(settings, "SELECT reason FROM outcomes WHERE kind = 'failed'")
    assert "this title cannot be kept" in reason
    change(settings, "DROP TRIGGER refusing")
    later = run(settings, NOW + timedelta(hours=1))
    assert (later.counts.new, later.counts.flagged) == (1, 1)
    assert "Rally in Almaty" in titles(settings)
