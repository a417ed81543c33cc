"""Lists, filters, search and exports of the desk; hostile filters get a sentence, spreadsheets get no formulas."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.values import Flagging, Span
from review.export_rows import COLUMNS, FORMULA, flat, row, safe_cell
from review.filters import FilterError, Filters, cursor_text, read_filters
from review.marks import evidence, paragraphs
from review.pages.exports import atom
from review.views import entries, far_down
from storage import finding, queues
from storage.finding import Way, spelled_out, way_to
from storage.queues import Cursor, ItemFilter, Listed, Page, Queue
from storage.store import Store
from tests.review.conftest import NOW, Clock, Person, both

QUIET = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def ids(page: str) -> list[int]:
    return [int(found) for found in re.findall(r'<article class="entry" id="e(\d+)"', page)]


def titles(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", found) for found in re.findall(r"<h2 id=.*?</h2>", page))


@both
@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("митинг", "митинга"),  # Russian endings
        ("задержание участника", ""),
        ("участник", "участники"),
        ("тұрғын", "тұрғындар"),  # Kazakh endings
        ("министрлік", "министрлігінің"),
        ("workers", "workers"),
        ("worker", "workers"),
    ],
)
def test_endings_do_not_hide_a_word(person: Person, asked: str, found: str) -> None:
    page = person.see("/?" + urlencode({"queue": "all", "q": asked}))
    if found:
        assert found in page
        assert re.search(rf'<mark class="hit">[^<]*{asked[:5]}', page, re.IGNORECASE)


@both
def test_what_was_searched_for_is_marked_in_titles_too_and_nothing_that_only_begins_alike(person: Person) -> None:
    page = person.see("/?" + urlencode({"queue": "all", "q": "цена"}))
    assert re.search(r'<h2 id=.*?<mark class="hit">Цены</mark> на картофель', page)
    assert set(re.findall(r'<mark class="hit">(.*?)</mark>', page)) == {"Цены"}


@both
@pytest.mark.parametrize(
    ("filters", "holds"),
    [
        ({"language": "kk"}, lambda item: item.language == "kk"),
        ({"ownership": "state"}, lambda item: item.ownership == "state"),
        ({"outlet": "dala"}, lambda item: item.source_id == "dala"),
        ({"theme": "repression"}, lambda item: "repression" in item.themes),
        ({"region": "KZ-71"}, lambda item: item.flagging is not None and "KZ-71" in item.flagging.regions),
        ({"score_from": "20"}, lambda item: item.score >= 20),
        ({"score_to": "3"}, lambda item: item.score <= 3),
        ({"grade": "clear"}, lambda item: item.grade == 0),
        ({"since": "2026-11-22"}, lambda item: item.moment >= datetime(2026, 11, 21, 19, tzinfo=UTC)),
        ({"until": "2026-11-20"}, lambda item: item.moment < datetime(2026, 11, 20, 19, tzinfo=UTC)),
        ({"rule": "kz.strike", "language": "en"}, lambda item: item.language == "en" and "strike" in item.title),
    ],
)
def test_a_filter_lets_through_all_that_it_should_and_nothing_else(store: Store, filters: dict[str, str], holds: Any) -> None:
    from zoneinfo import ZoneInfo

    wanted = read_filters({"queue": "all", **filters}.items()).wanted(ZoneInfo("Asia/Almaty"))
    every = list(queues.every_item(store, ItemFilter(queue=Queue.ALL), most=1_000))
    chosen = {item.id for item in queues.every_item(store, wanted, most=1_000)}
    assert chosen
    assert chosen == {item.id for item in every if holds(item)}


@both
def test_pages_follow_each_other_without_a_gap_or_a_repeat(store: Store) -> None:
    for wanted in (
        ItemFilter(),
        ItemFilter(queue=Queue.ALL, words="в"),
        ItemFilter(queue=Queue.ALL, terms=(("theme", "protest"),)),
    ):
        whole = [item.id for item in queues.list_items(store, wanted, limit=500, grouped=False).items]
        seen: list[int] = []
        before: Cursor | None = None
        while True:
            page = queues.list_items(store, wanted, before=before, limit=4, grouped=False)
            seen += [item.id for item in page.items]
            if page.after is None:
                break
            before = page.after
        assert seen == whole
        assert len(set(seen)) == len(seen)


SEARCHES = (
    ItemFilter(queue=Queue.ALL, words="митинг", grade=queues.FLAGGED),
    ItemFilter(queue=Queue.NEW, words="участник"),
    ItemFilter(queue=Queue.DECIDED, words="в"),
    ItemFilter(queue=Queue.ALL, words="в -митинг", language="ru"),
    ItemFilter(queue=Queue.ALL, words="в", terms=(("theme", "protest"), ("place", "kz.almaty"))),
    ItemFilter(queue=Queue.ALL, words="", grade=queues.FLAGGED),
    ItemFilter(queue=Queue.ALL, words="%%% :митинг %s", grade=queues.FLAGGED),
    ItemFilter(queue=Queue.ALL, words="-митинг", grade=queues.FLAGGED),
)


@both
@pytest.mark.parametrize("wanted", SEARCHES)
def test_a_search_finds_the_same_in_the_same_order_whichever_way_the_words_are_asked_for(
    store: Store, wanted: ItemFilter
) -> None:
    with store.read() as connection:
        quick = Way(rare=True, spelled=spelled_out(connection, wanted.words) if store.dialect == "sqlite" else {})
        ways = [queues.keys_query(store.dialect, wanted, before=None, limit=500, grouped=True, way=way) for way in (quick, Way())]
        assert connection.execute(ways[0]).all() == connection.execute(ways[1]).all()


def test_a_beginning_of_a_word_is_asked_for_by_the_words_that_begin_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.read() as connection:
        spelled = spelled_out(connection, "митингующие -задержать")
        arrests = spelled["задерж"]
        assert len(arrests) > 1
        assert all(word.startswith("задерж") for word in arrests)
        assert spelled_out(connection, "неслыханный") == {}  # no text has it
        monkeypatch.setattr(finding, "MOST_SPELLED", len(arrests) - 1)
        assert "задерж" not in spelled_out(connection, "-задержать")


@both
def test_a_search_goes_on_below_any_number_an_address_can_name(person: Person) -> None:
    assert ids(person.see("/?queue=all&q=митинг&before=51.6083381192474200167")) == ids(person.see("/?queue=all&q=митинг"))


def test_words_are_searched_while_a_run_writes(store: Store, person: Person) -> None:
    with store.begin() as writing:
        writing.exec_driver_sql("UPDATE items SET title = title")
        assert 'class="entry"' in person.see("/?queue=all&q=митинг")


@pytest.mark.postgres
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_the_words_are_asked_first_when_they_are_rare_and_the_list_is_narrowed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.begin() as connection:
        connection.exec_driver_sql("ANALYZE")

    def first(**wanted: Any) -> bool:
        with store.read() as connection:
            asked = ItemFilter(**{"queue": Queue.ALL, **wanted})
            return way_to(connection, asked.words, narrowed=asked.narrows_search).rare

    monkeypatch.setattr(finding, "RARE", 5)
    assert first(words="жанаозен", grade=queues.FLAGGED)
    assert not first(words="в", grade=queues.FLAGGED)  # a walk is short
    assert not first(words="жанаозен")  # nothing narrows the search; the planner needs no help


@pytest.mark.parametrize(
    "query",
    [
        "queue=nonsense", "theme=a&theme=b", "nothing=1", "since=yesterday", "since=2026-12-01&until=2026-11-01", "score_from=NaNN", "score_from=nan",
        "score_from=1e999", "before=abc", "before=99999999999999999999", "before=9" * 3, "language=%00", "theme=a%0Ab", "q=" + "x" * 501, "since=9999-99-99",
        "since=0001-01-01", "ownership=nobody", "state=dead", "before=999999999999999999.1", "score_from=5&score_to=1",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/export.csv", "/api/v1/items"])
def test_a_filter_of_nonsense_gets_a_sentence(person: Person, path: str, query: str) -> None:
    answer = person.get(f"{path}?{query}")
    if (query.startswith("theme=a&") and path.startswith("/api")) or ("before" in query and path.startswith("/export")):
        return  # the API's framework takes the last of several; an export is always of the whole list
    assert answer.status_code == 422, answer.text[:200]
    assert "Traceback" not in answer.text


@both
@QUIET
@given(st.lists(st.tuples(st.sampled_from([*Filters.model_fields, "other"]), st.text(max_size=30)), max_size=6))
def test_whatever_an_address_holds_the_answer_is_a_list_or_a_sentence(person: Person, pairs: list[tuple[str, str]]) -> None:
    answer = person.get("/?" + urlencode([(name, value.encode("utf-8", "replace")) for name, value in pairs]))
    assert answer.status_code in {200, 422}


@QUIET
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "queue": st.sampled_from([queue.value for queue in Queue]),
            "q": st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=20),
            "theme": st.sampled_from(["protest", "реформа", "a&b=c#d"]),
            "since": st.dates(datetime(1990, 1, 1).date(), datetime(2100, 1, 1).date()).map(str),
            "score_from": st.floats(-1000, 1000).map(str),
            "grade": st.sampled_from(["flagged", "near", "clear"]),
        },
    )
)
def test_a_filter_survives_its_own_address(values: dict[str, str]) -> None:
    from urllib.parse import parse_qsl

    first = read_filters(values.items())
    assert read_filters(parse_qsl(first.address())) == first


@QUIET
@given(st.integers(-62_135_596_800_000_000, 253_402_300_799_000_000), st.integers(0, 2**63 - 1))
def test_a_place_in_a_list_survives_its_own_address(micros: int, number: int) -> None:
    from datetime import timedelta

    from review.filters import EPOCH

    place = Cursor(EPOCH + timedelta(microseconds=micros), number)
    try:
        assert Filters(before=cursor_text(place)).cursor() == place
    except FilterError:
        assert abs(micros) > 10**17


def an_item(**given: Any) -> Listed:
    facts: dict[str, Any] = {
        "id": 1, "url": "https://x.example/1", "source_id": "x", "source_title": "X", "ownership": "state", "title": "T", "text": "Text.",
        "language": "ru", "moment": NOW, "published": NOW, "published_from": "feed", "first_seen": NOW, "grade": 2, "score": 7.0, "threshold": 6.0,
        "themes": ("protest",), "review": "open", "reviewed_at": None, "cluster_id": 1, "version": 1, "rules_version": "1", "flagging": None,
    }  # fmt: skip
    return Listed(**(facts | given))


ANY = st.text(st.characters(blacklist_categories=[]), max_size=60)
FORMULAS = st.builds(
    lambda start, sign, rest: start + sign + rest,
    st.sampled_from(["", " ", "\t", "\n", "\u00a0", "\ufeff", "\u200b", "\x00"]), st.sampled_from(list("=+-@|%＝＋－＠")), ANY,
)  # fmt: skip


@QUIET
@given(st.one_of(ANY, FORMULAS))
def test_no_cell_is_ever_a_formula(text: str) -> None:
    cell = safe_cell(text)
    assert not FORMULA.match(cell)
    assert cell[:1] not in set("=+-@\t\r\n|%")
    cell.encode("utf-8")


@QUIET
@given(st.one_of(ANY, FORMULAS), st.one_of(ANY, FORMULAS))
def test_a_csv_gives_back_one_row_an_item(title: str, tag: str) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerow(flat(row(an_item(title=title), tags=[tag])))
    read = list(csv.reader(io.StringIO(out.getvalue(), newline="")))
    assert len(read) == 1
    assert len(read[0]) == len(COLUMNS)


@QUIET
@given(ANY, ANY, ANY)
def test_a_feed_is_always_xml(title: str, url: str, outlet: str) -> None:
    body = atom(
        (an_item(title=title, url=url, source_title=outlet),), "http://localhost/", "http://localhost/export.atom", Filters(), NOW
    )
    tree = ET.fromstring(body)
    links = [link.get("href") for link in tree.iter("{http://www.w3.org/2005/Atom}link")]
    assert all(link is not None and link.startswith("http") for link in links)


@both
def test_the_exports_hold_what_the_list_holds(person: Person, clock: Clock) -> None:
    first = ids(person.see("/"))[0]
    person.decide(first, "not-relevant:sport", tags="old")
    query = "queue=all&theme=protest"
    lines = [json.loads(line) for line in person.see(f"/export.jsonl?{query}").splitlines()]
    table = list(csv.DictReader(io.StringIO(person.see(f"/export.csv?{query}").removeprefix("\ufeff"))))
    assert [str(line["id"]) for line in lines] == [line["id"] for line in table]
    api = json.loads(person.see(f"/api/v1/items?{query}&limit=200"))
    assert [one["id"] for one in api["items"]] == [line["id"] for line in lines]
    mine = next(line for line in lines if line["id"] == first)
    assert mine["decisions"] == [{"reviewer": "reviewer", "decision": "not-relevant", "reason": "sport"}]
    assert mine["tags"] == ["old"]
    feed = ET.fromstring(person.get(f"/export.atom?{query}").content)
    assert len(feed.findall("{http://www.w3.org/2005/Atom}entry")) == min(50, len(lines))
    book = zipfile.ZipFile(io.BytesIO(person.get(f"/export.xlsx?{query}").content))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<row ") == len(lines) + 1
    assert "<f>" not in sheet


@both
def test_training_data_has_labels_and_no_names(person: Person) -> None:
    shown = ids(person.see("/"))
    person.decide(shown[0], "relevant")
    person.decide(shown[1], "not-relevant:other-meaning")
    person.decide(shown[2], "unsure")
    text = person.see("/export/training.jsonl")
    lines = [json.loads(line) for line in text.splitlines()]
    assert {(line["id"], line["label"]) for line in lines} == {(shown[0], 1), (shown[1], 0)}
    assert all(line["text"] and line["signals"] for line in lines)
    assert 'reviewer"' not in text


@both
def test_near_duplicates_stand_together_with_their_outlets(person: Person) -> None:
    page = person.see("/")
    assert "more outlet" in page or "Kökjiek" in page
    assert len(ids(page)) < 30


def test_an_entry_shows_few_names_and_how_many_more_there_are(person: Person) -> None:
    page = person.see("/?queue=all&grade=flagged")
    for entry in page.split('<article class="entry"')[1:]:
        chips = re.findall(r'<a class="chip[^"]*" href="/\?queue=all&amp;(\w+)=', entry)
        assert chips.count("place") <= 5
        assert len(chips) - chips.count("place") - chips.count("theme") <= 5
    assert '<details class="filters">' in person.see("/?theme=protest"), "a filter does not push the list off the screen"


def test_labels_that_tie_to_the_country_come_first() -> None:
    span = Span("text", 0, 4, "Text", "protest_act", "r", "s", 3.0, anchor="p7")
    places = tuple(f"p{number}" for number in range(9))
    flagging = Flagging(7.0, 6.0, True, False, ("protest",), (*places, "n1", "n2"), places, (), (span,), (), "1")
    entry = entries(Page((an_item(flagging=flagging),), None))[0]
    assert entry.places == ("p7", "p0", "p1", "p2", "p3")
    assert entry.entities == ("n1", "n2")
    assert entry.more == 4


@both
def test_the_item_page_tells_everything(person: Person) -> None:
    page = person.see("/item/1")
    for told in (
        "Why it is here",
        "kz.strike",
        "Sum (flagged from 6)",
        "said by the feed",
        "download as received",
        "Carried by",
        "Versions",
    ):
        assert told in page
    assert re.search(r'<mark class="given" id="s\d+-\d+"[^>]*>', page)
    assert "UTC · 2026-11-22" in page


def test_a_sentence_far_down_a_long_article_is_shown_above_it_with_the_way_to_it() -> None:
    text = "Погода.\nЯсно.\nТихо.\nВ Алматы прошёл митинг."
    begin = text.index("митинг")
    span = Span("text", begin, begin + 6, "митинг", "rally", rule="r", signal="s", points=3.0)
    flagging = Flagging(3.0, 1.0, True, False, (), (), (), (), (span,), (), "1")
    far = far_down(evidence("Заголовок", text, flagging), paragraphs(text, [span]))
    assert far is not None
    assert far.paragraph == 4
    assert "".join(piece.text for piece in far.evidence.pieces) == "В Алматы прошёл митинг."
    near = "В Алматы прошёл митинг.\nЯсно."
    there = replace(span, start=near.index("митинг"), end=near.index("митинг") + 6)
    held = replace(flagging, spans=(there,))
    assert far_down(evidence("Заголовок", near, held), paragraphs(near, [there])) is None
    assert far_down(None, []) is None


def test_the_reasons_stand_before_the_names_on_the_items_page(person: Person) -> None:
    page = person.see(f"/item/{ids(person.see('/'))[0]}")
    assert 0 < page.index('class="addends"') < page.index('class="chips labels"')


def test_versions_are_compared_word_by_word(person: Person) -> None:
    from review.pages.item import word_changes

    assert list(word_changes("ten people came", "twelve people came")) == [
        ("left", "ten"),
        ("came", "twelve"),
        ("same", " people came"),
    ]
    assert person.get("/item/1/diff?before=1&after=9").status_code == 404
    assert person.get("/item/1/diff").status_code == 422


@both
@pytest.mark.parametrize(
    "path", ["/item/999999", "/item/0", "/item/99999999999999999999", "/capture/999", "/sources/none", "/rules/no.such.rule"]
)
def test_an_unknown_id_is_told(person: Person, path: str) -> None:
    answer = person.get(path)
    assert answer.status_code == 404
    assert "<h1>Not there</h1>" in answer.text
