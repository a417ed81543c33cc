"""Commands that only look: `sholu items`, `rules explain | forms | check`, `flag`, `doctor`, and what they say to a slip of the hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Shell, Site


def test_items_are_listed_for_people_and_for_programs(sholu: Shell) -> None:
    assert "Rally in Almaty" in sholu("items").out
    (flagged,) = sholu("items", "--flagged", "--json").rows
    assert (flagged["title"], flagged["flagged"], flagged["themes"]) == ("Rally in Almaty", True, ["protest"])
    assert "rally" in {span["text"].lower() for span in flagged["spans"]}
    for span in flagged["spans"]:
        held = flagged["title"] if span["field"] == "title" else flagged["text"]
        assert held[span["start"] : span["end"]] == span["text"]
    assert [each["source"] for each in sholu("items", "--json", "--source", "two").rows] == ["two"]
    assert len(sholu("items", "--json", "--limit", "2").rows) == 2


def test_a_list_that_is_empty_says_why(sholu: Shell) -> None:
    assert sholu("items", "--near-miss").out == "No item is like that."
    said = sholu("items", "--source", "tow")
    assert said.code == 2
    assert "did you mean two?" in said.complaint


def test_a_stored_item_a_file_and_a_text_are_explained_alike(sholu: Shell, tmp_path: Path) -> None:
    (flagged,) = sholu("items", "--flagged", "--json").rows
    by_id = sholu("rules", "explain", str(flagged["id"]), "--json")
    assert by_id.rows[0]["flagging"]["score"] == flagged["score"]
    file = tmp_path / "text.txt"
    file.write_text("Rally in Almaty\nPeople came.", encoding="utf-8")
    assert sholu("rules", "explain", str(file)).out.startswith("FLAGGED: 6 of 3 points; themes: protest")
    assert sholu("rules", "explain", "A rally was held in Paris.").out.startswith("not flagged")


def test_a_file_that_is_not_there_is_said_to_be_none(sholu: Shell) -> None:
    said = sholu("rules", "explain", "notes/missing.txt")
    assert "notes/missing.txt is no file here" in said.complaint
    said = sholu("rules", "explain", "999")
    assert said.code == 4
    assert "no item 999" in said.complaint
    said = sholu("flag", "missing.jsonl")
    assert said.code == 2
    assert "missing.jsonl" in said.complaint


@pytest.mark.parametrize("word", ["", "  ", ":v"])
def test_the_forms_of_no_word_are_not_a_fault_of_the_program(sholu: Shell, word: str) -> None:
    said = sholu("rules", "forms", word)
    assert said.code == 2
    assert "is no word" in said.complaint


def test_the_forms_of_a_word_are_shown_in_each_language(sholu: Shell) -> None:
    assert "protested" in sholu("rules", "forms", "protest:nv").out
    (forms,) = sholu("rules", "forms", "митинг", "--json").rows
    assert "митингам" in forms["ru"]
    assert "act" in forms["found as"]


def test_the_rules_are_checked_and_a_wrong_example_is_named_with_its_line(sholu: Shell, rules: Path) -> None:
    assert "2 examples, 0 wrong" in sholu("rules", "check").out
    rule = rules / "rules" / "protest.yaml"
    rule.write_text(rule.read_text(encoding="utf-8").replace("held in Paris", "held in Astana and Almaty"), encoding="utf-8")
    said = sholu("rules", "check")
    assert said.code == 1
    assert "protest.yaml:8" in said.out


def test_documents_on_standard_input_are_flagged_in_their_order(sholu: Shell) -> None:
    given = [
        {"id": "a", "title": "", "text": "A rally was held in Almaty."},
        {"id": "b", "title": "", "text": "A rally was held in Paris."},
        {"id": "c", "title": "Митинг в Алматы", "text": "", "lang": "ru"},
    ]
    said = sholu("flag", "-", given="".join(json.dumps(each, ensure_ascii=False) + "\n" for each in given))
    assert [(each["id"], each["flagged"]) for each in said.rows] == [("a", True), ("b", False), ("c", True)]
    said = sholu("flag", "-", "--workers", "2", given='{"id": 1\n{"id": 2, "text": "A rally in Almaty"}\n[]\n\n')
    assert said.code == 1
    assert [each.get("flagged") for each in said.rows][:2] == [None, True]
    assert "line 1" in said.rows[0]["error"]


def test_the_doctor_looks_at_everything_and_names_what_needs_mending(sholu: Shell, rules: Path) -> None:
    assert sholu("doctor").code == 0
    (rules / "rules" / "protest.yaml").write_text("- id: x\n  thme: protest\n", encoding="utf-8")
    said = sholu("doctor")
    assert said.code == 1
    assert "thme" in said.out


def test_a_terminal_that_knows_no_cyrillic_is_spoken_to_all_the_same(sholu: Shell) -> None:
    said = sholu("rules", "explain", "Алматыда митинг өтті.", PYTHONUTF8="0", PYTHONIOENCODING="koi8-r")
    assert said.code == 0
    assert said.out.startswith("FLAGGED: 3 of 3 points")


def test_a_slip_on_the_command_line_is_answered_with_a_sentence(sholu: Shell, site: Site) -> None:
    for words, sentence in (
        (["run", "--source", "oen"], "did you mean one?"),
        (["sources", "check", "oen"], "did you mean one?"),
        (["sources", "import", "none.opml"], "none.opml"),
        (["digest", "--date", "2026-13-40"], "2026-13-40"),
        (["digest", "--to", "nobody"], "nobody"),
        (["recheck", "--source", "oen"], "did you mean one?"),
    ):
        said = sholu(*words)
        assert (said.code, sentence in said.complaint) == (2, True), (words, said)
    before = site.asked.total()
    assert sholu("restore", "none.db").code != 0
    assert sholu("evidence", "999").code != 0
    assert site.asked.total() == before
