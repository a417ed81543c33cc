"""The rules of Kazakhstan as data: their examples hold, their traps hold, and no list of words has lost a language."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from rules.engine.examples import try_examples
from rules.engine.rulebook import Rulebook, load_rulebook
from tests.conftest import HOUSE

FOLDER = HOUSE / "rules" / "kazakhstan"
LANGUAGES = ("en", "ru", "kk")
MOST_TODO_TRAPS = 3
TRAPS: list[dict[str, Any]] = [
    trap for file in sorted((FOLDER / "traps").glob("*.yaml")) for trap in yaml.safe_load(file.read_text(encoding="utf-8"))
]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Rulebook:
    return load_rulebook(FOLDER, tmp_path_factory.mktemp("rulebook"))


def flagged(book: Rulebook, trap: dict[str, Any]) -> bool:
    headline = trap.get("title") is True
    return book.flag(
        title=trap["text"] if headline else "",
        text="" if headline else trap["text"],
        language=None,
        published=None,
        source_country=trap.get("source_country"),
    ).flagged


def test_every_example_of_every_rule_holds(book: Rulebook) -> None:
    wrong = [
        f"{one.rule}: {one.example.title} {one.example.text} — {one.said}"
        for one in try_examples(book)
        if not one.right and not one.example.known_miss
    ]
    assert wrong == []


def test_a_known_miss_that_is_mended_is_moved_among_the_examples(book: Rulebook) -> None:
    mended = [f"{one.rule}: {one.example.text}" for one in try_examples(book) if one.right and one.example.known_miss]
    assert mended == []


@pytest.mark.parametrize("rule", ["kz.protest", "kz.repression", "kz.reform"])
def test_the_three_main_rules_have_ten_examples_each_way_in_all_languages(book: Rulebook, rule: str) -> None:
    (one,) = [each for each in book.definitions.rules if each.id == rule]
    for expect in ("flag", "ignore"):
        counted = Counter(each.language[:2] for each in one.examples if each.expect == expect and not each.known_miss)
        assert counted.total() >= 10
        assert set(counted) == set(LANGUAGES)


def test_every_rule_shows_what_it_flags_ignores_and_misses_in_all_three_languages(book: Rulebook) -> None:
    for rule in book.definitions.rules:
        for kind in ("flag", "ignore", "todo"):
            spoken = {each.language[:2] for each in rule.examples if ("todo" if each.known_miss else each.expect) == kind}
            lacking = set(rule.languages or LANGUAGES) - spoken
            assert not lacking, f"{rule.id} has no {kind} example in {lacking}"


def test_a_topic_has_words_in_all_three_languages(book: Rulebook) -> None:
    alone = {
        "rally_word",
        "strike_word",
        "decoy_maslikhat",
        "decoy_cheer",
        "market",
    }
    lacking = {
        entry.id: sorted(set(LANGUAGES) - set(entry.words))
        for entry in book.definitions.lexicon
        if entry.id not in alone and not entry.id.startswith("kk_") and not set(LANGUAGES) <= set(entry.words)
    }
    assert lacking == {}


def test_the_desk_has_a_russian_and_a_kazakh_title_for_every_signal(book: Rulebook) -> None:
    titles = yaml.safe_load((FOLDER / "titles.yaml").read_text(encoding="utf-8"))["signals"]
    named = {signal.name for rule in book.definitions.rules for signal in (*rule.signals, *rule.penalties)}
    assert sorted(name for name in named if not {"ru", "kk"} <= titles.get(name, {}).keys()) == []
    assert sorted(set(titles) - named) == []


def test_there_are_at_least_two_hundred_traps_of_our_own() -> None:
    assert len(TRAPS) >= 200
    assert len({trap["text"] for trap in TRAPS}) == len(TRAPS)
    assert {trap["lang"] for trap in TRAPS} == {"en", "ru", "kk", "ky"}


@pytest.mark.parametrize("language", ["en", "ru", "kk", "ky"])
def test_traps_are_not_fallen_into(book: Rulebook, language: str) -> None:
    fallen = [
        f"{'not ' if trap['flag'] else ''}flagged: {trap['text']} ({trap['why']})"
        for trap in TRAPS
        if trap["lang"] == language and not trap.get("todo") and flagged(book, trap) != trap["flag"]
    ]
    assert fallen == []


def test_few_traps_are_left_to_do() -> None:
    assert sum(bool(trap.get("todo")) for trap in TRAPS) <= MOST_TODO_TRAPS


def test_a_flag_is_the_sum_of_what_it_shows(book: Rulebook) -> None:
    flagging = book.flag(
        title="Protest in Shymkent",
        text="Dozens of residents rallied in Shymkent on Friday, demanding housing. Police detained two activists.",
        language="en",
        published=None,
        source_country=None,
    )
    assert flagging.flagged
    assert set(flagging.themes) >= {"protest", "repression"}
    assert "KZ-79" in flagging.regions
    for ruling in flagging.rulings:
        assert ruling.score == sum(part.points for part in ruling.parts)


def test_a_headline_of_a_kazakh_outlet_may_flag_without_a_place(book: Rulebook) -> None:
    said = {
        country: book.flag(
            title="Многодетные матери вышли на митинг", text="", language="ru", published=None, source_country=country
        )
        for country in (None, "KZ")
    }
    assert not said[None].flagged
    assert said["KZ"].flagged


def test_weak_words_count_only_within_their_window(book: Rulebook) -> None:
    from datetime import UTC, datetime

    def flag(year: int, month: int) -> bool:
        return book.flag(
            title="Troops leave Almaty",
            text="",
            language="en",
            published=datetime(year, month, 12, tzinfo=UTC),
            source_country=None,
        ).flagged

    assert flag(2022, 1)
    assert not flag(2023, 1)


FALSE_HITS = [
    ("үкім", "Үкімет отырысында үкіметтік емес ұйымдар сөз болды."),
    ("атом", "Решением акимата и акиматом города парк закрыт."),
    ("ралли", "Экипаж выиграл ралли под Актау."),
    ("протест прокурора", "Прокурор Актобе внёс протест, протест прокурора удовлетворён."),
]


@pytest.mark.parametrize(("word", "text"), FALSE_HITS, ids=[word for word, _ in FALSE_HITS])
def test_a_word_is_not_found_inside_another(book: Rulebook, word: str, text: str) -> None:
    page = book.read("", text, None)
    found = [one for one in page.occurrences if not one.hidden_by and not one.entry.decoy and not one.entry.is_entity]
    telling = {"protest_act", "protest_weak", "rally_word", "election_strong"} | ({"justice"} if word == "үкім" else set())
    assert not [text[one.start : one.end] for one in found if telling & set(one.entry.terms)]


def test_the_folder_is_data_only() -> None:
    assert [path for path in Path(FOLDER).rglob("*") if path.is_file() and path.suffix not in {".yaml", ".md"}] == []
