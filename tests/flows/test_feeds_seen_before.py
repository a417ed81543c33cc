"""Entries of a changed feed that are not parsed again are counted all the same, and none of them is lost."""

from __future__ import annotations

from datetime import timedelta

from domain.settings import Settings
from tests.flows.conftest import Site, filler
from tests.flows.test_collect import NOW, items, query, run

OLD = (("Rally in Almaty", "/a1"), ("Quiet day in Almaty", "/a2"))


def test_entries_seen_before_are_counted_as_unchanged(settings: Settings, site: Site) -> None:
    run(settings)
    site.article("/a3", "A bridge in Almaty")
    site.feed("/one.xml", ("A bridge in Almaty", "/a3"), *OLD)
    report = run(settings, NOW + timedelta(hours=1))
    one = next(each for each in report.sources if each.source_id == "one")
    assert (one.entries, one.counts.new, one.counts.unchanged, one.counts.seen) == (3, 1, 2, 3)
    assert len(items(settings)) == 4


def test_an_entry_whose_page_failed_is_counted_once_though_it_stood_in_the_last_feed(settings: Settings, site: Site) -> None:
    site.put("/a1", "no", status=503)
    run(settings)
    site.article("/a1", "Rally in Almaty", filler("A rally was held in Almaty"))
    site.article("/a3", "A bridge in Almaty")
    site.feed("/one.xml", ("A bridge in Almaty", "/a3"), *OLD)
    report = run(settings, NOW + timedelta(hours=1))
    one = next(each for each in report.sources if each.source_id == "one")
    assert (one.counts.new, one.counts.unchanged, one.counts.seen) == (2, 1, 3)


def test_what_is_remembered_is_kept_with_the_entries_and_only_where_all_were_taken(settings: Settings, site: Site) -> None:
    run(settings, dry_run=True)
    assert query(settings, "SELECT count(*) FROM feed_pieces")[0][0] == 0
    run(settings, since=NOW)
    assert query(settings, "SELECT count(*) FROM feed_pieces")[0][0] == 0
    run(settings, force=True)
    assert query(settings, "SELECT source_id, length(pieces) FROM feed_pieces ORDER BY 1") == [
        ("one", 9 + 2 * 32),
        ("two", 9 + 32),
    ]


def test_a_forced_run_reads_the_whole_feed(settings: Settings, site: Site) -> None:
    run(settings)
    query(settings, "DELETE FROM entries WHERE url LIKE '%/a1'")
    site.feed("/one.xml", *OLD, ("A bridge in Almaty", "/a3"))
    site.article("/a3", "A bridge in Almaty")
    run(settings, NOW + timedelta(hours=1), force=True)
    assert query(settings, "SELECT count(*) FROM entries WHERE url LIKE '%/a1'")[0][0] == 1
