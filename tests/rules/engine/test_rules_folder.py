"""A wrong folder is refused with file, line and key; a right one is compiled once and kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_rulebook import LEXICON, RULEBOOK, RULES, Folder

from domain.errors import ConfigError
from rules.engine import russian
from rules.engine.rulebook import load_rulebook

OTHER = RULES.replace("id: protest\n", "id: p\n")
BACKWARDS = "  from: 2022-02-01\n  until: 2022-01-01\n"
BROKEN = {
    "an unknown key": ("entities/a.yaml", "- {id: x, type: city, names: {en: [X]}, colour: red}", "colour"),
    "an unknown type": ("entities/a.yaml", "- {id: x, type: planet, names: {en: [X]}}", "type"),
    "a number for a name": ("entities/a.yaml", "- {id: x, type: city, names: {en: [405]}}", "names.en[0]"),
    "a truth value for a name": ("entities/a.yaml", "- {id: x, type: city, names: {en: [true]}}", "names.en[0]"),
    "an empty name": ("entities/a.yaml", '- {id: x, type: city, names: {en: [" "]}}', "names.en[0]"),
    "a name without a letter": ("entities/a.yaml", '- {id: x, type: city, names: {en: ["—"]}}', "names.en[0]"),
    "no name": ("entities/a.yaml", "- {id: x, type: city, names: {en: []}}", "names"),
    "a name given twice": ("entities/a.yaml", "- {id: x, type: city, names: {en: [X, X]}}", "names.en[1]"),
    "an unknown language": ("entities/a.yaml", "- {id: x, type: city, names: {fr: [X]}}", "fr"),
    "an id used before": ("entities/b.yaml", "- {id: almaty, type: city, names: {en: [X]}}", "id"),
    "a parent that is not there": ("entities/a.yaml", "- {id: x, type: city, part_of: nowhere, names: {en: [X]}}", "part_of"),
    "a Wikidata id without its source": ("entities/a.yaml", "- {id: x, type: city, wikidata: Q1, names: {en: [X]}}", "wikidata"),
    "surnames of a town": ("entities/a.yaml", "- {id: x, type: city, names: {en: [X]}, surnames: {en: [Y]}}", "surnames"),
    "a flag that is none": ("lexicon/b.yaml", '- {id: x, en: ["run:q"]}', "en[0]"),
    "an empty headword": ("lexicon/b.yaml", '- {id: x, en: [""]}', "en[0]"),
    "headwords in no language": ("lexicon/b.yaml", "- {id: x, tags: [y]}", "id"),
    "a shadow without a decoy": ("lexicon/b.yaml", "- {id: x, en: [run], shadow_for: [act]}", "shadow_for"),
    "an unknown tag": ("rules/b.yaml", OTHER.replace("[protest_act]", "[protst_act]"), "any"),
    "an unknown tag in with": ("rules/b.yaml", OTHER.replace("[police]", "[polic]"), "with"),
    "points that are no quarter": ("rules/b.yaml", OTHER.replace("points: 3", "points: 3.1"), "points"),
    "points as text": ("rules/b.yaml", OTHER.replace("points: 3", "points: three"), "points"),
    "a penalty that rewards": ("rules/b.yaml", OTHER.replace("points: -2", "points: 2"), "points"),
    "another country's anchor": ("rules/b.yaml", OTHER.replace("anchor: kz", "anchor: fr"), "anchor"),
    "a window that ends first": ("rules/b.yaml", OTHER.replace("  theme", f"{BACKWARDS}  theme"), "until"),
    "an example in two languages": ("rules/b.yaml", OTHER.replace('{en: "The', '{ru: x, en: "The'), "ignore"),
    "a mapping for a list": ("rules/b.yaml", "id: x", ""),
    "an alias of YAML": ("lexicon/b.yaml", "- {id: x, en: [&a run, *a]}", "en"),
    "a key given twice": ("lexicon/b.yaml", "- id: x\n  id: y\n  en: [run]", "id"),
    "no country": ("rulebook.yaml", "name: X\nlanguages: [en]\n", "country"),
    "a weight above one": ("rulebook.yaml", RULEBOOK + "anchors: {head: 7}\n", "anchors.head"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_wrong_folder_is_refused_with_file_line_and_key(folder: Folder, what: str) -> None:
    name, text, key = BROKEN[what]
    path = folder.write(name, text)
    with pytest.raises(ConfigError) as refused:
        folder.load()
    assert refused.value.file == str(path)
    assert refused.value.line >= 1
    assert key in refused.value.key


def test_a_misspelt_tag_is_answered_with_the_likely_one(folder: Folder) -> None:
    folder.write("rules/all.yaml", RULES.replace("[police]", "[polise]"))
    with pytest.raises(ConfigError, match="did you mean 'police'"):
        folder.load()


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such rules folder"):
        load_rulebook(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"no rulebook\.yaml"):
        load_rulebook(tmp_path)


def test_a_yaml_bomb_is_refused(folder: Folder) -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{b}: &{b} [*{a},*{a},*{a},*{a},*{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    folder.write("lexicon/bomb.yaml", bomb)
    with pytest.raises(ConfigError):
        folder.load()
    folder.write("lexicon/bomb.yaml", "[" * 100_000)
    with pytest.raises(ConfigError):
        folder.load()


def test_a_refused_edit_leaves_the_rulebook_in_force_as_it_was(folder: Folder) -> None:
    in_force = folder.load()
    before = in_force.flag(title="", text="Police watched a protest in Almaty.", language="en")
    folder.write("rules/all.yaml", "- {id: broken}")
    with pytest.raises(ConfigError):
        folder.load()
    assert in_force.flag(title="", text="Police watched a protest in Almaty.", language="en") == before


def test_the_compiled_form_is_kept_and_gives_the_same_verdicts(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    first = folder.load(cache)

    def no_compiling() -> None:
        raise AssertionError("the cache was not used")

    monkeypatch.setattr(russian, "_morph", no_compiling)
    second = folder.load(cache)
    assert second.definitions == first.definitions
    for text in (
        "Police watched a protest in Almaty.",
        "Жанболата Мамая задержали на митинге в Алма-Ате.",
        "Алматыда митингіге шықты.",
    ):
        assert second.flag(title="", text=text) == first.flag(title="", text=text)


def test_a_changed_file_changes_the_version_and_is_compiled_anew(folder: Folder, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = folder.load(cache)
    folder.write("lexicon/all.yaml", LEXICON.replace('"sit-in:n"', '"sit-in:n", "march:n"'))
    second = folder.load(cache)
    assert second.version != first.version
    assert second.flag(title="", text="Police watched marches in Almaty.", language="en").flagged


@pytest.mark.parametrize("damage", [b"", b"SHOLURULES\n", b"\x80\x04K\x01."])
def test_a_damaged_cache_is_made_anew(folder: Folder, tmp_path: Path, damage: bytes) -> None:
    cache = tmp_path / "cache"
    version = folder.load(cache).version
    (kept,) = cache.glob("rules-*.zst")
    whole = kept.read_bytes()
    for body in (damage, whole[: len(whole) // 2], whole[:-9] + b"123456789"):
        kept.write_bytes(body)
        assert folder.load(cache).version == version
        assert kept.read_bytes() == whole


def test_a_cache_that_cannot_be_written_only_costs_time(folder: Folder, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert folder.load(blocked).rules


def test_a_folder_far_larger_than_a_person_writes_is_refused_unread(folder: Folder) -> None:
    for number in range(3):
        folder.write(f"lexicon/big{number}.yaml", "# " + "x" * 1_900_000)
    with pytest.raises(ConfigError, match="larger than"):
        folder.load()


def test_more_names_than_can_be_compiled_in_time_are_refused(folder: Folder) -> None:
    path = folder.write("lexicon/many.yaml", "- {id: x, en: [" + ",".join(f"a{number}" for number in range(60_001)) + "]}")
    with pytest.raises(ConfigError, match="more than 60,000") as refused:
        folder.load()
    assert refused.value.file == str(path)
