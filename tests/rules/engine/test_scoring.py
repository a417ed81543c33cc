"""A score is the sum of its shown parts; company, titles, repeats, penalties and windows count as written."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_rulebook import Folder

from domain.codec import flagging_from_plain, flagging_to_plain
from domain.errors import ConfigError
from rules.engine.rulebook import Rulebook

WORDS = st.sampled_from(
    [
        "protest",
        "rallied",
        "police",
        "in Almaty",
        "in Bishkek",
        "match",
        "car rally",
        "Oral",
        ". ",
        "\n",
        "митинг",
        "Жанаозене",
        "Мамай",
        "Kazakhstan",
    ]
)


def rules(*signals: str, more: str = "", threshold: float = 6) -> str:
    body = "\n".join(f"    - {{{signal}}}" for signal in signals)
    return f"- id: r\n  theme: protest\n  threshold: {threshold}\n  signals:\n{body}\n{more}"


def score(folder: Folder, text: str, *, title: str = "", **given: object) -> float:
    flagging = folder.load().flag(title=title, text=text, language="en", **given)  # type: ignore[arg-type]
    return flagging.score


def test_a_lone_word_does_not_flag_and_company_does(rulebook: Rulebook) -> None:
    lone = rulebook.flag(title="", text="A protest began in Almaty.", language="en")
    both = rulebook.flag(title="", text="Police watched a protest in Almaty.", language="en")
    assert (lone.flagged, lone.near_miss, lone.score) == (False, True, 3)
    assert (both.flagged, both.score, both.themes, both.places, both.regions) == (True, 5, ("protest",), ("almaty",), ("KZ-75",))


def test_company_in_another_sentence_is_none(rulebook: Rulebook) -> None:
    assert rulebook.flag(title="", text="A protest in Almaty. The police came.", language="en").score == 3


def test_a_decoy_hides_what_lies_inside_it(rulebook: Rulebook) -> None:
    assert rulebook.flag(title="", text="Police closed Almaty for the car rally.", language="en").score == 0
    assert rulebook.flag(title="", text="В Алматы прокурор внёс протест прокурора, полиция.", language="ru").score == 0


def test_what_stands_in_the_title_counts_double(rulebook: Rulebook) -> None:
    assert rulebook.flag(title="Protest in Almaty", text="", language="en").score == 6
    assert rulebook.flag(title="Protest in Almaty", text="", language="en").threshold == 5


def test_repeats_count_less_and_end_at_the_cap(folder: Folder) -> None:
    folder.write("rules/all.yaml", rules("name: act, any: [act], points: 4"))
    assert score(folder, "A protest.") == 4
    assert score(folder, "A protest. A rally.") == 6
    assert score(folder, "A protest. A rally. Protests. Rallies. Protest.") == 7.75
    folder.write("rules/all.yaml", rules("name: act, any: [act], points: 4, cap: 5"))
    assert score(folder, "A protest. A rally. Protests.") == 5
    folder.write("rules/all.yaml", rules("name: act, any: [act], points: 4, once: true"))
    assert score(folder, "A protest. A rally. Protests.") == 4


def test_two_words_of_one_sentence_count_once(folder: Folder) -> None:
    folder.write("rules/all.yaml", rules("name: act, any: [act], points: 4"))
    assert score(folder, "A protest, a rally, a strike of protests.") == 4


@pytest.mark.parametrize(
    ("within", "text", "expected"),
    [
        ("sentence", "Protest. Police.", 0),
        ("paragraph", "Protest. Police.", 4),
        ("paragraph", "Protest.\nPolice.", 0),
        ("document", "Protest.\nPolice.", 4),
        ("3", "Protest one two police", 4),
        ("2", "Protest one two police", 0),
    ],
)
def test_within_reaches_as_far_as_it_says(folder: Folder, within: str, text: str, expected: float) -> None:
    folder.write("rules/all.yaml", rules(f"name: both, any: [act], with: [police], within: {within}, points: 4"))
    assert score(folder, text) == expected


def test_and_with_needs_a_third_and_no_word_serves_twice(folder: Folder) -> None:
    folder.write("rules/all.yaml", rules("name: three, any: [act], with: [police], and_with: [watched], points: 4"))
    assert score(folder, "Police at a protest.") == 0
    assert score(folder, "Police at a protest near Almaty.") == 4
    folder.write("rules/all.yaml", rules("name: two, any: [act], with: [protest_act], points: 4"))
    assert score(folder, "A protest.") == 0


def test_not_with_and_penalties(folder: Folder) -> None:
    folder.write("rules/all.yaml", rules("name: a, any: [act], not_with: [sport], points: 4"))
    assert score(folder, "A protest at the match.") == 0
    assert score(folder, "A protest. A match.") == 4
    folder.write(
        "rules/all.yaml",
        rules("name: a, any: [act], points: 4", more="  penalties:\n    - {name: s, any: [sport], points: -1.5}\n"),
    )
    assert score(folder, "A protest at the match. Another match.") == 2.5


def test_a_dated_rule_holds_only_in_its_window(folder: Folder) -> None:
    folder.write("rules/all.yaml", rules("name: a, any: [act], points: 6", more="  from: 2022-01-02\n  until: 2022-01-31\n"))
    assert score(folder, "A protest.") == 0
    assert score(folder, "A protest.", published=date(2022, 1, 31)) == 6
    assert score(folder, "A protest.", published=datetime(2022, 2, 1, 0, 1, tzinfo=UTC)) == 0


def test_title_only_signals_and_requirements(folder: Folder) -> None:
    folder.write("rules/all.yaml", rules("name: a, any: [act], title: true, points: 3", more="  requires: [police]\n"))
    assert score(folder, "The police came, and there was a protest.") == 0
    assert score(folder, "The police came to see it, said a man.", title="Protest") == 6
    assert score(folder, "Nobody came to see it at all, said a man.", title="Protest") == 0


def test_a_rule_of_some_languages_is_silent_in_the_others(folder: Folder) -> None:
    folder.write("rules/all.yaml", rules("name: a, any: [act], points: 3", more="  languages: [ru, kk]\n"))
    book = folder.load()
    assert book.flag(title="", text="Митинг в городе, сказал мэр.", language="ru").score == 3
    assert book.flag(title="", text="A protest began.", language="en").score == 0
    folder.write("rules/all.yaml", rules("name: a, any: [act], points: 3", more="  languages: [de]\n"))
    with pytest.raises(ConfigError, match="languages"):
        folder.load()


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, max_size=25), st.lists(WORDS, max_size=6), st.sampled_from(["KZ", "KG", None]))
def test_every_flag_explains_itself(rulebook: Rulebook, words: list[str], title: list[str], country: str | None) -> None:
    text, head = " ".join(words), " ".join(title)
    flagging = rulebook.flag(title=head, text=text, language=None, source_country=country)
    for span in flagging.spans:
        assert {"title": head, "text": text}[span.field][span.start : span.end] == span.text
    for ruling in flagging.rulings:
        assert ruling.score == sum(part.points for part in ruling.parts)
        assert all(part.spans and max(part.spans) < len(flagging.spans) for part in ruling.parts)
        for part in ruling.parts:
            assert flagging.spans[part.spans[0]].points == part.points
            assert flagging.spans[part.spans[0]].signal == part.signal
    assert flagging.flagged == any(ruling.flagged for ruling in flagging.rulings)
    assert flagging == rulebook.flag(title=head, text=text, language=None, source_country=country)
    assert flagging_from_plain(flagging_to_plain(flagging)) == flagging


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300), st.text(max_size=60), st.sampled_from(["en", "ru", "kk", "kk-Latn", "ky", "xx", None]))
def test_no_text_breaks_the_engine(rulebook: Rulebook, text: str, title: str, language: str | None) -> None:
    flagging = rulebook.flag(title=title, text=text, language=language)
    assert all({"title": title, "text": text}[span.field][span.start : span.end] == span.text for span in flagging.spans)
