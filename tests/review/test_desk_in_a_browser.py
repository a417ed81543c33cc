"""The desk in headless Chromium: a morning's work by keyboard alone, on a phone, in three languages, for a screen reader."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from review.people import add_user
from storage import verdicts
from storage.queues import Queue, count_queue
from storage.store import Store
from storage.verdicts import Ballot, Decision
from tests.review.browser import chromium, chromium_path, served
from tests.review.conftest import NOW, Clock, Person
from tests.review.press import load_press, many_stories

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        chromium_path() is None, reason="needs Chromium (Debian: apt-get install chromium, or set SHOLU_CHROMIUM)"
    ),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright for Python")
    with playwright.sync_playwright() as started, chromium(started) as opened:
        yield opened


@pytest.fixture
def address(desk: FastAPI) -> Iterator[str]:
    with served(desk) as found:
        yield found


@pytest.fixture
def open_page(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Opens pages that must stay clean: no error on the console (unless a broken line is what is tested), no request to another host."""
    contexts: list[Any] = []
    trouble: list[str] = []

    def opened(path: str = "/", *, broken_line: bool = False, **given: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "locale": "en-GB"} | given)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        bad = {"error", "warning"} if not broken_line else set()
        page.on("console", lambda said: trouble.append(f"{said.type}: {said.text}") if said.type in bad else None)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith((address, "data:")) else trouble.append(f"another host: {asked.url}"),
        )
        page.goto(address + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert trouble == []


def here(page: Any) -> str:
    return str(page.locator(".entry.here").get_attribute("id"))


def press_and_wait(page: Any, *keys: str) -> None:
    """A decision: the entry in hand becomes one line."""
    decided = page.locator(".done").count()
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_function("n => document.querySelectorAll('.done').length > n", arg=decided)


def test_twenty_items_decided_by_keyboard_alone_and_all_taken_back(
    store: Store, rulebook: Any, open_page: Callable[..., Any], address: str
) -> None:
    load_press(store, NOW, rulebook, stories=many_stories(25))
    page = open_page()
    for number in range(20):
        keys = (("r",), ("n", str(1 + number // 3 % 6)), ("u",))[number % 3]
        press_and_wait(page, *keys)
    with store.read() as connection:
        made = connection.exec_driver_sql(
            "SELECT count(DISTINCT batch), count(DISTINCT reason) FROM verdicts WHERE act = 'decide'"
        ).one()
    assert tuple(made) == (20, 7)  # all six reasons, and none
    for _ in range(20):
        with page.expect_navigation():
            page.keyboard.press("z")
    with store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM items WHERE review <> 'open'").scalar_one() == 0
        assert connection.exec_driver_sql("SELECT count(*) FROM current_verdicts").scalar_one() == 0


def test_from_the_inbox_to_an_export_by_keyboard(open_page: Callable[..., Any], store: Store) -> None:
    page = open_page()
    first = here(page)
    page.keyboard.press("j")
    second = here(page)
    assert second != first
    page.keyboard.press("k")
    assert here(page) == first
    page.keyboard.press("o")
    page.wait_for_url("**/item/*")
    page.keyboard.press("m")
    page.keyboard.type("seen on the way")
    page.keyboard.press("Escape")
    with page.expect_navigation():
        page.keyboard.press("r")
    assert "/item/" in page.url  # the next item follows by itself
    assert verdicts.history(store, int(first[1:]))[0].note == "seen on the way"
    with page.expect_navigation():
        page.keyboard.press("i")
    page.keyboard.press("Slash")
    page.keyboard.type("митингом")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "queue=all" in page.url
    assert page.locator("mark").filter(has_text=re.compile("митинг", re.IGNORECASE)).count() >= 1
    page.keyboard.press("Tab")
    page.locator("h1").first.evaluate("node => document.activeElement.blur()")
    page.keyboard.press("e")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(".csv")


def test_on_a_slow_line_the_work_goes_on_and_every_decision_arrives(open_page: Callable[..., Any], store: Store) -> None:
    page = open_page()
    page.route("**/decide", lambda route: (page.wait_for_timeout(700), route.continue_()))
    first = here(page)
    page.keyboard.press("r")
    second = here(page)
    page.keyboard.press("u")
    third = here(page)
    assert len({first, second, third}) == 3
    page.keyboard.press("z")  # waits for both
    assert page.locator(".entry.sending").count() == 2
    page.wait_for_url("**/#e*")
    assert [one.decision for one in verdicts.history(store, int(first[1:]))] == ["relevant"]
    assert [one.act for one in verdicts.history(store, int(second[1:]))] == ["decide", "undo"]


def test_when_the_line_breaks_the_entry_is_still_there_and_it_is_said(open_page: Callable[..., Any], store: Store) -> None:
    page = open_page(broken_line=True)
    first = here(page)
    page.route("**/decide", lambda route: route.abort())
    page.keyboard.press("r")
    page.wait_for_selector("#trouble:not([hidden])")
    assert "not decided" in page.locator("#trouble").inner_text()
    assert here(page) == first
    page.unroute("**/decide")
    press_and_wait(page, "r")
    assert [one.decision for one in verdicts.history(store, int(first[1:]))] == ["relevant"]


def test_the_count_of_what_is_left_falls_with_each_decision(open_page: Callable[..., Any], store: Store) -> None:
    page = open_page()
    press_and_wait(page, "r")
    page.wait_for_function("n => document.querySelector('#n-new').textContent === n", arg=str(count_queue(store, Queue.NEW)))
    assert re.match(r"\d decided today", page.locator("#progress").inner_text())


def test_the_original_opens_by_key_in_a_tab_of_its_own(open_page: Callable[..., Any]) -> None:
    page = open_page()
    # The outlet itself is not asked: what would be opened is noted down.
    page.evaluate("addEventListener('click', e => { window.asked = [e.target.href, e.target.target]; e.preventDefault(); })")
    shown = page.locator(".entry.here a.original").get_attribute("href")
    page.keyboard.press("v")
    assert page.evaluate("window.asked") == [shown, "_blank"]


def test_a_phone_opens_the_inbox_at_its_top(open_page: Callable[..., Any]) -> None:
    page = open_page("/", viewport={"width": 390, "height": 600}, is_mobile=True, has_touch=True)
    assert page.evaluate("window.scrollY") == 0
    assert page.locator(".entry.here").count() == 1


def test_keys_work_under_a_russian_layout(open_page: Callable[..., Any], store: Store) -> None:
    page = open_page()
    before = count_queue(store, Queue.NEW)
    decided = page.locator(".done").count()
    page.locator(".entry.here").evaluate(
        "node => node.dispatchEvent(new KeyboardEvent('keydown', {key: 'к', code: 'KeyR', bubbles: true, cancelable: true}))"
    )
    page.wait_for_function("n => document.querySelectorAll('.done').length > n", arg=decided)
    assert count_queue(store, Queue.NEW) < before


def test_a_selection_is_decided_at_once(open_page: Callable[..., Any], store: Store) -> None:
    page = open_page()
    for key in ("x", "j", "x", "j", "x"):
        page.keyboard.press(key)
    assert page.locator("#picked").inner_text() == "3"
    page.keyboard.press("n")
    with page.expect_navigation():
        page.keyboard.press("4")
    with store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM verdicts WHERE reason = 'old-news'").scalar_one() == 3


@pytest.mark.parametrize("path", ["/", "/item/1"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_moves_sideways_when_the_reasons_open(open_page: Callable[..., Any], path: str, width: int) -> None:
    page = open_page(path, viewport={"width": width, "height": 900})
    form = page.locator("#decide" if path != "/" else ".entry.here .doing")
    asked = [form.locator("button.yes"), form.locator("summary.no"), form.locator("button.maybe")]
    before = [one.bounding_box() for one in asked]
    page.keyboard.press("n")
    after = [one.bounding_box() for one in asked]
    assert [one["x"] for one in before] == [one["x"] for one in after]
    assert len({one["y"] for one in after}) == 1
    reasons = [one.bounding_box()["y"] for one in form.locator(".reasons button").all()]
    assert len(reasons) == 6
    assert min(reasons) > after[0]["y"]


@pytest.mark.parametrize("language", ["en", "ru", "kk"])
def test_every_name_on_the_map_stands_within_its_square(open_page: Callable[..., Any], language: str) -> None:
    page = open_page("/pictures", locale=language)
    assert page.locator(".tile").count() == 20
    for tile in page.locator(".tile").all():
        square, name = tile.locator("rect").bounding_box(), tile.locator("text").first.bounding_box()
        assert square["x"] <= name["x"], tile.text_content()
        assert name["x"] + name["width"] <= square["x"] + square["width"], tile.text_content()


@pytest.mark.parametrize("language", ["en", "ru", "kk"])
def test_no_word_of_a_picture_is_cut_off_at_its_edge(open_page: Callable[..., Any], language: str) -> None:
    page = open_page("/pictures", locale=language)
    outside = """pictures => pictures.flatMap(picture => {
        const edge = picture.getBoundingClientRect();
        return [...picture.querySelectorAll('text')].filter(word => {
            const box = word.getBoundingClientRect();
            return box.left < edge.left - 0.5 || box.right > edge.right + 0.5;
        }).map(word => word.textContent);
    })"""
    assert page.locator("svg.picture text").count() > 40
    assert page.locator("svg.picture").evaluate_all(outside) == []


def test_help_opens_and_closes_by_key(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#keys").is_visible()


def test_two_reviewers_each_in_a_browser(open_page: Callable[..., Any], store: Store, address: str) -> None:
    add_user(store, "Anna", "a long password", "admin", now=NOW)
    add_user(store, "Bolat", "another password", "reviewer", now=NOW)
    pages = []
    for name, password in (("Anna", "a long password"), ("Bolat", "another password")):
        page = open_page("/")
        page.locator("#name").fill(name)
        page.locator("#password").fill(password)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        pages.append(page)
    anna, bolat = pages
    item = int(here(anna)[1:])
    assert here(bolat) == f"e{item}"
    press_and_wait(anna, "r")
    press_and_wait(bolat, "n", "1")
    assert "Anna" in bolat.locator(".done").first.inner_text()
    bolat.goto(f"{address}/?queue=disputed")
    assert bolat.locator(".entry").count() == 1


@pytest.mark.parametrize(("language", "word"), [("en", "Near misses"), ("ru", "Почти отмеченные"), ("kk", "Сәл жетпегендер")])
def test_the_desk_speaks_three_languages(open_page: Callable[..., Any], language: str, word: str) -> None:
    page = open_page()
    with page.expect_navigation():
        page.locator(f'.languages button[value="{language}"]').click()
    assert page.locator("html").get_attribute("lang") == language
    assert word in page.locator(".queues").inner_text()


def test_a_phone_shows_every_page_without_scrolling_sideways(open_page: Callable[..., Any], address: str) -> None:
    page = open_page("/", viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    widths = {}
    for path in PAGES:
        page.goto(address + path)
        widths[path] = page.evaluate("document.documentElement.scrollWidth")
    assert max(widths.values()) <= 360, widths


PAGES = ("/", "/item/1", "/pictures", "/rules", "/rules/kz.protest", "/sources", "/people", "/second", "/blind", "/try")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(open_page: Callable[..., Any], address: str, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = open_page("/", color_scheme=scheme, bypass_csp=True)  # axe itself is an inline script
    serious: list[tuple[str, ...]] = []
    for path in PAGES if scheme == "light" else PAGES[:5]:
        page.goto(address + path)
        found = Axe().run(page).response["violations"]
        serious += [
            (path, fault["id"], fault["nodes"][0]["html"][:160], fault["nodes"][0]["failureSummary"][:200])
            for fault in found
            if fault["impact"] in {"serious", "critical"}
        ]
    assert serious == []


def test_everything_works_without_javascript(open_page: Callable[..., Any], store: Store) -> None:
    page = open_page("/", java_script_enabled=False)
    page.locator(".entry").first.locator("summary", has_text="Not relevant").click()
    with page.expect_navigation():
        page.locator('.entry button[value="not-relevant:sport"]').first.click()
    assert verdicts.newest_verdict(store) >= 1


def test_a_decision_by_a_key_outlives_the_end_of_the_session(
    open_page: Callable[..., Any], store: Store, desk: FastAPI, clock: Clock
) -> None:
    add_user(store, "Anna", "a long password", "admin", now=clock())
    page = open_page("/login", broken_line=True)  # a refusal is an error to the console

    def log_in() -> None:
        page.fill("#name", "Anna")
        page.fill("#password", "a long password")
        page.keyboard.press("Enter")

    log_in()
    page.wait_for_selector(".entry.here")
    entry = here(page)
    clock.pass_by(13 * 3600)
    page.keyboard.press("n")
    page.keyboard.press("2")
    page.wait_for_selector("#password")
    assert "it will be offered to you again" in page.inner_text("main")
    log_in()
    page.wait_for_selector(".verdict")
    assert page.inner_text(".verdict") == "Not relevant · Sport"
    page.keyboard.press("Enter")
    page.wait_for_selector(".entry.here")
    assert page.locator(f"#{entry}").count() == 0
    assert [one.reason for one in verdicts.history(store, int(entry[1:]))] == ["sport"]


def test_without_javascript_a_decision_is_taken_back_by_a_button(open_page: Callable[..., Any], store: Store) -> None:
    page = open_page("/", java_script_enabled=False)
    entry = page.locator(".entry").first
    number = str(entry.get_attribute("id"))
    entry.get_by_role("button", name="Relevant", exact=False).first.click()
    page.wait_for_load_state()
    assert page.locator(f"#{number}").count() == 0
    page.get_by_role("button", name="Undo the last decision").click()
    page.wait_for_load_state()
    assert page.locator(f"#{number}").count() == 1


@pytest.mark.parametrize("language", ["en", "ru", "kk"])
@pytest.mark.parametrize("path", ["/?queue=disputed", "/?queue=all&q=митинг", "/second", "/blind", "/item/1"])
def test_on_the_narrowest_phone_nothing_sticks_out_and_the_open_queue_is_in_sight(
    open_page: Callable[..., Any], anna_and_bolat: tuple[Person, Person], desk: FastAPI, store: Store, path: str, language: str
) -> None:
    item = 1
    for reviewer, decision in (("Anna", Decision.RELEVANT), ("Bolat", Decision.UNSURE)):
        verdicts.decide(store, Ballot((item,), reviewer, decision), now=NOW)
    page = open_page("/login", viewport={"width": 360, "height": 720}, locale=language)
    page.fill("#name", "Bolat")
    page.fill("#password", "another password")
    page.keyboard.press("Enter")
    page.wait_for_selector(".queues")
    page.goto(page.url.partition("/?")[0].rstrip("/") + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    if page.locator(".queues [aria-current]").count():
        box = page.locator(".queues [aria-current]").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 361
