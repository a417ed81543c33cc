"""The demo's site is a small honest copy of the web: every kind of list, a wall, a dead page, a copy, a rewritten story."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from demo.newsroom import load_newsroom
from demo.site import DemoSite
from domain.errors import ConfigError
from domain.settings import Settings
from extractors.catalogue import load_sources
from extractors.client import Client
from extractors.client_options import client_options
from extractors.ladder import Pool, Reading, climb
from extractors.verdicts import judge

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


class Here:
    """A pool that parses in this very process: what is under test is the site, not the children."""

    async def run(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)


@pytest.fixture
def site() -> Iterator[DemoSite]:
    with DemoSite(now=NOW) as opened:
        yield opened


@pytest.fixture
def client() -> Client:
    return Client(client_options(Settings(allow_addresses="127.0.0.0/8", host_pause=0)))


def get(url: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
    assert url.startswith("http://127.0.0.1:")
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=10) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


async def read_all(client: Client, site: DemoSite, last: dict[str, Reading] | None = None) -> dict[str, Reading]:
    pool: Pool = Here()
    readings = {}
    for source in site.sources:
        before = (last or {}).get(source.id)
        known: dict[str, Any] = (
            {"rung": before.rung, "address": before.moved_to, "validators": before.validators, "body_sha256": before.body_sha256}
            if before
            else {}
        )
        readings[source.id] = await climb(client, pool, source, now=NOW, **known)
    return readings


def test_the_newsroom_is_large_varied_and_made_up() -> None:
    outlets = load_newsroom()
    articles = [article for outlet in outlets for article in outlet.articles]
    assert len(outlets) >= 8
    assert len(articles) >= 60
    assert {outlet.language for outlet in outlets} == {"en", "ru", "kk"}
    assert {outlet.ownership for outlet in outlets} == {"state", "independent", "exile", "foreign"}
    assert {outlet.serves for outlet in outlets} == {"rss", "rss-full", "atom", "jsonfeed", "sitemap", "section"}
    themes = Counter(theme for article in articles for theme in article.themes)
    assert min(themes[theme] for theme in ("protest", "repression", "reform", "election")) >= 5
    assert sum(not article.themes for article in articles) >= 25
    assert sum(bool(article.why) for article in articles) >= 8
    words = [len(" ".join(article.wording.paragraphs).split()) for article in articles if article.behind != "gone"]
    assert 75 <= min(words) <= max(words) <= 250
    assert len({article.slug for article in articles}) == len(articles)


def test_a_wrong_key_in_the_newsroom_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("outlet:\n  id: x\n  colour: red\narticles: []\n")
    with pytest.raises(ConfigError, match=r"x\.yaml:3: outlet\.colour: unknown key"):
        load_newsroom(tmp_path)


async def test_every_outlet_gives_what_it_is_there_to_show(client: Client, site: DemoSite) -> None:
    async with client:
        readings = await read_all(client, site)
    checks = {source.id: judge(source, readings[source.id], NOW) for source in site.sources}
    assert {key: check.verdict.value for key, check in checks.items()} == {
        "demo-caspian-coast": "alive",
        "demo-far-bridge": "moved to",
        "demo-free-word": "alive",
        "demo-hourly-post": "blocked",
        "demo-quarterly": "quiet",
        "demo-shanyraq": "alive",
        "demo-steppe-herald": "alive",
        "demo-zhaiyq": "alive",
        "demo-zhel-agency": "alive",
    }
    assert checks["demo-zhaiyq"].rung == "section"
    assert "404" in checks["demo-zhaiyq"].reason
    found = {entry.url for reading in readings.values() for entry in reading.entries}
    assert found == {truth.url for truth in site.truth}
    assert all(entry.title for reading in readings.values() for entry in reading.entries)


async def test_a_second_poll_asks_whether_anything_changed_and_nothing_did(client: Client, site: DemoSite) -> None:
    async with client:
        first = await read_all(client, site)
        second = await read_all(client, site, first)
    assert {key for key, reading in second.items() if reading.unchanged} == set(first) - {"demo-hourly-post"}


async def test_a_story_is_rewritten_once_it_was_read(client: Client, site: DemoSite) -> None:
    coast = next(source for source in site.sources if source.id == "demo-caspian-coast")
    async with client:
        first = await climb(client, Here(), coast, now=NOW)
        story = next(entry for entry in first.entries if "zhanaozen" in entry.url)
        _, _, page = get(story.url)
        second = await climb(client, Here(), coast, now=NOW, validators=first.validators, body_sha256=first.body_sha256)
    rewritten = next(entry for entry in second.entries if entry.url == story.url)
    assert story.title.encode() not in get(story.url)[2]
    assert story.title in page.decode()
    assert rewritten.title != story.title
    assert len(second.entries) == len(first.entries)


async def test_texts_in_windows_1251_arrive_as_letters(client: Client, site: DemoSite) -> None:
    agency = next(source for source in site.sources if source.id == "demo-zhel-agency")
    status, headers, body = get(agency.rungs[0].url)
    assert (status, headers["Content-Type"]) == (200, "text/xml")
    assert "Мажилис".encode("windows-1251") in body
    async with client:
        reading = await climb(client, Here(), agency, now=NOW)
    assert any("Мажилисе" in entry.title for entry in reading.entries)


def test_a_page_has_its_article_among_what_every_page_has(site: DemoSite) -> None:
    truth = next(truth for truth in site.truth if truth.outlet_id == "demo-steppe-herald")
    status, headers, body = get(truth.url)
    page = body.decode()
    assert status == 200
    assert all(part in page for part in (f"<h1>{truth.title}</h1>", "<nav>", "Read also", "cookies", "<footer>"))
    assert get(truth.url, {"If-None-Match": headers["ETag"]})[0] == 304
    assert get(truth.url, {"If-None-Match": '"other"'})[0] == 200


def test_walls_dead_pages_and_refusals_answer_as_such(site: DemoSite) -> None:
    by_wall = {truth.behind: truth for truth in site.truth if truth.behind}
    status, _, body = get(by_wall["consent"].url)
    assert status == 200
    assert b"consent" in body
    assert by_wall["consent"].title.encode() not in body
    assert get(by_wall["gone"].url)[0] == 404
    blocked = next(source for source in site.sources if source.id == "demo-hourly-post")
    assert {get(blocked.home + path)[0] for path in ("", "rss.xml", "robots.txt")} == {403}


def test_the_same_agency_text_stands_in_two_outlets(site: DemoSite) -> None:
    copy = next(truth for truth in site.truth if truth.copy_of)
    original = next(truth for truth in site.truth if truth.url == copy.copy_of)
    assert copy.outlet_id != original.outlet_id
    pages = (get(copy.url)[2].decode(), get(original.url)[2].decode("windows-1251"))
    same = set.intersection(*(set(re.findall(r"<p>(.+?)</p>", page)) for page in pages))
    assert len(same) >= 2
    assert sum(map(len, same)) > 400
    assert copy.themes == original.themes


def test_the_list_it_writes_is_one_that_can_be_read(site: DemoSite, tmp_path: Path) -> None:
    written = site.write_sources(tmp_path / "sources.yaml")
    assert load_sources(written) == site.sources


def test_two_sites_at_once_do_not_meet() -> None:
    with DemoSite(now=NOW) as one, DemoSite(now=NOW) as other:
        assert not {source.home for source in one.sources} & {source.home for source in other.sources}


def test_the_command_says_in_a_sentence_that_a_port_is_taken(site: DemoSite, capsys: pytest.CaptureFixture[str]) -> None:
    from demo.site import main

    taken = site.sources[0].home.rstrip("/").rpartition(":")[2]
    assert main(["--port", taken]) == 2
    assert "Give another --port" in capsys.readouterr().err


def test_the_truth_names_every_article_that_can_be_found_out_about(site: DemoSite) -> None:
    assert len(site.truth) >= 60
    assert not [truth.url for truth in site.truth if truth.outlet_id == "demo-hourly-post"]
    assert all(get(truth.url)[0] == (404 if truth.behind == "gone" else 200) for truth in site.truth)
