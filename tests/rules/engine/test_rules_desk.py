"""What an analyst asks of the rules: check, explain, forms, examples, and a stream of documents."""

from __future__ import annotations

import json

import pytest
from small_rulebook import ENTITIES, RULES, Folder

from rules.engine.checking import check_rulebook
from rules.engine.examples import try_examples
from rules.engine.explaining import explain, forms_of
from rules.engine.rulebook import Rulebook
from rules.engine.stream import flag_lines


def test_the_examples_of_the_rules_are_run(folder: Folder) -> None:
    folder.write(
        "rules/all.yaml",
        RULES + '  todo: [{en: "They sat down in Almaty.", why: no word for it}, {en: "Police watched a rally in Almaty."}]\n',
    )
    tried = try_examples(folder.load())
    assert [(one.right, one.example.known_miss) for one in tried] == [(True, False), (True, False), (False, True), (True, True)]
    report = check_rulebook(folder.load())
    assert report.passed
    assert [one.example.text for one in report.todo] == ["They sat down in Almaty."]
    assert [one.example.text for one in report.mended] == ["Police watched a rally in Almaty."]


def test_an_example_that_comes_out_wrong_fails_the_check_and_says_why(folder: Folder) -> None:
    folder.write("rules/all.yaml", RULES.replace("The car rally reached Almaty", "Police watched the rally in Almaty"))
    report = check_rulebook(folder.load())
    assert not report.passed
    assert report.failed[0].said == "flagged by protest (5 of 4)"
    assert report.failed[0].example.line > 0


def test_an_example_of_a_dated_rule_is_of_its_window(folder: Folder) -> None:
    folder.write("rules/all.yaml", RULES.replace("  threshold: 4", "  threshold: 4\n  from: 2022-01-02\n  until: 2022-01-31"))
    assert check_rulebook(folder.load()).passed


def test_dangerous_names_are_pointed_out_with_file_and_line(folder: Folder) -> None:
    extra = """
- {id: alga, type: party, names: {ru: [Союз], en: [Hope], kk: [Аманат]}}
- {id: short, type: city, names: {en: [Oyl]}}
- {id: twin, type: city, names: {en: [Zhanaozen]}}
- {id: guarded, type: city, names: {en: [{text: Bay, only: capitalised-and-anchored}]}}
"""
    path = folder.write("entities/all.yaml", ENTITIES + extra)
    dangers = check_rulebook(folder.load()).dangers
    said = {(danger.kind, danger.message.split(" ")[0]) for danger in dangers if danger.file == str(path)}
    assert {("common", "'Союз'"), ("common", "'Hope'"), ("short", "'Oyl'"), ("shared", "'zhanaozen'")} <= said
    assert not any("Bay" in danger.message for danger in dangers)
    assert all(danger.line > 1 for danger in dangers)


def test_a_rule_without_an_example_in_a_language_is_pointed_out(folder: Folder) -> None:
    said = [danger.message for danger in check_rulebook(folder.load()).dangers if danger.kind == "silent"]
    assert said == [
        "protest has no `flag` example in ru, kk: add one",
        "protest has no `ignore` example in ru, kk: add one",
        "protest has no `todo` example in en, ru, kk: add one",
    ]


def test_an_explanation_tells_what_was_hidden_and_what_stayed_silent(rulebook: Rulebook) -> None:
    told = explain(rulebook, title="", text="The car rally left Almaty, Mamay said.", language="en")
    hidden = {match.text: match.hidden_by for match in told.matches}
    assert hidden["rally"] == "motor"
    assert hidden["Mamay"] == ""
    assert told.silent == (("protest", "none of its triggers stands in the document"),)
    match = next(match for match in told.matches if match.term == "almaty")
    assert (match.alias, match.language, match.entity) == ("Almaty", "en", True)


@pytest.mark.parametrize(
    ("word", "language", "forms"),
    [
        ("protest:nv", "en", {"protest", "protests", "protested", "protesting"}),
        ("strike:v", "en", {"strike", "strikes", "struck", "stricken", "striking"}),
        ("ban:v", "en", {"ban", "bans", "banned", "banning"}),
        ("picket:v", "en", {"picket", "pickets", "picketed", "picketing"}),
        ("take to the streets:v", "en", {"take to the streets", "took to the streets", "taking to the streets"}),
        ("hunger strike:n", "en", {"hunger strike", "hunger strikes"}),
        ("митинг", "ru", {"митинг", "митинга", "митингам", "митингах"}),
        ("Токаев", "ru, as a name", {"токаев", "токаева", "токаеву", "токаевым", "токаеве"}),
        ("ереуіл", "kk (sample)", {"ереуіл", "ереуілдер", "ереуілге", "ереуілдің", "ереуілі"}),
        ("шығу:v", "kk (sample)", {"шықты", "шығады", "шыққан"}),
    ],
)
def test_the_forms_of_a_headword_can_be_seen(word: str, language: str, forms: set[str]) -> None:
    assert forms <= set(forms_of(word)[language])


def test_flags_of_russian_words_narrow_the_forms() -> None:
    assert "собрание" not in forms_of("беспорядки:p")["ru"]
    assert "беспорядок" not in forms_of("беспорядки:p")["ru"]
    assert "беспорядками" in forms_of("беспорядки:p")["ru"]
    assert "арестовать" not in forms_of("арест:n")["ru"]
    assert forms_of("суд:x")["ru"] == ("суд",)


LINES = [
    json.dumps({"id": "a", "title": "", "text": "Police watched a protest in Almaty.", "lang": "en"}),
    "{not json",
    json.dumps([1, 2]),
    json.dumps({"id": "b", "text": 5}),
    json.dumps({"id": "c"}),
    json.dumps({"id": "d", "title": "Protest in Almaty", "text": None, "published": "yesterday"}),
    "",
    json.dumps(
        {"id": "e", "title": "Митинг в Алматы, полиция", "published": "2022-01-05T10:00:00+06:00", "source_country": "KZ"}
    ),
    '{"id": "f", "text": "\\ud800 protest in Almaty"}',
    "[" * 100_000,
    b'{"id": "g", "text": "\xff"}',
]


def expected(answers: list[dict[str, object]]) -> None:
    assert [answer.get("id") for answer in answers if "error" not in answer] == ["a", "e", "f"]
    assert [(answer["line"], answer.get("id")) for answer in answers if "error" in answer] == [
        (2, None), (3, None), (4, None), (5, None), (6, "d"), (10, None), (11, None),
    ]  # fmt: skip
    assert answers[0]["flagged"] is True
    assert answers[0]["spans"]


def test_a_stream_keeps_its_order_and_answers_bad_lines(rulebook: Rulebook) -> None:
    answers = [json.loads(line) for line in flag_lines(LINES, rulebook)]
    expected(answers)
    assert [json.loads(line.encode()) for line in flag_lines(iter(LINES), rulebook)] == answers


def test_a_stream_is_the_same_with_several_workers(rulebook: Rulebook) -> None:
    many = [*LINES, *(json.dumps({"id": number, "text": "A protest in Almaty"}) for number in range(200))]
    assert list(flag_lines(many, rulebook, workers=2)) == list(flag_lines(many, rulebook))
