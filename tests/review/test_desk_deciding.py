"""Deciding, taking back, two people at once, settling: what the desk writes down of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update

from storage import verdicts
from storage.queues import Queue, count_queue
from storage.schema.items import flaggings, item_versions
from storage.schema.items import items as item_rows
from storage.schema.review import verdicts as verdict_rows
from storage.store import Store
from tests.review.conftest import Clock, Person, both


def ids(page: str) -> list[int]:
    return [int(found) for found in re.findall(r'<article class="entry" id="e(\d+)"', page)]


def review_of(store: Store, item: int) -> str:
    with store.read() as connection:
        return str(connection.execute(text("SELECT review FROM items WHERE id = :id"), {"id": item}).scalar_one())


@both
def test_a_decision_leaves_the_queue_and_is_written_with_name_and_time(person: Person, store: Store, clock: Clock) -> None:
    first = ids(person.see("/"))[0]
    before = count_queue(store, Queue.NEW)
    answer = person.decide(
        first, "relevant", note="  the oil workers again ", tags="strike, oil ,strike", opened=str(clock().timestamp() - 7)
    )
    assert answer.status_code == 303
    assert first not in ids(person.see("/"))
    assert count_queue(store, Queue.NEW) == before - 1
    said = verdicts.history(store, first)
    assert [(one.reviewer, one.decision, one.note, one.at, one.seconds) for one in said] == [
        ("reviewer", "relevant", "the oil workers again", clock(), 7.0)
    ]
    assert verdicts.tags_of(store, first) == ["oil", "strike"]


def test_not_relevant_wants_a_reason(person: Person, store: Store) -> None:
    first = ids(person.see("/"))[0]
    answer = person.decide(first, "not-relevant")
    assert answer.status_code == 400
    assert "one of the reasons" in answer.text
    assert review_of(store, first) == "open"
    person.decide(first, "not-relevant:sport")
    assert verdicts.held_by(store, [first]) == {first: [("reviewer", "not-relevant", "sport")]}


@both
def test_undo_has_no_limit_and_nothing_is_ever_deleted(person: Person, store: Store, clock: Clock) -> None:
    chosen = ids(person.see("/"))[:3]
    for item in chosen:
        clock.pass_by(5)
        person.decide(item, "relevant")
    clock.pass_by(5)
    person.decide(chosen[0], "unsure")
    states = []
    for _ in range(5):
        clock.pass_by(1)
        person.send("/undo", back="/")
        states.append([review_of(store, item) for item in chosen])
    assert states == [
        ["relevant", "relevant", "relevant"],
        ["relevant", "relevant", "open"],
        ["relevant", "open", "open"],
        ["open", "open", "open"],
        ["open", "open", "open"],
    ]
    said = verdicts.history(store, chosen[0])
    assert [(one.act, one.undone) for one in said] == [("decide", True), ("decide", True), ("undo", False), ("undo", False)]


def test_undo_shows_the_item_again(person: Person) -> None:
    first = ids(person.see("/?theme=protest"))[0]
    person.decide(first, "relevant")
    answer = person.send("/undo", back="/?theme=protest")
    assert answer.headers["location"] == f"/?theme=protest#e{first}"
    assert first in ids(person.see("/?theme=protest"))


@both
def test_a_selection_is_decided_and_taken_back_at_once(person: Person, store: Store) -> None:
    chosen = ids(person.see("/"))[:4]
    person.decide(chosen, "not-relevant:old-news", back="/")
    assert {review_of(store, item) for item in chosen} == {"not-relevant"}
    person.send("/undo", back="/")
    assert {review_of(store, item) for item in chosen} == {"open"}


@both
def test_the_same_text_in_several_outlets_is_one_entry_and_one_decision(person: Person, store: Store) -> None:
    page = person.see("/")
    shown = ids(page)
    with store.read() as connection:
        clusters = dict(connection.execute(text("SELECT id, cluster_id FROM items WHERE grade = 2")).all())
    assert len(shown) == len({clusters[item] for item in shown})
    entry = next(item for item in shown if list(clusters.values()).count(clusters[item]) > 1)
    form = page[page.index(f'id="e{entry}"') :].partition("</article>")[0]
    group = [int(found) for found in re.findall(r'name="item" value="(\d+)"', form.partition('<form class="doing"')[2])]
    person.decide(group, "relevant", place="inbox")
    assert {review_of(store, item) for item, cluster in clusters.items() if cluster == clusters[entry]} == {"relevant"}


@both
def test_on_the_items_page_the_next_item_of_the_same_list_follows(person: Person) -> None:
    shown = ids(person.see("/?language=ru"))
    answer = person.decide(shown[0], "relevant", place="item", query="language=ru")
    assert answer.headers["location"] == f"/item/{shown[1]}?language=ru"


@both
def test_a_decision_is_on_the_text_that_was_shown_and_a_newer_one_is_told(person: Person, store: Store) -> None:
    item = ids(person.see("/"))[0]
    with store.begin() as connection:  # a run meets another text at the same address
        old = connection.execute(select(item_versions).where(item_versions.c.item_id == item)).mappings().one()
        newer = {name: value for name, value in old.items() if name != "id"} | {
            "number": 2,
            "text": "Another text.",
            "sha256": "0" * 64,
        }
        last = connection.execute(insert(item_versions).values(newer).returning(item_versions.c.id)).scalar_one()
        connection.execute(update(item_rows).where(item_rows.c.id == item).values(version=2, version_id=last, flagging_id=None))
    first = old["id"]
    # The page had been opened before the second version came.
    told = person.send(
        "/decide", item=item, decision="relevant", place="inbox", shown=f"{item}.1", headers={"HX-Request": "true"}
    )
    assert "The text changed after you had opened this page" in told.text
    assert verdicts.history(store, item)[-1].version_id == first
    person.send("/undo")
    with store.read() as connection:  # with what the rules had said of the text that was shown
        judged = select(flaggings.c.version_id).join(verdict_rows, verdict_rows.c.flagging_id == flaggings.c.id)
        assert set(connection.execute(judged).scalars()) == {first}
    told = person.send(
        "/decide", item=item, decision="relevant", place="inbox", shown=f"{item}.2", headers={"HX-Request": "true"}
    )
    assert "The text changed" not in told.text
    assert verdicts.history(store, item)[-1].version_id == last


def test_every_form_that_decides_names_the_version_it_shows(person: Person) -> None:
    page = person.see("/")
    for entry in ids(page):
        assert f'name="shown" value="{entry}.' in page
        form = person.see(f"/item/{entry}").partition('<form id="decide"')[2]
        assert re.search(rf'name="shown" value="{entry}\.[1-9]', form)


@both
def test_two_people_at_once_lose_nothing_and_are_told(anna_and_bolat: tuple[Person, Person], store: Store) -> None:
    anna, bolat = anna_and_bolat
    first = ids(anna.see("/"))[0]
    token = bolat.token("/")  # Bolat's page is open before Anna decides
    anna.decide(first, "relevant")
    answer = bolat.send(
        "/decide",
        token=token,
        item=first,
        decision="not-relevant:other-meaning",
        place="inbox",
        seen="0",
        headers={"HX-Request": "true"},
    )
    assert answer.status_code == 200
    assert "Anna decided at the same time" in answer.text
    assert review_of(store, first) == "disputed"
    assert {one.reviewer: (one.decision, one.blind) for one in verdicts.history(store, first)} == {
        "Anna": ("relevant", True),
        "Bolat": ("not-relevant", True),
    }


@both
def test_a_second_reading_hides_what_the_first_reader_said(anna_and_bolat: tuple[Person, Person], store: Store) -> None:
    anna, bolat = anna_and_bolat
    first = ids(anna.see("/"))[0]
    anna.decide(first, "relevant", note="Anna was here")
    page = bolat.see("/second")
    assert f'name="item" value="{first}"' in page
    assert "Anna was here" not in page
    assert "<mark" not in page
    bolat.decide(first, "unsure", place="second", blind="1", seen=str(verdicts.newest_verdict(store)))
    assert review_of(store, first) == "disputed"
    assert first in ids(anna.see("/?queue=disputed"))
    assert "your decision settles it" in anna.see(f"/item/{first}")
    anna.decide(first, "relevant", place="item", settles="1", query="queue=disputed")
    assert review_of(store, first) == "relevant"
    assert first not in ids(anna.see("/?queue=disputed"))


@both
def test_whoever_saw_the_others_verdict_is_not_counted_as_blind(anna_and_bolat: tuple[Person, Person], store: Store) -> None:
    anna, bolat = anna_and_bolat
    first = ids(anna.see("/"))[0]
    anna.decide(first, "relevant")
    bolat.decide(first, "relevant", seen=str(verdicts.newest_verdict(store)))
    assert [one.blind for one in verdicts.history(store, first)] == [True, False]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"item": "7", "decision": "maybe"}, "A decision is"),
        ({"decision": "relevant"}, "No item was chosen"),
        ({"item": "seven", "decision": "relevant"}, "not a number"),
        ({"item": "9" * 30, "decision": "relevant"}, "not a number"),
        ({"item": "1", "decision": "relevant", "note": "x" * 5_001}, "at most 5,000"),
        ({"item": "1", "decision": "relevant", "tags": "x" * 61}, "A tag has at most"),
    ],
)
def test_a_form_of_nonsense_decides_nothing_and_says_why(
    person: Person, store: Store, fields: dict[str, Any], sentence: str
) -> None:
    answer = person.send("/decide", **fields)
    assert answer.status_code == 400
    assert sentence in answer.text
    assert verdicts.newest_verdict(store) == 0


@both
def test_an_unknown_item_is_told_and_not_decided(person: Person) -> None:
    answer = person.decide(987_654, "relevant")
    assert answer.status_code == 404
    assert "not in the store" in answer.text or "None of these items" in answer.text


@both
def test_a_locked_database_is_told_and_nothing_is_lost(person: Person, store: Store) -> None:
    first = ids(person.see("/"))[0]
    token = person.token("/")
    other = store.engine.raw_connection()
    try:
        other.cursor().execute("BEGIN IMMEDIATE" if store.dialect == "sqlite" else "LOCK TABLE verdicts IN EXCLUSIVE MODE")
        answer = person.send("/decide", token=token, item=first, decision="relevant")
        assert answer.status_code == 503
        assert "Nothing was decided: the store is busy." in answer.text
        assert "in use by another program" in answer.text
        assert person.get("/").status_code == 200  # reading goes on
    finally:
        other.rollback()
        other.close()
    assert person.send("/decide", token=token, item=first, decision="relevant").status_code == 303


@both
def test_speed_is_shown_as_the_time_since_the_decision_before(person: Person, clock: Clock) -> None:
    page = person.see("/")
    opened = str(clock().timestamp())
    for item, spent in zip(ids(page)[:3], (9, 4, 11), strict=True):  # all on one page, opened once
        clock.pass_by(spent)
        person.decide(item, "relevant", opened=opened)
    page = person.see("/")
    assert "3 decided today" in page
    assert "median 9 s" in page


@both
def test_a_decision_on_many_items_is_one_in_the_median(person: Person, clock: Clock) -> None:
    shown = ids(person.see("/"))
    for items, spent in ((shown[:4], 40), (shown[4:5], 5), (shown[5:6], 7)):
        opened = str(clock().timestamp())
        clock.pass_by(spent)
        person.decide(items, "relevant", opened=opened)
    page = person.see("/")
    assert "6 decided today" in page
    assert "median 7 s" in page


def test_what_is_left_is_told_with_each_decision(person: Person, store: Store) -> None:
    first = ids(person.see("/"))[0]
    answer = person.decide(first, "relevant", place="inbox")
    assert answer.status_code == 303
    second = ids(person.see("/"))[0]
    answer = person.send("/decide", item=second, decision="unsure", place="inbox", headers={"HX-Request": "true"})
    assert f'id="n-new" hx-swap-oob="true">{count_queue(store, Queue.NEW)}</span>' in answer.text
    assert 'id="n-unsure" hx-swap-oob="true">1</span>' in answer.text
    assert re.search(r'id="progress" hx-swap-oob="true">2 decided today', answer.text)
