"""The feed that announced an article is kept as received: where it brings news, and never for nothing."""

from __future__ import annotations

import zipfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from domain.settings import Settings
from flows.evidence import export_item
from storage.chain_check import verify_chain
from storage.check import check_store
from storage.maintenance import Retention, retire
from storage.rechecks import due_rechecks
from storage.store import Store, open_store
from tests.evidence.conftest import NOW, Site, run
from tests.flows.conftest import filler
from tests.flows.test_collect import query

HOUR = timedelta(hours=1)
FEEDS = "SELECT count(*) FROM captures WHERE url_asked LIKE '%.xml'"


def test_a_feed_with_news_is_kept_once_and_its_entries_and_outlets_name_it(filled: Settings) -> None:
    assert query(filled, FEEDS) == [(2,)]
    named = "SELECT count(*) FROM {} JOIN captures c ON c.id = capture_id WHERE c.url_asked LIKE '%.xml'"
    assert query(filled, named.format("entries")) == [(3,)]
    assert query(filled, named.format("item_sources")) == [(3,)]


def test_a_feed_that_brings_nothing_new_is_not_kept_again(filled: Settings, site: Site) -> None:
    status, headers, body = site.pages["/one.xml"]
    site.pages["/one.xml"] = (status, headers, body.replace(b"<channel>", b"<channel><!-- built a minute later -->"))
    run(filled, NOW + HOUR)
    assert query(filled, FEEDS) == [(2,)]


def test_a_title_that_changes_in_the_feed_brings_its_bytes(filled: Settings, site: Site) -> None:
    status, headers, body = site.pages["/one.xml"]
    site.pages["/one.xml"] = (status, headers, body.replace(b"Rally in Almaty", b"Rally in Almaty grows"))
    run(filled, NOW + HOUR)
    assert query(filled, FEEDS) == [(3,)]


def test_the_feed_is_handed_over_with_an_item_whose_page_never_came(settings: Settings, site: Site, tmp_path: Path) -> None:
    site.feed("/one.xml", ("Rally in Almaty", "/lost"))
    status, headers, body = site.pages["/one.xml"]
    text = f"{filler('A rally was held in Almaty')} {filler('Police came to Almaty')}"
    told = f'<content:encoded xmlns:content="http://purl.org/rss/1.0/modules/content/">{text}</content:encoded></item>'
    body = body.replace(b"</item>", told.encode(), 1)
    site.pages["/one.xml"] = (status, headers, body)
    site.put("/lost", "try later", status=503)
    run(settings)
    [(item_id,)] = query(settings, "SELECT item_id FROM item_versions WHERE body_from = 'feed'")
    export_item(settings, item_id, tmp_path / "item.zip", now=NOW)
    with zipfile.ZipFile(tmp_path / "item.zip") as held:
        bodies = [held.read(name) for name in held.namelist() if name.endswith(".body")]
    assert bodies == [body]
    with closing(open_store(settings.database)) as store:
        [due] = due_rechecks(store, now=NOW + HOUR)
        assert due.found_at == "127.0.3.1", "what a public feed named may not lead inside, at a later look either"
        assert [*check_store(store), *verify_chain(store)] == []


def test_retention_keeps_the_feeds_of_what_is_kept(filled: Settings, store: Store, flagged_id: int) -> None:
    retire(store, Retention(captures=1, ledger=0, entries=0), now=NOW + timedelta(days=9))
    [(kept,)] = query(
        filled,
        f"SELECT c.blob_id IS NOT NULL FROM item_sources s JOIN captures c ON c.id = s.capture_id WHERE s.item_id = {flagged_id}",
    )
    assert kept
    assert query(filled, f"{FEEDS} AND blob_id IS NULL") == [(1,)], "the feed of clear items alone goes with their pages"


def test_a_dry_run_keeps_no_feed(settings: Settings, site: Site) -> None:
    import asyncio

    from flows.steps import collect
    from flows.world import CollectOptions

    asyncio.run(collect(settings, CollectOptions(dry_run=True), clock=lambda: NOW))
    assert query(settings, "SELECT count(*) FROM captures") == [(0,)]
