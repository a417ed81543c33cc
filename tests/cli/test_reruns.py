"""`sholu reflag`, `sholu reextract` and `sholu rules try`: dry first, then so; a person's decision stays; a wrong name is no "0 items"."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from domain.settings import Settings
from storage.store import open_store
from storage.verdicts import Ballot, Decision, decide
from tests.cli.conftest import Shell

NOW = datetime(2026, 11, 22, 7, tzinfo=UTC)


def asked(settings: Settings, question: str) -> list[tuple[object, ...]]:
    with closing(open_store(settings.database)) as store, store.begin() as connection:
        return [tuple(row) for row in connection.execute(text(question))]


def grades(settings: Settings) -> dict[object, object]:
    return dict(asked(settings, "SELECT title, grade FROM items"))  # type: ignore[arg-type]


def now_quiet_days_count(settings: Settings) -> None:
    """Edit the rules: a rally is no longer enough, a quiet day is."""
    lexicon = settings.rules / "lexicon" / "acts.yaml"
    lexicon.write_text('- id: act\n  tags: [protest_act]\n  en: ["quiet day"]\n', encoding="utf-8")
    rule = settings.rules / "rules" / "protest.yaml"
    rule.write_text(
        rule.read_text(encoding="utf-8").replace("A rally was held in Almaty.", "A quiet day in Almaty."), encoding="utf-8"
    )


def test_reflag_says_first_and_does_then_and_once(sholu: Shell, filled: Settings) -> None:
    before = grades(filled)
    now_quiet_days_count(filled)
    dry = sholu("reflag", "--json")
    assert dry.code == 0
    *changes, sums = dry.rows
    assert {(each["title"], each["before"], each["after"]) for each in changes} == {
        ("Rally in Almaty", "flagged", "clear"),
        ("Quiet day in Almaty", "clear", "flagged"),
    }
    gained = next(each for each in changes if each["after"] == "flagged")
    assert "Quiet day" in gained["words"]
    assert (sums["judged"], sums["gained"], sums["lost"], sums["dry_run"]) == (3, 1, 1, True)
    assert grades(filled) == before
    done = sholu("reflag", "--apply")
    assert (done.code, "1 became flagged, 1 no longer are" in done.out) == (0, True), done
    assert grades(filled) == {"Rally in Almaty": 0, "Quiet day in Almaty": 2, "Weather report": 0}
    again = sholu("reflag", "--apply")
    assert "Nothing to do" in again.out
    assert sholu("verify").code == 0
    assert sholu("db", "check").code == 0


def test_what_a_person_decided_stays_when_the_rules_think_otherwise(sholu: Shell, filled: Settings) -> None:
    (item,) = asked(filled, "SELECT id FROM items WHERE title = 'Rally in Almaty'")
    with closing(open_store(filled.database)) as store:
        decide(store, Ballot((int(str(item[0])),), "aigul", Decision.RELEVANT), now=NOW)
    decided = asked(filled, "SELECT * FROM verdicts")
    now_quiet_days_count(filled)
    shown = sholu("reflag", "--apply")
    assert "relevant" in shown.out
    assert asked(filled, "SELECT * FROM verdicts") == decided
    assert asked(filled, "SELECT review FROM items WHERE title = 'Rally in Almaty'") == [("relevant",)]


def test_a_source_or_a_date_is_kept_to(sholu: Shell, filled: Settings) -> None:
    now_quiet_days_count(filled)
    assert sholu("reflag", "--source", "two", "--json").rows[-1]["judged"] == 1
    assert sholu("reflag", "--until", "2026-11-22", "--json").rows[-1]["judged"] == 0
    assert sholu("reflag", "--language", "en", "--since", "2026-11-22", "--json").rows[-1]["judged"] == 3


@pytest.mark.parametrize("command", ["reflag", "reextract"])
def test_a_source_or_language_that_is_none_is_refused_with_the_nearest_one(sholu: Shell, command: str) -> None:
    said = sholu(command, "--source", "oen")
    assert (said.code, said.out) == (2, "")
    assert "'oen'; did you mean one?" in said.complaint
    said = sholu(command, "--language", "klingon")
    assert said.code == 2
    assert "en, ru, kk, kk-Latn" in said.complaint
    said = sholu(command, "--since", "yesterday")
    assert said.code == 2
    assert "2026-11-22" in said.complaint


def test_reextract_of_pages_that_read_the_same_changes_nothing(sholu: Shell, filled: Settings) -> None:
    before = asked(filled, "SELECT * FROM item_versions ORDER BY id")
    for words in (["reextract"], ["reextract", "--apply"]):
        said = sholu(*words)
        assert said.code == 0
        assert "3 stored pages read again: 3 say the same" in said.out
    assert asked(filled, "SELECT * FROM item_versions ORDER BY id") == before


def test_reextract_mends_a_text_that_was_read_badly_and_keeps_the_bad_one(sholu: Shell, filled: Settings) -> None:
    with closing(open_store(filled.database)) as store, store.begin() as connection:
        connection.execute(text("UPDATE item_versions SET text = 'Cut off.', sha256 = 'cut' WHERE title = 'Rally in Almaty'"))
    dry = sholu("reextract")
    assert "1 would get a new version" in dry.out
    assert asked(filled, "SELECT count(*) FROM item_versions") == [(3,)]
    assert sholu("reextract", "--apply").code == 0
    assert asked(filled, "SELECT count(*) FROM item_versions") == [(4,)]
    newest = asked(
        filled,
        "SELECT v.text FROM item_versions v JOIN items i ON v.item_id = i.id WHERE i.title = 'Rally in Almaty' ORDER BY v.number",
    )
    assert [str(each[0])[:8] for each in newest] == ["Cut off.", "A rally "]


def test_an_edit_of_the_rules_is_tried_before_it_is_saved(sholu: Shell, filled: Settings, tmp_path: Path) -> None:
    edit = tmp_path / "acts.yaml"
    edit.write_text('- id: act\n  tags: [protest_act]\n  en: ["protest:nv", rally, "quiet day"]\n', encoding="utf-8")
    said = sholu("rules", "try", str(edit))
    assert said.code == 0
    assert "1 newly flagged, 0 no longer; 2 flagged in all, 1 before." in said.out
    assert grades(filled)["Quiet day in Almaty"] == 0
    edit.write_text("- id: act\n  tags: [protest_act]\n  en: [rally\n", encoding="utf-8")
    said = sholu("rules", "try", str(edit))
    assert said.code == 2
    assert "acts.yaml:" in said.complaint
    assert sholu("rules", "try", "nowhere.yaml").code == 2
