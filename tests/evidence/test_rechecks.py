"""Later looks at flagged items: when, what is a change, what is gone, and what two at once leave."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
import zstandard

from domain.errors import FetchError, ReadError
from domain.settings import Settings
from flows.rechecking import recheck, without_page
from storage.check import check_store
from storage.rechecks import LOOKS, Found, changes_since, due_rechecks, schedule_rechecks
from storage.shelf import item as load_item
from storage.store import Store, open_store
from tests.evidence.conftest import NOW, Site, look_again, run
from tests.flows.conftest import filler
from tests.flows.test_collect import query

HOUR = timedelta(hours=1)


def states(settings: Settings) -> dict[str, str]:
    return dict(query(settings, "SELECT label, state FROM rechecks"))


def test_a_flagged_item_is_planned_three_looks_and_no_other_item_any(filled: Settings, flagged_id: int) -> None:
    rows = query(filled, "SELECT item_id, label, due FROM rechecks ORDER BY due")
    assert [(row[0], row[1]) for row in rows] == [(flagged_id, label) for label in LOOKS]
    assert [datetime.fromisoformat(row[2]).replace(tzinfo=UTC) - NOW for row in rows] == list(LOOKS.values())


def test_planning_again_changes_nothing(filled: Settings, store: Store) -> None:
    before = query(filled, "SELECT * FROM rechecks")
    assert schedule_rechecks(store) == 0
    assert query(filled, "SELECT * FROM rechecks") == before


def test_nothing_is_asked_before_its_time(filled: Settings, site: Site) -> None:
    site.asked.clear()
    report = look_again(filled, HOUR - timedelta(minutes=1))
    assert (report.looked, report.run_id, sum(site.asked.values())) == (0, None, 0)


def test_an_unchanged_page_is_asked_once_a_look_and_stays_as_it_is(
    filled: Settings, site: Site, flagged_id: int, store: Store
) -> None:
    site.asked.clear()
    report = look_again(filled, HOUR)
    assert (report.looked, report.counts.unchanged, report.exit_code) == (1, 1, 0)
    assert site.asked["/a1"] == 1
    assert states(filled) == {"1h": "same", "24h": "waiting", "7d": "waiting"}
    assert load_item(store, flagged_id).version == 1
    assert changes_since(store, NOW) == []


def test_a_page_whose_frame_changed_has_not_changed(filled: Settings, site: Site) -> None:
    """Another advertisement, another token: the bytes differ, the article does not."""
    status, headers, body = site.pages["/a1"]
    site.pages["/a1"] = (status, headers, body.replace(b"<nav>Home</nav>", b"<nav>Home</nav><!-- token 7391 -->"))
    look_again(filled, HOUR)
    assert states(filled)["1h"] == "same"


def test_a_changed_text_is_a_version_of_the_same_item_with_a_diff(
    filled: Settings, site: Site, flagged_id: int, store: Store
) -> None:
    site.article(
        "/a1", "Rally in Almaty", filler("A rally was held in Almaty"), "Police detained forty people, the paper now says."
    )
    report = look_again(filled, HOUR)
    assert report.counts.updated == 1
    assert states(filled)["1h"] == "changed"
    assert load_item(store, flagged_id).version == 2
    [change] = changes_since(store, NOW)
    assert (change.item_id, change.kind, change.version) == (flagged_id, Found.CHANGED, 2)
    assert "+Police detained forty people, the paper now says." in change.diff
    assert "changed: " in report.closing() or "1 changed" in report.closing()


def test_a_changed_headline_is_a_change_although_the_feed_keeps_the_old_one(
    filled: Settings, site: Site, flagged_id: int, store: Store
) -> None:
    site.article("/a1", "Gathering in Almaty", filler("A rally was held in Almaty"))
    look_again(filled, HOUR)
    [change] = changes_since(store, NOW)
    assert change.diff.splitlines()[3:5] == ["-Rally in Almaty", "+Gathering in Almaty"]
    assert load_item(store, flagged_id).title == "Gathering in Almaty"


def test_a_text_that_no_longer_gives_grounds_loses_its_flag_but_not_its_history(
    filled: Settings, site: Site, flagged_id: int, store: Store
) -> None:
    site.article("/a1", "Quiet day", filler("Nothing happened"))
    look_again(filled, HOUR)
    item = load_item(store, flagged_id)
    assert item.flagging is not None
    assert not item.flagging.flagged
    assert query(filled, f"SELECT count(*) FROM flaggings WHERE item_id = {flagged_id}") == [(2,)]
    assert [each.kind for each in changes_since(store, NOW)] == [Found.CHANGED]


@pytest.mark.parametrize("status", [404, 410])
def test_a_page_that_is_gone_is_noted_and_its_text_kept(
    filled: Settings, site: Site, flagged_id: int, store: Store, status: int
) -> None:
    site.put("/a1", "nothing here", status=status)
    report = look_again(filled, HOUR)
    assert (states(filled)["1h"], report.counts.updated) == ("gone", 1)
    assert query(filled, f"SELECT gone_at IS NOT NULL FROM items WHERE id = {flagged_id}") == [(1,)]
    assert "rally was held" in load_item(store, flagged_id).text
    [(said, body)] = query(
        filled,
        "SELECT c.status, b.data FROM rechecks r JOIN captures c ON c.id = r.capture_id JOIN blobs b ON b.id = c.blob_id "
        "WHERE r.label = '1h'",
    )
    assert (said, zstandard.decompress(body)) == (status, b"nothing here"), "what the server said in its place is kept"
    look_again(filled, 24 * HOUR)
    assert [(each.kind, each.at) for each in changes_since(store, NOW)] == [(Found.GONE, NOW + HOUR)], "gone twice is told once"


def test_a_page_that_says_it_is_not_there_with_a_200_is_gone_too(filled: Settings, site: Site) -> None:
    site.put(
        "/a1", "<html><head><title>Page not found</title></head><body><h1>404</h1><p>The page was not found.</p></body></html>"
    )
    look_again(filled, HOUR)
    assert states(filled)["1h"] == "gone"
    assert query(filled, "SELECT capture_id IS NOT NULL FROM rechecks WHERE label = '1h'") == [(1,)], "what it said is kept"


def test_an_address_that_now_leads_to_the_front_page_is_gone(settings: Settings, site: Site) -> None:
    site.feed("/one.xml", ("Rally in Almaty", "/news/rally"))
    site.article("/news/rally", "Rally in Almaty", filler("A rally was held in Almaty"))
    run(settings)
    site.put("/news/rally", "", status=302, Location=site.address("/"))
    site.article("/", "News of the day", filler("Weather and sports"))
    look_again(settings, HOUR)
    assert states(settings)["1h"] == "gone"


def test_a_page_that_comes_back_is_told_of(filled: Settings, site: Site, flagged_id: int, store: Store) -> None:
    kept = site.pages["/a1"]
    site.put("/a1", "nothing here", status=410)
    look_again(filled, HOUR)
    site.pages["/a1"] = kept
    look_again(filled, 24 * HOUR)
    assert states(filled) == {"1h": "gone", "24h": "back", "7d": "waiting"}
    assert query(filled, f"SELECT gone_at FROM items WHERE id = {flagged_id}") == [(None,)]
    assert [each.kind for each in changes_since(store, NOW)] == [Found.GONE, Found.BACK]


def test_a_page_that_fails_is_tried_again_and_given_up_in_the_end(filled: Settings, site: Site) -> None:
    site.put("/a1", "try later", status=500)
    at, reports = HOUR, []
    for wait in (timedelta(minutes=15), HOUR, 6 * HOUR, None):
        reports.append(look_again(filled, at))
        assert states(filled)["1h"] == ("waiting" if wait else "failed")
        at += wait or timedelta()
    assert [report.exit_code for report in reports] == [3, 3, 3, 3]
    assert query(filled, "SELECT tries, reason LIKE '%given up%' FROM rechecks WHERE label = '1h'") == [(4, 1)]
    assert "gone" not in states(filled).values()


def test_looks_missed_while_the_program_was_down_are_settled_by_one_fetch(filled: Settings, site: Site) -> None:
    site.asked.clear()
    look_again(filled, timedelta(days=9))
    assert set(states(filled).values()) == {"same"}
    assert site.asked["/a1"] == 1


def test_the_main_job_looks_again_by_itself(filled: Settings, site: Site) -> None:
    site.put("/a1", "nothing here", status=410)
    report = run(filled, NOW + HOUR)
    assert states(filled)["1h"] == "gone"
    assert "Looked again at 1 flagged items" in report.closing()
    assert report.exit_code == 0


def test_two_looks_at_once_leave_the_rows_of_one(filled: Settings, site: Site, flagged_id: int, store: Store) -> None:
    site.article("/a1", "Rally in Almaty", filler("A rally was held in Almaty"), "One more paragraph was added to the article.")

    async def both() -> None:
        await asyncio.gather(*(recheck(filled, clock=lambda: NOW + HOUR) for _ in range(2)))

    asyncio.run(both())
    assert load_item(store, flagged_id).version == 2
    assert Counter(row[0] for row in query(filled, "SELECT label FROM rechecks WHERE state = 'changed'")) == {"1h": 1}
    assert list(check_store(store)) == []


def test_the_ledger_adds_up_and_the_chain_holds_after_all_kinds_of_looks(filled: Settings, site: Site, store: Store) -> None:
    site.article("/a1", "Rally in Almaty", filler("A rally was held in Almaty"), "A changed paragraph.")
    look_again(filled, HOUR)
    site.put("/a1", "x", status=404)
    look_again(filled, 24 * HOUR)
    site.put("/a1", "x", status=503)
    look_again(filled, timedelta(days=7))
    assert list(check_store(store)) == []
    sums = query(
        filled,
        "SELECT seen, updated, failed FROM run_sources JOIN runs ON runs.id = run_id WHERE runs.kind = 'recheck' ORDER BY runs.id",
    )
    assert sums == [(1, 1, 0), (1, 1, 0), (1, 0, 1)]


def test_a_clock_that_had_jumped_ahead_does_not_put_looks_off_for_years(settings: Settings, site: Site) -> None:
    run(settings, NOW + timedelta(days=3650))
    with closing(open_store(settings.database)) as store:
        assert [due.labels for due in due_rechecks(store, now=NOW)] == [("1h", "24h", "7d")]


def test_one_source_with_many_items_does_not_hold_up_the_others(filled: Settings, store: Store) -> None:
    due = due_rechecks(store, now=NOW + HOUR, per_source=0)
    assert due == []


def test_only_a_clear_word_of_the_server_makes_a_page_gone(filled: Settings, store: Store) -> None:
    [due] = due_rechecks(store, now=NOW + HOUR)
    url = due.url
    for error in (
        FetchError(url, "no answer", kind="timeout", retry=True),
        FetchError(url, "forbidden", kind="status", status=403),
        FetchError(url, "not by robots.txt", kind="robots"),
        ReadError(url, "a consent wall", kind="consent"),
    ):
        assert without_page(due, error, NOW).found is Found.FAILED
    assert without_page(due, FetchError(url, "not there", kind="status", status=410), NOW).found is Found.GONE
    assert without_page(due, ReadError(url, "says it is not there", kind="soft-404"), NOW).found is Found.GONE
