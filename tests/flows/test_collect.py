"""The main job as a whole, against a site on loopback: what is new is stored once, and nothing is lost whatever happens."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ConfigError
from domain.settings import Settings
from domain.values import OutcomeKind, PollKind
from flows.report import RunReport
from flows.steps import collect
from flows.world import CollectOptions
from storage.shelf import list_items
from storage.store import open_store
from tests.flows.conftest import Site, filler

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def run(settings: Settings, now: datetime = NOW, **options: Any) -> RunReport:
    return asyncio.run(collect(settings, CollectOptions(**options), clock=lambda: now))


def items(settings: Settings) -> dict[str, Any]:
    with closing(open_store(settings.database)) as store:
        return {item.title: item for item in list_items(store)}


def query(settings: Settings, sql: str) -> list[Any]:
    with closing(sqlite3.connect(settings.home / "sholu.db")) as connection:
        return connection.execute(sql).fetchall()


def test_a_run_stores_every_article_once_and_flags_the_right_one(settings: Settings) -> None:
    report = run(settings)
    assert (report.counts.new, report.counts.flagged, report.exit_code) == (3, 1, 0)
    found = items(settings)
    assert set(found) == {"Rally in Almaty", "Quiet day in Almaty", "Weather report"}
    flagged = found["Rally in Almaty"].flagging
    assert flagged.flagged
    assert flagged.themes == ("protest",)
    for span in flagged.spans:
        stored = getattr(found["Rally in Almaty"], span.field)
        assert stored[span.start : span.end] == span.text
    assert report.flagged_items[0].item_id == found["Rally in Almaty"].id


def test_a_second_run_asks_with_validators_and_parses_nothing(settings: Settings, site: Site) -> None:
    run(settings)
    site.asked.clear()
    report = run(settings, NOW + timedelta(minutes=15))
    assert report.counts.seen == 0
    assert {each.kind for each in report.sources} == {PollKind.UNCHANGED}
    assert site.asked["304"] == 2
    assert not [path for path in site.asked if path.startswith(("/a", "/b"))]


def test_an_article_that_changed_is_a_new_version_of_the_same_item(settings: Settings, site: Site) -> None:
    run(settings)
    site.article("/a2", "Quiet day in Almaty", filler("A protest was held in Almaty after all"))
    site.feed("/one.xml", ("Rally in Almaty", "/a1"), ("Quiet day in Almaty: updated", "/a2"))
    report = run(settings, NOW + timedelta(hours=1))
    assert (report.counts.new, report.counts.updated, report.counts.unchanged) == (0, 1, 1)
    found = items(settings)
    assert len(found) == 3
    changed = found["Quiet day in Almaty: updated"]
    assert changed.version == 2
    assert changed.flagging.flagged


def test_a_page_that_fails_is_tried_again_and_then_stored(settings: Settings, site: Site) -> None:
    site.put("/a1", "no", status=503)
    first = run(settings)
    assert first.counts.failed == 1
    assert "503" in query(settings, "SELECT reason FROM outcomes WHERE kind = 'failed'")[0][0]
    site.article("/a1", "Rally in Almaty", filler("A rally was held in Almaty"))
    soon = run(settings, NOW + timedelta(minutes=5))
    assert soon.counts.new == 0, "its next try has not come"
    later = run(settings, NOW + timedelta(minutes=20))
    assert (later.counts.new, later.counts.flagged) == (1, 1)


def test_a_consent_wall_is_never_stored_as_an_article(settings: Settings, site: Site) -> None:
    site.put(
        "/a1",
        "<html><head><title>Before you continue</title></head><body><h1>Before you continue</h1>"
        "<p>We use cookies. Accept all or reject all cookies to continue.</p></body></html>",
    )
    report = run(settings)
    assert report.counts.failed == 1
    assert "Rally in Almaty" not in items(settings)


def test_the_feeds_own_full_text_is_used_where_the_page_fails(settings: Settings, site: Site) -> None:
    body = filler("A rally was held in Almaty")
    site.put(
        "/one.xml",
        '<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>T</title><item>'
        f"<title>Rally in Almaty</title><link>{site.address('/gone')}</link><content:encoded>"
        f"<![CDATA[<p>{body}</p>]]></content:encoded></item></channel></rss>",
        type="application/rss+xml",
    )
    report = run(settings)
    assert report.counts.failed == 0
    assert items(settings)["Rally in Almaty"].body_from == "feed"
    assert "could not be read" in query(settings, "SELECT reason FROM outcomes WHERE url LIKE '%/gone'")[0][0]


def test_the_same_address_in_two_feeds_is_one_item_with_two_outlets(settings: Settings, site: Site) -> None:
    site.feed("/two.xml", ("Rally in Almaty", "/a1"))
    report = run(settings)
    assert (report.counts.new, report.counts.duplicate) == (2, 1)
    assert query(settings, "SELECT count(*) FROM item_sources")[0][0] == 3


def test_one_bad_source_hurts_only_itself(settings: Settings, site: Site) -> None:
    site.put("/two.xml", "<html><body>not a feed</body></html>")
    report = run(settings)
    kinds = {each.source_id: each for each in report.sources}
    assert kinds["one"].kind is PollKind.OK
    assert kinds["two"].kind is PollKind.FAILED
    assert "HTML" in kinds["two"].reason or "web page" in kinds["two"].reason
    assert report.exit_code == 1


def test_nothing_seen_at_all_has_its_own_exit_code(settings: Settings, site: Site) -> None:
    for path in ("/one.xml", "/two.xml"):
        site.put(path, "x", status=500)
    assert run(settings).exit_code == 3


def test_without_a_network_the_run_says_just_that(settings: Settings, tmp_path: Path) -> None:
    dead = tmp_path / "dead.txt"
    dead.write_text("http://127.0.3.9:9/feed.xml\n", encoding="utf-8")
    report = run(settings.changed(sources=dead))
    assert report.exit_code == 3
    assert "no network" in report.closing()
    assert "make demo" in report.closing()


def test_a_private_address_is_never_connected_to_by_default(settings: Settings, site: Site) -> None:
    report = run(settings.changed(allow_addresses=""))
    assert report.exit_code == 3
    assert not site.asked


def test_a_run_killed_between_feed_and_pages_loses_nothing(settings: Settings, site: Site) -> None:
    """The feed is unchanged at the next poll (304): its entries must come from the queue."""
    calls = 0

    def fail(path: str) -> None:
        nonlocal calls
        if path == "/a1" and not calls:
            calls += 1
            raise_in_run.set()

    raise_in_run = asyncio.Event()
    site.before = fail

    async def killed() -> None:
        task = asyncio.create_task(collect(settings, CollectOptions(), clock=lambda: NOW))
        while not raise_in_run.is_set() and not task.done():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(killed())
    report = run(settings, NOW + timedelta(minutes=15))
    assert report.exit_code == 0
    assert set(items(settings)) == {"Rally in Almaty", "Quiet day in Almaty", "Weather report"}


def test_a_dry_run_stores_nothing_and_says_what_would_be_new(settings: Settings) -> None:
    report = run(settings, dry_run=True)
    assert (report.counts.new, len(report.flagged_items)) == (3, 1)
    assert items(settings) == {}
    assert run(settings, NOW + timedelta(minutes=1)).counts.new == 3


def test_since_passes_over_older_entries_and_a_later_run_takes_them(settings: Settings, site: Site) -> None:
    report = run(settings, since=datetime(2026, 11, 22, 5, 30, tzinfo=UTC))
    assert (report.counts.skipped, report.counts.new) == (3, 0)
    assert run(settings, NOW + timedelta(minutes=1)).counts.new == 3


def test_only_due_sources_are_polled_when_asked_so(settings: Settings, site: Site) -> None:
    run(settings)
    site.asked.clear()
    assert run(settings, NOW + timedelta(minutes=1), due_only=True).sources == ()
    assert not site.asked
    assert len(run(settings, NOW + timedelta(days=2), due_only=True).sources) == 2


def test_a_server_that_asks_to_be_left_alone_is_left_alone(settings: Settings, site: Site) -> None:
    site.put("/one.xml", "slow down", status=429, Retry_After="3600")
    run(settings)
    site.asked.clear()
    report = run(settings, NOW + timedelta(minutes=10))
    skipped = next(each for each in report.sources if each.source_id == "one")
    assert skipped.kind is PollKind.SKIPPED
    assert "left alone" in skipped.reason
    assert site.asked["/one.xml"] == 0


def test_two_runs_at_once_leave_the_rows_of_one(settings: Settings) -> None:
    async def both() -> list[RunReport]:
        return list(await asyncio.gather(*(collect(settings, CollectOptions(), clock=lambda: NOW) for _ in range(2))))

    reports = asyncio.run(both())
    assert sum(report.counts.new for report in reports) == 3
    assert len(items(settings)) == 3
    assert {each.kind for report in reports for each in report.sources} <= {PollKind.OK, PollKind.SKIPPED, PollKind.UNCHANGED}


def test_the_ledger_adds_up(settings: Settings, site: Site) -> None:
    site.put("/a2", "x", status=404)
    report = run(settings)
    counts = report.counts
    assert counts.seen == 3
    rows = query(settings, "SELECT seen, new, updated, unchanged, duplicate, skipped, failed FROM run_sources")
    assert all(row[0] == sum(row[1:]) for row in rows)
    assert sum(row[0] for row in rows) == counts.seen
    kinds = query(settings, "SELECT kind, count(*) FROM outcomes GROUP BY kind")
    assert dict(kinds) == {OutcomeKind.NEW.value: 2, OutcomeKind.FAILED.value: 1}


def test_an_unknown_source_is_a_mistake_that_names_the_nearest(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="did you mean one"):
        run(settings, sources=("onee",))


def test_a_source_that_moved_for_good_is_polled_at_its_new_address(settings: Settings, site: Site) -> None:
    site.put("/one.xml", "", status=301, Location=site.address("/moved.xml"))
    site.feed("/moved.xml", ("Rally in Almaty", "/a1"))
    run(settings)
    site.asked.clear()
    run(settings, NOW + timedelta(hours=1))
    assert site.asked["/one.xml"] == 0
    assert site.asked["/moved.xml"] == 1


def test_an_entry_without_an_address_is_read_from_the_feed(settings: Settings, site: Site) -> None:
    text = filler("A rally was held in Almaty")
    site.put(
        "/one.xml",
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>T</title><item><title>Rally in Almaty</title>'
        f'<guid isPermaLink="false">x1</guid><description>{text}</description></item></channel></rss>',
        type="application/rss+xml",
    )
    report = run(replace_source(settings))
    assert report.counts.new == 1
    assert items(settings)["Rally in Almaty"].flagging.flagged


def replace_source(settings: Settings) -> Settings:
    only = settings.sources.parent / "only.yaml"
    text = settings.sources.read_text(encoding="utf-8").split("- id: two")[0]
    only.write_text(text, encoding="utf-8")
    return settings.changed(sources=only)


def test_a_fault_of_ours_on_one_page_costs_that_page_alone(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rulebook that falls over one text stands for any fault we have not met: it is told, kept, and tried again."""
    from rules.engine.rulebook import Rulebook

    flag = Rulebook.flag

    def falls(self: Rulebook, *, title: str, **rest: Any) -> Any:
        if title == "Quiet day in Almaty":
            raise ZeroDivisionError("a rule divided by nothing")
        return flag(self, title=title, **rest)

    monkeypatch.setattr(Rulebook, "flag", falls)
    report = run(settings)
    assert (report.counts.new, report.counts.failed) == (2, 1)
    assert "a rule divided by nothing" in query(settings, "SELECT reason FROM outcomes WHERE kind = 'failed'")[0][0]
    monkeypatch.setattr(Rulebook, "flag", flag)
    assert run(settings, NOW + timedelta(minutes=20)).counts.new == 1


class Ended(BaseException):
    """As the scheduler's own signal of the end, which comes up wherever we happen to be."""


@pytest.mark.parametrize(
    ("error", "status"), [(Ended(), "cancelled"), (asyncio.CancelledError(), "cancelled"), (ValueError("x"), "failed")], ids=repr
)
def test_a_run_that_somebody_ended_did_not_fail_whatever_it_was_at(settings: Settings, error: BaseException, status: str) -> None:
    def tell(_what: str, _planned: int, _done: int) -> None:
        raise error

    with pytest.raises(type(error)):
        asyncio.run(collect(settings, CollectOptions(), clock=lambda: NOW, tell=tell))
    assert query(settings, "SELECT status FROM runs") == [(status,)]
