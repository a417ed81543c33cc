"""Upkeep and second readings: what retention must never touch, back-ups, pages read again from the store with no network."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.settings import Settings
from domain.values import Capture
from flows.alone import UnderWay, working_alone
from flows.maintaining import MaintainOptions, MaintainReport, maintain, prune_backups
from flows.reextracting import ReextractOptions, ReextractReport, reextract
from flows.slots import slot_of
from flows.steps import collect
from flows.world import CollectOptions
from storage.backup import check_backup, put_back
from storage.captures import save_captures
from storage.check import check_store
from storage.reextraction import recaptured
from storage.results import text_hash
from storage.runs import SlotTaken, list_runs, sweep_runs
from storage.shelf import list_items, versions
from storage.store import open_store
from storage.verdicts import Ballot, Decision, decide
from tests.flows.conftest import Site

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=500)
DAY = timedelta(days=1)


@pytest.fixture
def collected(settings: Settings) -> Settings:
    asyncio.run(collect(settings, CollectOptions(), clock=lambda: NOW))
    return settings


def upkeep(settings: Settings, now: datetime = LATER, **given: Any) -> MaintainReport:
    return maintain(settings, MaintainOptions(**given), clock=lambda: now)


def items(settings: Settings) -> dict[str, Any]:
    with closing(open_store(settings.database)) as store:
        return {item.title: item for item in list_items(store)}


def held_pages(settings: Settings) -> set[str]:
    """Titles whose page is still kept with its bytes."""
    with closing(open_store(settings.database)) as store:
        return {each.title for each in recaptured(store)}


def problems(settings: Settings) -> list[str]:
    with closing(open_store(settings.database)) as store:
        return [each.sentence for each in check_store(store)]


def read_again(settings: Settings, **given: Any) -> ReextractReport:
    return reextract(settings, ReextractOptions(**given), clock=lambda: NOW + DAY)


def test_retention_drops_bytes_of_what_is_neither_flagged_nor_decided_and_nothing_else(collected: Settings) -> None:
    quiet = items(collected)["Quiet day in Almaty"]
    with closing(open_store(collected.database)) as store:
        decide(store, Ballot((quiet.id,), "aigerim", Decision.NOT_RELEVANT), now=NOW)
    assert held_pages(collected) == {"Rally in Almaty", "Quiet day in Almaty", "Weather report"}
    would = upkeep(collected, dry_run=True)
    assert would.dropped.captures == 2  # the weather's page, and the feed that brought nothing else
    assert held_pages(collected) == {"Rally in Almaty", "Quiet day in Almaty", "Weather report"}
    done = upkeep(collected)
    assert (done.dropped.captures, done.dropped.capture_bytes) == (2, would.dropped.capture_bytes)
    assert held_pages(collected) == {"Rally in Almaty", "Quiet day in Almaty"}
    assert len(items(collected)) == 3  # texts stay, and the hash of what was dropped
    assert problems(collected) == []
    assert upkeep(collected, LATER + DAY).dropped.captures == 0


def test_what_is_young_is_kept_and_old_runs_keep_their_sums(collected: Settings) -> None:
    assert upkeep(collected, NOW + 100 * DAY).dropped.captures == 0
    assert len(held_pages(collected)) == 3
    lines = upkeep(collected, LATER).dropped.ledger_lines
    assert lines == 3 + 2  # outcomes and sources of the one run
    with closing(open_store(collected.database)) as store:
        assert any(run.kind == "collect" for run in list_runs(store))
    assert problems(collected) == []


def test_upkeep_makes_a_back_up_that_is_whole_and_keeps_the_newest(collected: Settings, tmp_path: Path) -> None:
    for day in range(4):
        report = upkeep(collected, NOW + day * DAY, backups=2)
        assert report.sound, report.closing()
    kept = sorted((collected.home / "backups").iterdir())
    assert [path.name for path in kept] == ["sholu-20261124T060000.db", "sholu-20261125T060000.db"]
    assert "3 items and 5 captures" in check_backup(kept[-1])
    other = collected.home / "backups" / "mine.db"
    other.write_text("not ours")
    assert prune_backups(collected.home / "backups", keep=1) == 1
    assert other.exists()


def test_the_run_that_made_a_restored_back_up_is_closed_in_it_and_the_next_upkeep_goes_ahead(collected: Settings) -> None:
    upkeep(collected)
    (file,) = (collected.home / "backups").iterdir()
    put_back(collected.database, file, now=LATER + DAY)
    with closing(open_store(collected.database)) as store:
        latest = list_runs(store)[0]
        assert (latest.kind, latest.status, latest.ended_at) == ("maintain", "cancelled", LATER + DAY)
        assert "made while this run was at work" in latest.reason
        assert sweep_runs(store, now=LATER + 2 * DAY) == []  # nothing to alarm anybody of
    assert upkeep(collected, LATER + 2 * DAY).sound


def test_without_a_back_up_nothing_is_dropped_and_the_run_says_so(collected: Settings) -> None:
    (collected.home / "backups").write_text("a file where the folder should be")
    report = upkeep(collected)
    assert not report.sound
    assert report.closing().startswith("No back-up was made, so nothing was dropped")
    assert len(held_pages(collected)) == 3
    with closing(open_store(collected.database)) as store:
        assert list_runs(store, kind="maintain")[0].status == "failed"


def test_a_lost_search_index_is_made_anew(collected: Settings) -> None:
    with closing(sqlite3.connect(collected.home / "sholu.db")) as connection, connection:
        connection.execute("INSERT INTO item_search (item_search) VALUES ('delete-all')")
    assert problems(collected)
    assert upkeep(collected, NOW + DAY).indexed == 3
    assert problems(collected) == []


def test_pages_read_again_say_the_same_and_nothing_is_asked_of_the_network(collected: Settings, site: Site) -> None:
    site.asked.clear()
    report = read_again(collected, dry_run=False)
    assert (report.read, report.same, report.changed, report.failed) == (3, 3, 0, 0)
    assert not site.asked
    assert {item.version for item in items(collected).values()} == {1}


def worsened(settings: Settings) -> None:
    """A store as an extractor with a fault would have left it: the rally's text cut short, by a run of that day."""
    with closing(sqlite3.connect(settings.home / "sholu.db")) as connection, connection:
        row = connection.execute("SELECT id, title FROM item_versions WHERE title = 'Quiet day in Almaty'").fetchone()
        cut = "Only a part."
        connection.execute("UPDATE item_versions SET text = ?, sha256 = ? WHERE id = ?", (cut, text_hash(row[1], cut), row[0]))
        connection.execute(
            "UPDATE chain SET digest = ? WHERE subject = 'version' AND subject_id = ?", (text_hash(row[1], cut), row[0])
        )


def test_a_page_that_reads_otherwise_becomes_a_new_version_beside_the_old_and_verdicts_stay(collected: Settings) -> None:
    worsened(collected)
    quiet = items(collected)["Quiet day in Almaty"]
    with closing(open_store(collected.database)) as store:
        decide(store, Ballot((quiet.id,), "aigerim", Decision.RELEVANT), now=NOW)
    dry = read_again(collected)
    assert (dry.changed, dry.same, dry.dry_run) == (1, 2, True)
    assert items(collected)["Quiet day in Almaty"].version == 1
    done = read_again(collected, dry_run=False)
    assert [(each.item_id, each.review) for each in done.changes] == [(quiet.id, "relevant")]
    better = items(collected)["Quiet day in Almaty"]
    assert (better.version, better.extra["review"]) == (2, "relevant")
    assert better.text.startswith("Quiet day in Almaty")
    with closing(open_store(collected.database)) as store:
        first, second = versions(store, quiet.id)
    assert first.text == "Only a part."
    assert first.capture_id == second.capture_id
    assert read_again(collected, dry_run=False).changed == 0


def test_a_second_reading_takes_only_what_was_asked_for(collected: Settings) -> None:
    assert read_again(collected, sources=("two",)).read == 1
    assert read_again(collected, since=NOW + DAY).read == 0
    assert read_again(collected, newest=2).read == 2
    assert read_again(collected, languages=("ru",)).read == 0


def test_a_page_that_yields_nothing_now_keeps_its_text(collected: Settings, site: Site) -> None:
    site.put("/b1", "x")
    with closing(open_store(collected.database)) as store:
        body = b"<html></html>"
        capture = Capture(
            "http://x/",
            "http://x/",
            NOW,
            200,
            (("Content-Type", "text/html"),),
            "text/html",
            body,
            hashlib.sha256(body).hexdigest(),
            "127.0.0.1",
        )
        (empty,) = save_captures(store, 1, [capture])
    with closing(sqlite3.connect(collected.home / "sholu.db")) as connection, connection:
        connection.execute("UPDATE item_versions SET capture_id = ? WHERE title = 'Weather report'", (empty,))
    report = read_again(collected, dry_run=False)
    assert (report.failed, report.same) == (1, 2)
    assert report.failures[0][1]
    assert items(collected)["Weather report"].text.startswith("Weather report")


def test_work_that_one_may_do_at_a_time_is_left_to_the_one_at_it(settings: Settings) -> None:
    with closing(open_store(settings.database)) as store:
        with working_alone(store, "maintain", clock=lambda: NOW, parameters={}), pytest.raises(UnderWay, match="right now"):
            upkeep(settings, NOW)
        assert upkeep(settings, NOW).run_id
        states = [run.status for run in list_runs(store, kind="maintain")]
    assert states == ["done", "cancelled", "done"]


def test_a_slot_is_kept_once(settings: Settings) -> None:
    upkeep(settings, NOW, slot="maintain 2026-11-22T22:30Z")
    with pytest.raises(SlotTaken, match="nothing is done twice"):
        upkeep(settings, NOW + DAY, slot="maintain 2026-11-22T22:30Z")


@pytest.mark.parametrize(("late", "missed"), [(0, False), (14, False), (15, True), (3 * 24 * 60, True)])
def test_a_run_is_missed_once_the_next_slot_has_come(late: int, missed: bool) -> None:
    slot = slot_of("collect", scheduled=NOW, now=NOW + timedelta(minutes=late), every=timedelta(minutes=15))
    assert slot.missed is missed
    assert slot.key == (None if missed else "collect 2026-11-22T06:00Z")
    assert slot_of("collect", scheduled=None, now=NOW, every=DAY).key is None
