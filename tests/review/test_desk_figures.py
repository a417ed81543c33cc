"""Rules at work, agreement, recall, pictures, sources' health, trying a rule: the figures and where they come from."""

from __future__ import annotations

import re
import warnings
import xml.etree.ElementTree as ET
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance
from sqlalchemy import text

from domain.errors import ConfigError
from domain.phrases import plural_form
from domain.settings import HOUSE
from domain.values import SourceState
from domain.yamlfile import load_yaml
from review import pictures, wording
from review.agreement import alpha_of
from review.pages.health import source_state
from review.pages.rules_at_work import worth
from review.pictures import Estimate, Tile
from review.trial import TRIED_FILE, prepare, try_rules
from storage import samples, statistics
from storage.samples import recall_of, wilson
from storage.sources import PollState
from storage.statistics import Tally
from storage.store import Store
from storage.texts import newest_documents
from tests.review.conftest import NOW, Clock, Person, both
from tests.review.press import RULES, SOURCES


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Summaries are made at once, however slow the machine is."""
    monkeypatch.setattr(statistics, "CHEAP", 1_000.0)


def test_the_interval_is_wilsons() -> None:
    # Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for good, total, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        found = wilson(good, total)
        assert (round(found[0], 4), round(found[1], 4)) == (low, high)
    assert wilson(0, 0) == (0.0, 1.0)


def test_recall_counts_what_the_sample_says_hides_in_the_rest() -> None:
    found = recall_of(caught=90, judged=100, missed=2, frame=1_000)
    assert found is not None
    assert round(found.value, 3) == round(90 / (90 + 20), 3)
    assert found.low < found.value < found.high
    perfect = recall_of(caught=90, judged=100, missed=0, frame=1_000)
    assert perfect is not None
    assert perfect.value == 1.0
    assert perfect.low < 0.8  # nothing missed among a hundred does not mean nothing missed among a thousand
    assert recall_of(caught=90, judged=0, missed=0, frame=1_000) is None


def test_alpha_is_that_of_krippendorff() -> None:
    # Krippendorff 2011, the binary data of two observers and ten units: alpha 0.095.
    a, b = "0100000000", "1110010100"
    rows = [([int(x) + int(y), 2 - int(x) - int(y), 0], 1) for x, y in zip(a, b, strict=True)]
    found = alpha_of(rows)
    assert found is not None
    assert round(found, 3) == 0.095
    assert alpha_of([([2, 0, 0], 5)]) is None
    assert alpha_of([]) is None


def test_a_rule_is_proposed_for_demotion_by_its_lower_bound() -> None:
    def said(relevant: int, wrong: int) -> bool:
        return worth(Tally("r", 10, relevant, wrong, 0, 0, 0, 0)).demote

    assert said(3, 7)
    assert said(5, 5)
    assert not said(95, 5)
    assert not said(1, 1)  # too few verdicts to say anything
    assert said(8, 4)
    assert not said(40, 10)


@both
def test_rules_at_work_count_what_people_said(person: Person, store: Store, clock: Clock) -> None:
    page = person.see("/?queue=all&rule=kz.strike&grade=flagged")
    items = [int(one) for one in re.findall(r'<article class="entry" id="e(\d+)"', page)]
    person.decide(items[0], "relevant")
    for tally in statistics.summary(store, now=clock()).rules:
        if tally.name == "kz.strike":
            assert (tally.flagged, tally.relevant, tally.not_relevant) == (3, 1, 0)
    person.send("/undo")
    person.decide(items[0], "not-relevant:sport")
    strike = next(one for one in statistics.summary(store, now=clock()).rules if one.name == "kz.strike")
    assert (strike.relevant, strike.not_relevant) == (0, 1)
    assert "kz.strike" in person.see("/rules")
    rule = person.see("/rules/kz.strike")
    assert "rules/protest.yaml" in rule or "protest.yaml" in rule
    false_alarms = rule.partition("Its false alarms")[2].partition("</section>")[0]
    assert f"/item/{items[0]}" in false_alarms


@both
def test_the_summary_is_kept_and_made_again_when_something_changed(person: Person, store: Store, clock: Clock) -> None:
    first = statistics.summary(store, now=clock())
    clock.pass_by(60)
    assert statistics.summary(store, now=clock()).at == first.at
    person.decide(1, "relevant")
    assert statistics.summary(store, now=clock()).at == clock()


@both
def test_agreement_counts_only_what_was_judged_blind(anna_and_bolat: tuple[Person, Person], store: Store, clock: Clock) -> None:
    anna, bolat = anna_and_bolat
    for item, (one, other) in {1: ("relevant", "relevant"), 2: ("relevant", "unsure"), 13: ("unsure", "unsure")}.items():
        anna.decide(item, one)
        bolat.decide(item, other, blind="1")
    counted = statistics.summary(store, now=clock())
    assert sorted(counted.agreement) == [(0, 0, 2, 1), (1, 0, 1, 1), (2, 0, 0, 1)]
    assert counted.disputed == 1
    assert "Krippendorff" in anna.see("/second")


@both
def test_a_blind_sample_is_drawn_from_what_was_not_flagged_and_gives_recall(person: Person, store: Store, clock: Clock) -> None:
    person.send("/blind/draw", page="/blind", size="20", days="30")
    drawn = samples.list_samples(store)[0]
    with store.read() as connection:
        grades = set(connection.exec_driver_sql("SELECT i.grade FROM sample_items s JOIN items i ON i.id = s.item_id").scalars())
    assert grades <= {0, 1}
    assert drawn.size == drawn.frame <= 20
    judged = 0
    while (following := samples.next_in_samples(store, "reviewer")) is not None:
        page = person.see("/blind")
        assert "<mark" not in page
        assert "Why it is here" not in page
        decision = "relevant" if judged == 0 else "not-relevant:other"
        person.decide(following.item_id, decision, place="blind", blind="1", sample=str(following.sample_id))
        judged += 1
    assert judged == drawn.size
    with store.read() as connection:
        flagged = list(connection.exec_driver_sql("SELECT id FROM items WHERE grade = 2 LIMIT 3").scalars())
    person.decide(flagged, "relevant")
    found = samples.recall(store)
    assert found is not None
    assert (found.caught, found.judged, found.missed) == (3, drawn.size, 1)
    assert round(found.value, 4) == 0.75
    assert "75 %" in person.see("/blind")


@both
def test_a_sample_can_be_drawn_again_from_its_seed(store: Store) -> None:
    def drawn(seed: int) -> list[int]:
        made = samples.draw(
            store, size=5, since=NOW - timedelta(days=30), until=NOW, by="x", now=NOW + timedelta(seconds=next(ticks)), seed=seed
        )
        with store.read() as connection:
            asked = text("SELECT item_id FROM sample_items WHERE sample_id = :made ORDER BY place")
            return list(connection.execute(asked, {"made": made}).scalars())

    ticks = iter(range(9))
    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


@both
def test_every_picture_is_svg_without_style_or_script_and_has_its_table(person: Person) -> None:
    for name in ("days", "regions", "outlets", "quality"):
        svg = person.get(f"/pictures/{name}.svg?days=30")
        ET.fromstring(svg.content)
        assert "style=" not in svg.text
        assert "<script" not in svg.text
        assert svg.headers["content-type"].startswith("image/svg+xml")
        assert person.get(f"/pictures/{name}.csv?days=7").text.count("\n") >= 1
    page = person.see("/pictures")
    assert page.count("<table") >= 4
    assert page.count("<svg") == 4


def test_bars_add_up_and_names_are_escaped() -> None:
    days = [date(2026, 11, 1), date(2026, 11, 2)]
    svg = pictures.bars(days, {"<b>": [1, 2], "c": [3, 0]}, title="<script>", names={"<b>": "<b>"})
    ET.fromstring(svg)
    assert "<script>" not in svg
    assert svg.count("<rect") == 3


def test_the_map_has_seventeen_regions_and_three_cities_each_on_a_place_of_its_own(person: Person) -> None:
    from review.names import load_map

    tiles = load_map(RULES)
    assert len(tiles) == 20
    assert len({(one["column"], one["row"]) for one in tiles}) == 20
    with_cities = [one["code"] for one in tiles]
    assert {"KZ-71", "KZ-75", "KZ-79"} <= set(with_cities)
    assert all(set(one["name"]) == {"en", "ru", "kk"} for one in tiles)
    svg = pictures.tiles([Tile("KZ-75", 0, 0, "A", "Almaty")], {"KZ-75": 3}, title="t", link="/?region=")
    assert 'href="/?region=KZ-75"' in svg
    assert 'font-size="13"' in svg


def test_a_long_name_on_the_map_is_written_smaller() -> None:
    eleven, ten = (pictures.tiles([Tile("X", 0, 0, "Ж" * letters, "X")], {}, title="t", link="/") for letters in (11, 10))
    assert 'font-size="10.9"' in eleven
    assert 'font-size="11.9"' in ten


def test_the_names_of_a_grid_s_rows_have_room_and_long_ones_of_columns_are_smaller() -> None:
    svg = ET.fromstring(pictures.grid(["шетелден жұмыс істейтін"], ["қазақ (латын)"], {}, title="t"))
    column, row = (
        one for one in svg.iter("{http://www.w3.org/2000/svg}text") if one.text in ("шетелден жұмыс істейтін", "қазақ (латын)")
    )
    assert float(row.get("x", 0)) >= 0.67 * 12 * len("шетелден жұмыс істейтін")
    assert float(column.get("font-size", 0)) * 0.67 * len("қазақ (латын)") <= 92


def test_lines_take_no_points_and_one_point() -> None:
    for points in ([], [Estimate("a", 0.5, 0.2, 0.8)]):
        ET.fromstring(pictures.lines({"p": points}, ["a", "b"], title="t", names={}))


@pytest.mark.parametrize(("most", "top"), [(0, 4), (3, 4), (5, 10), (11, 20), (21, 40), (399, 400), (401, 1000)])
def test_an_axis_ends_above_the_greatest(most: int, top: int) -> None:
    assert pictures.nice_ceiling(most) == top


def test_a_source_is_judged_by_its_own_rhythm() -> None:
    source = SOURCES[1]  # once a day

    def said(listed: bool = True, **given: Any) -> str:
        return source_state(source, PollState(source.id, **given) if given else None, listed=listed, now=NOW)

    polled = {"last_polled": NOW, "last_ok": NOW}
    assert said() == "never"
    assert said(**polled, last_new=NOW - timedelta(hours=70)) == "ok"
    assert said(**polled, last_new=NOW - timedelta(hours=73)) == "quiet"
    assert said(**polled) == "quiet"
    assert said(**polled, last_new=NOW, failures=1) == "stumbling"
    assert said(**polled, last_new=NOW, failures=3) == "failing"
    assert said(listed=False, **polled) == "left"
    assert source.state is not SourceState.DEAD


@both
def test_the_page_of_sources_tells_what_each_gives(person: Person) -> None:
    page = person.see("/sources")
    assert "Dala Habar" in page
    assert "Nothing was missed" in page
    one = person.see("/sources/dala")
    assert "https://dala.example/feed.xml" in one
    assert "in use" in one


RULE = """
id: kz.tried
theme: protest
threshold: 2
signals:
  - {name: rally, any: [protest_act], points: 3}
flag: [{en: "A rally was held in Almaty."}]
"""


@both
def test_rules_are_tried_on_the_newest_items_first(store: Store) -> None:
    told = list(newest_documents(store, limit=7, batch=3))
    with store.read() as connection:
        newest = connection.execute(text("SELECT id, title FROM items ORDER BY id DESC LIMIT 7")).tuples().all()
    assert [(one["id"], one["title"]) for one in told] == list(newest)
    assert all(one["text"] and one["published"] and one["country"] == "KZ" for one in told)


@pytest.mark.slow
def test_a_rule_is_tried_on_what_is_stored_and_nothing_is_saved(person: Person, home: Path) -> None:
    before = {path: path.read_bytes() for path in RULES.rglob("*.yaml")}
    answer = person.send("/try", page="/try", pasted=RULE)
    assert answer.status_code == 200, answer.text[-3000:]
    assert re.search(r"<b>4\d</b>items looked at", answer.text)
    assert {path: path.read_bytes() for path in RULES.rglob("*.yaml")} == before


@pytest.mark.parametrize(
    ("pasted", "said"),
    [("a: [", "pasted"), ("- just words", "each with an id"), ("", "nothing was pasted"), ("x" * 60_001, "at most 60,000")],
)
def test_yaml_that_is_no_rule_is_refused_with_its_place(home: Path, tmp_path: Path, pasted: str, said: str) -> None:
    whole = not pasted or len(pasted) > 100
    database = f"sqlite:///{home / 'sholu.db'}"
    trial = (
        partial(try_rules, pasted, rules=RULES, database=database)
        if whole
        else partial(prepare, pasted, RULES, tmp_path / "copy")
    )
    with pytest.raises(ConfigError, match=said):
        trial()


def test_a_tried_rule_takes_the_place_of_the_one_of_its_id(tmp_path: Path) -> None:
    ids, replaced = prepare(RULE.replace("kz.tried", "kz.strike"), RULES, tmp_path / "copy")
    assert ids == replaced == ("kz.strike",)
    left = [one["id"] for path in (tmp_path / "copy" / "rules").glob("*.yaml") for one in load_yaml(path).data]
    assert left.count("kz.strike") == 1
    assert load_yaml(tmp_path / "copy" / "rules" / TRIED_FILE).data[0]["threshold"] == 2


def test_the_three_languages_say_the_same_things() -> None:
    catalogues = {language: wording.catalogue(language) for language in wording.LANGUAGES}
    keys = {language: set(found) for language, found in catalogues.items()}
    assert keys["en"] == keys["ru"] == keys["kk"]
    for key in keys["en"]:
        fields = set()
        for language, found in catalogues.items():
            phrase = found[key]
            forms = [phrase] if isinstance(phrase, str) else list(phrase.values())
            assert all(form.strip() for form in forms), (language, key)
            fields.add(frozenset(re.findall(r"\{(\w+)\}", " ".join(forms))))
            if not isinstance(phrase, str):
                assert set(phrase) == ({"one", "few", "many", "other"} if language == "ru" else {"one", "other"})
        assert len(fields) == 1, key


def test_every_phrase_a_page_asks_for_exists() -> None:
    known = set(wording.catalogue("en"))
    for template in (HOUSE / "review" / "templates").glob("*.html"):
        for key in re.findall(r"t\('([a-z0-9._-]+)'[,)]", template.read_text(encoding="utf-8")):
            assert key in known, f"{template.name}: {key}"


@pytest.mark.parametrize(
    ("number", "form"), [(1, "one"), (2, "few"), (5, "many"), (11, "many"), (12, "many"), (21, "one"), (22, "few"), (111, "many")]
)
def test_russian_plurals(number: int, form: str) -> None:
    assert plural_form("ru", number) == form


@pytest.mark.parametrize(
    ("accept", "language"), [("kk-KZ,ru;q=0.8", "kk"), ("de, ru;q=0.5, en;q=0.4", "ru"), ("", "en"), ("x;q=y", "en")]
)
def test_the_browsers_language_is_spoken(accept: str, language: str) -> None:
    assert wording.pick_language(None, accept) == language


@both
def test_the_api_keeps_to_its_own_description(desk: FastAPI) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schema = schemathesis.openapi.from_asgi("/api/openapi.json", desk, headers={"host": "localhost"})
        operations = [found.ok() for found in schema.get_all_operations()]
        assert len(operations) == 4
        for operation in operations:

            @settings(
                max_examples=25, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
            )
            @given(case=operation.as_strategy())
            def check(case: Any) -> None:
                # What a schema cannot say (a first day after the last, a place beyond the list) is refused although it fits.
                case.call_and_validate(headers={"host": "localhost"}, excluded_checks=[positive_data_acceptance])

            check()
