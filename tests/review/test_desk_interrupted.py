"""What comes between a reviewer and a decision: a session that ends, another reviewer, a newer text, a store that holds nothing yet."""

from __future__ import annotations

import html
import re

import pytest
from fastapi import FastAPI
from sqlalchemy import insert, select, update

from domain.settings import Settings
from review.app import create_app
from review.desk import TOLD_COOKIE
from review.settings import DeskSettings
from review.wording import reader_name
from storage import verdicts
from storage.schema.items import item_versions
from storage.schema.items import items as item_rows
from storage.store import Store, open_store
from tests.review.conftest import Clock, Person, both
from tests.review.test_desk_deciding import ids, review_of

LATE = 13 * 3600  # a login lasts twelve hours


def hidden(page: str) -> dict[str, list[str]]:
    """The fields a page's form sends by itself."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page):
        found.setdefault(name, []).append(html.unescape(value))
    return found


def newer_text(store: Store, item: int) -> None:
    """A run meets another text at the address of an item."""
    with store.begin() as connection:
        old = connection.execute(select(item_versions).where(item_versions.c.item_id == item)).mappings().one()
        newer = {name: value for name, value in old.items() if name != "id"}
        newer |= {"number": 2, "text": "Another text.", "sha256": "0" * 64}
        last = connection.execute(insert(item_versions).values(newer).returning(item_versions.c.id)).scalar_one()
        connection.execute(update(item_rows).where(item_rows.c.id == item).values(version=2, version_id=last, flagging_id=None))


@both
def test_a_decision_after_the_end_of_the_session_is_offered_again_after_the_login(
    anna_and_bolat: tuple[Person, Person], store: Store, clock: Clock
) -> None:
    _, bolat = anna_and_bolat
    item, token = ids(bolat.see("/"))[0], bolat.token()
    clock.pass_by(LATE)
    late = bolat.send(
        "/decide", token=token, item=item, decision="not-relevant:sport", note='a "note"', place="item", shown=f"{item}.1"
    )
    assert late.status_code == 401
    assert "it will be offered to you again" in late.text
    assert review_of(store, item) == "open"
    kept = hidden(late.text)
    wrong = bolat.browser.post("/login", data={**kept, "name": "Bolat", "password": "a wrong one"})
    assert hidden(wrong.text)["pending"] == kept["pending"]  # a slip of the finger does not lose it either
    offered = bolat.browser.post("/login", data={**kept, "name": "Bolat", "password": "another password"})
    assert offered.status_code == 200
    assert "Not relevant · Sport" in re.sub(r"<[^>]+>", "", offered.text)
    assert review_of(store, item) == "open"  # offered, not decided
    assert bolat.browser.post("/decide", data=hidden(offered.text)).status_code == 303
    assert review_of(store, item) == "not-relevant"
    assert [(one.reviewer, one.reason, one.note) for one in verdicts.history(store, item)] == [("Bolat", "sport", 'a "note"')]


def test_a_decision_from_a_page_older_than_the_login_is_offered_at_once(
    anna_and_bolat: tuple[Person, Person], store: Store
) -> None:
    _, bolat = anna_and_bolat
    item, token = ids(bolat.see("/"))[0], bolat.token()  # this tab stays open
    bolat.send("/logout")
    bolat.log_in("Bolat", "another password")  # in another tab
    answer = bolat.send("/decide", token=token, item=item, decision="relevant")
    assert answer.status_code == 403
    assert review_of(store, item) == "open"
    assert bolat.browser.post("/decide", data=hidden(answer.text)).status_code == 303
    assert review_of(store, item) == "relevant"


@pytest.mark.parametrize(
    "pending", ["", "item=x&decision=relevant", "decision=<script>&item=1", "back=//evil.example&item=1", "é" * 9_000]
)
def test_what_is_kept_through_a_login_is_only_text(anna_and_bolat: tuple[Person, Person], pending: str) -> None:
    _, bolat = anna_and_bolat
    bolat.send("/logout")
    answer = bolat.send("/login", page="/login", name="Bolat", password="another password", next="/", pending=pending)
    assert answer.status_code == (200 if pending else 303)
    assert "<script>" not in answer.text
    assert "//evil.example" not in re.findall(r'href="([^"]*)"', answer.text)


def test_a_form_from_another_site_is_not_kept(anna_and_bolat: tuple[Person, Person], desk: FastAPI) -> None:
    answer = Person(desk).send(
        "/decide", page="/login", headers={"sec-fetch-site": "cross-site"}, item=1, decision="relevant"
    )  # fmt: skip
    assert "pending" not in hidden(answer.text)


def test_the_page_is_told_of_an_error_in_a_sentence_and_not_in_markup(person: Person) -> None:
    answer = person.send("/decide", item=1, decision="maybe", headers={"HX-Request": "true"})
    assert answer.status_code == 400
    assert answer.text == "A decision is relevant, not relevant or unsure; nothing was decided."


@both
def test_without_javascript_the_next_page_tells_once_that_the_text_had_changed(person: Person, store: Store) -> None:
    first, second = ids(person.see("/"))[:2]
    newer_text(store, first)
    answer = person.decide(first, "relevant", place="item", shown=f"{first}.1")
    assert answer.headers["location"] == f"/item/{second}"
    page = person.see(answer.headers["location"])
    assert "The text had changed after you had opened the page" in page
    assert f'href="/item/{first}"' in page
    assert "The text had changed" not in person.see(f"/item/{second}")
    assert "The text had changed" not in person.see(person.decide(second, "relevant", place="item").headers["location"])


def test_without_javascript_the_next_page_tells_that_somebody_else_decided_too(anna_and_bolat: tuple[Person, Person]) -> None:
    anna, bolat = anna_and_bolat
    item, token = ids(bolat.see("/"))[0], bolat.token()
    anna.decide(item, "relevant")
    answer = bolat.send("/decide", token=token, item=item, decision="unsure", place="item", seen="0")
    assert "Somebody else decided the same item" in bolat.see(answer.headers["location"])


def test_a_made_up_message_is_not_told(person: Person) -> None:
    before = person.see("/")
    person.browser.cookies.set(TOLD_COOKIE, "changed.<b>_else.5_meanwhile.99999999999999999999")
    assert re.sub(r"[0-9a-f]{64}", "", person.see("/")) == re.sub(r"[0-9a-f]{64}", "", before)


@both
def test_a_decision_in_the_list_of_disagreements_settles_it(anna_and_bolat: tuple[Person, Person], store: Store) -> None:
    anna, bolat = anna_and_bolat
    item = ids(anna.see("/"))[0]
    anna.decide(item, "relevant")
    bolat.decide(item, "unsure")
    page = anna.see("/?queue=disputed")
    assert "your decision settles it" in page
    form = page[page.index(f'id="e{item}"') :].partition('<form class="doing"')[2].partition("</form>")[0]
    anna.browser.post("/decide", data={**hidden(form), "decision": "relevant"})
    assert review_of(store, item) == "relevant"
    assert "settles it" not in anna.see("/?queue=all")


def test_before_the_first_run_the_desk_says_so(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> None:
    home = tmp_path_factory.mktemp("first-morning")
    store = open_store(f"sqlite:///{home / 'sholu.db'}")
    app = create_app(store, Settings(home=home), lambda: None, own=DeskSettings(_env_file=None), clock=clock)
    first = Person(app)
    assert "Nothing is stored yet" in first.see("/")
    assert "Nothing is stored yet" in first.see("/?queue=disputed")
    assert "No item matches" in first.see("/?queue=new&theme=protest")
    assert "Nothing was missed" not in first.see("/sources")
    store.close()


def test_a_long_title_ends_where_it_is_cut_and_says_how_long_it_is(person: Person, store: Store) -> None:
    item = ids(person.see("/"))[0]
    with store.begin() as connection:
        connection.execute(update(item_rows).where(item_rows.c.id == item).values(title="word " * 1_000))
    heading = person.see(f"/item/{item}").partition("<h1")[2].partition("</h1>")[0]
    assert "… " in heading
    assert "5\u202f000" in heading


def test_what_found_a_text_is_said_in_the_readers_language() -> None:
    assert reader_name("ru", "first reading 2") == "быстрое чтение 2"
    assert reader_name("kk", "feed 1") == "лентаны оқу 1"
    assert reader_name("ru", "trafilatura 2.0.0 recall") == "trafilatura 2.0.0 recall"
    assert reader_name("en", "own") == "own"
