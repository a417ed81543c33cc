"""Why something is marked, in the reader's language: whatever the rules say of a text has words in Russian and in Kazakh."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ConfigError
from domain.values import Flagging, Span
from domain.yamlfile import load_yaml
from review.names import load_titles
from review.reasons import FACTOR, Teller, beside
from review.wording import say
from tests.review.conftest import Person
from tests.review.press import RULES

LATIN = re.compile("[A-Za-z]")
# Rules and signals that nobody has translated yet, of all: a new signal may wait a little, not for ever.
UNTRANSLATED = 0.2


def teller(language: str) -> Teller:
    return Teller(partial(say, language), lambda _: "Ы", lambda _: "Ы")


@pytest.fixture(scope="module")
def flaggings(rulebook: Any) -> list[Flagging]:
    """What the rules say of their own examples."""
    examples = [
        (language, example.get("title", ""), text)
        for path in sorted((RULES / "rules").glob("*.yaml"))
        for rule in load_yaml(path).data
        for example in (*rule.get("flag", ()), *rule.get("ignore", ()))
        for language, text in example.items()
        if language in {"en", "ru", "kk", "kk-Latn"}
    ]
    return [
        rulebook.flag(title=title, text=text, language=language, published=None, source_country=country)
        for place, (language, title, text) in enumerate(examples)
        for country in (("KZ", None)[place % 2],)
    ]


def accounts(flaggings: list[Flagging]) -> set[str]:
    return {span.why for one in flaggings for span in one.spans} | {
        part.why for one in flaggings for ruling in one.rulings for part in ruling.parts
    }


@pytest.mark.parametrize("language", ["ru", "kk"])
def test_no_english_is_left_in_an_account_of_the_rules(flaggings: list[Flagging], language: str) -> None:
    said = {why: teller(language).why(why, {}) for why in accounts(flaggings)}
    assert len(said) > 100
    assert {why: told for why, told in said.items() if LATIN.search(told)} == {}


def test_an_account_is_said_in_full() -> None:
    why = "in the title; with strong_crowd, wage in 12 words; anchored by aktau in a sentence before; ×0.85; occurrence 2, counts less"
    told = Teller(partial(say, "en"), {"aktau": "Aktau", "wage": "wage"}.__getitem__, str).why(why, {"strong_crowd": "workers"})
    assert told == (
        "in the title; with “workers”, wage in 12 words; tied to the country by Aktau, in a sentence before; ×0.85; occurrence 2, counts less"
    )


def test_what_another_program_wrote_is_shown_as_it_stands() -> None:
    assert teller("ru").why("since it was so; in the title", {}) == "since it was so; в заголовке"
    assert teller("ru").why("", {}) == ""


def test_the_factor_is_the_only_part_without_words() -> None:
    assert FACTOR.fullmatch(teller("kk").why("×0.85", {}))


def test_of_several_words_the_nearest_is_said() -> None:
    trigger = Span("text", 50, 55, "митинг", "protest_act", "r", "s", 3.0)
    company = [
        Span("text", at, at + 3, f"w{at}", "police", rule, "s", why=why)
        for at, rule, why in (
            (0, "r", "stands with it"),
            (60, "r", "stands with it"),
            (52, "other", "stands with it"),
            (51, "r", ""),
        )
    ]
    assert beside(trigger, [*company, trigger]) == {"police": "w60"}


def names() -> Iterator[tuple[str, str]]:
    for path in sorted((RULES / "rules").glob("*.yaml")):
        for rule in load_yaml(path).data:
            yield "rule", rule["id"]
            for signal in (*rule.get("signals", ()), *rule.get("penalties", ())):
                yield "signal", signal["name"]


def test_rules_and_signals_have_titles_in_the_three_languages() -> None:
    rules, signals = load_titles(RULES)
    known = {("rule", one) for one, said in rules.items() if set(said) == {"en", "ru", "kk"}}
    known |= {("signal", one) for one, said in signals.items() if {"ru", "kk"} <= set(said)}
    there = set(names())
    assert len(there - known) <= UNTRANSLATED * len(there), sorted(there - known)
    assert len(known - there) <= UNTRANSLATED * len(there), sorted(known - there)


@pytest.mark.parametrize(
    "written", ["rules: {}", "rules: {}\nsignals: []", "rules: {a: b}\nsignals: {}", "rules: {}\nsignals: {a: {de: x}}", "- a"]
)
def test_titles_that_are_none_are_refused_with_their_place(tmp_path: Path, written: str) -> None:
    (tmp_path / "titles.yaml").write_text(written, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"titles\.yaml"):
        load_titles(tmp_path)


def test_a_folder_of_rules_without_titles_is_shown_as_it_is(tmp_path: Path) -> None:
    assert load_titles(tmp_path) == ({}, {})


@pytest.mark.parametrize(
    ("language", "told"),
    [("ru", ("забастовка в стране", "к стране привязывает Жанаозен")), ("kk", ("елдегі ереуіл", "елге байлайтын — Жаңаөзен"))],
)
def test_an_item_is_explained_in_the_readers_language(person: Person, language: str, told: tuple[str, ...]) -> None:
    person.browser.cookies.set("sholu_language", language)
    why = person.see("/item/1").partition('<section class="card">')[2].partition("</section>")[0]
    for words in told:
        assert words in why
    for english in ("a strike in the country", "in the sentence", "anchored"):
        assert english not in why
    assert told[0] in person.see("/rules/kz.strike")
